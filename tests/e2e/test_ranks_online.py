"""One load from several processes under real MPI launchers, on one `inferbench serve`."""

import os
import shutil
import signal
import stat
import subprocess
import time

import pytest

from e2e.offline_run import files_of, journal_of, plain_env, wait_for
from e2e.serve_client import Server
from e2e.test_ranks_mpi import LAUNCHERS
from oracle import oracle

ANY_RUNS = ("--scenarios", "short", "--max-tokens", "8", "--no-mlflow", "--no-imds", "--limit", "CLIENT_LATE=1",
            "--limit", "CLIENT_BUSY=1", "--limit", "RATE_MISSED=1", "--limit", "CLOCK_UNSURE=1")
LOAD = (*ANY_RUNS, "--num-runs", "3")


@pytest.fixture(params=sorted(LAUNCHERS))
def mpirun(request, binary):
    words = LAUNCHERS[request.param]
    if shutil.which(words[0]) is None or not (binary.parent / f"inferbench-mpi-{request.param}.so").exists():
        pytest.skip(f"{request.param} is not installed, or was not when this was built")
    return words


@pytest.fixture
def url(binary, tmp_path_factory):
    server = Server(binary, tmp_path_factory.mktemp("server"), "--ttft", "20ms", "--itl", "5ms")
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


def ranks(mpirun, count, *words, **more):
    return subprocess.run([*mpirun, "-n", str(count), *map(str, words)], env=plain_env(), timeout=120, check=False,
                          capture_output=True, text=True, **more)


def lines_of(path, kind, repeat=None):
    return [line for line in journal_of(path) if line["type"] == kind and repeat in (None, line.get("repeat"))]


def shape(path, repeat):
    """Of each request of a repeat: index, lengths, and when it was due since the first."""
    requests = sorted(lines_of(path, "request", repeat), key=lambda q: q["index"])
    first = requests[0]["due_ns"]
    return [(q["index"], q["tokens_in"], q["max_tokens"]) for q in requests], [q["due_ns"] - first for q in requests]


