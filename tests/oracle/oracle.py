"""Recomputes every field of a run's rows and summary from its journal, after docs/files.md and
docs/statistics.md, and
compares: check_run(results_dir)."""

import json
import math
import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path

import numpy as np

from oracle import capacity, online, pictures, settings, settled
from oracle import reference as ref
from oracle.dependent import Pool

ROOT = Path(__file__).resolve().parent.parent.parent
PERCENTILES = (50, 90, 95, 99)
WITH_ENDS = (50, 99)
PARTS = ("mean", "p50", "p50_low", "p50_high", "p90", "p95", "p99", "p99_low", "p99_high")


@lru_cache(None)
def field_list():
    """{name: (kind, must)} of src/core/field_list.h, in order."""
    text = (ROOT / "src/core/field_list.h").read_text().replace("\\\n", " ")
    fields = {}
    row = re.compile(r'\bX\(\s*(\w+),\s*(\w+),\s*"[^"]*",\s*\w+,\s*"([Mm-]{2})"'
                     r'|FIELD_PCT\(X,\s*(\w+),\s*(\w+),\s*"[^"]*",\s*"([Mm-]{2})"')
    for m in row.finditer(text):
        if m[1]:
            fields[m[1]] = (m[2], m[3])
        else:
            for part in PARTS:
                is_end = part.endswith(("_low", "_high"))
                fields[f"{m[4]}_{part}_{m[5]}"] = ("NUM", "-m" if is_end else m[6])
    return fields


@lru_cache(None)
def floored():
    """Percentiles that are null below their floor."""
    latencies = "ttft|e2e|itl|tpot|send_lag|connect|tls"
    return {name for name in field_list() if re.fullmatch(rf"({latencies})\w*_p\d+(_low|_high)?_m?s", name)}


def read_journal(path):
    """The run line, cells, and repeats with their requests; a cut last line is left out, so is
    a second line of a request, and `damage` says what else is not as it was written."""
    run, cells, repeats = None, [], []
    for number, line in enumerate(Path(path).read_bytes().split(b"\n"), 1):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        kind = entry["type"]
        if kind == "run":
            run = entry
        elif kind == "cell":
            cells.append(entry)
        elif kind == "repeat":
            repeats.append({"head": entry, "requests": [], "end": None, "damage": None})
        elif kind == "request":
            take_request(repeats[-1], entry, number)
        elif kind == "repeat_end":
            repeats[-1]["end"] = entry
            why = not_whole(run, cells, repeats[-1])
            if why and not entry.get("error") and not repeats[-1]["damage"]:
                repeats[-1]["damage"] = f"journal line {number} ends the repeat, but {why}"
    for repeat in repeats:
        repeat["requests"].sort(key=lambda r: r["index"])
        for request in repeat["requests"]:
            forget_impossible(request)
        repeat["tokens"] = settled.settle(repeat["requests"])
    return run, cells, repeats


def take_request(repeat, request, number):
    if any(request["index"] == other["index"] for other in repeat["requests"]):
        repeat["damage"] = repeat["damage"] or \
            f"journal line {number} is damaged: a second line for its request"
        return
    repeat["requests"].append(request)


def not_whole(run, cells, repeat):
    """What its requests lack: they are told, else planned; a load that may stop early has the
    first ones of each client thread."""
    cell, there = cells[repeat["head"]["cell"]], len(repeat["requests"])
    is_closed = cell["fields"].get("arrival") == "closed"
    wanted = repeat["end"].get("requests")
    if wanted is None and run["format"] == 1:
        return None
    is_timed = cell["fields"].get("duration_s") or not repeat["head"]["planned"]
    cap = cell.get("max_concurrency")
    if wanted is None and (is_timed if is_closed else cap):
        threads = min(int(run["options"].get("client-threads", 1)),
                      cell["fields"]["batch_size"] if is_closed else cap)
        indices = {r["index"] for r in repeat["requests"]}
        holes = {i - threads for i in indices if i >= threads} - indices
        return "not all of its requests are there" if holes else None
    wanted = repeat["head"]["planned"] if wanted is None else wanted
    return None if there == wanted else f"{there} of its {wanted} requests are there"


def forget_impossible(request):
    """Counts that cannot be are unknown: more tokens than were asked for and a stop token."""
    for key in [key for key, value in request.items() if value is None]:
        del request[key]
    most, prompt = request["max_tokens"] + 1, 2 ** 31 - 1
    has_text = "text" in request or ("event_ns" in request and "T" in request.get("classes", "T"))
    if not 0 <= request.get("tokens_out", 0) <= most or \
            (request.get("tokens_out") == 0 and has_text):
        request.pop("tokens_out")
        request.pop("token_source", None)
    if not 0 <= request.get("tokens_in", 0) <= prompt:
        request.pop("tokens_in")
    if request.get("tokens_cached") is not None and \
            not 0 <= request["tokens_cached"] <= request.get("tokens_in", -1):
        request.pop("tokens_cached")


def seconds(ns):
    return ns / 1e9


def known(values):
    return [v for v in values if v is not None]


def total(values):
    """Sum, None as soon as one is unknown."""
    return None if any(v is None for v in values) else sum(values)


def ratio(a, b):
    return None if a is None or b is None or b == 0 else a / b


def between(request, start, end):
    a, b = request.get(start), request.get(end)
    return None if a is None or b is None else seconds(b - a)


def decode_s(request):
    if request.get("decode_ns") is not None:
        return seconds(request["decode_ns"])
    a = request["answer"]
    return None if a.began() is None else seconds(a.last - a.first)


def since(request, start, instant):
    begin = request.get(start)
    return None if begin is None or instant is None else seconds(instant - begin)


def members(entry):
    """A percentile and its ends, as a summary has them."""
    return {"": entry["value"], "_low": entry["low"], "_high": entry["high"]}


