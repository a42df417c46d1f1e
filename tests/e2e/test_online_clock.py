"""The machine's clock is set in mid-run: the kernel's stamps jump, latencies must not.

clock_step.c is preloaded into the client alone. The server's log, by the monotonic clock that
nobody sets, is the truth.
"""

import os
import statistics
import subprocess
import time
from pathlib import Path

import pytest

from e2e.offline_run import files_of, journal_of, plain_env, repeats_done, start, wait_for
from e2e.serve_client import Server
from oracle.settled import told

pytestmark = pytest.mark.alone

GAP_S, STEP_S = 0.02, 3
TIMING = ("--ttft", "60ms", "--itl", "20ms")
PROMPTS, TOKENS = 60, 12
SAID = "the machine's clock was set 1 time; stamps were re-related, latencies are unharmed"


@pytest.fixture(scope="module")
def step_library(tmp_path_factory):
    library = tmp_path_factory.mktemp("step") / "clock_step.so"
    subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra",
                    "-Werror", "-O1", "-shared", "-fPIC", "-o", str(library),
                    str(Path(__file__).with_name("clock_step.c")), "-ldl"], check=True)
    return library


def run(binary, folder, library, by_s, *words):
    """(start of the run, requests of the measured repeat, the server's by id, rows, stderr)."""
    one, trigger = Server(binary, folder, *TIMING), folder / "set-the-clock"
    try:
        env = plain_env(LD_PRELOAD=str(library), CLOCK_STEP_FILE=str(trigger),
                        CLOCK_STEP_S=str(by_s))
        process = start(binary, "online", "--port", one.port, "--no-imds", "--num-runs", 2,
                        "--concurrency", 4, "--num-prompts", PROMPTS, "--input-len", 16,
                        "--max-tokens", TOKENS, "--accept-invalid", *words, cwd=folder, env=env)
        wait_for(lambda: repeats_done(folder / "results") == 1, "the warm-up's end")
        time.sleep(1)  # well inside the measured repeat, which takes four times as long
        trigger.touch()
        assert process.wait(120) == 0, (folder / "stderr").read_text()
    finally:
        one.stop()
    files = files_of(folder / "results", mode="online")
    lines = told(journal_of(files.journal_path))
    requests = [line for line in lines if line["type"] == "request" and line["repeat"] == 1]
    truth = {row["id"]: row for row in one.log()[1].values()}
    return lines[0], requests, truth, files.rows, (folder / "stderr").read_text()


def true_name(header, line):
    return f"{header['fields']['run_id']}-c{line['cell']}-r{line['repeat']}-{line['index']}"


@pytest.mark.parametrize("by_s, words", [
    (STEP_S, ()), (-STEP_S, ()), (STEP_S, ("--client-threads", 2)),
], ids=["forward", "back", "two threads"])
def test_clock_is_set(binary, tmp_path, step_library, by_s, words):
    header, requests, log, rows, said = run(binary, tmp_path, step_library, by_s, *words)
    assert [row["clock_steps"] for row in rows] == [0, 1]
    assert said.count(SAID) == 1
    row = rows[1]
    assert row["error"] is None and row["requests_ok"] == len(requests) == PROMPTS

    servers = [(line, log[true_name(header, line)]) for line in requests]
    zero = header["start_monotonic_ns"]
    for line, server in servers:
        for at, sent in ((line["first_ns"], server["sent_ns"][0]),
                         (line["last_ns"], server["sent_ns"][-1])):
            assert abs(zero + at - sent) < STEP_S * 1e9 / 3, line
    ttft = [(s["sent_ns"][0] - s["arrival_ns"]) / 1e9 for _, s in servers]
    gaps = [(b - a) / 1e9 for _, s in servers for a, b in zip(s["sent_ns"], s["sent_ns"][1:])]
    assert abs(row["ttft_mean_s"] - statistics.fmean(ttft)) < GAP_S / 2
    assert abs(row["itl_mean_ms"] / 1e3 - statistics.fmean(gaps)) < GAP_S / 2
    assert row["itl_max_ms"] / 1e3 < max(gaps) + STEP_S / 3
    assert row["stamps_exact"] > len(gaps) / 2  # after the step too
