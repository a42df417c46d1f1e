"""A journal with everything in it: several cells and repeats, failures of each kind, excluded
gaps, events of several tokens, hits, a trend, a cut end. Drawn from a seed."""

import json
import random

S = 1_000_000_000
MS = 1_000_000

RUN_FIELDS = {
    "model_name": "tiny", "instance_type": "g5.xlarge", "serving_mode": "offline",
    "temperature": 0.7, "top_p": 0.9, "run_id": "0123456789abcdef0123456789abcdef",
    "label": "mine", "metadata": {"team": "a"}, "engine": "vllm", "seed": 3,
    "arrival": "batch", "prefix_reuse": "cold", "price_usd_per_hour": 1.006,
    "price_source": "--price-per-hour"}

CELL_FIELDS = {
    "hardware_type": "gpu", "dataset": None, "engine_version": "0.32.0", "engine_mode": "mp",
    "weights": "real", "model_fingerprint": "ab" * 32, "dtype": "float16",
    "quantization": "none", "tensor_parallel_size": 1, "devices": 1, "max_model_len": 4096,
    "max_num_seqs": 256, "max_num_batched_tokens": 8192, "block_size": 16,
    "kv_cache_tokens": 65536, "enforce_eager": False, "is_simulated": False,
    "load_time_s": 12.5, "engine_args": ["seed=3"], "settings_sha256": "ef" * 32,
    "launch_id": "12" * 16, "launch_source": "started", "setting_position": 1,
    "setting_number": 1,     "plan_sha256": "34" * 32, "stop_at_eos": False}

END_FIELDS = {
    "memory_used_mb": 9000.5, "peak_memory_mb": 9100.25, "cpu_user_s": 1.5,
    "cpu_system_s": 0.25, "steal_ratio": 0.001, "throttled_s": 0.0, "power_mean_w": None,
    "energy_j": 61.5, "client_rss_mb": 12.0, "preemptions": 0, "kv_usage_max": 0.4,
    "cache_source": "engine"}


class Journal:
    def __init__(self, path, seed, **run):
        self.draw = random.Random(seed)
        self.file = open(path, "w")
        self.now = 0
        self.cells = 0
        self.line("run", format=2, tool="inferbench test",
                  stamp="20260301_120000", start_wall_ns=1772366400123456789,
                  utc_offset_s=9 * 3600, seed=3, plan_sha256="cd" * 32,
                  command=["inferbench"], **{"options": {},
                      "percentiles": [50.0, 90.0, 95.0, 99.0, 99.9], "asked_percentiles": True,
                      "limits": {},
                      "fields": RUN_FIELDS, "env": {}, "serving_mode": "offline", **run})

    def line(self, kind, **members):
        self.file.write(json.dumps({"type": kind, "at_ns": self.now, **members},
                                   separators=(",", ":")) + "\n")

    def cell(self, scenario, batch, caching, *, gaps=True, fixed=True, tokens=24, **fields):
        self.line("cell", cell=self.cells, fixed_lengths=fixed, gaps=gaps,
                  shares_prefix=caching, longest_prompt_tokens=64,
                  fields={"scenario": scenario, "batch_size": batch, **CELL_FIELDS,
                          "max_output_tokens": tokens, "enable_prefix_caching": caching,
                          **fields})
        self.shape = {"batch": batch, "gaps": gaps, "tokens": tokens}
        self.cells += 1

    def request(self, repeat, index, status="ok", *, speed=1.0, cached=0, **more):
        draw, tokens = self.draw, self.shape["tokens"]
        sent = self.now + index * 1000
        first = sent + round(draw.uniform(40, 60) * MS * speed)
        events = [1] * tokens
        if draw.random() < 0.2:  # two tokens in one event: its gap is not booked
            events = [1] * (tokens - 3) + [2, 1]
        gaps = [round(draw.uniform(4, 7) * MS * speed) for _ in events[1:]]
        r = {"cell": self.cells - 1, "repeat": repeat, "index": index, "status": status,
             "due_ns": self.now, "ready_ns": self.now, "sent_ns": sent,
             "done_ns": first + sum(gaps) + MS,
             "prefill_ns": round(draw.uniform(20, 40) * MS), "tokens_in": draw.randint(40, 64),
             "tokens_out": sum(events), "tokens_cached": cached, "max_tokens": tokens,
             "token_source": "engine", "counted": True}
        if draw.random() < 0.5:
            r["decode_ns"] = sum(gaps) - 1000
        if self.shape["gaps"]:
            r.update(event_ns=first, gaps_ns=gaps)
            if len(events) < tokens:
                r["event_tokens"] = events
        else:
            r["text"] = {"count": len(events), "first_ns": first, "last_ns": first + sum(gaps),
                         "exact": len(events)}
        if status != "ok":
            for key in ("prefill_ns", "decode_ns", "tokens_out", "tokens_cached", "counted",
                        "event_ns", "gaps_ns", "event_tokens", "text"):
                r.pop(key, None)
        r.update(more)
        self.line("request", **r)

    def repeat(self, number, *, expected=0, speed=1.0, failures=(), ends=True, error=None,
               cached=0, change=None, is_told=True, **fields):
        batch = self.shape["batch"]
        self.line("repeat", cell=self.cells - 1, repeat=number, warmup=number == 0,
                  planned=batch, expected_cached_tokens=expected)
        failures, written = list(failures), 0
        for index in range(batch):
            status, more = failures.pop(0) if failures else ("ok", {})
            if status == "ok" and index == batch - 1:
                more = {**more, **(change or {})}
            if status != "missing":
                self.request(number, index, status, speed=speed, cached=cached, **more)
                written += 1
        self.now += 2 * S
        if ends:
            told = {"requests": written} if is_told else {}
            self.line("repeat_end", cell=self.cells - 1, repeat=number, error=error, **told,
                      fields={**END_FIELDS, **fields})

    def close(self, cut=""):
        self.file.write(cut)
        self.file.close()


