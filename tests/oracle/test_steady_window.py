"""The window of an open load by simulation: how far its tokens/s are from rate x mean tokens of an
answer, on a server that takes any number of answers at once, for lengths that are all the same, of two
kinds, and of a heavy tail. The formula: docs/statistics.md; what the program makes of some of these runs
is held against it here."""

import json

import numpy as np
import pytest

from oracle import online
from oracle.made_online import END, RUN, Online
from oracle.settled import settle

S, RATE, ITL_S, RUNS = 1_000_000_000, 10, 0.02, 30


def shuffled(draw, count, *kinds):
    """Each kind, share and tokens, as often as its share says."""
    many = [np.full(round(share * count), tokens) for share, tokens in kinds]
    return draw.permutation(np.concatenate(many))


LENGTHS = {
    "equal": lambda draw, n: np.full(n, 128),
    "two_fifths": lambda draw, n: shuffled(draw, n, (0.6, 10), (0.4, 500)),
    "a_fifth": lambda draw, n: shuffled(draw, n, (0.8, 20), (0.2, 1500)),
    "few": lambda draw, n: shuffled(draw, n, (0.95, 20), (0.05, 1000)),
    "tail": lambda draw, n: np.clip(draw.lognormal(np.log(100), 1, n), 1, 2048).round()}
ARRIVALS = {
    "constant": lambda draw, n: np.arange(n) / RATE,
    "poisson": lambda draw, n: np.cumsum(draw.exponential(1 / RATE, n))}


def served(due, tokens):
    """Requests as the journal has them, in one piece each, whose tokens are taken to come evenly."""
    made = []
    for i, (at, count) in enumerate(zip(due, tokens)):
        sent, end = int(at * S) + S, int((at + count * ITL_S) * S) + S
        made.append({"index": i, "status": "ok", "due_ns": sent, "ready_ns": sent,
                     "sent_ns": sent, "last_ns": end, "done_ns": end, "tokens_in": 16,
                     "tokens_out": int(count), "max_tokens": 2048, "token_source": "usage"})
    settle(made)
    return made


def shape_of(requests):
    row = {"arrival": "poisson", "request_rate": RATE, "serving_mode": "online"}
    shape = online.Shape(row, {"gaps": True}, {"requests": requests, "end": {"phase_ns": S}},
                         requests)
    row.update(shape.in_flight())
    return shape, row


def simulated(length, seconds, arrival, begin_of):
    """Of the runs that are not too short: tokens/s by what is due, less 1; and the share of these."""
    draw, off = np.random.default_rng(11), []
    for _ in range(RUNS):
        tokens = LENGTHS[length](draw, RATE * seconds)
        requests = served(ARRIVALS[arrival](draw, len(tokens)), tokens)
        shape, row = shape_of(requests)
        shape.begin = begin_of(shape)
        due_s = (requests[-1]["due_ns"] - requests[0]["due_ns"]) / S
        if not online.is_short(row, 0.2):
            off.append(shape.tokens() / shape.seconds() * due_s / tokens.sum() - 1)
    return np.mean(off) if off else None, len(off) / RUNS


def steady(shape):
    return shape.begin


def after_3_e0(shape):
    return shape.ramp_end + round(3 * shape.e0 * S)


@pytest.mark.parametrize("arrival", ARRIVALS)
@pytest.mark.parametrize("length", LENGTHS)
def test_tokens_a_second_are_true(length, arrival):
    off, judged = simulated(length, 90, arrival, steady)
    assert abs(off) < 0.025 and judged == 1


@pytest.mark.parametrize(("length", "seconds"), [("two_fifths", 40), ("few", 40), ("a_fifth", 90)])
def test_the_median_says_nothing_of_the_long_ones(length, seconds):
    was, _ = simulated(length, seconds, "constant", after_3_e0)
    off, judged = simulated(length, seconds, "constant", steady)
    assert was < -0.08 and abs(off) < 0.025 and judged == 1


@pytest.mark.parametrize("length", ("few", "tail"))
def test_too_short_for_the_long_ones(length):
    _, judged = simulated(length, 15, "poisson", steady)
    assert judged <= 0.1


def test_one_of_hundreds_does_not_move_it():
    requests = served(np.arange(300) / RATE, np.full(300, 128))
    shape, _ = shape_of(requests)
    for slow_s in (10, 60, 3600):
        later = [dict(r) for r in requests]
        later[40]["last_ns"] = later[40]["done_ns"] = later[40]["sent_ns"] + slow_s * S
        settle(later)
        assert shape_of(later)[0].begin == shape.begin


def test_the_program_finds_the_same(inferbench, tmp_path):
    raw = tmp_path / "raw_20260301_120000"
    raw.mkdir()
    j = Online(raw / "journal.jsonl", 1, serving_mode="online", fields={**RUN, "slo": None})
    draw, expected = np.random.default_rng(12), []
    for length, seconds in (("two_fifths", 40), ("few", 20), ("tail", 60), ("equal", 60)):
        j.load("poisson", rate=RATE, count=1, tokens=128)
        for repeat in range(3):
            due = ARRIVALS["poisson"](draw, RATE * seconds)
            made = served(due, LENGTHS[length](draw, len(due)))
            j.line("repeat", cell=j.cells - 1, repeat=repeat, warmup=repeat == 0,
                   planned=len(made), expected_cached_tokens=0)
            for line in made:
                kept = {key: value for key, value in line.items() if key != "answer"}
                j.line("request", cell=j.cells - 1, repeat=repeat, **kept)
            j.line("repeat_end", cell=j.cells - 1, repeat=repeat, error=None, phase_ns=S,
                   fields=END)
            shape, row = shape_of(made)
            if repeat > 0:
                expected.append((shape.settle, shape.seconds(), online.is_short(row, 0.2)))
    j.close()
    inferbench("recover", raw)
    rows = json.loads((tmp_path / "online_results_20260301_120000.json").read_text())["results"]
    got = [(row["settle_s"], row["window_s"], "SHORT_RUN" in row["reasons"])
           for row in rows if not row["is_warmup"]]
    for one, other in zip(got, expected, strict=True):
        assert one[:2] == pytest.approx(other[:2], rel=1e-6) and one[2] == other[2]
    assert {True, False} <= {one[2] for one in got}
