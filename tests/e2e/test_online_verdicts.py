"""Each verdict rule of an online run, provoked for real: by a server that does it, or by what
is done to the client. Nothing is asserted of a rule that a busy machine can set off."""

import re
import signal
import threading
import time

import pytest

from e2e import odd_server as odd
from e2e.odd_server import OddServer, Run, check_accounts, check_unharmed, online, small
from e2e.offline_run import journal_of, start, wait_for
from e2e.serve_client import Server

pytestmark = pytest.mark.alone

BUSY_MACHINE = {"CLIENT_LATE", "CLIENT_BUSY", "RATE_MISSED", "MACHINE_NOISY", "STAMPS_BOUNDED",
                "PARTIAL_TTFT"}
CLIENT = ["CLIENT_BUSY", "CLIENT_LATE", "RATE_MISSED"]
FAST = ["--ttft", "5ms", "--itl", "2ms"]


@pytest.fixture
def serve(binary, tmp_path):
    started = []

    def begin(*options):
        started.append(Server(binary, tmp_path, *options))
        return started[-1]
    yield begin
    for one in started:
        one.stop()


def codes(row, kind):
    return set(row[kind]) - BUSY_MACHINE


def check(run, reasons=(), warnings=(), row=1):
    """The verdict of a measured row, and what follows from it."""
    check_accounts(run)
    found = run.rows[row]
    assert found["error"] is None
    assert codes(found, "reasons") == set(reasons), found["checks"]
    late = {"PARTIAL_ITL"} if found["stamps_bounded"] else set()  # a busy machine reads late
    assert set(warnings) <= codes(found, "warnings") <= {*warnings, *late}, found["checks"]
    if reasons:
        assert found["verdict"] == "INVALID"
        assert run.code == 3, run.err
        assert run.last.startswith("exit 3: measured: 1 INVALID")
    for code in (*reasons, *warnings):
        assert code in run.out
        assert any(one["code"] == code for one in found["checks"])
    assert run.rows[0]["verdict"] is None and run.rows[0]["reasons"] == []
    return found


def summary_of(run):
    entry, = run.files.summary["summary"].values()
    return entry


# ---- the server


def test_errors(binary, tmp_path, serve):
    server = serve(*FAST, "--fail", 0.5)
    check(online(binary, tmp_path, "--port", server.port), ["ERRORS"], ["SIMULATED"])


def test_short_output(binary, tmp_path, serve):
    server = serve(*FAST, "--short", 0.5)
    run = online(binary, tmp_path, "--port", server.port)
    row = check(run, ["SHORT_OUTPUT"], ["SIMULATED"])
    assert row["requests_ok"] == 12 and 0 < row["requests_wrong_length"] < 12
    short = [line for line in run.requests().values() if line["tokens_out"] != 8]
    assert len(short) == row["requests_wrong_length"]
    assert row["actual_output_tokens"] == sum(line["tokens_out"]
                                              for line in run.requests().values())


def test_short_output_where_lengths_are_free(binary, tmp_path, serve):
    server = serve(*FAST, "--short", 0.5)
    check(online(binary, tmp_path, "--port", server.port, "--stop-at-eos"), [], ["SIMULATED"])


def test_reasons_that_are_accepted(binary, tmp_path, serve):
    server = serve(*FAST, "--short", 0.5)
    accepted = ",".join(sorted(BUSY_MACHINE - {"MACHINE_NOISY", "STAMPS_BOUNDED"}))
    for words, code in ((f"{accepted},SHORT_OUTPUT", 0), (accepted, 3)):
        run = online(binary, tmp_path, "--port", server.port, f"--accept-invalid={words}",
                     "--output-dir", f"results/{code}")
        assert run.code == code, run.err
        assert run.last.startswith(f"exit {code}: ")


