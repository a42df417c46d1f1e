"""drawn_server.py PROGRAM PORT SEED [TIMES]: `inferbench serve` whose gap between tokens is drawn anew
by each start, 1 % around 2 ms, or TIMES that. Starts of one SEED count up in a file of that name."""

import os
import random
import sys

program, port, seed = sys.argv[1:4]
times = float(sys.argv[4]) if len(sys.argv) > 4 else 1.0
with open(f"starts-{seed}", "a+", encoding="utf-8") as file:
    file.write(".")
    start = file.tell()
itl_ms = 2 * times * random.Random(f"{seed}/{start}").lognormvariate(0, 0.01)
os.execv(program, [program, "serve", "--port", port, "--ttft", f"{5 * itl_ms:.6f}ms", "--itl",
                   f"{itl_ms:.6f}ms"])
