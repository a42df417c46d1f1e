"""The client's journal against the log of the server that it measured: every request, every event.

The server stamps each send by itself and each request's arrival by the kernel. How close the stamps
are is measured by benchmarks/online_accuracy.py; here no bound is absolute: an error is compared with
the gap between two events, which is what a wrong stamp would spoil.
"""

import os
import statistics
import subprocess

import pytest

from e2e.offline_run import files_of, journal_of
from e2e.serve_client import Server
from oracle.settled import told

GAP_NS = 10_000_000
TIMING = ("--ttft", "30ms", "--itl", "10ms")


def measure(inferbench, binary, folder, *words, server=TIMING):
    """(header, request lines of run 1, log by request id, rows)."""
    one = Server(binary, folder, *server)
    try:
        done = inferbench("online", "--port", one.port, "--no-imds", "--num-runs", 2,
                          "--accept-invalid", "--quiet", *words)
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        one.stop()
    files = files_of(folder / "results", mode="online")
    lines = told(journal_of(files.journal_path))
    header = lines[0]
    log = {row["id"]: row for row in one.log()[1].values()}
    requests = [line for line in lines if line["type"] == "request" and line["repeat"] == 1]
    return header, requests, log, files.rows


LOADS = {
    "closed": ("--concurrency", 4, "--num-prompts", 24),
    "open": ("--request-rate", 40, "--num-prompts", 30),
    "inf": ("--request-rate", "inf", "--num-prompts", 20),
    "fresh connections": ("--concurrency", 4, "--num-prompts", 24, "--no-keepalive"),
    "two threads": ("--concurrency", 4, "--num-prompts", 24, "--client-threads", 2),
    "chat": ("--concurrency", 4, "--num-prompts", 24, "--endpoint", "chat"),
}


@pytest.mark.parametrize("load", LOADS)
def test_stamps(inferbench, binary, tmp_path, load):
    header, requests, log, rows = measure(inferbench, binary, tmp_path, "--max-tokens", 12,
                                          *LOADS[load])
    zero, run_id = header["start_monotonic_ns"], header["fields"]["run_id"]
    assert len(requests) == rows[1]["requests_ok"] == rows[1]["requests_planned"]
    errors, late = [], []
    for line in requests:
        truth = log[f"{run_id}-c0-r1-{line['index']}"]
        at, own = line["token_ns"], line["own"]
        assert len(at) == len(truth["sent_ns"]) == line["tokens_out"] == 12
        assert line["tokens_in"] == truth["prompt_tokens"]
        assert zero + line["sent_ns"] <= truth["arrival_ns"]
        errors += [zero + a - s for a, s, mine in zip(at, truth["sent_ns"], own) if mine]
        late += [zero + a - s for a, s in zip(at, truth["sent_ns"])]
    assert len(errors) > len(late) / 2
    assert min(late) > -GAP_NS / 50  # never before its send, but for the clocks' conversion
    assert statistics.median(errors) < GAP_NS / 10
    true_ttft = [log[f"{run_id}-c0-r1-{x['index']}"] for x in requests]
    true_ttft = [row["sent_ns"][0] - row["arrival_ns"] for row in true_ttft]
    ours = [line["first_ns"] - line["sent_ns"] for line in requests]
    assert statistics.median(ours) > statistics.median(true_ttft)
    assert statistics.median(ours) - statistics.median(true_ttft) < GAP_NS / 4