@pytest.mark.parametrize("endpoint", ["completions", "chat"])
def test_tokens_estimated(binary, tmp_path, serve, endpoint):
    server = serve(*FAST, "--no-usage")
    run = online(binary, tmp_path, "--port", server.port, "--endpoint", endpoint)
    row = check(run, ["TOKENS_ESTIMATED"], ["SIMULATED", "PARTIAL_ITL"])
    assert row["token_source"] == "estimated" and row["itl_mean_ms"] is None
    assert row["requests_ok"] == 12


def bursts(sizes, gap_s):
    """So many events in each send: all but the last came not later than that one."""
    def burst(sock, request):
        sock.sendall(odd.HEAD)
        for i, size in enumerate(sizes):
            time.sleep(gap_s)
            last = odd.token(" z", "length" if i == len(sizes) - 1 else None)
            sock.sendall(odd.token() * (size - 1) + last)
        time.sleep(gap_s)
        sock.sendall(odd.usage(odd.prompt_len(request), 16) + odd.END)
        return True
    return burst


def test_stamps_bounded(binary, tmp_path):
    with OddServer(bursts([1] + [2] * 7 + [1], 0.002)) as server:
        run = online(binary, tmp_path, "--port", server.port, load=small(tokens=16))
    row = check(run)
    assert "STAMPS_BOUNDED" in row["warnings"]
    assert row["stamps_bounded"] >= 12 * 7
    assert row["stamps_bounded"] + row["stamps_exact"] + row["stamps_tail"] == 12 * 16
    check_unharmed(run, tokens=16)
    # half of the gaps may have been anything from nothing to the time between two reads
    assert row["itl_p50_ms"] is None and row["itl_mean_ms"] > 0 and row["tpot_mean_ms"] > 0


def test_answers_buffered(binary, tmp_path):
    """Four of five events waited for the fifth: when they were made nobody knows."""
    with OddServer(bursts([1, 5, 5, 5], 0.02)) as server:
        run = online(binary, tmp_path, "--port", server.port, "--goodput", "e2e:10s", "ttft:1s",
                     load=small(tokens=16))
    row = check(run, ["ANSWERS_BUFFERED"])
    for name in ("ttft_p50_s", "ttft_mean_s", "first_token_latency", "itl_mean_ms",
                 "itl_max_ms", "tpot_mean_ms", "inter_token_latency", "goodput_rps"):
        assert row[name] is None, name
    assert row["e2e_mean_s"] > 0 and row["window_tokens_per_second"] > 0
    assert "proxy_buffering off" in run.out and "option http-no-delay" in run.out


@pytest.mark.parametrize("is_simulated", [True, False])
def test_simulated(binary, tmp_path, serve, is_simulated):
    if is_simulated:
        run = online(binary, tmp_path, "--port", serve(*FAST).port)
        check(run, [], ["SIMULATED"])
        assert "SIMULATED: these numbers do not come from real hardware." in run.out
        return
    with OddServer() as server:
        run = online(binary, tmp_path, "--port", server.port)
    check(run)
    assert "SIMULATED" not in run.out


# ---- the prefix cache, by what the server says of it


def caching(is_on, **more):
    """A /metrics page; more: counters by the end of their names."""
    def page():
        lines = ['vllm:cache_config_info{block_size="16",enable_prefix_caching="%s"} 1.0' % is_on]
        for name, value in more.items():
            lines.append(f"vllm:{name} {value() if callable(value) else value}")
        text = "".join(line + "\n" for line in lines).encode()
        return odd.plain(200, text)
    return {"/metrics": page}


def cached(count, gap_s=0.001):
    def answer(sock, request):
        sock.sendall(odd.HEAD)
        for i in range(request.max_tokens):
            time.sleep(gap_s)
            sock.sendall(odd.token("x", "length" if i == request.max_tokens - 1 else None))
        sock.sendall(odd.usage(odd.prompt_len(request), request.max_tokens,
                               prompt_tokens_details={"cached_tokens": count}) + odd.END)
        return True
    return answer