class Sample:
    """Values of one repeat or several, and what supports a percentile."""

    def __init__(self, values=(), timed=(), distinct=None, bounds=(), order="any", unit=0):
        self.values, self.bounds = list(values), list(bounds)
        timed = list(timed)
        at, times = (np.array(column, dtype=float) for column in zip(*timed)) if timed else ([], [])
        parts = [(unit, at, times)] if len(times) else []
        self.pool = Pool(order, parts, len(timed) if distinct is None else distinct)

    def add(self, other):
        self.values += other.values
        self.bounds += other.bounds
        self.pool = Pool(other.pool.order, self.pool.parts + other.pool.parts,
                         self.pool.distinct + other.pool.distinct)

    def percentile(self, p):
        found = self.pool.percentile(p)
        if self.bounds:  # all of them at their least and at their most
            low = ref.quantile(self.values + [0.0] * len(self.bounds), p)
            high = ref.quantile(self.values + self.bounds, p)
            if high - low > 0.05 * high:
                found.update(value=None, low=None, high=None)
        return found


def gap_samples(requests, order, unit):
    """Gaps between tokens in ms; and how many answers give some, and what all add up to."""
    timed, bounds, answers, total = [], [], 0, 0.0
    for r in requests:
        found = r["answer"].gaps()
        if found is None:
            continue
        booked, around = found
        timed += [(at, ns / 1e6) for ns, at in booked]
        for tokens, ns in around:
            bounds += [ns / 1e6] * tokens
            total += ns / 1e6 if tokens else 0
        answers += (r.get("tokens_out") or 0) > 1
    gaps = [gap for _, gap in timed]
    sample = Sample(gaps, timed, len({at for at, _ in timed}), bounds, order, unit)
    count = len(gaps) + len(bounds)
    sample.mean = (sum(gaps) + total) / count if count else None
    return sample, answers


def samples(requests, order="any", unit=0):
    """{name: Sample} of the requests whose latencies count."""
    ok = [r for r in requests if r["status"] == "ok"]

    def latency(of, counts_lost=True):
        timed = [(r["due_ns"], of(r)) for r in ok if of(r) is not None]
        values = [value for _, value in timed]
        if counts_lost:
            timed += [(r["due_ns"], math.inf) for r in requests
                      if r["status"] in ("failed", "unanswered")]
        return Sample(values, timed, order=order, unit=unit)

    made = {
        "ttft": latency(lambda r: since(r, "due_ns", r["answer"].began())),
        "e2e": latency(lambda r: since(r, "due_ns", r["answer"].last)),
        "tpot": latency(lambda r: r["answer"].tpot_ms(), counts_lost=False),
        "ttft_service": latency(lambda r: since(r, "sent_ns", r["answer"].began())),
        "e2e_service": latency(lambda r: since(r, "sent_ns", r["answer"].last)),
        "prefill": Sample([seconds(r["prefill_ns"]) for r in ok
                           if r.get("prefill_ns") is not None]),
        "decode": Sample(known(decode_s(r) for r in ok)),
    }
    made["itl"], made["itl_answers"] = gap_samples(ok, order, unit)
    return made


def average(sample):
    if hasattr(sample, "mean"):
        return sample.mean
    return ref.mean(sample.values) if sample.values else None


def distribution(name, unit, sample, mean):
    made = {f"{name}_mean_{unit}": mean}
    for p in PERCENTILES:
        for end, value in members(sample.percentile(p)).items():
            if not end or p in WITH_ENDS:
                made[f"{name}_p{p}{end}_{unit}"] = value
    return made


def number_text(value):
    return f"{value:g}" if isinstance(value, float) else str(value)


