"""scripts/setup on machines made of a PATH: what it asks for, and what it never does."""

import shutil
import subprocess
import sys

import pytest

TOOLS = ("sh awk basename cat cksum cp cut date df dirname env grep head id ls mkdir mktemp mv rm "
         "sed sleep sort tail touch tr uname flock").split()
# Writes down how it was called; `apt-get install` makes what was missing appear.
RECORDER = """#!/bin/sh
echo "$(basename "$0") $* [${DEBIAN_FRONTEND:-} ${https_proxy:-}]" >>"$CALLS"
"""


class Machine:
    """A PATH with the tools that every Debian has, and what a test adds."""

    def __init__(self, folder, root):
        self.folder, self.root = folder, root
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.calls = folder / "calls"
        self.env = {"PATH": str(self.bin), "HOME": str(folder / "home"),
                    "CALLS": str(self.calls), "BIN": str(self.bin)}
        for name in TOOLS:
            self.link(name)

    def link(self, *names):
        for name in names:
            (self.bin / name).symlink_to(shutil.which(name))

    def add(self, name, text=""):
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(RECORDER + text)
        path.chmod(0o755)

    def user(self):
        self.add("id", "echo 1000\n")

    def setup(self, *parts, **env):
        return subprocess.run(["/bin/sh", str(self.root / "scripts/setup"), *parts],
                              env={**self.env, **env}, capture_output=True, text=True, timeout=60)

    def called(self, name):
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [line for line in lines if line.split()[0] == name]


@pytest.fixture
def machine(tmp_path, root):
    return Machine(tmp_path, root)


def complete(machine):
    """Everything that the build needs is there."""
    for name in ("gcc", "as", "make", "meson", "ninja", "pkg-config", "python3", "gnuplot"):
        machine.add(name)
    machine.add("fc-list", "echo DejaVu Sans\n")


def test_nothing_missing_installs_nothing(machine):
    complete(machine)
    machine.add("apt-get")
    done = machine.setup("build")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "setup: ready: build\n"
    assert machine.called("apt-get") == []


def test_root_installs_only_what_is_missing(machine):
    complete(machine)
    (machine.bin / "gnuplot").unlink()
    machine.add("id", "echo 0\n")
    machine.add("apt-get", 'case $1 in install) cp "$BIN/make" "$BIN/gnuplot" ;; esac\n')
    done = machine.setup("build")
    assert done.returncode == 0, done.stderr
    assert "setup: installing: gnuplot-nox" in done.stdout
    update, install = machine.called("apt-get")
    assert update.startswith("apt-get update")
    assert "install -y --no-install-recommends" in install and "gnuplot-nox [non" in install
    assert "DPkg::Lock::Timeout=" in install and "gcc" not in install


def test_the_library_of_the_fuzzer(machine):
    """clang alone does not link it."""
    complete(machine)
    machine.add("clang", '[ -e "$BIN/libFuzzer" ] || exit 1\n')
    machine.add("id", "echo 0\n")
    machine.add("apt-get", 'case $1 in install) : >"$BIN/libFuzzer" ;; esac\n')
    for said in ("setup: installing: clang libclang-rt-dev", "setup: ready: build fuzz\n"):
        done = machine.setup("build", "fuzz")
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    assert len([call for call in machine.called("apt-get") if "install" in call]) == 1


def test_a_font_for_japanese_is_wanted(machine):
    complete(machine)
    machine.add("fc-list", '[ "$1" = :lang=ja ] && [ ! -e "$BIN/cjk" ] || echo DejaVu Sans\n')
    machine.add("id", "echo 0\n")
    machine.add("apt-get", 'case $1 in install) : >"$BIN/cjk" ;; esac\n')
    done = machine.setup("build")
    assert done.returncode == 0, done.stderr
    assert "setup: installing: fonts-droid-fallback" in done.stdout


def test_a_font_for_japanese_on_amazon_linux(machine):
    """google-droid-sans-fonts has it; where it cannot be had, the rest works all the same."""
    complete(machine)
    machine.add("fc-list", '[ "$1" = :lang=ja ] && [ ! -e "$BIN/cjk" ] || echo DejaVu Sans\n')
    machine.add("id", "echo 0\n")
    machine.add("dnf")
    done = machine.setup("build")
    assert done.returncode == 0, done.stderr
    assert "no font here has Japanese" in done.stdout
    machine.add("dnf", ': >"$BIN/cjk"\n')
    done = machine.setup("build")
    assert done.returncode == 0, done.stderr
    assert "setup: installing: google-droid-sans-fonts" in done.stdout
    assert "no font here has Japanese" not in done.stdout