def test_cache_unknown(binary, tmp_path):
    with OddServer(paths=caching(True)) as server:
        run = online(binary, tmp_path, "--port", server.port)
    row = check(run, [], ["CACHE_UNKNOWN"])
    assert row["enable_prefix_caching"] is True and row["cache_hit_rate"] is None


def test_hits_where_caching_is_off(binary, tmp_path):
    with OddServer(cached(16), paths=caching(False)) as server:
        run = online(binary, tmp_path, "--port", server.port)
    row = check(run, ["CACHE_UNEXPECTED"])
    assert row["enable_prefix_caching"] is False and row["cached_input_tokens"] == 12 * 16


def test_more_hits_than_the_prompts_allow(binary, tmp_path):
    """Prompts of `short` share nothing: somebody else's are in the cache."""
    with OddServer(cached(16), paths=caching(True)) as server:
        run = online(binary, tmp_path, "--port", server.port)
    row = check(run, ["CACHE_UNEXPECTED"])
    assert row["cache_hit_rate_expected"] == 0 and row["cache_hit_rate"] > 0


def test_no_hits_as_none_are_possible(binary, tmp_path):
    with OddServer(cached(0), paths=caching(True)) as server:
        run = online(binary, tmp_path, "--port", server.port)
    check(run)


@pytest.mark.parametrize("usage,reasons,warnings", [
    (0.2, ["CACHE_UNEXPECTED"], []), (0.97, [], ["CACHE_EVICTED"])], ids=["room", "full"])
def test_fewer_hits_than_the_prompts_allow(binary, tmp_path, usage, reasons, warnings):
    """Prompts with a common beginning and no hit: nobody's fault only where the cache is full,
    as a sample in the middle of the repeat shows."""
    with OddServer(cached(0, 0.05), paths=caching(True, kv_cache_usage_perc=usage)) as server:
        run = online(binary, tmp_path, "--port", server.port, "--scenarios", "prefix_caching")
    row = check(run, reasons, warnings)
    assert row["cache_hit_rate_expected"] > 0.5 and row["cached_input_tokens"] == 0
    assert row["kv_usage_max"] == usage


def test_preempted(binary, tmp_path):
    """Counted from the end of one repeat to that of the next."""
    asked = []

    def preemptions():
        asked.append(1)
        return 10 * len(asked)
    with OddServer(paths=caching(False, **{"num_preemptions_total": preemptions})) as server:
        run = online(binary, tmp_path, "--port", server.port)
    row = check(run, [], ["PREEMPTED"])
    assert row["preemptions"] > 0


# ---- the load


class OneAtATime:
    """A server that takes 1.2 of the time between two requests for each: nothing is slept
    twice, so that a busy machine does not make it slower."""

    def __init__(self, interval_s):
        self.interval_s, self.lock, self.next_s = interval_s, threading.Lock(), {}

    def __call__(self, sock, request):
        repeat = request.id.rsplit("-", 1)[0]
        with self.lock:
            due = self.next_s.get(repeat, time.monotonic()) + self.interval_s
            self.next_s[repeat] = due
        time.sleep(max(0, due - time.monotonic()))
        sock.sendall(odd.HEAD + odd.token("x", "length") +
                     odd.usage(odd.prompt_len(request), 1) + odd.END)
        return True


def test_overloaded(binary, tmp_path):
    """200 requests/s for 3 s to a server that does 167: one more in 6 is left waiting."""
    with OddServer(OneAtATime(0.006)) as server:
        run = online(binary, tmp_path, "--port", server.port, "--request-rate", 200, "--arrival",
                     "constant", load=small(None, 600, tokens=1))
    row = check(run, ["OVERLOADED"])
    assert row["inflight_last"] > 1.2 * row["inflight_middle"]
    assert row["requests_ok"] == 600


def test_not_overloaded(binary, tmp_path):
    with OddServer(OneAtATime(0.002)) as server:
        run = online(binary, tmp_path, "--port", server.port, "--request-rate", 50, "--arrival",
                     "constant", load=small(None, 100, tokens=1))
    check(run)