def test_several_tokens_an_event(inferbench, binary, tmp_path):
    """What an event holds is known only where the server tells; else no gap is booked."""
    words = ("--concurrency", 2, "--num-prompts", 16, "--max-tokens", 10)
    timing = (*TIMING, "--tokens-per-event", 4)
    folders = [tmp_path / name for name in ("usage", "ids", "continuous")]
    for folder in folders:
        folder.mkdir()
        counts = ("--token-counts", folder.name, "--output-dir", folder / "results")
        _, requests, _, rows = measure(inferbench, binary, folder, *words, *counts,
                                       server=timing)
        assert {line["tokens_out"] for line in requests} == {10}
        assert rows[1]["token_source"] == "usage"
        if folder.name == "usage":
            assert rows[1]["itl_gaps"] == 0 and rows[1]["itl_mean_ms"] is None
        else:
            assert {tuple(line["event_tokens"]) for line in requests} == {(4, 4, 2)}
            assert rows[1]["itl_gaps"] == 0  # no event but the first follows with one token
            assert rows[1]["tpot_mean_ms"] is not None


def test_no_request_is_sent_but_those_planned(inferbench, binary, tmp_path):
    """The server counts: two repeats of 16, and three to warm up before each."""
    header, _, log, _ = measure(inferbench, binary, tmp_path, "--concurrency", 2,
                                "--num-prompts", 16, "--max-tokens", 2, "--warmup-requests", 3)
    assert len(log) == 2 * (16 + 3)
    assert all(name.startswith(header["fields"]["run_id"]) for name in log)


@pytest.fixture(scope="session")
def tsan(root):
    """The program under ThreadSanitizer, and its tests that have threads."""
    build = root / "build-tsan"
    env = {**os.environ, "TSAN_OPTIONS": "halt_on_error=1:exitcode=66"}
    again = ["--reconfigure"] if (build / "build.ninja").exists() else []
    subprocess.run(["meson", "setup", build, "-Db_sanitize=thread", *again], cwd=root, check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", build, "inferbench", "test_ring", "test_lane",
                    "test_openai_lane"], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run([build / "inferbench", "--version"], env=env, capture_output=True,
                          text=True)
    if done.returncode != 0:
        pytest.skip("ThreadSanitizer does not run on this kernel: " + done.stderr.strip()[:200])
    return build, env


@pytest.mark.parametrize("name", ["test_ring", "test_lane", "test_openai_lane"])
def test_threads_of_unit_tests(tsan, name):
    build, env = tsan
    done = subprocess.run([build / name], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("load", [("--concurrency", 12), ("--request-rate", 300),
                                  ("--request-rate", 300, "--max-concurrency", 6)],
                         ids=["closed", "open", "held"])
def test_threads_of_a_run(inferbench, binary, tsan, tmp_path, load):
    build, env = tsan
    one = Server(binary, tmp_path, "--ttft", "3ms", "--itl", "1ms")
    try:
        done = subprocess.run([build / "inferbench", "online", "--port", str(one.port),
                               "--no-imds", "--num-runs", "2", "--num-prompts", "120",
                               "--max-tokens", "8", "--client-threads", "3", "--accept-invalid",
                               *map(str, load)],
                              env=env, cwd=tmp_path, capture_output=True, text=True)
    finally:
        one.stop()
    assert "ThreadSanitizer" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    rows = files_of(tmp_path / "results", mode="online").rows
    assert [row["requests_ok"] for row in rows] == [120, 120]


@pytest.mark.parametrize("prompts, is_short", [(6, True), (100_000, False)],
                         ids=["used up", "lasts"])
def test_a_plan_that_ends_before_its_time(binary, tmp_path, inferbench, prompts, is_short):
    one = Server(binary, tmp_path, "--ttft", "5ms", "--itl", "1ms")
    try:
        done = inferbench("online", "--port", one.port, "--no-imds", "--num-runs", 3,
                          "--accept-invalid", "--concurrency", 2, "--max-tokens", 2,
                          "--input-len", 8, "--duration", "20s" if is_short else "0.5s",
                          "--num-prompts", prompts)
    finally:
        one.stop()
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "planned requests ended" in line]
    assert len(said) == is_short, done.stderr
    if is_short:
        assert said[0].startswith("all 6 planned requests ended after 0.")
        assert "of --duration 20 s; a larger --num-prompts makes the load last" in said[0]