def write(path, seed):
    """Every case of an offline run; ends in the middle of a line."""
    j = Journal(path, seed, limits={"MACHINE_NOISY": 0.5, "UNREPEATABLE": 0.5})
    j.cell("short", 16, False)
    for n in range(7):  # faster and faster: a trend
        j.repeat(n, speed=1 - 0.04 * n, steal_ratio=0.3)
    j.cell("prefix_caching", 70, True)
    j.repeat(0, expected=70 * 32, cached=32)
    j.repeat(1, expected=70 * 32, cached=32)
    j.repeat(2, expected=69 * 32, cached=32)                      # more than allowed
    j.repeat(3, expected=71 * 32, cached=32)                      # fewer
    j.repeat(4, expected=71 * 32, cached=32, kv_usage_max=0.95)   # fewer, cache full
    j.repeat(5, expected=71 * 32, cached=32, preemptions=2)
    j.repeat(6, expected=71 * 32, cached=32, kv_usage_max=None)
    j.cell("mixed", 16, True, weights="dummy", is_simulated=True)
    j.repeat(0)
    j.repeat(1, failures=[("failed", {"class": "timeout", "error": "too slow"}),
                          ("interrupted", {}), ("missing", {}),
                          ("unanswered", {"error": "no answer in time"})], throttled_s=0.2)
    j.repeat(2, change={"tokens_out": 23})
    j.repeat(3, change={"token_source": "estimated"})
    j.repeat(4, change={"tokens_cached": None})
    j.repeat(5, change={"tokens_out": None, "token_source": None})
    j.repeat(6, failures=[("failed", {"class": "engine", "error": "died"})] * 16)
    j.repeat(7, failures=[("failed", {"class": "engine"})] * 4, error="worker killed")
    j.repeat(8, failures=[("missing", {})], is_told=False)  # of an older journal
    j.cell("mixed", 16, False, gaps=False, fixed=False, tokens=8)
    j.repeat(0, change={"tokens_in": 64})
    j.repeat(1)
    j.cell("mixed", 16, False, gaps=False, fixed=False, tokens=8)  # shares its whole key
    j.repeat(0, change={"tokens_in": 64})
    j.repeat(1, enable_prefix_caching=None)
    j.cell("single", 700, False, tokens=4)  # p99 of requests
    j.repeat(0)
    j.repeat(1)
    j.now -= 2 * S                          # the same second again
    j.repeat(2)
    j.repeat(3, ends=False)
    j.close(cut='{"type":"request","at_ns":1')