class Oracle:
    """Rows and summary of one journal."""

    def __init__(self, path):
        self.run, self.cells, self.repeats = read_journal(path)
        self.fields = field_list()
        self.rows = []
        for index in range(len(self.repeats)):
            self.rows.append(self.row(index))
        if self.run["fields"].get("target_ci") is not None:
            self.stein()
        self.search()

    # Blocks of a search

    def search(self):
        search = self.run["fields"].get("slo_search")
        arrival = None if search is None else search["of"] == "concurrency"
        for row in self.rows:
            is_block = search is not None and not row["is_warmup"] and row["error"] is None and \
                (row["arrival"] == "closed") == arrival
            row["slo_block"] = self.block(row, search["share"]) if is_block else None

    def block(self, row, share):
        invalid = [code for code in row["reasons"] if code not in ("SHORT_RUN", "CLOCK_UNSURE", "TOKENS_UNDERCOUNTED")]
        if set(invalid) - {"OVERLOADED", "ERRORS"}:
            return "void"
        if "OVERLOADED" in invalid:
            return "bad"
        if row["goodput_share"] is None:
            return "void"
        return "good" if row["goodput_share"] >= share - 1e-9 else "bad"

    # As many repeats as needed

    def target_field(self, row):
        """Where a row has the metric of --target-metric."""
        name = self.run["fields"].get("target_metric")
        is_rate = name in ("tokens_per_second", "requests_per_second")
        return "window_" + name if is_rate and row["serving_mode"] == "online" else name

    def stein(self):
        of_launches = self.run["fields"].get("target_unit") == "launch"
        for indices in self.grouped() if of_launches else self.by_cell():
            rows = [self.rows[i] for i in indices]
            values = [row[self.target_field(row)] for row in rows
                      if not row["is_warmup"] and row["error"] is None]
            if of_launches:
                values = self.launch_values(indices)
            s0, n = ref.stein(values, self.run["fields"]["target_ci"])
            for row in rows:
                row.update(stein_n0=None if n is None else 10, stein_s0=s0, stein_n=n)

    def launch_values(self, indices):
        """The geometric mean of each launch; None where a repeat failed or does not know it."""
        cells = {}
        for i in indices:
            cells.setdefault(self.repeats[i]["head"]["cell"], []).append(self.rows[i])
        made = []
        for _, rows in sorted(cells.items()):
            there = [row[self.target_field(row)] for row in rows if not row["is_warmup"]]
            bad = any(row["error"] is not None for row in rows) or None in there or not there
            made.append(None if bad or min(there) <= 0 else math.exp(ref.mean([math.log(x) for x in there])))
        return made

    def by_cell(self):
        """Indices of the repeats of each cell that has some."""
        cells = [[i for i, r in enumerate(self.repeats) if r["head"]["cell"] == cell]
                 for cell in range(len(self.cells))]
        return [indices for indices in cells if indices]

    # Who and what

    def start(self, index):
        ns = self.run["start_wall_ns"] + self.repeats[index]["head"]["at_ns"]
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=ns // 1000)

    def local(self, index):
        return self.start(index) + timedelta(seconds=self.run["utc_offset_s"])

    def identity(self, index, row):
        head = self.repeats[index]["head"]
        local = self.local(index).replace(tzinfo=None)
        setting = self.cells[head["cell"]]["fields"].get("label")
        base = "_".join((row["instance_type"], row["serving_mode"], row["scenario"],
                         *([setting] if setting else []), local.strftime("%Y%m%d_%H%M%S")))
        same = sum(r["scenario"] == row["scenario"] and
                   r["timestamp"][:19] == local.isoformat()[:19] for r in self.rows)
        counted = [q["tokens_in"] for r in self.repeats if r["head"]["cell"] == head["cell"]
                   for q in r["requests"] if q.get("tokens_in") is not None]
        longest = max(counted, default=0) or \
            self.cells[head["cell"]].get("longest_prompt_tokens") or None
        row.update(
            experiment_id=base + (f"_{same + 1}" if same else ""),
            timestamp=local.isoformat(timespec="microseconds"),
            timestamp_utc=self.start(index).isoformat(timespec="microseconds"),
            notes=f"scenario={row['scenario']}, run={head['repeat']}, "
                  f"warmup={bool(head['warmup'])}",
            row=index, repeat=head["repeat"], is_warmup=head["warmup"],
            definitions=self.run["format"],
            input_length=longest)
        row.setdefault("seed", self.run["seed"])
        if self.run["serving_mode"] == "online":
            row["ranks"] = self.run.get("ranks")
        row.setdefault("label", row["instance_type"])
        row.setdefault("metadata", {})

    def counts(self, index, row):
        head, requests = self.repeats[index]["head"], self.repeats[index]["requests"]
        by = {status: [r for r in requests if r["status"] == status]
              for status in ("ok", "failed", "unanswered", "interrupted")}
        classes = {}
        for r in by["failed"]:
            name = r.get("class") or "other"
            classes[name] = classes.get(name, 0) + 1
        planned = max(head["planned"], len(requests))
        lost = len(by["failed"]) + len(by["unanswered"])
        row.update(requests_planned=planned, requests_ok=len(by["ok"]),
                   requests_failed=len(by["failed"]),
                   requests_unanswered=len(by["unanswered"]),
                   requests_cancelled=planned - len(by["ok"]) - lost,
                   failed_by_class=classes,
                   first_error=next((r["error"] for r in requests
                                     if r["status"] != "ok" and r.get("error")), None))
        if by["ok"]:
            self.count_tokens(index, row, by["ok"])
        return by["ok"]

    def count_tokens(self, index, row, ok):
        fixed = self.cells[self.repeats[index]["head"]["cell"]]["fixed_lengths"]
        trust = ("engine", "usage", "token_ids", "estimated")
        row.update(
            actual_input_tokens=total([r.get("tokens_in") for r in ok]),
            actual_output_tokens=total([r.get("tokens_out") for r in ok]),
            requests_wrong_length=sum(r.get("tokens_out") != r["max_tokens"]
                                      for r in ok) if fixed else 0,
            token_source=max((r["token_source"] for r in ok
                              if r.get("token_source")), key=trust.index, default=None))
        if row["serving_mode"] != "online":
            return
        unsettled = sum(not r["answer"].is_known and not r["answer"].is_whole for r in ok)
        chosen = self.repeats[index]["tokens"]
        row.update(online.stamps(ok), token_events=chosen, requests_unsettled=unsettled)
        if unsettled and chosen is None and row["token_source"] not in (None, "estimated"):
            row["token_differences"] = settled.differences(ok)

    def error(self, index, ok):
        end, requests = self.repeats[index]["end"], self.repeats[index]["requests"]
        if self.repeats[index]["damage"]:
            return self.repeats[index]["damage"]
        if end and end.get("error"):
            return end["error"]
        if not end:
            return "interrupted"
        texts = [r["error"] for r in requests if r["status"] != "ok" and r.get("error")]
        return None if ok else (texts + ["no request succeeded"])[0]

    # What requests give

    def times(self, index, row, ok):
        head, requests = self.repeats[index]["head"], self.repeats[index]["requests"]
        cell = self.cells[head["cell"]]
        took = seconds(max(r["answer"].last for r in ok) -
                       min(r["sent_ns"] for r in requests if r.get("sent_ns") is not None))
        inputs, outputs = row["actual_input_tokens"], row["actual_output_tokens"]
        cached = total([r.get("tokens_cached") for r in ok])
        counted = known(r.get("tokens_in") for r in requests)
        prompts = ref.mean(counted) * row["requests_planned"] if counted else None
        rate = ratio(outputs, took)
        both = None if inputs is None or outputs is None else inputs + outputs
        row.update(
            total_time=took, window_s=took, tokens_per_second=rate,
            window_tokens_per_second=rate, window_requests_per_second=len(ok) / took,
            time_per_token=ratio(took * 1e3, outputs),
            requests_per_second=len(ok) / took, total_tokens_per_second=ratio(both, took),
            cached_input_tokens=cached, cache_hit_rate=ratio(cached, inputs),
            cache_hit_rate_expected=ratio(head.get("expected_cached_tokens"), prompts))
        if cached is None and row["serving_mode"] == "offline" and not row.get("cache_source"):
            row["cache_hit_rate_expected"] = None  # an engine that counts no hits
        scope, order, shape, row["reads"] = requests, "cluster", None, "good"
        if row["serving_mode"] == "online":
            shape = online.Shape(row, cell, self.repeats[index], ok)
            row.update(online.fields(row, shape))
            scope, order = shape.scope(), shape.order()
            rate = row["window_tokens_per_second"]
            row["reads"] = online.reads_of(row, self.limit("ANSWERS_BUFFERED", 0.5))
        self.latencies(row, cell, samples(scope, order), scope)
        row["timeline"] = pictures.timeline(row, cell, requests, ok, shape,
                                            self.run["start_wall_ns"] / 1e9)
        if row["serving_mode"] == "online":
            row.update(online.goodput(row, shape))
        price = row.get("price_usd_per_hour")
        row["usd_per_million_output_tokens"] = None if price is None or not rate else \
            price / 3600 / rate * 1e6
        cost, outputs = row["usd_per_million_output_tokens"], row.get("actual_output_tokens")
        row["usd_per_million_tokens"] = None if cost is None or not outputs else \
            cost * outputs / (outputs + row["actual_input_tokens"])
        row["joules_per_output_token"] = ratio(row.get("energy_j"), outputs)

    def limit(self, code, default):
        return (self.run.get("limits") or {}).get(code, default)

    def latencies(self, row, cell, s, scope):
        """Means and percentiles of the requests in scope; what cannot be known is null."""
        answered = [r for r in scope if r["status"] == "ok"]
        several = [r for r in answered
                   if r.get("tokens_out", 2) > 1 and not r["answer"].is_whole]
        has_errors = self.has_errors(row)
        hidden = {"ttft", "ttft_service", "decode", "tpot", "itl"} if row["reads"] != "good" else set()
        if not cell["gaps"]:
            hidden.add("itl")
        for name, code, given, among in (
                ("ttft", "TTFT", s["ttft"].values, answered),
                ("ttft_service", "TTFT", s["ttft_service"].values, answered),
                ("decode", "TTFT", s["decode"].values, answered),
                ("itl", "ITL", range(s["itl_answers"]), several),
                ("tpot", "TPOT", s["tpot"].values, several)):
            if name in hidden:
                continue
            share = ratio(len(given), len(among))
            if name in ("ttft", "itl", "tpot"):
                row[f"{name}_share"] = share
            if name in ("itl", "tpot"):
                row[f"{name}_requests"] = len(given)
            if share is not None and share < self.limit(f"PARTIAL_{code}", 0.95):
                hidden.add(name)
        is_online, sketches = row["serving_mode"] == "online", {}
        for name, unit, is_lossy in (("ttft", "s", True), ("e2e", "s", True),
                                     ("ttft_service", "s", True), ("e2e_service", "s", True),
                                     ("tpot", "ms", False), ("itl", "ms", False)):
            if name in hidden or (name.endswith("service") and not is_online):
                continue
            mean = None if is_lossy and has_errors else average(s[name])
            row.update(distribution(name, unit, s[name], mean))
            if name in ("ttft", "e2e", "itl"):
                sketches |= pictures.sketch(f"{name}_{unit}", s[name])
        row.update(distributions=sketches or None,
                   first_token_latency=row.get("ttft_mean_s"),
                   inter_token_latency=row.get("tpot_mean_ms"),
                   prefill_time=average(s["prefill"]),
                   decode_time=None if "decode" in hidden else average(s["decode"]))
        if not cell["gaps"]:
            return
        ok = [r for r in self.requests_of(row) if r["status"] == "ok"]
        booked = [r["answer"].booked() for r in ok]
        row.update(itl_gaps=sum(n for n, _ in booked), itl_excluded=sum(n for _, n in booked))
        if row["reads"] == "good":
            row["itl_max_ms"] = max(s["itl"].values, default=None)

    def requests_of(self, row):
        return self.repeats[row["row"]]["requests"]

    @staticmethod
    def lost_share(row):
        return (row["requests_failed"] + row["requests_unanswered"]) / row["requests_planned"]

    def has_errors(self, row):
        """Too many lost, or every slot of a closed load ended unanswered."""
        return self.is_lossy(row) or self.has_lost_slots(row)

    def is_lossy(self, row):
        limit = self.limit("ERRORS", 0.001)
        is_silent = row.get("arrival") == "closed" and row["requests_unanswered"] >= row["batch_size"]
        return self.lost_share(row) > limit or limit <= 0.001 and is_silent

    def has_lost_slots(self, row):
        return self.limit("ERRORS", 0.001) <= 0.001 and (row.get("slots_lost_share") or 0) > 0.01

    def row(self, index):
        head, end = self.repeats[index]["head"], self.repeats[index]["end"]
        row = dict(self.run["fields"])
        row.update(self.cells[head["cell"]]["fields"])
        row.update((end or {}).get("fields", {}))
        self.identity(index, row)
        ok = self.counts(index, row)
        row["error"] = self.error(index, ok)
        if row["error"] is None:
            self.times(index, row, ok)
            row.update((end or {}).get("fields", {}))  # what bench has told stays
        is_offline = row["serving_mode"] == "offline"
        row = {name: None if is_offline and must[0] == "-" else row.get(name)
               for name, (_, must) in self.fields.items()}
        row.update(reasons=[], warnings=[], checks=[])
        if not head["warmup"] and row["error"] is None:
            self.judge(head, row)
        return row

    # Verdicts

    def judge(self, head, row):
        limits = self.run.get("limits") or {}
        judged = []

        def rule(code, field, value, limit, broken, kind="reasons"):
            if value is not None or code in ("TOKENS_ESTIMATED", "CACHE_UNKNOWN"):
                judged.append((code, field, value, limit, bool(broken), kind))

        def warn(*said):
            rule(*said, "warnings")

        def above(code, field, default, kind="reasons", value=None):
            value = row[field] if value is None else value
            limit = limits.get(code, default)
            rule(code, field, value, limit, value is not None and value > limit, kind)

        caching, cached = row["enable_prefix_caching"], row["cached_input_tokens"]
        expected = head.get("expected_cached_tokens")
        is_online, is_open = row["serving_mode"] == "online", online.is_open(row)
        rule("ERRORS", "requests_failed", self.lost_share(row), limits.get("ERRORS", 0.001),
             self.is_lossy(row))
        if self.has_lost_slots(row):
            rule("ERRORS", "slots_lost_share", row["slots_lost_share"], 0.01, True)
        if self.cells[head["cell"]]["fixed_lengths"]:
            above("SHORT_OUTPUT", "requests_wrong_length", 0)
        reads = online.reads_of(row, limits.get("ANSWERS_BUFFERED", 0.5)) if is_online else "good"
        if reads == "late":
            judged.append(("CLIENT_LATE", "core_wait_mean_s", row["core_wait_mean_s"],
                           row["read_interval_p50_s"], True, "reasons"))
        if is_online and row["request_rate"] != "inf":
            late, limit = row["send_late_share"], limits.get("CLIENT_LATE", 0.01)
            rule("CLIENT_LATE", "send_late_share", late, limit,
                 late is not None and late > limit and row["sends_late"] >= 3)
            worst = row["send_late_rank_share"]
            rule("CLIENT_LATE", "send_late_rank_share", worst, limit, worst is not None and worst > limit)
        busy = row["client_busy_share"]
        limit = limits.get("CLIENT_BUSY", 0.05)
        rule("CLIENT_BUSY", "client_busy_share", busy, limit,
             busy is not None and busy > limit and (row["client_busy_windows"] or 0) >= 3)
        if is_open:
            self.judge_open(head, row, rule)
        if caching is False:
            rule("CACHE_UNEXPECTED", "cache_hit_rate", row["cache_hit_rate"], 0,
                 (row["cache_hit_rate"] or 0) > 0)
        hits = caching and cached is not None and expected is not None and \
            row["requests_ok"] == row["requests_planned"]
        room = row["kv_usage_max"] is not None and row["kv_usage_max"] < 0.9 and \
            not row["preemptions"]
        if hits:
            rule("CACHE_UNEXPECTED", "cached_input_tokens", cached, expected,
                 cached > expected or (cached < expected and room))
        rule("TOKENS_ESTIMATED", "token_source", row["token_source"], None,
             row["token_source"] in (None, "estimated") or row["actual_output_tokens"] is None)
        stamps = {name: row[f"stamps_{name}"] or 0 for name in ("exact", "bounded", "tail")}
        if sum(stamps.values()):
            limit = limits.get("ANSWERS_BUFFERED", 0.5)
            rule("ANSWERS_BUFFERED", "stamps_bounded", stamps["bounded"] / sum(stamps.values()),
                 limit, online.reads_of(row, limit) == "buffered")
        if is_open:
            rule("SHORT_RUN", "steady_s", row["steady_s"], online.LEAST * row["e2e_early_s"],
                 online.is_below_least(row), "open")
            if not online.is_below_least(row):
                shown = online.shows_overload(row, limits.get("OVERLOADED", 0.2))
                level = online.level_limit(row)
                rule("SHORT_RUN", "inflight_end", row["inflight_end"], level,
                     row["inflight_end"] > level and not shown, "open")
                rule("SHORT_RUN", "settle_s", row["settle_s"], online.from_ramp(row) / 2,
                     online.is_unsettled(row) and not shown, "open")
        if row["arrival"] == "closed" and row["steady_s"] is not None:
            rule("SHORT_RUN", "steady_s", row["steady_s"], online.WAVE * row["e2e_early_s"],
                 row["steady_s"] == 0, "open")
        error_us, ttft = row["clock_error_us"], row["ttft_p50_s"]
        if error_us is not None and ttft is not None:
            above("CLOCK_UNSURE", "clock_error_us", 0.01, "open", error_us / 1e6 / ttft)
        if is_online and (beyond := self.undercounted(head)) is not None:
            above("TOKENS_UNDERCOUNTED", "actual_output_tokens", 0.01, "open", beyond)
        if hits:
            warn("CACHE_EVICTED", "cached_input_tokens", cached, expected,
                 cached < expected and not room)
        if caching:
            warn("CACHE_UNKNOWN", "cache_hit_rate", row["cache_hit_rate"], None,
                 row["cache_hit_rate"] is None)
        above("RATE_CAPPED", "requests_held", 0, "warnings")
        if row["requests_resent"] is not None:
            above("RESENT", "requests_resent", 0.01, "warnings",
                  row["requests_resent"] / (row["requests_ok"] + row["requests_failed"]))
        above("OTHER_MODEL", "requests_elsewhere", 0, "warnings")
        if stamps["bounded"] + stamps["exact"]:
            above("STAMPS_BOUNDED", "stamps_bounded", 0.01, "warnings",
                  stamps["bounded"] / (stamps["bounded"] + stamps["exact"]))
        warn("TOKENS_PER_EVENT_UNKNOWN", "requests_unsettled", row["requests_unsettled"], None,
             row["token_differences"] is not None)
        for name in ("ttft", "itl", "tpot"):
            if name == "ttft" and row["is_streamed"] is False:
                continue
            share = row[f"{name}_share"]
            limit = limits.get(f"PARTIAL_{name.upper()}", 0.95)
            warn(f"PARTIAL_{name.upper()}", f"{name}_share", share, limit,
                 share is not None and share < limit)
        above("MACHINE_NOISY", "steal_ratio", 0.02, "warnings")
        if row["throttled_s"] is not None:
            warn("MACHINE_NOISY", "throttled_s", row["throttled_s"], 0, row["throttled_s"] > 0)
        above("PREEMPTED", "preemptions", 0, "warnings")
        warn("SIMULATED", "is_simulated", row["is_simulated"], None, row["is_simulated"])
        warn("DUMMY_WEIGHTS", "weights", row["weights"], None, row["weights"] == "dummy")
        row["checks"] = [dict(zip(("code", "field", "value", "limit"), j)) for j in judged]
        for code, *_, broken, kind in judged:
            codes = row["warnings" if kind == "warnings" else "reasons"]
            if broken and code not in codes:
                codes.append(code)
        is_invalid = any(broken and kind == "reasons" for *_, broken, kind in judged)
        row["verdict"] = "INVALID" if is_invalid else \
            "INCONCLUSIVE" if row["reasons"] else "VALID"

    def undercounted(self, head):
        """Pieces of text beyond the tokens told, by these."""
        requests = next(r for r in self.repeats if r["head"] is head)["requests"]
        told = [(r["answer"].classes.get("T", (0,))[0], r["answer"].total) for r in requests
                if r["status"] == "ok" and r.get("answer") is not None
                and r["answer"].total is not None]
        tokens = sum(total for _, total in told)
        return sum(max(0, texts - total) for texts, total in told) / tokens if tokens else None

    def judge_open(self, head, row, rule):
        """RATE_MISSED and OVERLOADED."""
        limits = self.run.get("limits") or {}
        requests = next(r for r in self.repeats if r["head"] is head)["requests"]
        due = known(r.get("due_ns") for r in requests)
        if not row["requests_held"]:
            limit = limits.get("RATE_MISSED", 0.01) * seconds(max(due) - min(due)) + 0.01
            rule("RATE_MISSED", "send_stretch_s", row["send_stretch_s"], limit,
                 row["send_stretch_s"] > limit)
        share = limits.get("OVERLOADED", 0.2)
        if not online.is_short(row, share):
            rule("OVERLOADED", "inflight_last", row["inflight_last"],
                 online.overload_limit(row, share), online.is_overloaded(row, share))

    # Summary

    def keys(self, cells):
        def key(rows):
            r = rows[0]
            return (f"{r['instance_type']}_{r['serving_mode']}_bs{r['batch_size']}"
                    f"_in{r['input_length']}_out{r['max_output_tokens']}"
                    f"_cache{r['enable_prefix_caching']}")
        made = [key(rows) for rows in cells]
        if len({rows[0]["label"] for rows in cells}) > 1:
            made = [f"{k}_{rows[0]['label']}" for k, rows in zip(made, cells)]
        for part, mark in (("cache_arm", "_arm"), ("scenario", "_"), ("request_rate", "_rate")):
            shared = [made.count(k) > 1 and (part != "cache_arm" or rows[0][part] is not None)
                      for k, rows in zip(made, cells)]
            made = [f"{k}{mark}{number_text(rows[0][part])}" if is_shared else k
                    for k, is_shared, rows in zip(made, shared, cells)]
        return [k if made[:i].count(k) == 0 else f"{k}_{made[:i].count(k) + 1}"
                for i, k in enumerate(made)]

    def grouped(self):
        """Repeats by the first cell of an entry: several launches of a setting are one."""
        groups = []
        for indices in self.by_cell():
            like = [g for g in groups if self.is_another_launch(g[0], indices[0])]
            (like[0] if like else groups.append([]) or groups[-1]).extend(indices)
        return [sorted(g) for g in groups]

    def summary(self):
        grouped = self.grouped()
        keys = self.keys([[self.rows[i] for i in g] for g in grouped])
        return dict(zip(keys, (self.entry(g) for g in grouped)))

    def is_another_launch(self, one, other):
        a, b = self.rows[one], self.rows[other]
        same = ("setting_position", "plan_sha256", "scenario", "batch_size", "request_rate",
                "max_output_tokens")
        launches = a["launch_id"], b["launch_id"]
        return a.get("setting_position") is not None and a.get("plan_sha256") is not None and \
            (None in launches or launches[0] != launches[1]) and all(a[k] == b[k] for k in same)

    def entry(self, indices):
        measured = [i for i in indices if not self.rows[i]["is_warmup"]]
        good = [i for i in measured if self.rows[i]["error"] is None]
        rows = [self.rows[i] for i in good]
        first = self.rows[indices[0]]

        def column(field):
            return known(r[field] for r in rows)

        def spread(field, of=ref.spread):
            there = [r for r in rows if r[field] is not None]
            found = ref.spread_over([r[field] for r in there],
                                    [launch_of(r) for r in there], of)
            if rows and rows[0]["stein_n"] and len(there) == len(rows) and \
                    field == self.target_field(rows[0]):
                units = [r[field] for r in rows]
                if first["target_unit"] == "launch":
                    units = ref.by_launch(units, [launch_of(r) for r in rows], True)
                found.update(ref.stein_interval(units, rows[0]["stein_s0"]))
            return found

        speed = "window_tokens_per_second" if first["serving_mode"] == "online" else \
            "tokens_per_second"

        entry = {key: first[key] for key in (
            "instance_type", "serving_mode", "batch_size", "input_length",
            "max_output_tokens", "enable_prefix_caching", "scenario", "label", "engine",
            "request_rate")}
        entry.update(
            count=len(good), failed_rows=len(measured) - len(good),
            tokens_per_second=spread(speed),
            time_per_token_ms=spread("time_per_token"),
            first_token_latency_sec=spread("first_token_latency"),
            inter_token_latency_ms=spread("inter_token_latency"),
            cache_hit_rate=spread("cache_hit_rate"),
            usd_per_million_output_tokens=spread("usd_per_million_output_tokens", ref.spread_of_logs),
            usd_per_million_tokens=spread("usd_per_million_tokens", ref.spread_of_logs),
            requests_per_second=spread(
                "window_requests_per_second" if first["serving_mode"] == "online"
                else "requests_per_second"),
            goodput_rps=spread("goodput_rps"),
            repeats_for_2_percent=ref.repeats_needed(column(speed)),
            **dict(zip(("repeats_for_2_percent_low", "repeats_for_2_percent_high"),
                       ref.repeats_range(column(speed)))))
        support = self.pooled(good, entry)
        entry.update(verdict=None, reasons=[], warnings=[], checks=[])
        if good:
            self.judge_cell(rows, column(speed), support, entry)
        return entry

    def unit(self, good, i, order):
        """What varies of itself: a launch where there are several, else a repeat of a batch."""
        launches = [launch_of(self.rows[k]) for k in good]
        if len(set(launches)) > 1:
            return launches.index(launches[good.index(i)])
        return i if order == "cluster" else 0

    def pooled(self, good, entry):
        """Of the requests whose latencies count, of the repeats that show theirs."""
        support = {}
        for name, key, shown in (("ttft", "ttft_s", "decode_time"),
                                 ("itl", "itl_ms", "itl_mean_ms"), ("e2e", "e2e_s", None)):
            pool = Sample()
            for i in good:
                repeat, row = self.repeats[i], self.rows[i]
                if shown and row[shown] is None:
                    continue
                scope, order = repeat["requests"], "cluster"
                if row["serving_mode"] == "online":
                    ok = [r for r in scope if r["status"] == "ok"]
                    cell = self.cells[repeat["head"]["cell"]]
                    shape = online.Shape(row, cell, repeat, ok)
                    scope, order = shape.scope(), shape.order()
                pool.add(samples(scope, order, self.unit(good, i, order))[name])
            found = {p: pool.percentile(p) for p in self.run["percentiles"]}
            highest = found.get(max(found, default=None), {"samples": 0, "needed": 0})
            support[key] = highest["samples"], highest["needed"]
            entry[key] = {f"p{p:g}{end}": value for p, of in found.items()
                          for end, value in members(of).items()}
        return support

    def judge_cell(self, rows, rates, support, entry):
        limits = self.run.get("limits") or {}
        order = ("ERRORS SHORT_OUTPUT CLIENT_LATE CLIENT_BUSY RATE_MISSED OVERLOADED "
                 "CACHE_UNEXPECTED TOKENS_ESTIMATED ANSWERS_BUFFERED SHORT_RUN "
                 "CLOCK_UNSURE TOKENS_UNDERCOUNTED CACHE_EVICTED "
                 "CACHE_UNKNOWN RATE_CAPPED RESENT OTHER_MODEL STAMPS_BOUNDED TOKENS_PER_EVENT_UNKNOWN "
                 "PARTIAL_TTFT PARTIAL_ITL PARTIAL_TPOT MACHINE_NOISY PREEMPTED "
                 "SIMULATED DUMMY_WEIGHTS").split()
        for code in order:
            for r in rows:
                if code in r["reasons"] + r["warnings"]:
                    entry["reasons" if code in r["reasons"] else "warnings"].append(code)
                    entry["checks"] += [c for c in r["checks"] if c["code"] == code]
                    break

        def rule(code, field, value, limit, broken):
            entry["checks"].append({"code": code, "field": field, "value": value,
                                    "limit": limit})
            if broken and code not in entry["warnings"]:
                entry["warnings"].append(code)

        limit = limits.get("UNREPEATABLE", 0.05)
        if rows[0]["slo_block"] is not None:
            rates = []  # each block draws its arrivals
        if len(rates) == 2:
            apart = max(rates) / min(rates) - 1
            rule("UNREPEATABLE", "tokens_per_second", apart, 4 * limit, apart > 4 * limit)
        if len(rates) >= 3:
            low = ref.cv_lower_90(rates)
            rule("UNREPEATABLE", "tokens_per_second", low, limit, low > limit)
        if len(rates) >= 5:
            limit, size = limits.get("TREND", 0.02), abs(ref.drift(rates))
            rule("TREND", "tokens_per_second", size, limit,
                 size > limit and ref.mann_kendall_p(rates) < 0.01)
        if rows[0]["target_ci"] is not None:
            wanted = rows[0]["stein_n"]
            units = len({launch_of(r) for r in rows} if rows[0]["target_unit"] == "launch" else rows)
            rule("TARGET_MISSED", "stein_n", wanted, units, wanted is None or units < wanted)
        limit = limits.get("FEW_REPEATS", 2)
        rule("FEW_REPEATS", "count", len(rows), limit, len(rows) <= limit)
        for key, (count, need) in support.items():
            if count and need and self.run.get("asked_percentiles"):
                rule("FEW_SAMPLES", key, count, need, count < need)
        verdicts = [r["verdict"] for r in rows]
        entry["verdict"] = next(v for v in ("INVALID", "INCONCLUSIVE", "VALID") if v in verdicts)


