"""An online journal with everything in it: open loads with ramp and held requests, closed ones,
all at once, an overloaded queue; failures of each class, estimated and uncounted tokens, connections
new and reused, several tokens an event, gaps without a stamp. Drawn from a seed."""

from itertools import groupby

from oracle.made_journal import CELL_FIELDS, MS, RUN_FIELDS, S, Journal

RUN = {**RUN_FIELDS, "serving_mode": "online", "engine": "openai", "arrival": None,
       "slo": {"ttft_ms": 60, "tpot_ms": 5.5, "e2e_ms": 200}}

# What bench and sampler tell of a repeat, beyond its requests.
END = {
    "cpu_user_s": 1.5, "cpu_system_s": 0.25, "steal_ratio": 0.001, "throttled_s": 0.0,
    "client_cpu_ratio": 0.25, "client_busy_share": 0.0, "client_busy_windows": 0,
    "loop_lag_p99_s": 0.0004, "client_rss_mb": 11.5, "drain_interval_us": 250.0,
    "stamp_late_p99_ms": 0.3, "clock_steps": 1, "memory_used_mb": 9000.5,
    "peak_memory_mb": 9100.25, "preemptions": 0, "kv_usage_max": 0.4, "cache_source": "usage"}

CLASSES = ("refused", "reset", "timeout", "http", "stream", "aborted")


def run_lengths(letters):
    """TTTF -> T3F."""
    runs = ((letter, len(list(same))) for letter, same in groupby(letters))
    return "".join(letter + (str(n) if n > 1 else "") for letter, n in runs)


def shift_by(request, ns, *keys):
    for key in keys:
        request[key] += ns
    for event in request.get("events", ()):
        event[0] += ns