def test_short_run(binary, tmp_path, serve):
    """All are sent in 0.1 s, and each takes 0.3: no steady state to be judged. What would do is
    said, and does."""
    server = serve("--ttft", "300ms", "--itl", "1ms")
    load = ("--request-rate", 100, "--arrival", "constant")
    run = online(binary, tmp_path, "--port", server.port, *load, load=small(None, 20))
    row = run.rows[1]
    assert codes(row, "reasons") == {"SHORT_RUN"} and row["steady_s"] < 3 * row["e2e_early_s"]
    if row["reasons"] == ["SHORT_RUN"]:
        assert row["verdict"] == "INCONCLUSIVE" and run.code == 0
        assert run.last == "exit 0: done: 1 INCONCLUSIVE"
    more = re.search(r"INCONCLUSIVE: SHORT_RUN .*too short to judge overload; --num-prompts (\d+)",
                     " ".join(run.out.split()))
    run = online(binary, tmp_path, "--port", server.port, *load, "--output-dir", "results/longer",
                 load=small(None, int(more[1])))
    row = Run(run.code, tmp_path / "results/longer", run.out, run.err).rows[1]
    assert codes(row, "reasons") == set()


def test_require_valid(binary, tmp_path, serve):
    server = serve("--ttft", "300ms", "--itl", "1ms")
    words = ("--port", server.port, "--request-rate", 200, f"--accept-invalid={','.join(CLIENT)}")
    run = online(binary, tmp_path, *words, "--require-valid", load=small(None, 20))
    assert run.code == 3 and "--require-valid was given" in run.last


def test_rate_capped(binary, tmp_path, serve):
    """Latency counts from due, so waiting for a slot is in TTFT and not in its service part."""
    server = serve("--ttft", "20ms", "--itl", "5ms")
    run = online(binary, tmp_path, "--port", server.port, "--request-rate", 500,
                 "--max-concurrency", 2, load=small(None, 40))
    row = run.rows[1]
    check_accounts(run)
    assert "RATE_CAPPED" in row["warnings"] and "RATE_MISSED" not in row["reasons"]
    assert 30 < row["requests_held"] <= 38
    assert row["ttft_mean_s"] > 3 * row["ttft_service_mean_s"]


# ---- the client, stopped for a while


def stopped(binary, tmp_path, port, *words, when, for_s):
    """A run whose process is stopped once `when` requests of repeat 1 have ended."""
    process = start(binary, "online", "--port", port, *words, cwd=tmp_path, env=odd.environment())

    def done():
        paths = list((tmp_path / "results").glob("raw_*/journal.jsonl"))
        return process.poll() is not None or sum(
            line["type"] == "request" and line["repeat"] == 1
            for line in (journal_of(paths[0]) if paths else [])) >= when
    wait_for(done, "some measured requests")
    process.send_signal(signal.SIGSTOP)
    time.sleep(for_s)
    process.send_signal(signal.SIGCONT)
    code = process.wait(60)
    return Run(code, tmp_path / "results", (tmp_path / "stdout").read_text(),
               (tmp_path / "stderr").read_text())


def test_client_late_and_rate_missed(binary, tmp_path, serve):
    """100 requests/s for 2 s; the client stands still from the half to beyond the last one."""
    server = serve(*FAST)
    run = stopped(binary, tmp_path, server.port, "--request-rate", 100, "--arrival", "constant",
                  *small(None, 200), when=100, for_s=1.5)
    assert run.code == 3, run.err
    check_accounts(run)
    row = run.rows[1]
    assert {"CLIENT_LATE", "RATE_MISSED"} <= set(row["reasons"]), row["checks"]
    assert row["requests_ok"] == 200
    assert row["send_late_share"] > 0.1 and row["send_stretch_s"] > 0.1
    late = [line["sent_ns"] - line["due_ns"] for line in run.requests().values()]
    assert max(late) > 0.3e9 and min(late) >= 0
    # what was late by our own fault stands in the time from due, never hidden
    assert row["e2e_mean_s"] > row["e2e_service_mean_s"] + 0.02