ROUNDED = {".points[": 5, ".timeline.": 4}  # digits of such numbers in files


def differences(got, want, where=""):
    """Where two JSON values differ; numbers to 1e-9, types of numbers by value only."""
    if isinstance(want, dict) and isinstance(got, dict):
        if "code" in want:  # what a check says to people is not its result
            got = {k: v for k, v in got.items() if k != "text"}
        out = [f"{where}.{k}: only in {'the file' if k in got else 'the oracle'}"
               for k in sorted(set(got) ^ set(want))]
        for key in got.keys() & want.keys():
            out += differences(got[key], want[key], f"{where}.{key}")
        return out
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        return [d for i, (g, w) in enumerate(zip(got, want))
                for d in differences(g, w, f"{where}[{i}]")]
    numbers = (int, float)
    if isinstance(got, numbers) and isinstance(want, numbers) and \
            not isinstance(got, bool) and not isinstance(want, bool):
        digits = next((n for part, n in ROUNDED.items() if part in where), None)
        if digits is None:
            same = math.isclose(got, want, rel_tol=1e-9, abs_tol=1e-12)
        else:  # the last bit of a number may decide on the last digit
            same = got in {float(f"{want * near:.{digits}g}") for near in (1, 1 - 1e-11, 1 + 1e-11)}
    else:
        same = type(got) is type(want) and got == want
    return [] if same else [f"{where}: file {got!r}, oracle {want!r}"]


