#!/usr/bin/env python3
"""CPU time of `inferbench compare` of two files of many made rows.

    python3 benchmarks/compare_rows.py build/inferbench [--rows 10000] [--cells 20]
"""

import argparse
import glob
import json
import random
import resource
import subprocess
import tempfile
from pathlib import Path


def write(base, side, args):
    rows = []
    for i in range(args.rows):
        launch = f"{side.name}{i // args.cells % args.launches}"
        rows.append(dict(base, label=side.name, batch_size=i % args.cells + 1, run_id=launch,
                         launch_id=launch, row=i + 1, repeat=i // args.cells // args.launches + 1,
                         tokens_per_second=random.lognormvariate(5, 0.02)))
    side.mkdir()
    (side / "offline_results_1.json").write_text(json.dumps({"results": rows}), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--rows", type=int, default=10000)
    parser.add_argument("--cells", type=int, default=20)
    parser.add_argument("--launches", type=int, default=4)
    args = parser.parse_args()
    binary = args.binary.resolve()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        subprocess.run([binary, "offline", "--engine", "null", "--scenarios", "short",
                        "--batch-sizes", "1", "--quiet", "--output-dir", out / "one"], check=True,
                       stdout=subprocess.DEVNULL)
        path = glob.glob(str(out / "one/offline_results_*.json"))[0]
        base = json.loads(Path(path).read_text(encoding="utf-8"))["results"][-1]
        for side in ("a", "b"):
            write(base, out / side, args)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([binary, "compare", out / "a", out / "b"], check=True,
                       stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{args.rows} rows a side, {args.cells} cells: {spent:.2f} s of CPU time, "
          f"{after.ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
