"""What rows say of settings, launches and work, computed again from a journal's own options:
check(run line, cell lines, fields) -> what differs."""

import hashlib
import json
import math
import re
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
UNSET = -2 ** 63  # OPT_INT_UNSET
KINDS = {bool: 2, int: 3, float: 4, str: 5, list: 6, dict: 6}  # enum value_kind
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600}

# They take no ignore_eos (docs/servers.md).
OPEN_ENDED = ("tgi", "ollama", "transformers", "litellm", "openai", "mistral", "other")


class Seal:
    """SHA-256 over parts that say their own ends."""

    def __init__(self):
        self.digest = hashlib.sha256()

    def int(self, *values):
        for value in values:
            self.digest.update(f"{int(value)},".encode())

    def num(self, value):
        text = "nan"
        if math.isinf(value):
            text = "inf"
        elif not math.isnan(value):  # as C's %a: no zeros behind the last digit
            text = re.sub(r"\.?0*p", "p", float(value).hex())
        self.digest.update(f"{text},".encode())

    def text(self, text):
        data = text.encode()
        self.int(len(data))
        self.digest.update(data)

    def value(self, value):
        self.int(KINDS[type(value)])
        if isinstance(value, (bool, int)):
            self.int(value)
        elif isinstance(value, float):
            self.num(value)
        else:
            self.text(value if isinstance(value, str) else
                      json.dumps(value, separators=(",", ":"), ensure_ascii=False))

    def hex(self):
        return self.digest.hexdigest()


@lru_cache(None)
def roles():
    text = (ROOT / "src/core/field_list.h").read_text().replace("\\\n", " ")
    return dict(re.findall(r'\bX\(\s*(\w+),\s*\w+,\s*"[^"]*",\s*\w+,\s*"[^"]*",\s*(\w+)',
                           text))


@lru_cache(None)
def scenarios():
    """{name: (shared tokens, own tokens, answer tokens)} of the built-in ones."""
    table = (ROOT / "src/plan/scenario.c").read_text().split("builtin[] = {")[1].split("};")[0]
    found = {}
    for row in re.findall(r'\.name = "\w+".*?\.help = "[^"]*"', table, re.S):
        number = {key: int(value) for key, value in re.findall(r"\.(\w+) = (\d+)", row)}
        found[re.search(r'\.name = "(\w+)"', row)[1]] = (
            number.get("shared_tokens", 0), number["own_tokens"], number["max_tokens"])
    return found


def span_s(text):
    number, unit = re.fullmatch(r"([\d.]+)([a-z]*)", text).groups()
    return float(number) * UNITS[unit or "s"]


def of(options, name, kind=str, none=None):
    text = options.get(name) or ""
    return kind(text) if text else none


def settings_sha256(row):
    seal = Seal()
    for name, role in roles().items():
        if role == "SETTING" and name not in ("kv_cache_tokens", "settings_sha256") and \
                row.get(name) is not None:
            seal.text(name)
            seal.value(row[name])
    return seal.hex()


def launch_id(run_id, opening):
    seal = Seal()
    seal.text("started")
    seal.text(run_id)
    seal.int(opening)
    return seal.hex()[:32]


def num_prompts(options, cell):
    if cell["slo_search"] is not None:
        return cell["num_prompts"]  # a search finds its loads
    given = of(options, "num-prompts", int)
    if given is not None or of(options, "duration") is not None:
        return given
    if cell["arrival"] == "closed":
        return max(16, 8 * cell["batch_size"]) + cell["batch_size"]
    rate, ramp_s = cell["request_rate"], of(options, "ramp-up", span_s, 0.0)
    if rate == "inf":
        return 300
    longer = max(1, cell["max_output_tokens"] / 128)
    return max(300, math.ceil(rate * (60 * longer + ramp_s / 2)))


def load(options, cell):
    """The options of a load as the row has them."""
    is_open = cell["arrival"] != "closed"
    duration = of(options, "duration", span_s)
    if cell["slo_search"] is not None:
        duration = cell["duration_s"]
    is_gamma = is_open and cell["arrival"] == "gamma" and cell["request_rate"] != "inf"
    body = of(options, "extra-body")
    return {"burstiness": of(options, "burstiness", float) if is_gamma else None,
            "ramp_up_s": of(options, "ramp-up", span_s, 0.0),
            "num_prompts": num_prompts(options, cell), "duration_s": duration,
            "max_concurrency": of(options, "max-concurrency", int) if is_open else None,
            "warmup_requests": of(options, "warmup-requests", int, 0),
            "is_streamed": options.get("no-stream") != "true",
            "is_keepalive": options.get("no-keepalive") != "true",
            "token_counts": options.get("token-counts"),
            "has_body": body is not None and json.loads(body) != {} if "***" not in str(body)
            else True}