def test_stamps_of_a_client_that_was_stopped(binary, tmp_path, serve):
    """Events that piled up in a socket have one stamp, the last one's: the others are bounded
    and the gaps beside them are not booked."""
    server = serve("--ttft", "5ms", "--itl", "10ms")
    run = stopped(binary, tmp_path, server.port, *small(8, 16, tokens=64), when=1, for_s=0.4)
    check_accounts(run)
    row = run.rows[1]
    assert "STAMPS_BOUNDED" in row["warnings"], row["checks"]
    assert row["requests_ok"] == 16 and row["stamps_bounded"] > 8 * 20
    assert row["itl_excluded"] >= row["stamps_bounded"]
    check_unharmed(run, tokens=64)


FLOOD_TOKENS = 1_000_000


def flood(sock, request):
    """As many tokens as the sockets take: some three million a second."""
    many = odd.token("") * 50_000
    sock.sendall(odd.HEAD)
    for _ in range(FLOOD_TOKENS // 50_000 - 1):
        sock.sendall(many)
    sock.sendall(odd.token("") * 49_999 + odd.token("", "length") +
                 odd.usage(odd.prompt_len(request), FLOOD_TOKENS) + odd.END)
    return True


def test_client_busy(binary, tmp_path):
    """Only a client that gets a core for itself can fill it, so a few tries are made."""
    for i in range(3):
        with OddServer(flood) as server:
            run = online(binary, tmp_path, "--port", server.port, "--no-gaps", "--output-dir",
                         f"results/{i}", load=small(4, 12, tokens=FLOOD_TOKENS))
        run = Run(run.code, tmp_path / f"results/{i}", run.out, run.err)
        check_accounts(run)
        row = run.rows[1]
        assert row["actual_output_tokens"] == 12 * FLOOD_TOKENS
        is_busy = row["client_busy_share"] > 0.05 and row["client_busy_windows"] >= 3
        assert ("CLIENT_BUSY" in row["reasons"]) == is_busy, row["checks"]
        if is_busy:
            assert run.code == 3 and "CLIENT_BUSY" in run.out
            return
    pytest.skip("other programs leave no core to the client")


# ---- rules of a cell


def slower(factor):
    """Gaps of 2 ms x factor ^ repeat."""
    def answer(sock, request):
        repeat = int(request.id.rsplit("-r", 1)[1].split("-")[0].rstrip("w"))
        return odd.good(sock, request, 0.002 * factor(repeat))
    return answer


def test_trend(binary, tmp_path):
    with OddServer(slower(lambda repeat: 1.6 ** repeat)) as server:
        run = online(binary, tmp_path, "--port", server.port, load=small(2, 6, 7))
    entry = summary_of(run)
    assert entry["count"] == 6
    assert {"TREND", "UNREPEATABLE"} <= set(entry["warnings"]), entry
    assert "FEW_REPEATS" not in entry["warnings"]


def test_unrepeatable(binary, tmp_path):
    with OddServer(slower(lambda repeat: 1 + 9 * (repeat % 2))) as server:
        run = online(binary, tmp_path, "--port", server.port, load=small(2, 6, 5))
    entry = summary_of(run)
    assert "UNREPEATABLE" in entry["warnings"] and "TREND" not in entry["warnings"], entry


def test_few_repeats_and_few_samples(binary, tmp_path):
    with OddServer() as server:
        run = online(binary, tmp_path, "--port", server.port)
    assert "FEW_SAMPLES" not in summary_of(run)["warnings"]  # nobody asked for a percentile
    with OddServer() as server:
        run = online(binary, tmp_path, "--port", server.port, "--percentiles", "50,99",
                     "--output-dir", "results/asked")
    run = Run(run.code, tmp_path / "results/asked", run.out, run.err)
    assert {"FEW_REPEATS", "FEW_SAMPLES"} <= set(summary_of(run)["warnings"])
