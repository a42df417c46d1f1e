"""What only online rows have, after docs/files.md and docs/statistics.md, by other means than the
program's: every token's arrival in an array, in flight as a sum of steps."""

from bisect import bisect_left

import numpy as np

from oracle import reference as ref

EARLY = 11
SETTLE, LEAST, GROWTH, LEVEL = 3, 3, 5, 12  # of E0: until an open load is steady, to judge it
WAVE = 0.9  # of E0: the least of a closed window
LATE = 0.005  # of all tokens: what may be missing of a load that is steady


def made(request, has_gaps):
    """(since, until, tokens) of an answer's tokens; they add up to what the server counted."""
    answer, sent = request["answer"], float(request["sent_ns"])
    total = answer.total
    if answer.first is None:  # in one piece, or without a token
        return np.array([sent]), np.array([answer.last]), np.array([float(total)])
    if not has_gaps or answer.at is None or not len(answer.at):
        head = max(answer.head, 1)
        rest, span = total - head, answer.last - answer.first
        if rest <= 0 or span <= 0:
            return np.array([sent]), np.array([answer.first]), np.array([float(total)])
        later = answer.first + span * np.arange(1, rest + 1) / rest
        return (np.append(sent, later), np.append(answer.first, later),
                np.append(float(head), np.ones(rest)))
    tokens = np.array(answer.event_tokens(), dtype=float)
    return (np.append(sent, answer.at[:-1]), answer.at, tokens * (total / tokens.sum()))


def overlap(since, until, begin, end):
    """Share of each span that lies in begin..end; of an instant all or nothing."""
    since, until = np.asarray(since, dtype=float), np.asarray(until, dtype=float)
    inside = np.clip(np.minimum(until, end) - np.maximum(since, begin), 0, None)
    return np.where(until > since, inside / np.where(until > since, until - since, 1),
                    (until >= begin) & (until <= end))


def known(requests, key):
    return [r[key] for r in requests if r.get(key) is not None]


def ramp_end(cell, repeat):
    begin = repeat["end"].get("phase_ns") or min(known(repeat["requests"], "due_ns"))
    return begin + round(cell.get("ramp_up_s", 0) * 1e9)


def is_first(request):
    return request.get("due_ns") == request.get("sent_ns")


def settled(ok, end):
    """The least time, in whole milliseconds, from which until `end` at most LATE of the tokens is
    missing that answers sent before the start would have brought. Of the tokens of an answer that come
    evenly from `head` to `tail` the shares below an age: a ramp; its integral is what is there."""
    tokens, head, tail = (np.array(column, dtype=float) for column in zip(*(
        (r.get("tokens_out") or 1,
         0 if r["answer"].first is None else (r["answer"].first - r["sent_ns"]) / 1e9,
         (r["answer"].last - r["sent_ns"]) / 1e9) for r in ok)))

    def missing(begin):
        took = np.maximum(tail - head, 1e-12)
        there = [np.clip(at - head, 0, took) ** 2 / (2 * took) + np.maximum(at - tail, 0)
                 for at in (begin, end)]
        return float(np.average(end - begin - (there[1] - there[0]), weights=tokens))

    last = max(int(np.ceil(end * 1000)), 0)
    return bisect_left(range(last), True, key=lambda ms: missing(ms / 1000) <= LATE * end) / 1000


