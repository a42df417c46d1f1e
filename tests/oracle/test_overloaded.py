"""OVERLOADED and SHORT_RUN by simulation: how often an overload is reported where the server keeps up,
how often it is found where it does not, and how often neither can be told. A server of few or many
slots and one first-in-first-out queue; service times with a mean of 2.56 s (128 tokens of 20 ms). The
formula: docs/statistics.md, its judge here is the oracle, which test_online.py holds against the
program; the program judges some of these runs itself."""

import heapq
import json
from collections import deque

import numpy as np
import pytest

from oracle import online
from oracle.made_online import END, RUN, Online
from oracle.settled import settle

SLOTS, MEAN_S, S = 32, 2.56, 1_000_000_000
RUNS = 200
SERVICES = {
    "fixed": lambda draw, n: np.full(n, MEAN_S),
    "uniform": lambda draw, n: draw.uniform(0.2 * MEAN_S, 1.8 * MEAN_S, n),
    "exponential": lambda draw, n: draw.exponential(MEAN_S, n)}
ARRIVALS = {
    "poisson": lambda draw, rate, n: np.cumsum(draw.exponential(1 / rate, n)),
    "constant": lambda draw, rate, n: np.arange(1, n + 1) / rate}
LEAST, LONG_S = 300, 90  # of an open load by default: requests, seconds


def requests(draw, load, service, count, slots=SLOTS, arrive=ARRIVALS["poisson"]):
    """`count` of them: (due, end), ns."""
    rate = load * slots / MEAN_S
    due = arrive(draw, rate, count)
    free, out = [0.0] * slots, []
    for at, took in zip(due, service(draw, len(due))):
        end = max(at, heapq.heappop(free)) + took
        heapq.heappush(free, end)
        out.append((int(at * S) + S, int(end * S) + S))
    return rate, out


def batched(draw, load, count, batch):
    """A server whose tokens take longer the more are in flight: twice as long with `batch`. More than
    `batch` answers in MEAN_S it never does."""
    rate = load * batch / MEAN_S
    due = ARRIVALS["poisson"](draw, rate, count)
    now = done = 0.0  # done: the time that an answer alone would have had so far
    waiting, ends = deque(), []
    for at in [*due, np.inf]:
        while waiting:
            slow = 1 + len(waiting) / batch
            end = now + (waiting[0] - done) * slow
            if end > at:
                break
            now, done = end, waiting.popleft()
            ends.append(now)
        if at < np.inf:
            done += (at - now) / (1 + len(waiting) / batch)
            now = at
            waiting.append(done + MEAN_S)
    return rate, [(int(a * S) + S, int(b * S) + S) for a, b in zip(due, ends)]


def default_count(rate):
    return max(LEAST, int(rate * LONG_S))


def lines(pairs):
    """Requests as the journal has them, in one piece each."""
    return [{"index": i, "status": "ok", "due_ns": due, "ready_ns": due, "sent_ns": due,
             "last_ns": end, "done_ns": end, "tokens_in": 16, "tokens_out": 128,
             "max_tokens": 128, "token_source": "usage"} for i, (due, end) in enumerate(pairs)]


def is_overloaded(rate, made):
    """True, False, or None: too short to judge."""
    settle(made)
    row = {"arrival": "poisson", "request_rate": rate, "serving_mode": "online"}
    shape = online.Shape(row, {"gaps": True}, {"requests": made, "end": {"phase_ns": S}}, made)
    row.update(shape.in_flight())
    return None if online.is_short(row, 0.2) else online.is_overloaded(row, 0.2)


def shares(load, service, slots, arrival, *, count=None, seed=1, runs=RUNS):
    """Overloads among the runs with a verdict, and runs without one."""
    draw = np.random.default_rng(seed)
    count = count or default_count(load * slots / MEAN_S)
    found = []
    for _ in range(runs):
        rate, pairs = requests(draw, load, SERVICES[service], count, slots, ARRIVALS[arrival])
        found.append(is_overloaded(rate, lines(pairs)))
    short = sum(x is None for x in found) / runs
    return sum(x is True for x in found) / max(runs * (1 - short), 1), short


def every(test):
    for name, values in (("service", SERVICES), ("arrival", ARRIVALS), ("slots", (2, 4, 8, 32))):
        test = pytest.mark.parametrize(name, values)(test)
    return test


@every
def test_false_alarms(slots, arrival, service):
    """By default, of a server that keeps up at 0.9 of what it can: 2 % at most; judged."""
    false, short = shares(0.9, service, slots, arrival, seed=1)
    assert false <= 0.02 and short <= 0.02