# Never null for these engines, beyond the M of docs/files.md: vLLM offline; its server, started by
# us or on this machine, which is one that says where it runs.
OF_VLLM = {name for name, role in settings.roles().items() if role == "SETTING"} | {
    "prefill_time", "prefix_reuse", "memory_used_mb", "peak_memory_mb", "cache_hit_rate",
    "cache_hit_rate_expected", "cached_input_tokens", "cache_source"}


def launch_of(row):
    """A start of the engine; of two arms in one, a block."""
    return row.get("launch_id") or row["run_id"], row.get("ab_block")


def engine_of(row):
    if row["serving_mode"] == "online":
        return "other" if row["hardware_type"] == "unknown" or row["engine"] == "null" else "server"
    return row["engine"]


def is_required(name, must, is_online, engine):
    if engine == "vllm" and name in OF_VLLM or engine == "server" and name.startswith(OF_GAPS):
        return not name.endswith(("_share", "_requests"))
    return must[is_online] == "M"


OF_FIRST = ("first_token_latency", "decode_time", "ttft_")  # what needs the first token
OF_GAPS = ("itl_", "tpot_", "inter_token_latency")
OF_FAILED = ("ttft_mean_s", "ttft_service_mean_s", "e2e_mean_s", "e2e_service_mean_s",
             "first_token_latency")  # a mean without those that failed is none