def test_all_send_what_one_sends(mpirun, inferbench, binary, url, tmp_path):
    """An open load: the same requests at the same times, each from one of three."""
    words = ("online", "--base-url", url, *LOAD, "--request-rate", "60", "--num-prompts", "45")
    done = ranks(mpirun, 3, binary, *words, "--output-dir", "all", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert inferbench(*words, "--output-dir", "one").returncode == 0
    run, one = (files_of(tmp_path / name, "online") for name in ("all", "one"))
    for repeat in range(3):
        (requests, due), (wanted, at) = (shape(r.journal_path, repeat) for r in (run, one))
        assert requests == wanted
        assert max(abs(x - y) for x, y in zip(due, at)) < 50_000  # clocks drift a little
    sent = lines_of(run.journal_path, "request", 1)
    assert {q["index"] % 3 == q.get("rank", 0) for q in sent} == {True}
    for row in run.rows:
        assert (row["ranks"], row["requests_ok"], row["num_prompts"]) == (3, 45, 45)
        assert 0 < row["clock_error_us"] < 20_000
    assert all(row["ranks"] is None and row["clock_error_us"] is None for row in one.rows)
    oracle.check_run(run.folder)
    assert done.stdout.count("Latencies in ms") == 1  # rank 0 alone speaks


def test_each_on_its_own_disk(mpirun, binary, url, tmp_path):
    """Journals that rank 0 cannot see are sent to it; all of them can be merged elsewhere."""
    script = tmp_path / "own"
    script.write_text('#!/bin/sh\nmkdir -p host${OMPI_COMM_WORLD_RANK:-$PMI_RANK}\n'
                      f'cd host${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}}\nexec {binary} "$@"\n', encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    done = ranks(mpirun, 3, script, "online", "--base-url", url, *ANY_RUNS, "--concurrency", "5",
                 "--num-prompts", "20", "--target-ci", "50%", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    run = files_of(tmp_path / "host0/results", "online")
    for rank in (1, 2):
        own = next((tmp_path / f"host{rank}/results").glob("raw_*/rank_*/journal.jsonl"))
        assert own.read_bytes() == (run.raw_path / f"rank_{rank}/journal.jsonl").read_bytes()
    assert not list((tmp_path / "host1/results").glob("*.json"))
    before = run.results_path.read_bytes()
    folders = [tmp_path / f"copied/{rank}" / run.raw_path.name for rank in range(3)]
    for rank, folder in enumerate(folders):
        shutil.copytree(next((tmp_path / f"host{rank}/results").glob(f"raw_*/rank_{rank}")), folder / f"rank_{rank}")
    done = subprocess.run([binary, "recover", *folders, "--output-dir", tmp_path / "again"], env=plain_env(),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert files_of(tmp_path / "again", "online").results_path.read_bytes() == before


def test_a_killed_rank_ends_all(mpirun, inferbench, binary, url, tmp_path):
    """Within 5 s, by the launcher or by ourselves; what was measured comes back with its cause."""
    with subprocess.Popen([*mpirun, "-n", "3", binary, "online", "--base-url", url, *LOAD, "--concurrency", "6",
                           "--duration", "60s"], cwd=tmp_path, env=plain_env(), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as launcher:
        def journals():
            return [path for path in tmp_path.glob("results/raw_*/rank_*/journal.jsonl")
                    if len(lines_of(path, "request")) > 5]
        wait_for(lambda: len(journals()) == 3, "requests of all ranks")
        os.kill(rank_process(1), signal.SIGKILL)
        begun = time.monotonic()
        assert launcher.wait(timeout=30) != 0
        assert time.monotonic() - begun < 8
    raw = next(tmp_path.glob("results/raw_*"))
    done = inferbench("recover", raw)
    assert done.returncode == 0, done.stderr
    row = files_of(tmp_path / "results", "online").rows[-1]
    assert row["error"] == "interrupted" and row["verdict"] is None


def rank_process(rank):
    """Its process, by the launcher's variables."""
    for folder in os.listdir("/proc"):
        try:
            with open(f"/proc/{folder}/environ", "rb") as file:
                words = file.read().split(b"\0")
            with open(f"/proc/{folder}/comm", encoding="utf-8") as file:
                name = file.read().strip()
        except (OSError, ValueError):
            continue
        own = {b"OMPI_COMM_WORLD_RANK=%d" % rank, b"PMI_RANK=%d" % rank}
        if name == "inferbench" and own & set(words):
            return int(folder)
    raise AssertionError("no such rank")


def test_a_stop_reaches_all(mpirun, binary, url, tmp_path):
    with subprocess.Popen([*mpirun, "-n", "3", binary, "online", "--base-url", url, *LOAD, "--concurrency", "6",
                           "--duration", "60s"], cwd=tmp_path, env=plain_env(), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as launcher:
        wait_for(lambda: any(lines_of(path, "request")
                             for path in tmp_path.glob("results/raw_*/rank_*/journal.jsonl")), "requests")
        launcher.send_signal(signal.SIGINT)
        assert launcher.wait(timeout=30) != 0
    for path in tmp_path.glob("results/raw_*/rank_*/journal.jsonl"):
        assert lines_of(path, "repeat_end")[-1]["error"] == "interrupted"


@pytest.mark.parametrize("words, why", [
    (("--concurrency", "2", "--num-prompts", "9"), "2 in flight give 3 ranks nothing to do"),
    (("--request-rate", "5", "--num-prompts", "2"), "2 requests a repeat give 3 ranks nothing to do"),
    (("--launch",), "given to several ranks"),
])
def test_refused(mpirun, binary, tmp_path, words, why):
    done = ranks(mpirun, 3, binary, "online", *LOAD, *words, cwd=tmp_path)
    assert done.returncode == 2 and why in " ".join(done.stderr.split())
    assert not list(tmp_path.iterdir())


def test_other_options_are_refused(mpirun, binary, tmp_path):
    words = [binary, "online", *LOAD, "--concurrency", "4", "--num-prompts", "8"]
    done = ranks(mpirun, 1, *words, "--seed", "1", ":", "-n", "1", *words, "--seed", "2", cwd=tmp_path)
    assert done.returncode == 2 and "rank 1 has another one than rank 0" in done.stderr


def test_a_server_that_one_rank_does_not_reach(mpirun, binary, url, tmp_path):
    """The repeat fails everywhere, and at once; the row names the rank."""
    words = [binary, "online", *LOAD, "--concurrency", "4", "--num-prompts", "8", "--model", "simulated",
             "--ready-timeout", "2s"]
    done = ranks(mpirun, 1, *words, "--base-url", url, ":", "-n", "1", *words, "--base-url", "http://127.0.0.1:1",
                 cwd=tmp_path)
    assert done.returncode == 1
    rows = files_of(tmp_path / "results", "online").rows
    assert len(rows) == 1 and rows[0]["error"].startswith("rank 1: not ready within 2 s")


def test_a_rank_of_another_time(binary, url, tmp_path):
    """Its clock is 1000 s ahead: its requests stand among those of rank 0."""
    other = ["unshare", "--time", "--monotonic", "1000"]
    if shutil.which("mpirun.mpich") is None or shutil.which("unshare") is None:
        pytest.skip("mpirun.mpich or unshare is missing")
    if subprocess.run([*other, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no time namespace may be made here")
    words = [binary, "online", "--base-url", url, *LOAD, "--concurrency", "4", "--num-prompts", "24"]
    done = ranks(LAUNCHERS["mpich"], 1, *words, ":", "-n", "1", *other, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    run = files_of(tmp_path / "results", "online")
    clock = lines_of(run.raw_path / "rank_1/journal.jsonl", "clock")[0]
    assert abs(clock["offset_ns"] + 1000 * 10**9) < 10**9
    first = {rank: min(q["sent_ns"] for q in lines_of(run.journal_path, "request", 1) if q.get("rank", 0) == rank)
             for rank in (0, 1)}
    assert abs(first[0] - first[1]) < 50_000_000
    assert all(row["requests_ok"] == 24 for row in run.rows)
