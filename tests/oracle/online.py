"""What only online rows have, after FORMAT.md 2 and docs/statistics.md, by other means than the
program's: every token's arrival in an array, in flight as a sum of steps."""

import numpy as np

from oracle import reference as ref

EARLY = 11


def first_tokens(request):
    """Tokens of the first event; -1 in the journal, where nobody knows: taken to be one."""
    return max(request.get("first_event_tokens", 1), 1)


def arrivals(request, has_gaps):
    """(instants, tokens) of an answer; tokens add up to what the server counted."""
    total = request["tokens_out"]
    if request.get("first_ns") is None:  # in one piece
        return np.array([request["last_ns"]]), np.array([float(total)])
    first = request["first_ns"]
    excluded = request.get("gaps_excluded", 0)
    if not has_gaps or (excluded and "excluded_ns" not in request):
        head = first_tokens(request)
        rest, span = total - head, request["last_ns"] - first
        if rest <= 0 or span <= 0:
            return np.array([first]), np.array([float(total)])
        later = first + span * np.arange(1, rest + 1) / rest
        return np.append(first, later), np.append(float(head), np.ones(rest))
    steps = np.zeros(1 + len(request["gaps_ns"]) + excluded, dtype=np.int64)
    places = request.get("excluded_at", [])
    steps[places] = request.get("excluded_ns", [])
    steps[[i for i in range(1, len(steps)) if i not in set(places)]] = request["gaps_ns"]
    tokens = np.array(request.get("event_tokens", [1] * len(steps)), dtype=float)
    return first + np.cumsum(steps), tokens * (total / tokens.sum())


def known(requests, key):
    return [r[key] for r in requests if r.get(key) is not None]


def ramp_end(cell, repeat):
    begin = repeat["end"].get("phase_ns") or min(known(repeat["requests"], "due_ns"))
    return begin + round(cell.get("ramp_up_s", 0) * 1e9)


def window(row, cell, repeat, ok):
    """(seconds, tokens) of the window; tokens None where an answer's are unknown."""
    requests = repeat["requests"]
    begin, end = ramp_end(cell, repeat), max(known(requests, "sent_ns"))
    again = any(r["sent_ns"] != r["due_ns"] for r in requests if "sent_ns" in r)
    is_whole = row["request_rate"] == "inf" or (row["arrival"] == "closed" and not again)
    is_unknown = any(r.get("tokens_out") is None for r in ok)
    if is_whole or begin >= end:
        return row["total_time"], None if is_unknown else sum(r["tokens_out"] for r in ok)
    took = (end - begin) / 1e9
    if is_unknown:
        return took, None
    inside = 0.0
    for r in ok:
        at, tokens = arrivals(r, cell["gaps"])
        inside += float(tokens[(at >= begin) & (at <= end)].sum())
    return took, inside


def mean_in_flight(requests, begin, end):
    """Integral of a step function: up at each send, down at each end."""
    steps = []
    for r in requests:
        if r.get("sent_ns") is None:
            continue
        done = r.get("done_ns", r.get("last_ns"))
        up = min(max(r["sent_ns"], begin), end)
        steps += [(up, 1), (end if done is None else min(max(done, begin), end), -1)]
    at = np.array(sorted(steps), dtype=float).reshape(-1, 2)
    level = np.cumsum(at[:, 1])
    return float(np.sum(level[:-1] * np.diff(at[:, 0]))) / (end - begin)


def steady(cell, repeat, ok):
    requests = repeat["requests"]
    first = sorted(ok, key=lambda r: r["due_ns"])[:EARLY]

    def median(some):
        return ref.quantile([(r["last_ns"] - r["due_ns"]) / 1e9 for r in some], 50)

    begin = ramp_end(cell, repeat) + 3 * min(median(ok), median(first)) * 1e9
    end, length = max(known(requests, "sent_ns")), 0.0
    if begin < end:
        length = (end - begin) / 1e9
    else:
        begin = min(known(requests, "sent_ns"))
        end = max(known(requests, "done_ns") + known(requests, "last_ns"))
    edges = np.linspace(begin, end, 4)
    return {"steady_s": length,
            "inflight_middle": mean_in_flight(requests, edges[1], edges[2]),
            "inflight_last": mean_in_flight(requests, edges[2], edges[3])}