class Shape:
    """Window, E0 and scope of one repeat."""

    def __init__(self, row, cell, repeat, ok):
        self.row, self.cell, self.repeat, self.ok = row, cell, repeat, ok
        self.requests = repeat["requests"]
        self.is_closed = row["arrival"] == "closed"
        first = [(r["answer"].last - r["due_ns"]) / 1e9
                 for r in sorted(ok, key=lambda r: r["due_ns"])]
        early = max(EARLY, int(len(first) * 0.05))
        self.e0 = min(ref.quantile(first[:n], 50) for n in (EARLY, early, len(first)))
        self.early_mean = ref.mean(first[:early])
        self.ramp_end = ramp_end(cell, repeat)
        self.last_sent = max(known(self.requests, "sent_ns"))
        self.from_ramp = (self.last_sent - self.ramp_end) / 1e9
        self.settle = max(SETTLE * self.e0, settled(ok, self.from_ramp)) if is_open(row) else None
        self.begin, self.end, self.is_whole = self.window()

    def window(self):
        begin, end = self.ramp_end, self.last_sent
        is_whole = self.row["request_rate"] == "inf"
        if self.is_closed:
            ends = [r["done_ns"] for r in self.requests
                    if is_first(r) and r.get("done_ns") is not None]
            if ends:
                begin = max(begin, int(ref.quantile(ends, 50)))
            is_whole |= all(is_first(r) for r in self.requests if "sent_ns" in r)
        else:
            settle = self.settle or 0
            begin += round(max(SETTLE * self.e0, min(settle, self.from_ramp / 2)) * 1e9)
        last = end if self.is_closed else max(known(self.requests, "due_ns"))
        end = max(end, last)
        least = int(WAVE * self.e0 * 1e9) if self.is_closed else 1
        if is_whole or last - begin < least:
            return (min(known(self.requests, "sent_ns")),
                    max(r["answer"].last for r in self.ok), True)
        return begin, end, False

    def seconds(self):
        return (self.end - self.begin) / 1e9

    def scope(self):
        """Requests whose latencies count."""
        if self.is_whole:
            return self.requests
        if self.is_closed:
            ramp = self.ramp_end if self.cell.get("ramp_up_s", 0) > 0 else -float("inf")
            return [r for r in self.requests if not is_first(r) and r["due_ns"] >= ramp]
        return [r for r in self.requests if self.begin <= r["due_ns"] < self.end]

    def order(self):
        """A burst of all requests is one cluster."""
        is_one_wave = self.is_closed and self.is_whole and not self.cell.get("ramp_up_s") and \
            all(is_first(r) for r in self.requests if "sent_ns" in r)
        is_burst = self.row["request_rate"] == "inf" or is_one_wave
        return "cluster" if is_burst else "timed"

    def is_due(self, due_ns):
        if self.is_whole:
            return True
        return self.begin < due_ns <= self.end if self.is_closed else \
            self.begin <= due_ns < self.end

    def tokens(self):
        if any(r.get("tokens_out") is None for r in self.ok):
            return None
        if self.is_whole:
            return sum(r["tokens_out"] for r in self.ok)
        inside = 0.0
        for r in self.ok:
            since, until, tokens = made(r, self.cell["gaps"])
            inside += float(np.sum(tokens * overlap(since, until, self.begin, self.end)))
        return inside

    def share(self, request):
        """How much of the request's life lies in the window."""
        return float(overlap(request["sent_ns"], request["answer"].last, self.begin, self.end))

    def answers(self):
        return sum(self.share(r) for r in self.ok)

    def slots_lost(self):
        """Share of the slots' time in the window that requests without an answer took."""
        slots = self.row["batch_size"] if self.is_closed else self.cell.get("max_concurrency")
        if not slots:
            return None
        lost = 0
        for r in self.requests:
            if r["status"] in ("failed", "unanswered") and r.get("sent_ns") is not None:
                is_gone = self.is_closed and r["status"] == "unanswered"
                done = None if is_gone else r.get("done_ns")
                end = self.end if done is None else min(done, self.end)
                lost += max(0, end - max(r["sent_ns"], self.begin))
        return min(1.0, lost / (slots * (self.end - self.begin)))

    def closed_steady(self):
        if not self.is_whole:
            return self.seconds()
        has_second = any(not is_first(r) for r in self.requests if "sent_ns" in r)
        return 0.0 if has_second or self.cell.get("ramp_up_s", 0) > 0 else None

    def in_flight(self):
        last, e0 = self.last_sent, self.e0 * 1e9
        begin = self.ramp_end + SETTLE * e0
        start = self.ramp_end - self.cell.get("ramp_up_s", 0) * 1e9
        made = {"inflight_end": mean_in_flight(self.requests, last - (last - start) / 10, last),
                "inflight_expected": None, "steady_s": 0.0, "e2e_early_s": self.e0,
                "settle_s": self.settle, "slots_lost_share": self.slots_lost()}
        if is_open(self.row):
            made["inflight_expected"] = self.row["request_rate"] * self.early_mean
        end = last
        if begin < end:
            made["steady_s"] = (end - begin) / 1e9
        else:
            begin = min(known(self.requests, "sent_ns"))
            end = max(known(self.requests, "done_ns") + [r["answer"].last for r in self.ok])
        if self.is_closed:
            made["steady_s"] = self.closed_steady()
        edges = np.linspace(begin, end, 4)
        made["inflight_middle"] = mean_in_flight(self.requests, edges[1], edges[2])
        made["inflight_last"] = mean_in_flight(self.requests, edges[2], edges[3])
        return made


