"""--find-rate and --find-concurrency on servers whose capacity is known: --slots by the time of an answer."""

import math
import signal
import time

import pytest

from e2e.offline_run import files_of, start, wait_for
from oracle import capacity, oracle

# 4 slots, 20 ms + 15 x 4 ms an answer: 50 requests/s. Constant arrivals: no queue below that.
CAPACITY = 50
CLOSED = ("--max-tokens", "16", "--scenarios", "short", "--find-block", "400ms", "--no-imds", "--no-mlflow")
LOAD = (*CLOSED, "--arrival", "constant")
# A machine that is busy with tests makes single answers late, and its client too. So an SLO is twice the time
# of an answer, or more, and for most requests; and what the client did is not judged.
BUSY = ("--limit", "CLIENT_LATE=1", "--limit", "CLIENT_BUSY=1", "--limit", "RATE_MISSED=1",
        "--limit", "ANSWERS_BUFFERED=1")
SLO = ("--slo", "e2e:160ms", "--slo-share", "80%")


@pytest.fixture
def serve(binary):
    return ("online", "--launch-command", f"{binary} serve --port {{port}} --slots 4 --ttft 20ms --itl 4ms", *BUSY)


def blocks_of(run):
    return [row for row in run.rows if row["slo_block"] is not None]


def test_estimate(inferbench, tmp_path, serve):
    """The rate is bracketed, each block is a repeat with its own arrivals, and recover says the same."""
    done = inferbench(*serve, *LOAD, "--find-rate", *SLO)
    assert done.returncode == 0, done.stderr
    run = files_of(tmp_path / "results", "online")
    found = run.data["metadata"]["capacity"]
    assert found["state"] == "estimate" and found["unit"] == "requests/s" and found["error"] is None
    assert 0.7 * CAPACITY <= found["low"] < found["high"] <= 1.6 * CAPACITY  # blocks end before a queue is long
    assert found["high"] / found["low"] <= 1.05 + 1e-9
    assert f"Estimate: at {found['low']:g} requests/s, 80 % of the requests" in " ".join(done.stdout.split())
    assert "--num-runs" not in done.stdout
    assert [row["batch_size"] for row in run.rows[:2]] == [32, 32] and run.rows[0]["is_warmup"]
    blocks = blocks_of(run)
    assert len(blocks) == found["blocks"] == len(run.rows) - 2
    assert not any(row["is_warmup"] for row in blocks)
    assert blocks[0]["request_rate"] == pytest.approx(run.rows[1]["requests_per_second"] / 2, rel=0.01)
    assert all(row["goodput_due"] >= 1 for row in blocks)
    for before, row in zip(run.rows[1:], run.rows[2:]):  # 3 E2E, then the block
        counts = max(0.4, 20 / row["request_rate"])
        assert row["duration_s"] == pytest.approx(3 * before["e2e_early_s"] + counts, rel=1e-6)
    assert all(row["slo"] == {"e2e_ms": 160} and row["slo_search"]["of"] == "request_rate" for row in run.rows)
    oracle.check_run(run.folder)
    before = run.results_path.read_bytes(), run.summary_path.read_bytes()
    assert inferbench("recover", run.raw_path).returncode == 0
    assert (run.results_path.read_bytes(), run.summary_path.read_bytes()) == before


def test_confirmed(binary, inferbench, tmp_path):
    """One slot, 20 ms an answer: two in flight take 40 ms each. Both ends are tested: the answer is sure."""
    done = inferbench("online", "--launch-command", f"{binary} serve --port {{port}} --slots 1 --ttft 5ms --itl 1ms",
                      *BUSY, *CLOSED, "--find-concurrency", "--find-from", "1", "--slo", "e2e:32ms",
                      "--slo-share", "50%", "--confirm", "--price-per-hour", "1")
    assert done.returncode == 0, done.stderr
    run = files_of(tmp_path / "results", "online")
    found = run.data["metadata"]["capacity"]
    assert (found["state"], found["low"], found["high"], found["error"]) == ("confirmed", 1, 2, 0.05)
    assert found["unit"] == "requests in flight"
    assert found["passed"]["good"] >= 30 and found["failed"]["bad"] >= 4
    text = " ".join(done.stdout.split())
    assert "At 1 request in flight, 50 % of the requests stay within the SLO in at least 8 of 10" in text
    assert "(error <= 5 %); at 2 they do not." in text
    assert "USD per million output tokens" in text and "LoadGen's rule" in text
    assert found["usd_per_million_output_tokens"] == pytest.approx(
        1 / 3600 / found["tokens_per_second"] * 1e6, rel=0.2)
    oracle.check_run(run.folder)


