#!/usr/bin/env python3
"""What `inferbench analyze` of one file of many rows costs, and report.html of few.

    python3 benchmarks/analyze_rows.py build/inferbench [--rows 100000] [--page-rows 1000]
        [--cells 20] [--rounds 3] [--out FILE.json]

The rows are those of a run of the null engine and of one on `inferbench serve`, in turn, with numbers of
their own and 5 repeats a run. Prints CPU seconds, peak memory and its ratio to the size of the file, the
least of the rounds.
"""

import argparse
import glob
import json
import random
import resource
import subprocess
import tempfile
from pathlib import Path

REPEATS = 5


def run(binary, *words):
    subprocess.run([binary, *map(str, words), "--quiet", "--no-imds", "--no-mlflow", "--num-runs", "3"],
                   check=True, stdout=subprocess.DEVNULL)


def patterns(binary, folder):
    """A measured row of each kind."""
    run(binary, "offline", "--engine", "null", "--scenarios", "short", "--batch-sizes", "4",
        "--output-dir", folder / "one")
    server = subprocess.Popen([binary, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.DEVNULL)
    try:
        url = server.stdout.readline().split()[-1]
        run(binary, "online", "--base-url", url, "--scenarios", "short", "--concurrency", "4",
            "--num-prompts", "40", "--accept-invalid", "--output-dir", folder / "one")
    finally:
        server.terminate()
        server.wait()
    return [json.loads(Path(path).read_text(encoding="utf-8"))["results"][-1]
            for path in sorted(glob.glob(str(folder / "one/*_results_*.json")))]


def write(path, rows, cells, of):
    rng = random.Random(1)
    out = []
    for i in range(rows):
        cell, repeat = i // REPEATS % cells, i % REPEATS
        out.append(dict(of[cell % len(of)], batch_size=cell + 1, run_id=f"{i // REPEATS // cells:032x}",
                        row=cell * REPEATS + repeat + 1, repeat=repeat, is_warmup=repeat == 0,
                        launch_id=f"{i // REPEATS:032x}", tokens_per_second=rng.lognormvariate(5, 0.02)))
    path.parent.mkdir()
    path.write_text(json.dumps({"results": out}), encoding="utf-8")
    return path.stat().st_size


def cost(words):
    """CPU seconds and peak bytes of a command."""
    script = ("import json, resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=2); "
              "u = resource.getrusage(resource.RUSAGE_CHILDREN); "
              "print(json.dumps([u.ru_utime + u.ru_stime, u.ru_maxrss * 1024]))")
    done = subprocess.run(["python3", "-c", script, *map(str, words)], check=True, capture_output=True,
                          text=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary", type=Path)
    for name, value in (("rows", 100_000), ("page-rows", 1000), ("cells", 20), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--out")
    args = parser.parse_args()
    binary = args.binary.resolve()
    kept = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        of = patterns(binary, folder)
        for rows, more in ((args.rows, ["--plots", "hit_rates", "--format", "text"]),
                           (args.page_rows, ["--plots", "hit_rates", "--format", "html"])):
            path = folder / f"rows{rows}" / "offline_results_1.json"
            size = write(path, rows, args.cells, of)
            rounds = [cost([binary, "analyze", path, *more, "--output-dir", folder / "out"])
                      for _ in range(args.rounds)]
            seconds, peak = (min(of_round[i] for of_round in rounds) for i in (0, 1))
            kept.append({"rows": rows, "bytes": size, "words": more, "rounds": rounds})
            print(f"{rows} rows, {size / 1e6:.1f} MB, {' '.join(more)}: {seconds:.2f} s of CPU, "
                  f"{peak / 1e6:.0f} MB, {peak / size:.2f} x the file")
    if args.out:
        Path(args.out).write_text(json.dumps(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
