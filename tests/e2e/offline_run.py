"""What the tests of `inferbench offline` share: running it, finding and reading its files."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

NULL = ["offline", "--engine", "null", "--no-imds"]


def files_of(folder, mode="offline"):
    """Paths of the one run in a folder, and what stands in them."""
    folder = Path(folder)
    found = SimpleNamespace(folder=folder)
    for name, pattern in (("results", f"{mode}_results_*.json"),
                          ("summary", f"{mode}_summary_*.json"),
                          ("env", "env_info_*.json"), ("raw", "raw_*")):
        paths = sorted(folder.glob(pattern))
        assert len(paths) == 1, f"{pattern}: {[path.name for path in paths]}"
        setattr(found, name + "_path", paths[0])
    found.data = json.loads(found.results_path.read_text(encoding="utf-8"))
    found.rows = found.data["results"]
    found.summary = json.loads(found.summary_path.read_text(encoding="utf-8"))
    found.env = json.loads(found.env_path.read_text(encoding="utf-8"))
    found.journal_path = found.raw_path / "journal.jsonl"
    return found


def journal_of(path):
    """Lines of a journal; one that a crash cut at the end is left out."""
    text = Path(path).read_text(encoding="utf-8")
    return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]


def plain_env(**more):
    env = {key: value for key, value in os.environ.items()
           if not key.startswith(("INFERBENCH_", "VLLM_", "MLFLOW_"))}
    env.update({"HF_HUB_OFFLINE": "1", "TZ": "UTC"})
    env.update(more)
    return env


def start(binary, *args, cwd, **more):
    """A running inferbench; its output goes to files beside the run."""
    more.setdefault("stdin", subprocess.DEVNULL)
    more.setdefault("stdout", open(Path(cwd) / "stdout", "wb"))
    more.setdefault("stderr", open(Path(cwd) / "stderr", "wb"))
    env = more.pop("env", None) or plain_env()
    return subprocess.Popen([str(binary), *map(str, args)], cwd=cwd, env=env, **more)


def wait_for(condition, what, limit_s=60.0):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError(f"{what}: not within {limit_s} s")


def repeats_done(folder):
    """Repeats that the journal below a folder holds as ended."""
    for path in Path(folder).glob("raw_*/journal.jsonl"):
        return path.read_bytes().count(b'"type":"repeat_end"')
    return 0


def processes_of(mark):
    """Command lines of processes whose environment holds `mark`, ours left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (path / "environ").read_bytes():
                state = re.search(r"^State:\s+(\S)", (path / "status").read_text(), re.M)
                if state and state.group(1) != "Z" and int(path.name) != os.getpid():
                    found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except (OSError, ValueError):
            continue
    return found


SPAWNER = """
import json, os, signal, subprocess, sys
for line in sys.stdin:
    ask, late = json.loads(line), []
    with open(ask["out"], "wb") as out, open(ask["err"], "wb") as err:
        child = subprocess.Popen(ask["command"], cwd=ask["cwd"], env=ask["env"],
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    signal.signal(signal.SIGALRM, lambda *_: (late.append(1), child.kill()))
    signal.alarm(ask["limit_s"])
    _, status, used = os.wait4(child.pid, 0)
    signal.alarm(0)
    child.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps(["hangs" if late else child.returncode, used.ru_maxrss]), flush=True)
"""


class Spawner:
    """Runs commands and measures their memory, one after the other.

    A process counts the memory of the one that started it until it is itself: so a small one
    stands between the tests and it.
    """

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-S", "-c", SPAWNER], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, command, cwd, env, limit_s=240):
        """(exit code, or "hangs"; peak of resident memory in KiB; standard output; error)."""
        out, err = Path(cwd) / "measured.out", Path(cwd) / "measured.err"
        print(json.dumps({"command": list(map(str, command)), "cwd": str(cwd), "env": dict(env),
                          "limit_s": limit_s, "out": str(out), "err": str(err)}),
              file=self.process.stdin, flush=True)
        code, peak_kib = json.loads(self.process.stdout.readline())
        said = [path.read_text(encoding="utf-8", errors="replace") for path in (out, err)]
        out.unlink()
        err.unlink()
        return code, peak_kib, *said

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


def run_measured(command, cwd, env):
    """(exit code, or "hangs"; peak of resident memory in KiB; standard error) of a command."""
    spawner = Spawner()
    code, peak_kib, _, err = spawner.run(command, cwd, env)
    spawner.close()
    return code, peak_kib, err