def mean_in_flight(requests, begin, end):
    """Time in flight within begin..end, of all requests together, by its length."""
    spans = np.array([(r["sent_ns"], end if r.get("done_ns") is None else r["done_ns"])
                      for r in requests if r.get("sent_ns") is not None], dtype=float)
    inside = np.clip(spans.reshape(-1, 2), begin, end)
    return float(np.sum(inside[:, 1] - inside[:, 0])) / (end - begin)


def own_lag_ns(request):
    """Without the request's own connection, if it was waited for."""
    lag = request["sent_ns"] - request["ready_ns"]
    opening = (request.get("connect_ns") or 0) + (request.get("tls_ns") or 0)
    return lag - opening if lag >= opening else lag


def late_rank(judged, own, late):
    """Of several processes the one with the greatest share of late sends, of those with 3 or more."""
    ranks = {}
    for request, lag in zip(judged, own):
        ranks.setdefault(request.get("rank", 0), []).append(lag > late)
    shares = [(float(np.mean(lates)), -rank) for rank, lates in ranks.items() if sum(lates) >= 3]
    share, rank = max(shares, default=(None, 0))
    return {"send_late_rank": None if share is None else -rank, "send_late_rank_share": share}


def sends(row, requests, ok):
    sent = [r for r in requests if r.get("sent_ns") is not None]
    judged = [r for r in sent if row["arrival"] != "closed" or r["due_ns"] != r["sent_ns"]]
    own = [own_lag_ns(r) / 1e9 for r in judged]
    lags = [(r["sent_ns"] - r["ready_ns"]) / 1e9 for r in judged]
    ttft = [(r["answer"].began() - r["due_ns"]) / 1e9 for r in ok
            if r["answer"].began() is not None]
    late = max(1e-3, 0.01 * ref.quantile(ttft, 50)) if ttft else 1e-3
    new = [r for r in sent if r.get("connect_ns") is not None]
    made = {"send_lag_max_s": max(lags, default=0.0),
            "send_late_share": float(np.mean([x > late for x in own])) if own else 0.0,
            "sends_late": int(sum(x > late for x in own)),
            "send_stretch_s": (max(known(sent, "sent_ns")) -
                               max(known(requests, "due_ns"))) / 1e9,
            "requests_held": sum(r["ready_ns"] > r["due_ns"] if "ready_ns" in r else
                                 r["status"] == "unanswered" for r in requests),
            "connections_new": len(new), "connections_reused": len(sent) - len(new)}
    if row.get("ranks"):
        made.update(late_rank(judged, own, late))
    for p in (50, 99):
        made[f"send_lag_p{p}_s"] = ref.quantile(lags, p) if len(lags) >= ref.floor(p) else None
    for name in ("connect", "tls"):
        costs = [ns / 1e9 for ns in known(requests, f"{name}_ns")]
        made[f"{name}_max_s"] = max(costs, default=0.0)
        made[f"{name}_p50_s"] = ref.quantile(costs, 50) if len(costs) >= ref.floor(50) else None
    return made


def meets(request, slo):
    if request["status"] != "ok":
        return False
    a, none = request["answer"], float("inf")
    tpot = a.tpot_ms()
    if "ttft_ms" in slo and (a.began() is None or
                             (a.began() - request["due_ns"]) / 1e6 > slo["ttft_ms"]):
        return False
    if "tpot_ms" in slo and (0 if a.total in (0, 1) else none if tpot is None else tpot) > \
            slo["tpot_ms"]:
        return False
    return (a.last - request["due_ns"]) / 1e6 <= slo.get("e2e_ms", none)


NO_GOODPUT = {"goodput_rps": None, "goodput_share": None, "goodput_due": None}