def test_what_counts_for_nothing(binary, inferbench, tmp_path):
    """INVALID for another reason than the load: such a block is repeated, and five in a row are enough."""
    done = inferbench("online", "--launch-command", f"{binary} serve --port {{port}} --short 0.5", *LOAD,
                      "--find-rate", "--find-from", "20", *SLO, *BUSY)
    run = files_of(tmp_path / "results", "online")
    assert [row["slo_block"] for row in run.rows] == [None] + ["void"] * 5
    assert {row["request_rate"] for row in run.rows} == {20}
    assert all("SHORT_OUTPUT" in row["reasons"] for row in run.rows[1:])
    assert run.data["metadata"]["capacity"]["state"] == "too many voids"
    assert done.returncode == 3 and "Cannot tell: 5 blocks in a row count for nothing" in " ".join(done.stdout.split())


def test_no_load_is_good(inferbench, tmp_path, serve):
    done = inferbench(*serve, *CLOSED, "--find-concurrency", "--find-from", "2",
                      "--slo", "ttft:1ms")
    assert done.returncode == 0, done.stderr
    found = files_of(tmp_path / "results", "online").data["metadata"]["capacity"]
    assert (found["state"], found["low"], found["high"]) == ("none is good", None, 1)
    assert "No load that was tried keeps the SLO" in " ".join(done.stdout.split())


def test_stopped(binary, inferbench, tmp_path, serve):
    """Killed in mid-search: recover says what is known; with --max-time the run itself does."""
    words = (*serve, *LOAD, "--find-rate", "--find-from", "20", *SLO, "--confirm")
    process = start(binary, *words, cwd=tmp_path)
    raw = wait_for(lambda: next(iter((tmp_path / "results").glob("raw_*")), None), "folder")
    journal = raw / "journal.jsonl"
    wait_for(lambda: journal.exists() and journal.read_bytes().count(b'"repeat_end"') >= 4, "blocks")
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = inferbench("recover", raw)
    assert done.returncode == 0 and "The search did not come to its end." in done.stdout
    run = files_of(tmp_path / "results", "online")
    assert run.data["metadata"]["capacity"]["state"] == "unfinished"
    assert len(blocks_of(run)) >= 2
    oracle.check_run(run.folder, is_whole=False)


def test_max_time(inferbench, tmp_path, serve):
    begin = time.monotonic()
    done = inferbench(*serve, *LOAD, "--find-rate", "--find-from", "20", *SLO, "--confirm",
                      "--max-time", "0.1s")
    assert done.returncode == 0, done.stderr
    run = files_of(tmp_path / "results", "online")
    assert len(run.rows) == 1 and run.data["metadata"]["capacity"]["state"] == "unfinished"
    assert time.monotonic() - begin < 60


def test_not_a_search(inferbench, tmp_path, serve):
    assert inferbench(*serve, "--concurrency", "2", "--num-prompts", "8", "--max-tokens", "4", "--num-runs", "2",
                      "--no-imds", "--no-mlflow").returncode == 0
    run = files_of(tmp_path / "results", "online")
    assert "capacity" not in run.data["metadata"]
    assert {(row["slo_search"], row["slo_block"], row["goodput_due"]) for row in run.rows} == {(None, None, None)}


