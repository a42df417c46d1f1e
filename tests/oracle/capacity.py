"""The answer of a search, from the blocks in the rows: which levels were good, and Wald's test of them."""

import math

GOOD, BAD = math.log(0.95 / 0.80), math.log(0.05 / 0.20)
BOUND = math.log((1 - 0.05 / 8) / (0.05 / 8))


def is_close(low, high, is_whole):
    return high / low <= 1.05 + 1e-9 or is_whole and high - low <= 1


def sprt(blocks):
    """(end, good, bad) of a list of outcomes."""
    ratio = 0
    for n, is_good in enumerate(blocks, 1):
        ratio += GOOD if is_good else BAD
        good = sum(blocks[:n])
        if abs(ratio) >= BOUND:
            return "pass" if ratio > 0 else "fail", good, n - good
        if n == 60:
            return "undecided", good, n - good
    return "open", sum(blocks), len(blocks) - sum(blocks)


def answer(rows):
    """low, high, passed, failed and state of rows in order; None: no search."""
    search = rows[0].get("slo_search") if rows else None
    if search is None:
        return None
    is_rate = search["of"] == "request_rate"
    level = "request_rate" if is_rate else "batch_size"
    blocks = [(row[level], row["slo_block"] == "good") for row in rows if row["slo_block"] in ("good", "bad")]
    low = high = None
    at = 0
    while at < len(blocks) and (low is None or high is None or not is_close(low, high, not is_rate)):
        value, is_good = blocks[at]
        low, high = (value, high) if is_good else (low, value)
        at += 1
    found = {"low": low, "high": high, "passed": None, "failed": None, "state": "unfinished"}
    is_done = None not in (low, high) and is_close(low, high, not is_rate)
    if is_done and not search["confirm"]:
        found["state"] = "estimate"
    while is_done and at < len(blocks):
        value, run = blocks[at][0], []
        while at < len(blocks) and blocks[at][0] == value:
            run.append(blocks[at][1])
            at += 1
        end, good, bad = sprt(run)
        here = {"level": value, "good": good, "bad": bad}
        if end == "pass" and (found["passed"] is None or value > found["passed"]["level"]):
            found["passed"] = here
        if end == "fail" and (found["failed"] is None or value < found["failed"]["level"]):
            found["failed"] = here
    if found["passed"] and found["failed"]:
        found.update(state="confirmed", low=found["passed"]["level"], high=found["failed"]["level"])
    return found