@every
def test_overload_is_found(slots, arrival, service):
    """By default, of half as many again as it can: 95 % at least; judged."""
    found, short = shares(1.5, service, slots, arrival, seed=2)
    assert found >= 0.95 and short <= 0.1


@pytest.mark.parametrize("count", (60, 100, 150, 200))
@pytest.mark.parametrize("slots", (2, 4, 8))
def test_few_requests_are_judged_right_or_not_at_all(slots, count):
    for service in ("fixed", "exponential"):
        found, short = shares(1.5, service, slots, "poisson", count=count, seed=3)
        assert found >= 0.9 or short > 0.9
        false, short = shares(0.5, service, slots, "poisson", count=count, seed=4)
        assert false <= 0.02 and (count < 100 or short <= 0.2)


@pytest.mark.parametrize("slots", (32, 128))
def test_short_time_is_judged_right_or_not_at_all(slots):
    """Many in flight, and a time of 5.5 to 10 answers."""
    for service in ("fixed", "exponential"):
        for length in (5.5, 7, 8.5, 10):
            found, short = shares(1.5, service, slots, "poisson", seed=5, runs=60,
                                  count=int(1.5 * slots * length))
            assert found >= 0.95 or short > 0.9
            false, _ = shares(0.9, service, slots, "poisson", seed=6, runs=60,
                              count=int(0.9 * slots * length))
            assert false <= 0.02


@pytest.mark.parametrize("slots", (2, 4, 32))
def test_a_great_overload_is_found(slots):
    """Four times what it can: the first answers still tell of a time without a queue."""
    found, short = shares(4, "fixed", slots, "poisson", seed=7, runs=60)
    assert found >= 0.95 and short <= 0.05


@pytest.mark.parametrize("batch", (4, 32))
@pytest.mark.parametrize("load", (0.5, 0.7))
def test_no_false_alarms_where_answers_slow_down(load, batch):
    """In flight climbs for long before it comes to rest."""
    draw, verdicts = np.random.default_rng(9), []
    for _ in range(100):
        rate, pairs = batched(draw, load, default_count(load * batch / MEAN_S), batch)
        verdicts.append(is_overloaded(rate, lines(pairs)))
    assert verdicts.count(True) <= 2 and verdicts.count(None) <= 2


@pytest.mark.parametrize("rate", (5, 10))
@pytest.mark.parametrize("token_ms", (31, 50, 75, 100))
def test_a_steady_server_is_valid_by_default(token_ms, rate):
    """128 tokens and no queue, whatever the speed."""
    draw, answer_s = np.random.default_rng(8), 0.05 + 0.128 * token_ms
    verdicts = []
    for _ in range(RUNS):
        due = ARRIVALS["poisson"](draw, rate, default_count(rate))
        pairs = [(int(at * S) + S, int((at + answer_s) * S) + S) for at in due]
        verdicts.append(is_overloaded(rate, lines(pairs)))
    assert verdicts.count(True) == 0 and verdicts.count(None) <= 0.02 * RUNS


def test_the_program_finds_the_same(inferbench, tmp_path):
    raw = tmp_path / "raw_20260301_120000"
    raw.mkdir()
    j = Online(raw / "journal.jsonl", 1, serving_mode="online", fields={**RUN, "slo": None})
    draw, expected = np.random.default_rng(4), []
    for slots, load in ((4, 0.9), (32, 1.2), (4, 1.5), (32, 1.5)):
        rate = load * slots / MEAN_S
        j.load("poisson", rate=rate, count=1, tokens=128)
        for repeat in range(9):
            _, pairs = requests(draw, load, SERVICES["uniform"], 40 * (repeat + 2), slots)
            j.line("repeat", cell=j.cells - 1, repeat=repeat, warmup=repeat == 0,
                   planned=len(pairs), expected_cached_tokens=0)
            for line in lines(pairs):
                j.line("request", cell=j.cells - 1, repeat=repeat, **line)
            j.line("repeat_end", cell=j.cells - 1, repeat=repeat, error=None, phase_ns=S,
                   fields=END)
            if repeat > 0:
                expected.append(is_overloaded(rate, lines(pairs)))
    j.close()
    inferbench("recover", raw)
    rows = json.loads((tmp_path / "online_results_20260301_120000.json").read_text())["results"]
    got = [None if "SHORT_RUN" in row["reasons"] else "OVERLOADED" in row["reasons"]
           for row in rows if not row["is_warmup"]]
    assert got == expected and {True, False, None} <= set(got)
