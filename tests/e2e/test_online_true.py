"""Are the numbers of a row true? Rows against what the servers know that were measured: a truth
server, which shares no code with the program, and recordings of real servers and proxies, sent again
at a pace of ours."""

import re
import statistics
from types import SimpleNamespace

import pytest

from e2e.odd_server import online, plain
from e2e.replay_server import FOLDER, RECORDINGS, ReplayServer
from e2e.truth_server import serving, steady, tokens_per_s
from oracle import oracle
from oracle import reference as ref

pytestmark = pytest.mark.alone

BUSY_MACHINE = {"CLIENT_LATE", "CLIENT_BUSY", "RATE_MISSED", "MACHINE_NOISY", "STAMPS_BOUNDED",
                "PARTIAL_TTFT"}
SHAPE = "--no-imds --num-runs 2 --input-len 16 --max-tokens 32".split()


def codes(row):
    return set(row["reasons"] + row["warnings"]) - BUSY_MACHINE


def measure(binary, folder, server, *words):
    """The measured row, its journal lines, and the server's lines of the same repeat."""
    with serving(folder / "truth.jsonl", *server) as one:
        run = online(binary, folder, "--port", one.port, *words, load=SHAPE)
    oracle.check_run(run.files.folder, is_whole=False)
    row = run.rows[1]
    name = f"{row['run_id']}-c0-r1-"
    truth = {line["id"]: line for line in one.lines if line["id"].startswith(name)}
    return SimpleNamespace(run=run, row=row, name=name, truth=truth)


def true_ttft_s(line):
    return (line["sent_ns"][0] - line["arrival_ns"]) / 1e9


def gaps_ms(answers):
    return [(b - a) / 1e6 for sent in answers for a, b in zip(sent, sent[1:])]


def true_tpot_ms(line):
    return (line["sent_ns"][-1] - line["sent_ns"][0]) / 1e6 / (sum(line["tokens"]) - 1)


def test_a_constant_rate(binary, tmp_path):
    """40 requests/s of 32 tokens: 1,280 tokens/s, though the server began empty."""
    m = measure(binary, tmp_path, ("--first-ms", 5, "--gap-ms", 10), "--request-rate", 40,
                "--arrival", "constant", "--num-prompts", 300)
    assert m.row["window_tokens_per_second"] == pytest.approx(1280, rel=0.01)
    assert m.row["window_requests_per_second"] == pytest.approx(40, rel=0.02)
    assert codes(m.row) <= {"PARTIAL_ITL"} and m.row["ttft_p50_s"] is not None
    said = next(line for line in m.run.err.splitlines() if "run 1/1" in line)
    assert float(said.split(" tok/s")[0].split()[-1]) == pytest.approx(1280, rel=0.02)


def test_unanswered(binary, tmp_path):
    """3 of 10 are never answered: the row says so, and they are slower than all percentiles."""
    m = measure(binary, tmp_path, ("--unanswered", 0.3), "--request-rate", 50, "--num-prompts",
                100, "--drain-timeout", "2s", "--warmup-requests", 0)
    lost = [line for line in m.truth.values() if line["outcome"] != "ok"]
    row = m.row
    assert row["requests_unanswered"] == len(lost) == 30 and row["requests_failed"] == 0
    assert (row["requests_ok"], row["requests_cancelled"]) == (70, 0)
    assert "ERRORS" in row["reasons"] and row["verdict"] == "INVALID" and m.run.code == 3
    assert "unanswered x 30" in " ".join(m.run.out.split())
    assert row["ttft_mean_s"] is None and row["e2e_mean_s"] is None
    assert row["first_token_latency"] is None
    assert row["ttft_p90_s"] is None
    line = next(x for x in m.run.out.splitlines() if x.lstrip().startswith("50/s"))
    assert line.split()[-2] == "60"  # in the warm-up too


def test_merged_writes(binary, tmp_path):
    """Four events in a write: tokens/s is true, the instants of tokens are nobody's."""
    m = measure(binary, tmp_path, ("--merged", 4), "--concurrency", 4, "--num-prompts", 40)
    row = m.row
    assert "ANSWERS_BUFFERED" in row["reasons"] and m.run.code == 3
    for name in ("ttft_p50_s", "first_token_latency", "decode_time", "tpot_mean_ms",
                 "inter_token_latency", "itl_mean_ms", "itl_max_ms"):
        assert row[name] is None, name
    assert row["e2e_mean_s"] > 0
    truth = tokens_per_s(m.truth.values(), steady(list(m.truth.values())))
    assert row["window_tokens_per_second"] == pytest.approx(truth, rel=0.1)