def plan_sha256(options, cell):
    """None of scenarios whose texts stand in files."""
    name, asked = cell["scenario"], of(options, "max-tokens", int)
    if re.fullmatch(r"in\d+", name):
        shared, own, most = 0, int(name[2:]), 128
    elif name.rpartition("@")[0] in scenarios() and of(options, "hit-rates"):
        base, _, rate = name.rpartition("@")
        shared, own, most = scenarios()[base]
        tokens = shared + own
        shared = min(math.floor(float(rate) / 100 * tokens + 0.5), tokens - 1)
        own = tokens - shared
    elif name in scenarios():
        shared, own, most = scenarios()[name]
    else:
        return None
    prefixes = of(options, "prefixes", int, 1)
    seal = Seal()
    seal.text("inferbench cell 1")
    seal.int(int(options["seed"]), options["prefix-reuse"] == "warm")
    seal.text(name)
    seal.int(shared, *([prefixes] if prefixes > 1 else []), own, 0,
             asked if asked is not None else most)
    if cell["arrival"] is None:
        seal.text("batch")
        seal.int(cell["batch_size"])
        return seal.hex()
    asked, is_open = load(options, cell), cell["arrival"] != "closed"
    rate = cell["request_rate"]
    seal.text(cell["endpoint"])
    seal.int(asked["warmup_requests"], is_open, 0 if is_open else cell["batch_size"])
    seal.num(float(rate) if is_open else 0.0)
    arrival = {"poisson": 0, "constant": 1, "gamma": 2}.get(cell["arrival"], 0)
    seal.int(arrival)
    seal.num(of(options, "burstiness", float) if arrival == 2 else 1.0)
    seal.int(UNSET if asked["max_concurrency"] is None else asked["max_concurrency"],
             UNSET if asked["num_prompts"] is None else asked["num_prompts"])
    seal.num(math.nan if asked["duration_s"] is None else asked["duration_s"])
    seal.num(asked["ramp_up_s"])
    return seal.hex()


def wrong_args(options, args):
    """engine_args of an engine that inferbench has started."""
    keys = [text.split("=")[0] for text in args]
    if args != sorted(args):
        yield "engine_args are not sorted"
    if len(set(keys)) != len(keys):
        yield "engine_args name one key twice"
    if not any(key == "command" for key in keys):
        for name in ("dtype", "load-format", "seed"):
            value, key = of(options, name), name.replace("-", "_")
            given = [text for text in args if text.startswith(key + "=")]
            is_ours = f"{key}={value}" in given
            if value is not None and not is_ours and key not in str(options):
                yield f"engine_args have no {key}={value}"


def cell_rows(run, cells):
    for cell in cells:
        yield {**{name: None for name in roles()}, **run["fields"], **cell["fields"]}


def check(run, cells):
    options, found, launches, settings = run["options"], [], [], []

    def same(index, name, got, want):
        if got != want:
            found.append(f"cells[{index}].{name}: {got}, not {want}")

    for index, row in enumerate(cell_rows(run, cells)):
        given = of(options, "setting")
        setting = row["label"] if given else row["enable_prefix_caching"]
        settings += [setting] * (setting not in settings)
        if given:
            named = sorted({cell["label"] for cell in cell_rows(run, cells)},
                           key=lambda name: f" {given}".index(f" {name}="))
            same(index, "setting_number", row["setting_number"], named.index(setting) + 1)
        else:
            same(index, "setting_number", row["setting_number"],
                 1 + (options["test-prefix-caching"] == "true" and setting is True))
        same(index, "setting_position", row["setting_position"], settings.index(setting) + 1)
        same(index, "stop_at_eos", row["stop_at_eos"],
             options["stop-at-eos"] == "true" or row.get("dialect") in OPEN_ENDED)
        plan = plan_sha256(options, row)
        same(index, "plan_sha256", row["plan_sha256"], plan or row["plan_sha256"])
        if row["arrival"] is not None:
            for name, value in load(options, row).items():
                got = row["extra_body"] is not None if name == "has_body" else row[name]
                same(index, name, got, value)
        if row["launch_id"] is None:
            continue
        same(index, "settings_sha256", row["settings_sha256"], settings_sha256(row))
        launches += [row["launch_id"]] * (row["launch_id"] not in launches)
        if row["launch_source"] == "started":
            want = launch_id(row["run_id"], launches.index(row["launch_id"]) + 1)
            same(index, "launch_id", row["launch_id"], want)
            found += [f"cells[{index}]: {text}" for text in wrong_args(options,
                                                                       row["engine_args"])]
        else:
            same(index, "engine_args", row["engine_args"], None)
    return found
