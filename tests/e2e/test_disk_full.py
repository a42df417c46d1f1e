"""A disk that fills up, and a folder that goes away, in the middle of a run."""

import os
import json
import resource
import shutil
import signal
import subprocess

import pytest

from e2e.offline_run import (NULL, files_of, journal_of, plain_env, repeats_done, start, wait_for)
from e2e.serve_client import Server

MANY = [*NULL, "--scenarios", "short", "--batch-sizes", "16", "--num-runs", "500", "--quiet"]


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


def limited(bytes_, action):
    """As a shell's `ulimit -f` leaves it; some set the signal that tells of it to ignored."""
    def limit():
        signal.signal(signal.SIGXFSZ, action)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))
    return limit


@pytest.mark.parametrize("action", [signal.SIG_DFL, signal.SIG_IGN], ids=["default", "ignored"])
def test_file_may_not_grow(binary, tmp_path, action):
    done = subprocess.run([str(binary), *MANY], cwd=tmp_path, env=plain_env(), text=True,
                          capture_output=True, timeout=60, preexec_fn=limited(300_000, action))
    assert done.returncode == 1, done.stderr
    said = " ".join(done.stderr.split())
    assert "journal.jsonl: cannot write: File too large" in said
    assert "raise it (ulimit -f)" in said
    results, = (tmp_path / "results").glob("offline_results_*.json")
    kept = json.loads(results.read_text())  # what came before the limit
    assert len(kept["results"]) > 5 and kept["metadata"]["complete"] is False
    assert done.stderr.splitlines()[-1] == (
        "exit 1: the run could not continue: cannot write: File too large")
    assert [path.name for path in (tmp_path / "results").iterdir() if path.name[0] == "."] == []
    check_kept(binary, next((tmp_path / "results").glob("raw_*")), tmp_path / "again")


@pytest.mark.parametrize("command", ["recover", "merge", "analyze", "env"])
def test_files_of_other_commands_may_not_grow(binary, tmp_path, command):
    """An error that says why, no half file, and the old one untouched."""
    run = subprocess.run([str(binary), *NULL, "--scenarios", "short", "--quiet"], cwd=tmp_path,
                         env=plain_env(), capture_output=True, timeout=60)
    assert run.returncode == 0
    found = files_of(tmp_path / "results")
    words = {"recover": [found.raw_path], "merge": [found.results_path, "-o", "merged.json"],
             "analyze": [found.results_path], "env": ["--no-imds", "--output", "env.json"]}[command]
    before = {path: path.read_bytes() for path in (tmp_path / "results").glob("*.json")}
    done = subprocess.run([str(binary), command, *map(str, words)], cwd=tmp_path, env=plain_env(),
                          capture_output=True, text=True, timeout=60,
                          preexec_fn=limited(100, signal.SIG_DFL))
    assert done.returncode == 1, done.stderr
    assert "cannot write: File too large" in done.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "results").glob("*.json")} == before
    assert not (tmp_path / "merged.json").exists() and not (tmp_path / "env.json").exists()


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


# ---- the folder goes away


def lose_folder(folder, how):
    if how == "deleted":
        shutil.rmtree(folder)
    else:
        folder.rename(folder.with_name("elsewhere"))


@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_folder_goes_away(binary, tmp_path, how):
    """What was measured, before and after, is there at the end."""
    process = start(binary, *NULL, "--scenarios", "short", "medium", "--batch-sizes", "1", "16",
                    "--max-tokens", "400", "--num-runs", "200", "--quiet", "--save-every", "1000s",
                    cwd=tmp_path)
    results = tmp_path / "results"
    wait_for(lambda: repeats_done(results) > 20, "repeats")
    lose_folder(results, how)
    assert process.wait(120) == 0, (tmp_path / "stderr").read_text()
    found = files_of(results)
    said = (tmp_path / "stderr").read_text()
    assert f"{found.raw_path.name} was deleted or moved during the run" in " ".join(said.split())
    assert len(found.rows) == 800 and all(row["error"] is None for row in found.rows)
    assert [line["type"] for line in journal_of(found.journal_path)].count("repeat_end") == 800


def test_folder_goes_away_and_results_so_far_are_saved(binary, tmp_path):
    """The next saving brings the folder back: being killed later costs no more than ever."""
    load = Server(binary, tmp_path, "--ttft", "2ms", "--itl", "5ms")
    results = tmp_path / "results"
    try:
        process = start(binary, "online", "--port", load.port, "--no-imds", "--no-mlflow",
                        "--num-runs", 2, "--max-tokens", 20, "--concurrency", 1, 2, 4,
                        "--num-prompts", 4, "--save-every", "0s", cwd=tmp_path)
        wait_for(lambda: repeats_done(results) > 0, "a repeat")
        shutil.rmtree(results)
        wait_for(lambda: list(results.glob("online_summary_*.json")), "results so far")
        process.kill()
        process.wait(30)
    finally:
        load.stop()
    rows = files_of(results, "online").rows
    assert rows and all(row["error"] is None for row in rows)
    assert repeats_done(results) >= len(rows)


def test_folder_becomes_read_only(binary, tmp_path):
    """The journal goes on; that the files cannot be written is told, with what to do."""
    script = ('mount -t tmpfs none "$1" || exit 77; cd "$1"; shift; code=0; "$@" & '
              'while ! grep -q repeat_end results/raw_*/journal.jsonl 2>/dev/null; '
              'do sleep 0.01; done; mount --bind results results && '
              'mount -o remount,ro,bind results || exit 77; '
              'wait $! || code=$?; cp -r results/raw_* "$OUT"; exit $code')
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    out.mkdir()
    namespace = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    done = subprocess.run([*namespace, "sh", "-c", script, "sh", disk, str(binary), *NULL,
                           "--scenarios", "short", "medium", "--batch-sizes", "1", "16",
                           "--max-tokens", "400", "--num-runs", "300", "--quiet"],
                          env=plain_env(OUT=str(out)), cwd=tmp_path, capture_output=True, text=True,
                          timeout=120)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no file system of our own may be mounted here")
    assert done.returncode == 1, done.stderr
    said = " ".join(done.stderr.split())
    assert "Read-only file system" in said and f"inferbench recover {disk}/results/raw_" in said
    assert done.stderr.splitlines()[-1].startswith("exit 1: the files could not be written: ")
    raw = next(out.glob("raw_*"))
    assert journal_of(raw / "journal.jsonl")[-1]["type"] == "run_end"