def test_several_tokens_an_event(binary, tmp_path):
    """Without counts by event nobody knows gaps; with them they are known to lie in bounds."""
    words = ("--concurrency", 4, "--num-prompts", 40)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    m = measure(binary, tmp_path / "a", ("--tokens-per-event", 4), *words)
    row = m.row
    assert codes(row) == {"TOKENS_PER_EVENT_UNKNOWN", "PARTIAL_ITL", "PARTIAL_TPOT"}
    assert row["itl_mean_ms"] is None and row["itl_requests"] == 0
    assert row["token_events"] is None and row["token_differences"] == {"-24": 40}
    assert row["requests_unsettled"] == 40
    assert row["tpot_p50_ms"] is None  # of 32 tokens the first event held one, or four
    assert row["window_tokens_per_second"] == pytest.approx(
        tokens_per_s(m.truth.values(), steady(list(m.truth.values()))), rel=0.1)

    m = measure(binary, tmp_path / "b", ("--tokens-per-event", 4, "--usage-each"), *words,
                "--token-counts", "continuous")
    row = m.row
    assert codes(row) <= {"PARTIAL_ITL"} and row["token_events"] == "counted"
    assert row["itl_p50_ms"] is None  # anything from 0 to the time between two events
    assert row["itl_gaps"] == 0 and row["itl_requests"] > 18
    if "PARTIAL_ITL" not in row["warnings"]:
        assert row["itl_mean_ms"] == pytest.approx(2.5, rel=0.05)  # 7 gaps of 10 ms, 28 tokens
    assert row["tpot_mean_ms"] == pytest.approx(2.5, rel=0.05)


def test_counts_that_are_not_the_events(binary, tmp_path):
    """Each event says the whole answer's usage: no arrival is lost for that."""
    m = measure(binary, tmp_path, ("--usage-whole",), "--concurrency", 4, "--num-prompts", 40,
                "--token-counts", "continuous")
    row = m.row
    assert row["token_events"] == "text" and row["requests_unsettled"] == 0
    truth = list(m.truth.values())
    assert row["tpot_mean_ms"] == pytest.approx(statistics.fmean(map(true_tpot_ms, truth)),
                                                rel=0.05)
    assert row["e2e_mean_s"] > 0.3  # 32 tokens, 10 ms each
    assert row["window_tokens_per_second"] == pytest.approx(
        tokens_per_s(truth, steady(truth)), rel=0.1)


def test_serial_prefill(binary, tmp_path):
    """8 slots, prompts computed one after the other: what waited is in TTFT, and the start, where
    all 8 come at once, is not in its percentiles."""
    m = measure(binary, tmp_path, ("--serial-prefill", "--first-ms", 30), "--concurrency", 8,
                "--num-prompts", 80)
    row = m.row
    later = [line for name, line in m.truth.items() if int(name[len(m.name):]) >= 8]
    if row["ttft_p50_s"] is not None:  # 72 answers of 8 slots may be too few
        assert row["ttft_p50_s"] == pytest.approx(ref.quantile(
            [true_ttft_s(line) for line in later], 50), abs=0.005)
    assert row["ttft_mean_s"] == pytest.approx(statistics.fmean(map(true_ttft_s, later)),
                                               abs=0.005)
    assert codes(row) <= {"PARTIAL_ITL"}
    assert row["window_tokens_per_second"] == pytest.approx(
        tokens_per_s(m.truth.values(), steady(list(m.truth.values()))), rel=0.1)


def test_a_finish_chunk_100_ms_late(binary, tmp_path):
    """It is no token: neither TPOT nor ITL nor E2E end with it."""
    m = measure(binary, tmp_path, ("--finish-ms", 100), "--concurrency", 4, "--num-prompts", 40)
    row = m.row
    assert codes(row) <= {"PARTIAL_ITL"} and row["token_events"] == "text"
    assert row["tpot_requests"] == 36 >= row["itl_requests"] > 18  # a busy client misses some
    tpot = statistics.fmean(map(true_tpot_ms, m.truth.values()))
    assert row["tpot_mean_ms"] == pytest.approx(tpot, rel=0.03)
    if row["itl_p50_ms"] is not None:
        assert row["itl_p50_ms"] == pytest.approx(
            statistics.median(gaps_ms(line["sent_ns"] for line in m.truth.values())), rel=0.03)
    e2e = [(line["sent_ns"][-1] - line["arrival_ns"]) / 1e9 for line in m.truth.values()]
    assert row["e2e_mean_s"] == pytest.approx(statistics.fmean(e2e), rel=0.03)


# ---- real servers and proxies, as they were recorded