class Online(Journal):
    """Cells and repeats of a load on a server."""

    def load(self, arrival, *, rate=None, slots=None, count=100, ramp_s=0.0, fixed=True,
             gaps=True, caching=False, tokens=8, phase=True, cap=None, **fields):
        more = {"ramp_up_s": ramp_s} if ramp_s else {}
        if cap:
            more["max_concurrency"] = fields["max_concurrency"] = cap
        own = {**CELL_FIELDS, "endpoint": "completions", "scenario": "short",
               "arrival": arrival, "request_rate": rate, "batch_size": slots,
               "ramp_up_s": ramp_s, "warmup_requests": 0, "is_streamed": True,
               "is_keepalive": True, "token_counts": "usage",
               "max_output_tokens": tokens, "enable_prefix_caching": caching, **fields}
        self.line("cell", cell=self.cells, fixed_lengths=fixed, gaps=gaps, shares_prefix=caching,
                  longest_prompt_tokens=64, **more, fields=own)
        self.plan = {"arrival": arrival, "rate": rate, "slots": slots, "count": count,
                     "ramp_s": ramp_s, "gaps": gaps, "tokens": tokens, "phase": phase}
        self.cells += 1

    def answer(self, sent, speed, style):
        """Events after the send at `sent`, as [instant, class, tokens, stamp]. style: plain;
        end: the last token is an event without text, its reason alone; empty: some tokens
        are empty events; many: some events have two tokens; lag: some have none."""
        draw, left = self.draw, self.plan["tokens"]
        at, events = sent + round(draw.uniform(40, 60) * MS * speed), []
        while left > 0:
            tokens = min(left, 2 if style == "many" and draw.random() < 0.3 else 1)
            letter = "E" if style == "empty" and draw.random() < 0.2 else "T"
            events.append([at, letter, tokens, "x"])
            if style == "lag" and draw.random() < 0.2:
                events.append([at + MS, "T", 0, "x"])
            left -= tokens
            at += round(draw.uniform(4, 7) * MS * speed)
        if style == "end":
            events[-1][1] = "F"
        else:  # after the last token, or with it
            events.append([events[-1][0] + draw.choice((0, 3 * MS)), "F", 0, "x"])
        return events

    def stamp(self, events, bounded):
        """Some in the read of the next one; the last token in that of the end."""
        for i in reversed(range(len(events) - 1)):
            if events[i][0] == events[i + 1][0]:
                events[i][3] = "t"
            elif self.draw.random() < bounded:
                events[i][0], events[i][3] = events[i + 1][0], "b"
        events[-1][3] = "t"

    def made(self, times, *, status="ok", speed=1.0, bounded=0.002, style="plain",
             is_counted=False, **more):
        """One request: times has due, ready, sent. Returns its members, end included."""
        draw = self.draw
        r = {"status": status, **{f"{k}_ns": v for k, v in times.items()}}
        events = self.answer(times["sent"], speed, style)
        self.stamp(events, bounded)
        r["done_ns"] = events[-1][0] + draw.randint(10_000, 100_000)
        r.update(max_tokens=self.plan["tokens"], tokens_in=draw.randint(40, 64))
        if status == "ok":
            r.update(events=events, tokens_cached=0, tokens_out=self.plan["tokens"],
                     token_source="usage", **({"counted": True} if is_counted else {}))
        r.update(more)
        return {k: v for k, v in r.items() if v is not None}

    def written(self, request):
        """The members of its line."""
        r = dict(request)
        events = r.pop("events", None)
        if not events:
            return r
        if r.get("counted"):
            events = [e for e in events if e[2] or e[1] == "T"]
        if not self.plan["gaps"]:
            for letter, name in (("T", "text"), ("E", "empty"), ("F", "finish")):
                own = [e for e in events if e[1] == letter]
                if own:
                    stamps = {k: sum(e[3] == k[0] for e in own)
                              for k in ("xact", "bounded", "tail")}
                    stamps = {"exact": stamps.pop("xact"), **stamps}
                    r[name] = {"count": len(own), "first_ns": own[0][0], "last_ns": own[-1][0],
                               **{k: n for k, n in stamps.items() if n}}
            if r.get("counted") and events[0][2] != 1:
                r["first_event_tokens"] = events[0][2]
            return r
        r.update(event_ns=events[0][0],
                 gaps_ns=[b[0] - a[0] for a, b in zip(events, events[1:])],
                 classes=run_lengths(e[1] for e in events),
                 stamps=run_lengths(e[3] for e in events))
        if r.get("counted") and any(e[2] != 1 for e in events):
            r["event_tokens"] = [e[2] for e in events]
        return r

    def due_times(self):
        """Open load: offsets from the phase, in a rate that rises over the ramp."""
        rate, ramp = self.plan["rate"], self.plan["ramp_s"]
        if rate == "inf":
            return [0] * self.plan["count"]
        expected, out = 0.0, []  # requests due by then, on average
        for _ in range(self.plan["count"]):
            expected += self.draw.expovariate(1) if self.plan["arrival"] == "poisson" else 1.0
            at = ramp / 2 + expected / rate
            if at < ramp:
                at = (2 * ramp * expected / rate) ** 0.5
            out.append(round(at * S))
        return out

    def open_requests(self, phase, *, cap=None, lag=lambda draw: draw.randint(1000, 200_000),
                      served=None, **more):
        """cap: --max-concurrency; served: service time in a queue of one server, ns."""
        ends, free, out = [], 0, []
        for index, offset in enumerate(self.due_times()):
            due = phase + offset
            ready = due if cap is None or len(ends) < cap else max(due, sorted(ends)[-cap])
            sent = ready + lag(self.draw)
            r = self.made({"due": due, "ready": ready, "sent": sent}, **more)
            if served:
                free = max(sent, free) + served
                shift = free - r["done_ns"]
                shift_by(r, shift, "done_ns")
            ends.append(r["done_ns"])
            out.append({"index": index, **r})
        return out

    def closed_requests(self, phase, **more):
        slots, out = self.plan["slots"], []
        ramp = round(self.plan["ramp_s"] * S)
        next_due = [phase + ramp * i // slots + i * 20_000 for i in range(slots)]
        for index in range(self.plan["count"]):
            slot = min(range(slots), key=next_due.__getitem__)
            due = next_due[slot]
            sent = due if index < slots else due + self.draw.randint(1000, 250_000)
            out.append({"index": index, **self.made({"due": due, "ready": due, "sent": sent},
                                                    **more)})
            next_due[slot] = out[-1]["done_ns"]
        return out

    def run(self, number, *, change=None, expected=0, planned=None, ends=True, error=None,
            fields=None, told=0, **more):
        """One repeat. change: gets the list of requests before it is written. told: as many
        more requests as there are has its end; None: it does not tell, as once."""
        start = self.now
        phase = start + 300 * MS
        self.line("repeat", cell=self.cells - 1, repeat=number, warmup=number == 0,
                  planned=planned or self.plan["count"], expected_cached_tokens=expected)
        is_closed = self.plan["arrival"] == "closed"
        requests = (self.closed_requests if is_closed else self.open_requests)(phase, **more)
        if change:
            change(requests)
        for r in sorted(requests, key=lambda r: r.get("done_ns", 1 << 60)):
            self.now = max(self.now, r.get("done_ns", 0))
            self.line("request", cell=self.cells - 1, repeat=number, **self.written(r))
        self.now += S
        head = {"phase_ns": phase} if self.plan["phase"] else {}
        if told is not None:
            head["requests"] = len(requests) + told
        if ends:
            self.line("repeat_end", cell=self.cells - 1, repeat=number, error=error, **head,
                      fields={**END, **(fields or {})})


def connected(requests, every=3):
    """New connections, TLS too, for some requests."""
    for i, r in enumerate(requests):
        if i % every == 0:
            r["connect_ns"], r["tls_ns"] = 150_000 + 977 * i, 900_000 + 3001 * i


def failed(requests):
    """One failure of each class, one without, one interrupted, two unanswered (one of
    them never sent), one without a record."""
    for r, name in zip(requests, CLASSES + (None,)):
        for key in ("events", "tokens_out", "tokens_cached", "token_source", "counted"):
            r.pop(key, None)
        r["status"] = "failed"
        if name:
            r.update({"class": name, "error": f"it {name}"})
    requests[3]["http_status"] = 429
    requests[0].pop("sent_ns")
    requests[0].pop("tokens_in")
    requests[7]["status"] = "interrupted"
    requests[7].pop("done_ns")
    requests[9].update(status="unanswered", error="no answer in time")
    requests[10].update(status="unanswered", error="no slot became free")
    requests[10].pop("ready_ns")
    requests[10].pop("sent_ns")
    for r in (requests[7], requests[9], requests[10]):
        for key in ("events", "tokens_out", "tokens_cached", "token_source", "counted"):
            r.pop(key, None)
    requests[8:9] = []


def uncertain(requests):
    """Answers whose events are not their tokens, one in one piece, some that came at once."""
    for r in requests[::4]:
        r["tokens_out"] -= 1
    for r in requests[1::8]:
        r["last_ns"] = r.pop("events")[-1][0]
    for r in requests[2::8]:
        for event in r["events"][:-1]:
            event[0], event[3] = r["events"][-1][0], "b"


def worded(requests):
    """No number of events fits half of the answers: what is a token is unknown."""
    for i, r in enumerate(requests):
        if i % 8:
            r["tokens_out"] -= 1 + i % 3


def mute(requests):
    """Answers of no token at all, only an end."""
    for r in requests[::4]:
        r["tokens_out"], r["events"] = 0, r["events"][-1:]


def late(requests):
    for r in requests[::30]:
        shift_by(r, 4 * MS, "sent_ns", "done_ns")


def stretched(requests):
    for i, r in enumerate(requests):
        shift_by(r, 4 * i * MS, "sent_ns", "done_ns")


def without(*indices):
    """Their lines are not there."""
    def change(requests):
        requests[:] = [r for r in requests if r["index"] not in indices]
    return change


def doubled(requests):
    requests.append(dict(requests[3]))


def one(**members):
    """The last request gets these members; None drops one."""
    def change(requests):
        requests[-1].update(members)
        for key in [k for k, v in members.items() if v is None]:
            requests[-1].pop(key)
    return change


def write(path, seed):
    """Every case of an online run; ends in the middle of a line."""
    j = Online(path, seed, serving_mode="online", fields=RUN, options={"client-threads": "2"})
    j.load("poisson", rate=20.0, count=200, ramp_s=1.5, tokens=24)
    for n, style in enumerate(("plain", "plain", "end", "empty")):
        j.run(n, change=connected, style=style)
    j.load("poisson", rate=4.5, count=100, phase=False)     # shares the key but for the rate
    j.run(0)
    j.run(1, change=late)
    j.run(2, change=stretched)
    j.run(3, change=uncertain)
    j.run(4, change=one(token_source="estimated"))
    j.run(5, change=one(tokens_out=None, token_source=None))
    j.run(6, change=one(tokens_out=7))
    j.run(7, bounded=0.2)
    j.run(8, bounded=0.9)                                   # held back on their way
    j.run(9, bounded=0.9, fields={"loop_lag_p99_s": 0.1})   # the client's own fault
    j.run(10, change=worded)
    j.run(11, style="many")
    j.run(12, style="many", is_counted=True)
    j.load("constant", rate=50.0, count=120, tokens=24)     # --max-concurrency 4
    j.run(0, cap=4)
    j.run(1, cap=4)
    j.load("closed", slots=8, count=64, ramp_s=0.2, tokens=16)
    j.run(0)
    j.run(1, change=lambda rs: connected(rs, 5))
    j.run(2, fields={"client_busy_share": 0.06, "client_busy_windows": 3})
    j.run(3, fields={"client_busy_share": 0.06, "client_busy_windows": 2})
    j.run(4, change=failed, style="end")
    j.load("closed", slots=16, count=16)                    # no slot sends twice
    j.run(0)
    j.run(1)
    j.load("poisson", rate="inf", count=64)
    j.run(0)
    j.run(1, lag=lambda draw: draw.randint(1000, 40 * MS))
    j.load("gamma", rate=30.0, count=90, caching=True, scenario="chat")
    j.run(0)
    j.run(1, change=failed, planned=92)
    j.run(2, fields={"cached_input_tokens": 64, "cache_hit_rate": 0.01}, expected=64)
    j.run(3, fields={"cached_input_tokens": 32, "cache_hit_rate": 0.01}, expected=64)
    j.run(4, change=one(tokens_cached=None))
    j.run(5, error="the server is gone", change=failed)
    j.load("poisson", rate=40.0, count=800, gaps=False, fixed=False, tokens=6)
    j.run(0)
    j.run(1)
    j.run(2, style="many", is_counted=True)
    j.run(3, style="empty")
    j.load("poisson", rate=40.0, count=900, tokens=4, scenario="queue")
    j.run(0, served=35 * MS)
    j.run(1, served=35 * MS)                                # 140 %: overloaded
    j.run(2, served=15 * MS)
    j.load("poisson", rate=5.0, count=12, ramp_s=60.0)      # the ramp-up never ends
    j.run(0)
    j.run(1)
    j.load("poisson", rate=20.0, count=40, tokens=200)      # answers outlast the sending
    j.run(0)
    j.run(1)
    j.run(2, ends=False)
    j.load("closed", slots=4, count=30)                     # lines lost, or written twice
    j.run(0, change=without(30))
    j.run(1, change=without(7), told=1)
    j.run(2, change=doubled)
    j.run(3, change=without(7), told=None)
    j.run(4, told=None)
    j.load("closed", slots=4, count=30, duration_s=2.0)
    j.run(0, change=without(28), told=None)                 # of two threads
    j.run(1, change=without(26), told=None)
    j.load("poisson", rate=25.0, count=60, tokens=24)
    j.run(0, style="lag", is_counted=True)
    j.run(1, style="lag", is_counted=True)
    j.run(2, style="lag")
    j.load("poisson", rate=25.0, count=60, tokens=24, gaps=False)
    j.run(0, style="lag", is_counted=True)
    j.load("poisson", rate=25.0, count=60, tokens=24, fixed=False, slo={"tpot_ms": 5.5})
    j.run(0, change=mute)                                   # nothing between no tokens
    j.load("constant", rate=50.0, count=30, cap=8)
    j.run(0, change=without(27, 28, 29), told=None)
    j.run(1, change=without(7), told=None)
    j.close(cut='{"type":"request","at_ns":1')


def write_remote(path, seed):
    """A server that tells nothing of itself: settings, memory and hits are null."""
    quiet = dict.fromkeys((
        "engine_version", "engine_mode", "weights", "model_fingerprint", "dtype", "quantization",
        "tensor_parallel_size", "devices", "max_model_len", "max_num_seqs",
        "max_num_batched_tokens", "block_size", "kv_cache_tokens", "enforce_eager",
        "load_time_s"))
    silent = dict.fromkeys(("memory_used_mb", "peak_memory_mb", "preemptions", "kv_usage_max",
                            "cache_source"))
    j = Online(path, seed, serving_mode="online", fields={**RUN, "prefix_reuse": None})
    j.load("closed", slots=4, count=40, caching=None, **quiet)
    for n in range(2):
        j.run(n, fields=silent)
    j.load("poisson", rate=20.0, count=60, caching=None, **quiet)
    for n in range(2):
        j.run(n, fields=silent)
    j.line("run_end", cause="done", complete=True)
    j.close()
