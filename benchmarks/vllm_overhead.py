#!/usr/bin/env python3
"""Does inferbench's stepping slow vLLM? Alternates both inside one loaded engine.

    PYTHON_WITH_VLLM benchmarks/vllm_overhead.py --model DIR [--pairs 100] [--mode mp|inproc]
        [--batch 4] [--input 64] [--output 64] [--out pairs.json] [-- VLLM OPTIONS]

A is `LLM.generate` on a batch, B is what src/engines/vllm_worker.py does with the same batch:
the very functions that measure, its bookkeeping before and after included. The order is ABBA, two
pairs a block, so that drift cancels. Prompts are new for each run and prefix caching is off.
ratio = speed of B / speed of A, the mean over pairs in logarithms, with a 95 % interval
(Student t). Exit code 0 if the whole interval lies in 0.98..1.02, else 3; fewer than 100 pairs
are marked as such. All pairs are kept in --out.
"""

import argparse
import importlib.util
import json
import math
import os
import platform
import random
import statistics
import sys
import time
from pathlib import Path

LOW, HIGH, ENOUGH = 0.98, 1.02, 100


def load_worker():
    path = Path(__file__).resolve().parents[1] / "src/engines/vllm_worker.py"
    spec = importlib.util.spec_from_file_location("vllm_worker", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class NoLink:
    """Stands where the worker has its socket: keeps what would be sent."""

    def __init__(self):
        self.cancelled, self.sent = [], []

    def send(self, ev, **fields):
        self.sent.append({"ev": ev, **fields})


def options():
    words = sys.argv[1:]
    rest = []
    if "--" in words:
        cut = words.index("--")
        words, rest = words[:cut], words[cut + 1:]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--mode", choices=("mp", "inproc"), default="mp")
    parser.add_argument("--load-format", default="dummy")
    for name, value in (("pairs", 100), ("batch", 4), ("input", 64), ("output", 64),
                        ("warmups", 4), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--out", default="vllm_overhead.json")
    return parser.parse_args(words), rest


def open_engine(worker, opts, rest):
    op = {"model": opts.model, "engine_mode": opts.mode, "cli_args": rest, "settings": {
        "load_format": opts.load_format, "max_model_len": opts.input + opts.output,
        "max_num_seqs": opts.batch, "max_num_batched_tokens": max(2048, opts.input + opts.output),
        "enable_prefix_caching": False, "seed": opts.seed}}
    engine = worker.Engine(op, NoLink(), worker.Log())
    return engine, engine.settings(op)


def run_generate(engine, prompts, opts):
    """Seconds of LLM.generate, all it does included."""
    from vllm import SamplingParams
    prompts = [engine.compat.prompt(ids, None) for ids in prompts]
    start = time.monotonic_ns()
    params = [SamplingParams(max_tokens=opts.output, ignore_eos=True, temperature=0.7, top_p=0.9,
                             detokenize=False) for _ in prompts]
    answers = engine.llm.generate(prompts, params, use_tqdm=False)
    end = time.monotonic_ns()
    got = sum(len(a.outputs[0].token_ids) for a in answers)
    assert got == opts.output * len(prompts), f"generate made {got} tokens"
    return (end - start) / 1e9


def run_worker(worker, engine, prompts, opts, beat):
    """Seconds of the worker's own batch: from before its first act to its last stamp."""
    link = NoLink()
    op = {"sampling": {"temperature": 0.7, "top_p": 0.9, "ignore_eos": True}, "requests": [
        {"index": i, "ids": ids, "max_tokens": opts.output} for i, ids in enumerate(prompts)]}
    start = time.monotonic_ns()
    jobs, refused = worker.make_jobs(engine, op)
    records = worker.add_jobs(engine.core, jobs, refused)
    tap = worker.Tap(engine.core, records, beat.words)
    worker.run_steps(engine.core, records, beat.words, link)
    tap.remove()
    end = time.monotonic_ns()
    got = sum(worker.describe(r, True)["output_tokens"] for r in records.values())
    assert got == opts.output * len(prompts) and not refused, f"the worker made {got} tokens"
    return (end - start) / 1e9


def measure(worker, engine, opts):
    rng, beat = random.Random(opts.seed), worker.Beat(None)

    def once(which):
        prompts = [[rng.randrange(16, int(engine.vocab_size * 0.98)) for _ in range(opts.input)]
                   for _ in range(opts.batch)]
        if which == "A":
            return run_generate(engine, prompts, opts)
        return run_worker(worker, engine, prompts, opts, beat)

    for _ in range(opts.warmups):
        once("A"), once("B")
    pairs = []
    while len(pairs) < opts.pairs:
        a, b = once("A"), once("B")
        pairs.append((round(a, 6), round(b, 6), "AB"))
        b, a = once("B"), once("A")
        pairs.append((round(a, 6), round(b, 6), "BA"))
        if len(pairs) % 20 == 0:
            print(f"  {len(pairs)} pairs", file=sys.stderr, flush=True)
    return pairs


def t_975(df):
    """97.5 % quantile of Student's t (Cornish-Fisher, fourth order; 0.1 % at 5 and more)."""
    z = 1.959963984540054
    return (z + (z**3 + z) / (4 * df) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)
            + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * df**3))


def interval(pairs):
    logs = [math.log(a / b) for a, b, _ in pairs]
    mean = statistics.fmean(logs)
    half = t_975(len(logs) - 1) * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def main():
    opts, rest = options()
    os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    worker = load_worker()
    engine, settings = open_engine(worker, opts, rest)
    pairs = measure(worker, engine, opts)
    ratio, low, high = interval(pairs)
    is_within = LOW <= low and high <= HIGH
    kept = {name: value for name, value in vars(opts).items() if name != "out"}
    kept["model"] = Path(opts.model).name
    with open(opts.out, "w", encoding="utf-8") as out:
        json.dump({"ratio": ratio, "ci95": [low, high], "is_within": is_within,
                   "options": kept, "vllm_options": rest, "settings": settings,
                   "machine": platform.processor() or platform.machine(),
                   "cpus": os.cpu_count(), "load_average": os.getloadavg(), "pairs": pairs,
                   "columns": ["generate_s", "worker_s", "order"]},
                  out, separators=(",", ":"), default=str)
        out.write("\n")
    engine.shutdown()
    print(f"inferbench's stepping / vLLM's generate: {ratio:.4f} (95 %: {low:.4f} .. {high:.4f}),"
          f" {len(pairs)} pairs" + ("" if len(pairs) >= ENOUGH else f", under {ENOUGH}")
          + f"; {'within' if is_within else 'not within'} {LOW}..{HIGH}; {opts.out}")
    return 0 if is_within else 3


if __name__ == "__main__":
    sys.exit(main())