def test_without_root_the_line_for_an_administrator(machine):
    complete(machine)
    (machine.bin / "meson").unlink()
    machine.user()
    machine.add("apt-get")
    machine.add("sudo", "exit 1\n")
    done = machine.setup("build")
    assert done.returncode == 1
    assert ("sudo apt-get update && sudo apt-get install -y --no-install-recommends meson"
            in done.stderr)
    assert machine.called("apt-get") == []


def test_sudo_asks_nothing_and_is_given_the_proxy(machine):
    complete(machine)
    (machine.bin / "meson").unlink()
    machine.user()
    machine.add("sudo", 'shift; [ "$1" != true ] || exit 0; exec env -i PATH="$PATH" '
                        'CALLS="$CALLS" BIN="$BIN" "$@"\n')
    machine.add("apt-get", 'case $1 in install) cp "$BIN/make" "$BIN/meson" ;; esac\n')
    done = machine.setup("build", https_proxy="http://proxy:3128")
    assert done.returncode == 0, done.stderr
    assert all("[noninteractive http://proxy:3128]" in line
               for line in machine.called("apt-get"))
    assert all(line.startswith("sudo -n ") for line in machine.called("sudo"))


def test_waits_while_the_package_lists_are_locked(machine):
    complete(machine)
    (machine.bin / "meson").unlink()
    machine.add("id", "echo 0\n")
    machine.add("sleep")
    machine.add("apt-get", """
case $1 in
update) [ -e "$BIN/tried" ] || { : >"$BIN/tried"; echo 'E: Could not get lock' >&2; exit 100; } ;;
install) cp "$BIN/make" "$BIN/meson" ;;
esac
""")
    done = machine.setup("build")
    assert done.returncode == 0, done.stderr
    assert "waiting" in done.stdout
    assert len(machine.called("apt-get")) == 3 and len(machine.called("sleep")) == 1


def test_a_failed_install_says_so(machine):
    complete(machine)
    (machine.bin / "meson").unlink()
    machine.add("id", "echo 0\n")
    machine.add("apt-get", 'case $1 in install) echo "E: no such package" >&2; exit 100 ;; esac\n')
    done = machine.setup("build")
    assert done.returncode == 1
    assert "E: no such package" in done.stderr and "By hand: sudo apt-get" in done.stderr


def test_unknown_part(machine):
    done = machine.setup("everything")
    assert done.returncode == 1 and "no such part: everything" in done.stderr


# ---- the engine

FAKE_PYTHON = """
case "$*" in
*find_spec*) [ -e "$(dirname "$0")/vllm" ]; exit ;;
*metadata*) echo 9.9.9; exit ;;
*"-m venv"*)
    for last; do :; done
    mkdir -p "$last/bin"; cp "$0" "$last/bin/python"; echo "#!$last/bin/python" >"$last/bin/tool"
    : >"$last/pyvenv.cfg" ;;
*"-m pip install"*)
    case " ${PIP_FAILS:-none} " in *" any "*) echo 'pip: no network' >&2; exit 1 ;; esac
    : >"$(dirname "$0")/vllm" ;;
esac
"""


def with_python(machine):
    complete(machine)
    machine.add("python3", FAKE_PYTHON)
    machine.add("g++")
    return machine.folder / "home/.local/share/inferbench"


def test_a_vllm_that_is_there_is_used(machine):
    home = with_python(machine)
    other = machine.folder / "own/bin/python"
    other.parent.mkdir(parents=True)
    shutil.copy(machine.bin / "python3", other)
    (other.parent / "vllm").touch()
    done = machine.setup("engine", VIRTUAL_ENV=str(machine.folder / "own"))
    assert done.returncode == 0, done.stderr
    assert f"vLLM 9.9.9 in {other}" in done.stdout
    assert not home.exists()