def letters_of(name):
    """The class of each event of the recording."""
    said = (FOLDER / f"{name}.classes").read_text()
    runs = re.findall(r"(\w+)(?:\*(\d+))?", said)
    return [letter for letter, times in runs for _ in range(int(times or 1))]


def tokens_of(letters, count):
    """Places of the events that are tokens: of the first set of classes that has `count`."""
    for chosen in ("T", "TE", "TF", "TEF"):
        places = [i for i, letter in enumerate(letters) if letter in chosen]
        if len(places) == count:
            return places
    return None


def replay(binary, folder, name, pace, prompts=20, **more):
    words = f"--no-imds --num-runs 2 --concurrency 6 --num-prompts {prompts}".split()
    with ReplayServer(name, pace, **more) as server:
        server.paths["/health"] = plain(200, b"")  # LiteLLM's asks for a key
        one = server.recording
        run = online(binary, folder, "--port", server.port, "--endpoint", one.endpoint, "--model",
                     one.model, "--max-tokens", one.max_tokens, load=words)
    oracle.check_run(run.files.folder, is_whole=False)
    row = run.rows[1]
    assert row["error"] is None and row["requests_ok"] == prompts, run.err
    assert row["actual_output_tokens"] == prompts * one.max_tokens
    assert row["token_source"] == "usage"
    return row, server


@pytest.mark.parametrize("name", RECORDINGS)
def test_replayed_by_events(binary, tmp_path, name):
    """One event each 10 ms, or later where the machine is busy: the server knows."""
    row, server = replay(binary, tmp_path, name, "events")
    letters, count = letters_of(name), server.recording.max_tokens
    tokens = tokens_of(letters, count)
    texts = [i for i, letter in enumerate(letters) if letter == "T"]
    shown = tokens or texts
    assert "ANSWERS_BUFFERED" not in row["reasons"], row["checks"]
    sent = [[sends[i][0] for i in shown] for sends in server.sends[-20:]]
    spans = [(at[-1] - at[0]) / 1e9 for at in sent]
    if row["decode_time"] is None:  # read late, or begun by an event that may be no token
        assert "PARTIAL_TTFT" in row["warnings"] and row["ttft_mean_s"] is None
        return
    assert row["decode_time"] == pytest.approx(statistics.fmean(spans), rel=0.1, abs=1e-9)
    assert row["e2e_mean_s"] - row["ttft_mean_s"] == pytest.approx(row["decode_time"], abs=1e-9)
    if tokens is None:
        assert {"TOKENS_PER_EVENT_UNKNOWN", "PARTIAL_ITL"} <= set(row["warnings"])
        assert row["itl_mean_ms"] is None and row["itl_requests"] == 0
        assert row["token_differences"] == {str(len(texts) - count): 20}
        head = count / len(texts)  # what the first event may have held
        assert (row["tpot_mean_ms"] is None) == (len(texts) == 1 or
                                                 count - 1 > 1.05 * (count - head))
        return
    assert "TOKENS_PER_EVENT_UNKNOWN" not in row["warnings"]
    assert row["tpot_requests"] == 14 and 12 <= row["itl_requests"] <= 14
    assert row["tpot_mean_ms"] == pytest.approx(statistics.fmean(spans) * 1e3 / (count - 1), rel=0.1)
    if "STAMPS_BOUNDED" not in row["warnings"]:
        assert row["itl_p50_ms"] == pytest.approx(statistics.median(gaps_ms(sent)), rel=0.1)


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("pace", ["whole", "bytes"])
def test_replayed_at_once(binary, tmp_path, name, pace):
    """All at once: nobody knows when its tokens were made, and no number says so."""
    row, _ = replay(binary, tmp_path, name, pace, prompts=20 if pace == "whole" else 8)
    assert row["e2e_mean_s"] > 0 and row["window_tokens_per_second"] > 0
    for kind in ("itl", "tpot"):
        mean = row[f"{kind}_mean_ms"]
        assert mean is None or mean > 0
    if pace == "whole":
        assert row["itl_p50_ms"] is None and row["itl_max_ms"] is None
        assert row["tpot_mean_ms"] is None


@pytest.mark.parametrize("name", ["haproxy", "nginx_tls"])
def test_replayed_by_times(binary, tmp_path, name):
    """As the reads of the recording came: the proxy held the answer back."""
    row, _ = replay(binary, tmp_path, name, "times")
    assert "ANSWERS_BUFFERED" in row["reasons"], row["checks"]
    assert row["ttft_p50_s"] is None and row["itl_mean_ms"] is None and row["tpot_mean_ms"] is None
    assert row["e2e_mean_s"] > 0