def test_sweep(inferbench, tmp_path, serve):
    """Each rate twice the one before, the last as asked for; the curve has a point each."""
    done = inferbench(*serve, "--max-tokens", "16", "--sweep-rates", "10..50", "--num-prompts", "20", "--num-runs", "2",
                      "--scenarios", "short", "--no-imds", "--no-mlflow", "--accept-invalid")
    assert done.returncode == 0, done.stderr
    run = files_of(tmp_path / "results", "online")
    assert sorted({row["request_rate"] for row in run.rows}) == [10, 20, 40, 50]
    assert inferbench("analyze", run.results_path, "--output-dir", tmp_path / "report").returncode == 0
    for stem, value in (("rate_curve", "window_tokens_per_second"), ("rate_latency", "first_token_latency")):
        scale = 1000 if stem == "rate_latency" else 1
        want = [(row["request_rate"], row[value] * scale) for row in run.rows
                if not row["is_warmup"] and row[value] is not None]  # a busy client knows no TTFT
        if len(want) < 3:
            continue
        data = (tmp_path / f"report/source/{stem}.dat").read_text().split("# panel")[1]
        points = [line.split()[:2] for line in data.splitlines()[1:] if line[:1].isdigit()]
        assert [float(x) for x, _ in points] == [rate for rate, _ in sorted(want)]
        assert [float(y) for _, y in points] == pytest.approx([y for _, y in sorted(want)])


def test_dry_run(inferbench):
    out = inferbench("online", "--find-rate", "--slo", "chat", "--confirm", "--price-per-hour", "2",
                     "--dry-run").stdout
    text = " ".join(out.split())
    assert "the highest load in requests/s where 99 % of the requests keep the SLO" in text
    assert "from half of what 32 in flight reach" in text
    assert 'SLO: {"ttft_ms":2000.0,"tpot_ms":100.0}' in text
    assert "8 loads at most: 4.0 hours (8 USD)" in text
    assert all(len(line) <= 80 for line in out.split("search    ")[1].split("limits:")[0].splitlines())


@pytest.mark.parametrize("words, what", [
    (("--find-rate",), "--find-rate: needs --slo"),
    (("--find-rate", "--find-concurrency", "--slo", "chat"), "given with --find-concurrency"),
    (("--find-rate", "--slo", "chat", "--request-rate", "4"), "given with --request-rate"),
    (("--find-rate", "--slo", "chat", "--num-runs", "4"), "given with --num-runs"),
    (("--find-rate", "--slo", "chat", "--target-ci", "2%"), "given with --target-ci"),
    (("--find-rate", "--slo", "chat", "--goodput", "ttft:1s"), "given with --goodput"),
    (("--find-rate", "--slo", "ttft:x"), "--slo: \"ttft:x\" needs a time"),
    (("--find-rate", "--slo", "quick"), "--slo: \"quick\" is not a known limit"),
    (("--find-rate", "--slo", "chat", "--no-stream"), "--slo: \"ttft:2s\" cannot be judged"),
    (("--find-rate", "--slo", "chat", "--slo-share", "0"), "--slo-share"),
    (("--find-rate", "--slo", "chat", "--scenarios", "short", "long"), "not with several scenarios"),
    (("--find-concurrency", "--slo", "chat", "--find-from", "1.5"), "--find-from: 1.5 is not a number"),
    (("--sweep-rates", "32..1"), "\"32..1\" is no range of rates"),
    (("--sweep-rates", "4"), "\"4\" is no range of rates"),
    (("--sweep-rates", "1..8", "--request-rate", "4"), "--sweep-rates: given with --request-rate"),
    (("--find-rate", "--slo", "chat", "--sweep-rates", "1..8"), "given with --sweep-rates"),
    (("--slo", "chat"), "--slo: nothing without --find-rate"),
    (("--confirm",), "--confirm: nothing without --find-rate"),
])
def test_usage(inferbench, words, what):
    done = inferbench("online", *words, "--dry-run")
    assert done.returncode == 2 and what in done.stderr, done.stderr


def test_the_oracle_tests_as_wald_does():
    assert capacity.sprt([True] * 30) == ("pass", 30, 0)
    assert capacity.sprt([False] * 4) == ("fail", 0, 4)
    assert capacity.sprt([True] * 29)[0] == "open"
    assert math.isclose(capacity.BOUND, 5.0689, abs_tol=1e-3)