def test_cpu_engine_is_made_and_then_found(machine):
    home = with_python(machine)
    done = machine.setup("engine", INFERBENCH_ENGINE="cpu")
    assert done.returncode == 0, done.stderr
    assert (home / "venv/bin/vllm").exists() and not (home / "venv.partial").exists()
    assert (home / "venv/bin/tool").read_text() == f"#!{home}/venv/bin/python\n"
    before = len(machine.called("python"))
    again = machine.setup("engine", INFERBENCH_ENGINE="cpu")
    assert f"vLLM 9.9.9 in {home}/venv/bin/python" in again.stdout
    assert not [line for line in machine.called("python")[before:] if "pip" in line]


def test_nvidia_gets_plain_vllm(machine):
    with_python(machine)
    machine.add("nvidia-smi", "echo GPU 0: NVIDIA A10G\n")
    machine.add("df", 'echo header; echo "/dev/x 1 1 99999999 1% /"\n')
    done = machine.setup("engine")
    assert done.returncode == 0, done.stderr
    installs = [line for line in machine.called("python") if "pip install" in line]
    assert len(installs) == 1 and " vllm [" in installs[0]


def test_pip_failure_leaves_no_half_environment(machine):
    home = with_python(machine)
    done = machine.setup("engine", INFERBENCH_ENGINE="cpu", PIP_FAILS="any")
    assert done.returncode == 1
    assert "pip: no network" in done.stderr and "pip failed" in done.stderr
    assert not (home / "venv").exists() and not (home / "venv.partial").exists()


def test_full_disk_is_seen_before_the_download(machine):
    home = with_python(machine)
    machine.add("df", 'echo header; echo "/dev/x 9 9 102400 99% /"\n')
    done = machine.setup("engine", INFERBENCH_ENGINE="cpu")
    assert done.returncode == 1
    assert "5000 MB" in done.stderr and "100 MB free" in done.stderr
    assert "INFERBENCH_HOME" in done.stderr
    assert not (home / "venv.partial").exists()
    assert not [line for line in machine.called("python") if "pip" in line]


def test_inferbench_home_moves_the_environment(machine):
    with_python(machine)
    moved = machine.folder / "big disk"
    done = machine.setup("engine", INFERBENCH_ENGINE="cpu", INFERBENCH_HOME=str(moved))
    assert done.returncode == 0, done.stderr
    assert (moved / "venv/bin/python").exists()


def test_the_search_for_vllm_leaves_nothing_and_follows_nothing(root, tmp_path):
    """No file of a known name in a folder of everybody; nothing of the current folder is run."""
    python = tmp_path / "env/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    everybody, mark = tmp_path / "tmp", tmp_path / "PWNED"
    everybody.mkdir()
    (everybody / "importlib").mkdir()
    for name in ("importlib/__init__", "sys", "os", "re"):
        (everybody / f"{name}.py").write_text(f"open({str(mark)!r}, 'w')\n")
    script = (f'ln -s "{tmp_path}/victim" "$TMPDIR/inferbench-pythons.$$"; exec sh -c \''
              f'root={root}; me=x; . {root}/scripts/common.sh; find_vllm\'')
    (tmp_path / "victim").write_text("precious")
    done = subprocess.run(["sh", "-c", script], cwd=everybody, capture_output=True, text=True,
                          timeout=60, env={"PATH": "/usr/bin:/bin", "TMPDIR": str(everybody),
                                           "HOME": str(tmp_path), "VIRTUAL_ENV": str(tmp_path / "env")})
    assert done.stderr == ""
    assert (tmp_path / "victim").read_text() == "precious"
    assert not mark.exists()
    folder = everybody / "vllm-here"
    (folder / "vllm").mkdir(parents=True)
    (folder / "vllm/__init__.py").write_text("")
    done = subprocess.run(["sh", "-c", script], cwd=everybody, capture_output=True, text=True,
                          timeout=60, env={"PATH": "/usr/bin:/bin", "TMPDIR": "/no/such/folder",
                                           "HOME": str(tmp_path), "PYTHONPATH": str(folder),
                                           "VIRTUAL_ENV": str(tmp_path / "env")})
    assert done.stdout == f"{python}\n", done.stderr


def test_the_real_machine_has_what_it_needs(root):
    """After scripts/test set everything up, a second look finds nothing to do."""
    done = subprocess.run([root / "scripts/setup", "build", "test"], capture_output=True,
                          text=True, timeout=60)
    assert done.stdout == "setup: ready: build test\n", done.stdout + done.stderr
