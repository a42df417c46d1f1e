"""A disk that fills up in the middle of a run."""

import os
import resource
import signal
import subprocess

import pytest

from e2e.offline_run import NULL, files_of, journal_of, plain_env

MANY = [*NULL, "--scenarios", "short", "--batch-sizes", "8", "--num-runs", "500", "--quiet"]


def check_kept(binary, raw, folder):
    """What the journal holds in whole lines comes back."""
    ended = sum(line["type"] == "repeat_end" for line in journal_of(raw / "journal.jsonl"))
    assert ended > 5
    subprocess.run([str(binary), "recover", str(raw), "--output-dir", str(folder)], check=True,
                   capture_output=True)
    (folder / raw.name).mkdir(exist_ok=True)
    rows = files_of(folder).rows
    assert sum(row["error"] is None for row in rows) == ended
    assert all(row["error"] == "interrupted" for row in rows[ended:])


def test_file_may_not_grow(binary, tmp_path):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    done = subprocess.run([str(binary), *MANY], cwd=tmp_path, env=plain_env(), text=True,
                          capture_output=True, timeout=60, preexec_fn=limit)
    assert done.returncode == 1, done.stderr
    assert "journal.jsonl: cannot write: File too large" in done.stderr
    assert done.stderr.splitlines()[-1] == (
        "exit 1: the run could not go on: cannot write: File too large")
    check_kept(binary, next((tmp_path / "results").glob("raw_*")), tmp_path / "again")


def test_full_file_system(binary, tmp_path):
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    out.mkdir()
    script = ('mount -t tmpfs -o size=200k none "$1" || exit 77; out=$2; shift 2; code=0; '
              '"$@" || code=$?; cp -r "$DISK"/results/raw_* "$out"; '
              'find "$DISK" >"$out/names"; exit $code')
    namespace = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    done = subprocess.run([*namespace, "sh", "-c", script, "sh", disk, out, str(binary), *MANY,
                           "--output-dir", f"{disk}/results"], env=plain_env(DISK=str(disk)),
                          cwd=tmp_path, capture_output=True, text=True, timeout=60)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no file system of our own may be mounted here")
    assert done.returncode == 1, done.stderr
    assert "No space left on device" in done.stderr
    names = (out / "names").read_text()
    assert not any(part in name for name in names.splitlines()
                   for part in ("/.offline", "/.env"))  # no half files
    check_kept(binary, next(out.glob("raw_*")), tmp_path / "again")
