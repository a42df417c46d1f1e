"""OVERLOADED by simulation: how often it fires where the server keeps up, and how often it is found
where it does not. Poisson arrivals at 32 slots with a first-in-first-out queue; three kinds of service
times with a mean of 2.56 s (128 tokens of 20 ms). The formula: docs/statistics.md, its judge here is
the oracle, which test_online.py holds against the program; the program judges some of these runs
itself."""

import heapq
import json

import numpy as np
import pytest

from oracle import online
from oracle.made_online import END, RUN, Online
from oracle.settled import settle

SLOTS, MEAN_S, S = 32, 2.56, 1_000_000_000
RUNS = 400
SERVICES = {
    "fixed": lambda draw, n: np.full(n, MEAN_S),
    "uniform": lambda draw, n: draw.uniform(0.2 * MEAN_S, 1.8 * MEAN_S, n),
    "exponential": lambda draw, n: draw.exponential(MEAN_S, n)}


def requests(draw, load, service, length):
    """Sent over `length` mean service times: (due, end), ns."""
    rate = load * SLOTS / MEAN_S
    due = np.cumsum(draw.exponential(1 / rate, max(int(rate * length * MEAN_S), 1)))
    free, out = [0.0] * SLOTS, []
    for at, took in zip(due, service(draw, len(due))):
        end = max(at, heapq.heappop(free)) + took
        heapq.heappush(free, end)
        out.append((int(at * S) + S, int(end * S) + S))
    return rate, out


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
    if online.is_short(row):
        return None
    return row["inflight_last"] > online.overload_limit(row, 0.2) and online.stands_high(row)


def share_found(load, service, length, seed):
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(RUNS):
        rate, pairs = requests(draw, load, service, length)
        found.append(is_overloaded(rate, lines(pairs)))
    return sum(x is True for x in found) / RUNS, sum(x is None for x in found) / RUNS


@pytest.mark.parametrize("service", SERVICES)
def test_false_alarms(service):
    """Of a server that keeps up at 0.9 of what it can: 2 % at most; seldom too short to judge."""
    false, short = share_found(0.9, SERVICES[service], 23, seed=1)
    assert false <= 0.02
    assert short <= 0.02


@pytest.mark.parametrize("service", SERVICES)
def test_overload_is_found(service):
    """Of half as many again as it can: 95 % at least."""
    found, short = share_found(1.5, SERVICES[service], 23, seed=2)
    assert found >= 0.95
    assert short <= 0.02


def test_a_great_overload_is_found():
    """Four times what it can: the first answers still tell of a time without a queue."""
    found, _ = share_found(4, SERVICES["fixed"], 23, seed=3)
    assert found >= 0.95


def test_the_program_finds_the_same(inferbench, tmp_path):
    raw = tmp_path / "raw_20260301_120000"
    raw.mkdir()
    j = Online(raw / "journal.jsonl", 1, serving_mode="online", fields={**RUN, "slo": None})
    draw, expected = np.random.default_rng(4), []
    for load in (0.9, 1.2, 1.5):
        rate = load * SLOTS / MEAN_S
        j.load("poisson", rate=rate, count=1, tokens=128)
        for repeat in range(9):
            _, pairs = requests(draw, load, SERVICES["uniform"], 20)
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
    assert got == expected and {True, False} <= set(got)
