"""What pictures are drawn from, recomputed: sketches of latencies, and the timeline of a repeat."""

import math

import numpy as np

from oracle import online

SHARES = [0, .001, .005, .01, .02, .03, .05, .07, *(k / 40 for k in range(4, 37)),
          *(k / 100 for k in range(91, 100)), .9925, .995, .9975, .999, .9995, .9999, 1]
BINS = 60
GAPS_MAX = 0.05


def sketch(key, sample):
    """{key: its member}; nothing of an empty sample, or of gaps of which too many are bounds."""
    values = sorted(sample.values)
    n = len(values)
    if not n or len(sample.bounds) > GAPS_MAX * (n + len(sample.bounds)):
        return {}
    ranks = [max(1, math.ceil(round(p * n, 9))) for p in SHARES]
    points = values if n <= len(SHARES) else [values[rank - 1] for rank in ranks]
    lost = sum(math.isinf(t) for _, _, times in sample.pool.parts for t in times)
    return {key: {"n": n, "lost": lost, "points": points}}


def step_of(span):
    least = span / BINS
    power = 10.0 ** math.floor(math.log10(least))
    return next(f * power for f in (1, 2, 5, 10) if f * power * BINS >= span)


def kv_usage(row, start_s, step, bins):
    """Greatest sample of each bin."""
    found = [None] * bins
    for at, use in row.get("kv_usage") or []:
        place = (at - start_s) / step
        if 0 <= place < bins:
            found[int(place)] = max(use, found[int(place)] or 0.0)
    return found if any(use is not None for use in found) else None


def timeline(row, cell, requests, ok, shape, run_start_s):
    sent = online.known(requests, "sent_ns")
    start = min(sent)
    end = max(online.known(requests, "done_ns") + [r["answer"].last for r in ok])
    if end <= start:
        return None
    span = (end - start) / 1e9
    step = step_of(span)
    window = (start, max(r["answer"].last for r in ok)) if shape is None else (shape.begin, shape.end)
    edges = [start + round(i * step * 1e9) for i in range(math.ceil(span / step - 1e-9) + 1)]
    flight = [online.mean_in_flight(requests, a, min(b, end)) for a, b in zip(edges, edges[1:])]
    tokens = None
    if row["reads"] == "good" and all(r.get("tokens_out") is not None for r in ok):
        made = [np.concatenate(column) for column in zip(*(online.made(r, cell["gaps"]) for r in ok))]
        tokens = [float(np.sum(made[2] * online.overlap(made[0], made[1], a, b))) / step
                  for a, b in zip(edges, edges[1:])]
    return {"step_s": step, "window_s": [(w - start) / 1e9 for w in window], "in_flight": flight,
            "tokens_per_second": tokens, "kv_usage": kv_usage(row, run_start_s + start / 1e9, step, len(flight))}