def sends(row, requests, ok):
    sent = [r for r in requests if r.get("sent_ns") is not None]
    judged = [r for r in sent if row["arrival"] != "closed" or r["due_ns"] != r["sent_ns"]]
    own = [(r["sent_ns"] - r["ready_ns"] - (r.get("connect_ns") or 0) - (r.get("tls_ns") or 0)) / 1e9
           for r in judged]  # without the request's own connection
    lags = [(r["sent_ns"] - r["ready_ns"]) / 1e9 for r in judged]
    ttft = [(r["first_ns"] - r["due_ns"]) / 1e9 for r in ok if r.get("first_ns") is not None]
    late = max(1e-3, 0.01 * ref.quantile(ttft, 50)) if ttft else 1e-3
    new = [r for r in sent if r.get("connect_ns") is not None]
    made = {"send_lag_max_s": max(lags, default=0.0),
            "send_late_share": float(np.mean([x > late for x in own])) if own else 0.0,
            "sends_late": int(sum(x > late for x in own)),
            "send_stretch_s": (max(known(sent, "sent_ns")) -
                               max(known(requests, "due_ns"))) / 1e9,
            "requests_held": sum(r["ready_ns"] > r["due_ns"] for r in requests),
            "connections_new": len(new), "connections_reused": len(sent) - len(new)}
    for p in (50, 99):
        made[f"send_lag_p{p}_s"] = ref.quantile(lags, p) if len(lags) >= ref.floor(p) else None
    for name in ("connect", "tls"):
        costs = [ns / 1e9 for ns in known(requests, f"{name}_ns")]
        made[f"{name}_max_s"] = max(costs, default=0.0)
        made[f"{name}_p50_s"] = ref.quantile(costs, 50) if len(costs) >= ref.floor(50) else None
    return made


def goodput(row, ok):
    if row.get("slo") is None:
        return None
    none = float("inf")
    slo = row["slo"]
    met = 0
    for r in ok:
        if r.get("tokens_out") is None and "tpot_ms" in slo:
            continue
        rest = (r.get("tokens_out") or 0) - first_tokens(r)
        first = r.get("first_ns", r["due_ns"])  # in one piece: no limit on it is allowed
        tpot = (r["last_ns"] - first) / 1e6 / rest if rest >= 1 else 0.0
        met += (first - r["due_ns"]) / 1e6 <= slo.get("ttft_ms", none) and \
            (r["last_ns"] - r["due_ns"]) / 1e6 <= slo.get("e2e_ms", none) and \
            tpot <= slo.get("tpot_ms", none)
    return met / row["total_time"]


def fields(row, cell, repeat, ok):
    """All of it, by name."""
    took, inside = window(row, cell, repeat, ok)
    made = {"window_s": took, "window_tokens_per_second": None if inside is None
            else inside / took, "goodput_rps": goodput(row, ok)}
    made.update(sends(row, repeat["requests"], ok))
    made.update(steady(cell, repeat, ok))
    return made


def stamps(ok):
    return {f"stamps_{name}": sum(r.get(f"stamps_{name}", 0) for r in ok)
            for name in ("exact", "bounded", "tail")}


def is_open(row):
    return row["serving_mode"] == "online" and isinstance(row["request_rate"], (int, float))


def is_short(row):
    return row["steady_s"] < row["window_s"] / 2


def overload_limit(row, limit):
    middle, last = row["inflight_middle"], row["inflight_last"]
    return middle + max(limit * middle, 3 * ((middle + last) / 2) ** 0.5)