EXCUSES = {"ERRORS": OF_FAILED, "PARTIAL_TTFT": OF_FIRST, "ANSWERS_BUFFERED": OF_FIRST + OF_GAPS,
           "PARTIAL_ITL": ("itl_",), "PARTIAL_TPOT": ("tpot_", "inter_token_latency"),
           "TOKENS_ESTIMATED": ("itl_",)}


def missing_fields(row, fields, engine=None, is_in_one_piece=False):
    """Names of M fields that are null in a row without error, and without a reason."""
    engine = engine or engine_of(row)
    is_online = row["serving_mode"] == "online"
    starts = [start for code in row["reasons"] + row["warnings"] for start in EXCUSES.get(code, ())]
    starts += OF_FIRST if is_in_one_piece else ()
    if not row["itl_gaps"]:  # none, or --no-gaps
        starts += ("itl_",)
        starts += OF_GAPS if row["tpot_requests"] in (0, None) else ()
    if row["is_warmup"]:
        starts += ("verdict",) + tuple(start for excuse in EXCUSES.values() for start in excuse)
    if row["stamps_exact"] == 0:
        starts.append("stamp_late_p99_ms")  # of exact stamps alone
    return [name for name, (_, must) in fields.items()
            if is_required(name, must, is_online, engine) and row[name] is None and
            not name.startswith(tuple(starts) or "-") and name not in floored()]


