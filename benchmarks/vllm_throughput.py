#!/usr/bin/env python3
"""inferbench offline against `vllm bench throughput`: the same work, each in its own process.

    python3 benchmarks/vllm_throughput.py --model DIR --python PYTHON_WITH_VLLM [--rounds 3]
        [--batch 16] [--input 128] [--output 64] [--tokenizer DIR] [--out FILE.json]

Each round runs both, in turn first. Both load the same engine with the same settings, get
`batch` prompts of `input` random tokens at once and make `output` tokens of each.
vLLM's figure is output tokens by its own elapsed_time. vLLM's program measures once and cold, so
inferbench's warm-up repeat (run 0), which is as cold, is compared with it; the warm repeats are
printed beside it. Prints the ratio of each round.
"""

import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--tokenizer", help="for vLLM's prompts, if the model has none of its own")
    parser.add_argument("--binary", default=str(ROOT / "build/inferbench"))
    parser.add_argument("--load-format", default="dummy")
    parser.add_argument("--dtype", default="float32")
    for name, value in (("rounds", 3), ("batch", 16), ("input", 128), ("output", 64),
                        ("kv-mib", 512)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--out", default="vllm_throughput.json")
    return parser.parse_args()


def length(opts):
    """vLLM draws random prompts as text, whose tokens wander: leave room."""
    return 2 * opts.input + opts.output


def run(words, log):
    with open(log, "w", encoding="utf-8") as out:
        code = subprocess.run(words, stdout=out, stderr=out, env=environment()).returncode
    if code != 0:
        sys.exit(f"{words[0]} ended with {code}:\n" + log.read_text()[-3000:])


def engine_words(opts):
    return ["--max-num-seqs", str(opts.batch), "--max-num-batched-tokens",
            str(max(2048, length(opts))), "--kv-cache-memory-bytes",
            str(opts.kv_mib << 20), "--enforce-eager"]


def environment():
    cpus = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    return {**os.environ, "VLLM_CPU_OMP_THREADS_BIND": cpus, "VLLM_NO_USAGE_STATS": "1"}


def run_vllm(opts, folder):
    out = folder / "vllm.json"
    words = [opts.python, "-m", "vllm.entrypoints.cli.main", "bench", "throughput", "--model",
             opts.model, "--load-format", opts.load_format, "--dtype", opts.dtype,
             "--max-model-len", str(length(opts)), "--dataset-name", "random",
             "--random-input-len", str(opts.input), "--random-output-len", str(opts.output),
             "--num-prompts", str(opts.batch), "--disable-detokenize", "--output-json",
             str(out), "--no-enable-prefix-caching", *engine_words(opts)]
    if opts.tokenizer:
        words += ["--tokenizer", opts.tokenizer]
    run(words, folder / "vllm.log")
    result = json.loads(out.read_text())
    return opts.batch * opts.output / result["elapsed_time"]


def run_inferbench(opts, folder):
    scenario = folder / "scenario.yaml"
    scenario.write_text(f"- name: work\n  prompt_tokens: {opts.input}\n"
                        f"  max_tokens: {opts.output}\n")
    words = [opts.binary, "offline", "--model", opts.model, "--load-format", opts.load_format,
             "--dtype", opts.dtype, "--max-model-len", str(length(opts)),
             "--scenario-file", str(scenario), "--scenarios", "work", "--batch-sizes",
             str(opts.batch), "--num-runs", "4", "--temperature", "1", "--top-p", "1",
             "--python", opts.python, "--output-dir", str(folder), "--accept-invalid",
             "--", *engine_words(opts)]
    run(words, folder / "inferbench.log")
    path = glob.glob(str(folder / "offline_results_*.json"))[0]
    rows = json.loads(Path(path).read_text())["results"]
    assert not any(row["error"] for row in rows)
    return [row["tokens_per_second"] for row in rows]


def main():
    opts = options()
    rounds = []
    for number in range(opts.rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            first = run_vllm(opts, folder) if number % 2 == 0 else None
            ours = run_inferbench(opts, folder)
            theirs = first if first is not None else run_vllm(opts, folder)
        rounds.append({"vllm_tokens_per_s": theirs, "inferbench_tokens_per_s": ours})
        print(f"round {number}: vllm bench throughput {theirs:.1f} tokens/s, inferbench cold "
              f"{ours[0]:.1f} (ratio {ours[0] / theirs:.3f}), warm "
              f"{statistics.median(ours[1:]):.1f}", flush=True)
    ratios = [r["inferbench_tokens_per_s"][0] / r["vllm_tokens_per_s"] for r in rounds]
    with open(opts.out, "w", encoding="utf-8") as out:
        json.dump({"options": vars(opts), "rounds": rounds, "ratios": ratios}, out, indent=1)
    print(f"ratio, median of {len(ratios)} rounds: {statistics.median(ratios):.3f}; {opts.out}")


if __name__ == "__main__":
    sys.exit(main())
