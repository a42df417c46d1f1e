#!/usr/bin/env python3
"""Do our numbers on real servers agree with those of a client that shares nothing with ours?

    TEST_PYTHON benchmarks/online_servers.py [--servers llamacpp nginx haproxy] [--rounds 8]
        [--requests 24] [--concurrency 1] [--tokens 32] [--ttft 30ms] [--itl 10ms]
        [--nice N] [--binary build/inferbench] [--out FILE.json]

llama.cpp's own server with a tiny random model; nginx and haproxy, set to pass bytes on, before
`inferbench serve`. Each is started once, on the last core; `inferbench online` and
benchmarks/plain_client.py then put the same closed load on it by turns, on the other cores, and each
round begins with the other one. With one request at a time: where two share a server, the pace at which
a client sends the next one decides which prompts are computed together, and that moves TTFT (with two on
llama.cpp its median had two values, 27 and 39 ms, for either client). Other work on the machine can only make a round slower, and hits one
client or the other: compared are the best rounds of both, and the ratio of the medians stands beside.
Prints TTFT p50, E2E p50 and tokens/s; the last line says whether all ratios of the best, ours to the
other's, are within 10 %, and the exit code is 1 where they are not. On a busy machine take more
rounds, or --nice -15 (as root), which keeps other work out of the way of all of them.

TEST_PYTHON is the interpreter of `scripts/setup test`, which has llama.cpp's code:
~/.local/share/inferbench/test-venv/bin/python.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from online_accuracy import cores
from online_peers import raise_session

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
FIGURES = {"ttft_p50_s": "TTFT p50, s", "e2e_p50_s": "E2E p50, s", "tokens_per_second": "tokens/s"}
NEAR = 0.10


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--servers", nargs="+", choices=("llamacpp", "nginx", "haproxy"),
                        default=["llamacpp", "nginx", "haproxy"])
    for name, value in (("rounds", 8), ("requests", 24), ("concurrency", 1), ("tokens", 32)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--ttft", default="30ms")
    parser.add_argument("--itl", default="10ms")
    parser.add_argument("--binary", default=str(ROOT / "build/inferbench"))
    parser.add_argument("--out", default="online_servers.json")
    return parser.parse_args()


@contextlib.contextmanager
def simulated(opts):
    """Port of `inferbench serve`."""
    server = subprocess.Popen([opts.binary, "serve", "--port", "0", "--ttft", opts.ttft, "--itl", opts.itl,
                               "--quiet"], stdout=subprocess.PIPE, text=True)
    try:
        yield int(server.stdout.readline().rsplit(":", 1)[1])
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def on_last_core():
    """What is started here stays there; we go back to all cores."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(mine)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


@contextlib.contextmanager
def started(opts, name, folder):
    """(URL, model) of the server, which is up."""
    from e2e import real_servers
    with contextlib.ExitStack() as stack:
        with on_last_core():
            if name == "llamacpp":
                url, model = stack.enter_context(real_servers.llama(folder)), "tiny"
            else:
                port, model = stack.enter_context(simulated(opts)), "simulated"
                url = stack.enter_context(getattr(real_servers, name)(folder, port))
        yield url, model


def ours(opts, url):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*cores()[0], opts.binary, "online", "--base-url", url, "--no-imds", "--quiet", "--accept-invalid",
             "--scenarios", "short", "--num-runs", "2", "--num-prompts", str(opts.requests), "--max-tokens",
             str(opts.tokens), "--concurrency", str(opts.concurrency), "--output-dir", folder],
            capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr)
        path, = Path(folder).glob("online_results_*.json")
        row = json.loads(path.read_text(encoding="utf-8"))["results"][1]
    if row["requests_failed"] > 0:
        sys.exit(f"{row['requests_failed']} requests failed: {row['first_error']}")
    return {name: row[name] for name in (*FIGURES, "verdict", "reasons")}


def theirs(opts, url, model):
    done = subprocess.run(
        [*cores()[0], sys.executable, str(ROOT / "benchmarks/plain_client.py"), url, model, "--requests",
         str(opts.requests), "--tokens", str(opts.tokens), "--concurrency", str(opts.concurrency)],
        capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def compare(opts, name):
    """Rounds on one server: [{"ours": ..., "theirs": ...}]."""
    rounds = []
    with tempfile.TemporaryDirectory() as folder, started(opts, name, folder) as server:
        theirs(opts, *server)  # both find it warm
        for number in range(opts.rounds):
            turns = {"ours": lambda: ours(opts, server[0]), "theirs": lambda: theirs(opts, *server)}
            order = list(turns) if number % 2 == 0 else reversed(turns)
            rounds.append({who: turns[who]() for who in order})
            print(f"  {name} round {number}: " + "; ".join(
                f"{who} {rounds[-1][who]['tokens_per_second']:.1f} tokens/s" for who in ("ours", "theirs")),
                file=sys.stderr, flush=True)
    return rounds


def told(rounds, who, figure):
    """What the rounds say; ours is null where too many first tokens were read late."""
    return [r[who][figure] for r in rounds if r[who][figure] is not None]


def show(name, rounds):
    """Prints the lines of one server; are all of them near?"""
    is_near = True
    for figure, title in FIGURES.items():
        own, other = (told(rounds, who, figure) for who in ("ours", "theirs"))
        best = max if figure == "tokens_per_second" else min
        if not own:
            print(f"{name:10} {title:12} {'-':>10} {best(other):10.4f}   no round of ours could tell")
            is_near = False
            continue
        ratio = best(own) / best(other)
        is_near = is_near and abs(ratio - 1) <= NEAR
        print(f"{name:10} {title:12} {best(own):10.4f} {best(other):10.4f} {ratio:8.3f} "
              f"{statistics.median(own) / statistics.median(other):8.3f}")
    return is_near


def main():
    opts = options()
    os.nice(opts.nice)
    raise_session(opts.nice)
    found = {name: compare(opts, name) for name in opts.servers}
    print(f"closed load of {opts.concurrency}, {opts.requests} requests, {opts.rounds} rounds; the best of each\n"
          f"{'':23} {'inferbench':>10} {'other':>10} {'ratio':>8} {'medians':>8}")
    near = [show(name, rounds) for name, rounds in found.items()]
    Path(opts.out).write_text(json.dumps(
        {"options": {name: value for name, value in vars(opts).items() if name not in ("binary", "out")},
         "rounds": found}, indent=1) + "\n", encoding="utf-8")
    print(f"all within {NEAR:.0%}: {'yes' if all(near) else 'NO'}")
    return 0 if all(near) else 1


if __name__ == "__main__":
    sys.exit(main())
