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


MEASURE = """
import json, resource, subprocess, sys
try:
    code = subprocess.run(sys.argv[3:], timeout=float(sys.argv[2])).returncode
except subprocess.TimeoutExpired:
    code = "hangs"
with open(sys.argv[1], "w") as out:
    json.dump([code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss], out)
"""


def run_measured(command, cwd, limit_s=240, **more):
    """(exit code, or "hangs"; peak of resident memory in KiB; standard error) of a command.

    A process counts the memory of the one that started it until it is itself: so a small one
    stands between the tests and it.
    """
    note = Path(cwd) / "measured.json"
    more.setdefault("stdout", subprocess.DEVNULL)
    done = subprocess.run([sys.executable, "-S", "-c", MEASURE, str(note), str(limit_s),
                           *map(str, command)], cwd=cwd, stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=limit_s + 60, **more)
    code, peak_kib = json.loads(note.read_text())
    note.unlink()
    return code, peak_kib, done.stderr