KINDS = {"STR": str, "INT": int, "NUM": (int, float), "BOOL": bool, "JSON": (dict, list),
         "FINDINGS": list}


def wrong_kinds(row, fields):
    def fits(name, kind, value):
        if name == "request_rate" and value == "inf":
            return True
        return isinstance(value, KINDS[kind]) and \
            (kind == "BOOL" or not isinstance(value, bool))
    return [f"{name}: {row[name]!r} is no {kind}" for name, (kind, _) in fields.items()
            if row[name] is not None and not fits(name, kind, row[name])]


def check_files(journal, results_file, summary_file, is_whole=True):
    oracle = Oracle(journal)
    results = json.loads(Path(results_file).read_text())
    summary = json.loads(Path(summary_file).read_text())
    rows = results["results"]
    found = []
    is_in_one_piece = oracle.run["options"].get("no-stream") == "true"
    assert list(rows[0]) == list(oracle.fields), "fields or their order"
    assert len(rows) == len(oracle.rows) == results["metadata"]["total_runs"]
    for index, (got, want) in enumerate(zip(rows, oracle.rows)):
        found += differences(got, want, f"results[{index}]")
        found += [f"results[{index}]: {text}" for text in wrong_kinds(got, oracle.fields)]
        if is_whole and got["error"] is None:
            found += [f"results[{index}].{name}: null, but required"
                      for name in missing_fields(got, oracle.fields,
                                                 is_in_one_piece=is_in_one_piece)]
    if is_whole:
        found += settings.check(oracle.run, oracle.cells)
    failed = sum(row["error"] is not None for row in rows)
    found += differences(results["metadata"]["failed_rows"], failed, "failed_rows")
    want = capacity.answer(oracle.rows)
    got = results["metadata"].get("capacity")
    found += differences(None if got is None else {key: got[key] for key in want or got}, want, "capacity")
    want = oracle.summary()
    found += differences(list(summary["summary"]), list(want), "summary keys")
    found += differences(summary["summary"], want, "summary")
    found += differences(summary["metadata"]["total_configurations"], len(want), "cells")
    assert not found, "\n".join(found[:40])
    return oracle


def check_run(results_dir, is_whole=True):
    """Every run in a results folder against its journal; returns the oracles. is_whole: every
    M field of docs/files.md must be there."""
    folder, made = Path(results_dir), []
    for raw in sorted(folder.glob("raw_*")):
        stamp = raw.name[len("raw_"):]
        mode = read_journal(raw / "journal.jsonl")[0]["serving_mode"]
        made.append(check_files(raw / "journal.jsonl",
                                folder / f"{mode}_results_{stamp}.json",
                                folder / f"{mode}_summary_{stamp}.json", is_whole))
    assert made, f"no run in {folder}"
    return made