def goodput(row, shape):
    if row.get("slo") is None or row["reads"] != "good":
        return NO_GOODPUT
    slo, several = row["slo"], any(r.get("tokens_out", 2) > 1 for r in shape.ok)
    if ("tpot_ms" in slo and row.get("tpot_mean_ms") is None and several) or \
            ("ttft_ms" in slo and row.get("decode_time") is None):
        return NO_GOODPUT
    due = [r for r in shape.requests
           if r["status"] in ("ok", "failed", "unanswered") and
           shape.is_due(r["due_ns"])]
    good = served = sum(meets(r, slo) for r in due)
    if shape.is_closed and not shape.is_whole:
        served = sum(shape.share(r) for r in shape.ok if meets(r, slo))
    return {"goodput_rps": served / shape.seconds(),
            "goodput_share": good / len(due) if due else None, "goodput_due": len(due)}


def reads(scope):
    """Median time between the reads of an answer."""
    values = []
    for r in scope:
        if r["status"] != "ok":
            continue
        a = r["answer"]
        own = sum(c[3].count("x") + c[3].count("t") for c in a.classes.values())
        if own > 1 and a.first is not None:
            values.append((a.last - a.first) / 1e9 / (own - 1))
        elif own <= 1:
            values.append((a.last - r["sent_ns"]) / 1e9)
    return ref.quantile(values, 50) if values else None


def fields(row, shape):
    """All of it, by name."""
    took, inside = shape.seconds(), shape.tokens()
    made = {"window_s": took, "window_tokens_per_second": None if inside is None
            else inside / took, "window_requests_per_second": shape.answers() / took,
            "read_interval_p50_s": reads(shape.scope())}
    made.update(sends(row, shape.requests, shape.ok))
    made.update(shape.in_flight())
    return made


def stamps(ok):
    found = [r["answer"].count_stamps() for r in ok]
    return {f"stamps_{name}": sum(c[letter] for c in found)
            for name, letter in (("exact", "x"), ("bounded", "b"), ("tail", "t"))}


def reads_of(row, limit):
    """buffered: most events came with a later one, though our reads were closer than what came
    apart; late: they were not, and are too few to tell when tokens came."""
    total = row["stamps_exact"] + row["stamps_bounded"] + row["stamps_tail"]
    lag, apart = row["loop_lag_p99_s"], row["read_interval_p50_s"]
    if not total or lag is None or apart is None or row["stamps_bounded"] / total <= limit:
        return "good"
    late = max(lag, row.get("core_wait_mean_s") or 0) + (row["drain_interval_us"] or 0) / 1e6
    if late < 0.5 * apart:
        return "buffered"
    own = (row["stamps_exact"] + row["stamps_tail"]) / row["requests_ok"]
    return "late" if own < 10 else "good"


def is_open(row):
    return row["serving_mode"] == "online" and isinstance(row["request_rate"], (int, float))


def from_ramp(row):
    """From the end of the ramp-up to the last send."""
    return row["steady_s"] + SETTLE * row["e2e_early_s"]


def due_count(row):
    return row["request_rate"] * from_ramp(row)


def overload_limit(row, limit):
    return row["inflight_middle"] * (1 + limit)


def high_limit(row):
    expected = row["inflight_expected"]
    return 1.25 * expected + 3 * expected ** 0.5


def is_overloaded(row, limit):
    chance = row["inflight_expected"] + 2 * (2 * due_count(row)) ** 0.5
    return row["inflight_last"] > overload_limit(row, limit) and \
        row["inflight_end"] > max(high_limit(row), chance) and \
        row["steady_s"] >= GROWTH * row["e2e_early_s"]


def level_limit(row):
    """In flight at the end, below which an overload of 1.5 would have shown."""
    due = due_count(row)
    hidden = due / 3 - 2 * (due * 5 / 3) ** 0.5
    is_long = row["steady_s"] >= LEVEL * row["e2e_early_s"]
    return hidden if is_long else min(hidden, high_limit(row))


def is_below_least(row):
    return row["steady_s"] < LEAST * row["e2e_early_s"]


def is_unsettled(row):
    return row["settle_s"] > from_ramp(row) / 2


def shows_overload(row, limit):
    return is_overloaded(row, min(limit, 0.2))


def is_open_question(row, limit):
    return (row["inflight_end"] > level_limit(row) or is_unsettled(row)) and \
        not shows_overload(row, limit)


def is_short(row, limit):
    return is_below_least(row) or is_open_question(row, limit)
