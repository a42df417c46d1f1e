"""Standard files that are closed, full or gone: what a run writes goes where it belongs."""

import itertools
import json
import os
import subprocess

import pytest

from e2e.offline_run import NULL, files_of, plain_env
from e2e.serve_client import Server

CLOSED = [fds for n in (1, 2, 3) for fds in itertools.combinations((0, 1, 2), n)]


def run(binary, folder, *words, closed=(), **more):
    def close():
        for fd in closed:
            os.close(fd)
    return subprocess.run([str(binary), *map(str, words)], cwd=folder, env=plain_env(),
                          stdin=subprocess.DEVNULL, preexec_fn=close, timeout=60,
                          **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more})


def check_run(folder, mode, repeats):
    """Every line of the journal is whole, and the files are there."""
    found = files_of(folder, mode)
    lines = [json.loads(line) for line in found.journal_path.read_bytes().splitlines()]
    assert [line["type"] for line in lines].count("repeat_end") == repeats
    assert lines[-1]["type"] == "run_end" and lines[-1]["complete"]
    assert len(found.rows) == repeats and all(row["error"] is None for row in found.rows)
    return found


@pytest.mark.parametrize("closed", CLOSED, ids=lambda fds: "".join(map(str, fds)))
def test_closed(binary, tmp_path, closed):
    done = run(binary, tmp_path, *NULL, "--num-runs", 3, "--scenarios", "short", closed=closed)
    code = 1 if 1 in closed else 0
    assert done.returncode == code, done.stderr
    found = check_run(tmp_path / "results", "offline", 6)
    if 1 not in closed:
        assert b"tokens/s" in done.stdout
    if 2 not in closed:
        assert f"exit {code}".encode() in done.stderr
    written = found.results_path.read_bytes()
    found.results_path.unlink()
    assert run(binary, tmp_path, "recover", found.raw_path, closed=closed).returncode == code
    assert found.results_path.read_bytes() == written
    assert run(binary, tmp_path, "merge", found.results_path, closed=closed).returncode == code
    assert len(json.loads((tmp_path / "merged_results.json").read_text())["results"]) == 6


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)],
                         ids=lambda fds: "".join(map(str, fds)))
def test_closed_online(binary, tmp_path, closed):
    """Sockets too would get these numbers."""
    load = Server(binary, tmp_path, "--ttft", "1ms", "--itl", "1ms")
    try:
        done = run(binary, tmp_path, "online", "--port", load.port, "--no-imds", "--num-runs", 2,
                   "--max-tokens", 8, "--concurrency", 4, "--num-prompts", 8, "--accept-invalid",
                   closed=closed)
    finally:
        load.stop()
    assert done.returncode == (1 if 1 in closed else 0), done.stderr
    found = check_run(tmp_path / "results", "online", 2)
    assert [row["requests_ok"] for row in found.rows] == [8, 8]
    assert not any("error" in row and row["requests_failed"] for row in found.rows)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_full(binary, tmp_path, name):
    """What cannot be printed costs the table, not the run; the exit code says so."""
    with open("/dev/full", "wb") as full:
        done = run(binary, tmp_path, *NULL, "--num-runs", 3, "--scenarios", "short", **{name: full})
        check_run(tmp_path / "results", "offline", 6)
        assert done.returncode == (1 if name == "stdout" else 0)
        if name == "stdout":
            assert b"exit 1: the table could not be written" in done.stderr
            for words in (["--version"], ["--help"], ["env", "--no-imds"], ["analyze", "results"],
                          ["merge", "results"], ["offline", "--engine", "null", "--dry-run"],
                          ["recover", *(tmp_path / "results").glob("raw_*")]):
                assert run(binary, tmp_path, *words, stdout=full).returncode == 1, words


def test_reader_goes_away(binary, tmp_path):
    """inferbench offline | head -1"""
    reading, writing = os.pipe()
    os.close(reading)
    done = run(binary, tmp_path, *NULL, "--num-runs", 3, "--scenarios", "short", stdout=writing)
    os.close(writing)
    assert done.returncode == 0, done.stderr
    check_run(tmp_path / "results", "offline", 6)
