#!/usr/bin/env python3
"""How true are the client's stamps? `inferbench online` against `inferbench serve`'s own log.

    python3 benchmarks/online_accuracy.py [--streams 1000] [--itl 50ms] [--ttft 100ms]
        [--output 128] [--rounds 5] [--requests N] [--jitter 0.2] [--rate REQUESTS/S]
        [--binary build/inferbench] [--out FILE.json]

Both run here, the server on the last core and the client on the others (taskset). The server stamps
every send itself and every request's arrival by the kernel; the client's journal has the arrival of
every event. Events are matched by request id and position. Prints, for each round:

  stamps   client's stamp - server's stamp before the send, exact and tail events, us
  TTFT     client's percentiles - those of (first send - kernel's stamp of the request), us
  due      how late requests went out: sent - due (the kernel's stamp of the end of the answer
           before on that slot), us; without a slot's first: takes --requests above --streams
  CPU      client's CPU time by event, us, all threads; shares of exact, tail, bounded events

With --rate the load is open: --requests come at that rate, and `due` is as planned.
Needs nothing but Python.
"""

import argparse
import bisect
import glob
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=str(ROOT / "build/inferbench"))
    for name, value in (("streams", 1000), ("output", 128), ("rounds", 5), ("requests", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--rate", type=float, help="an open load instead of --streams")
    parser.add_argument("--itl", default="50ms")
    parser.add_argument("--ttft", default="100ms")
    parser.add_argument("--jitter", default="0", help="of the server's times, a share")
    parser.add_argument("--out", default="online_accuracy.json")
    parser.add_argument("words", nargs="*", help="further words for inferbench online")
    return parser.parse_args()


def cores():
    """(client, server): lists for taskset; empty where there is one core only."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        return [], []
    text = ",".join(map(str, mine[:-1]))
    return ["taskset", "-c", text], ["taskset", "-c", str(mine[-1])]


def start_server(opts, log):
    words = [*cores()[1], opts.binary, "serve", "--port", "0", "--log", str(log), "--ttft",
             opts.ttft, "--itl", opts.itl, "--jitter", opts.jitter, "--quiet"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    return server, server.stdout.readline().split()[-1]


def run_client(opts, url, folder):
    requests = opts.requests or opts.streams
    load = (["--concurrency", str(opts.streams)] if opts.rate is None
            else ["--request-rate", str(opts.rate)])
    words = [*cores()[0], opts.binary, "online", "--base-url", url, *load, "--num-prompts",
             str(requests), "--max-tokens", str(opts.output), "--num-runs", "2", "--output-dir",
             str(folder), "--quiet", "--accept-invalid", *opts.words]
    started = time.monotonic()
    done = subprocess.run(words, stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"inferbench online ended with {done.returncode}")
    return time.monotonic() - started


def letters(text):
    """"x2t" -> "xxt": a letter, and how often."""
    return "".join(letter * int(times or 1)
                   for letter, times in re.findall(r"([A-Za-z])(\d*)", text))


def arrivals(line):
    """CLOCK of the journal: arrival of every event with tokens, and its stamp: x exact, t read
    with the stream's end, b a bound. serve has a token in every event with text."""
    at = list(itertools.accumulate([line["event_ns"], *line["gaps_ns"]]))
    stamps = letters(line.get("stamps", f"x{len(at)}"))
    kept = [i for i, c in enumerate(letters(line.get("classes", f"T{len(at)}"))) if c == "T"]
    return [at[i] for i in kept], [stamps[i] for i in kept]


def arrivals_of_format_1(line):
    """The same of a journal of format 1, for a binary of then."""
    gaps, excluded = iter(line.get("gaps_ns", [])), dict(zip(line.get("excluded_at", []),
                                                             line.get("excluded_ns", [])))
    at, own = [line["first_ns"]], [1 not in excluded]
    count = 1 + len(line.get("gaps_ns", [])) + len(excluded)
    for i in range(1, count):
        at.append(at[-1] + (excluded[i] if i in excluded else next(gaps)))
        own.append(i not in excluded and i + 1 not in excluded)
    return at, ["x" if is_own else "b" for is_own in own]


def percentile(values, p):
    return values[min(len(values) - 1, int(p / 100 * len(values)))] if values else None


def compare(journal, log):
    sent = {}
    for text in log.open(encoding="utf-8"):
        line = json.loads(text)
        if line.get("id"):
            sent[line["id"]] = line
    errors, ours, truth, late, row = [], [], [], [], {}
    exact = tail = bounded = 0
    for text in journal.open(encoding="utf-8"):
        line = json.loads(text)
        if line["type"] == "run":
            zero, run_id = line["start_monotonic_ns"], line["fields"]["run_id"]
        elif line["type"] == "repeat_end" and line["repeat"] == 1:
            row = line["fields"]
        elif line["type"] == "request" and line["repeat"] == 1 and line["status"] == "ok":
            server = sent[f"{run_id}-c{line['cell']}-r1-{line['index']}"]
            at, stamps = arrivals(line) if "event_ns" in line else arrivals_of_format_1(line)
            errors += [(zero + a - s) / 1e3
                       for a, s, stamp in zip(at, server["sent_ns"], stamps) if stamp != "b"]
            ours.append((at[0] - line["sent_ns"]) / 1e3)
            truth.append((server["sent_ns"][0] - server["arrival_ns"]) / 1e3)
            if line["sent_ns"] != line["due_ns"]:
                late.append((line["sent_ns"] - line["due_ns"]) / 1e3)
            exact += line.get("stamps_exact", stamps.count("x"))
            tail += line.get("stamps_tail", stamps.count("t"))
            bounded += line.get("stamps_bounded", stamps.count("b"))
    events = exact + tail + bounded
    for values in (errors, ours, truth, late):
        values.sort()
    return {"events": events, "exact": exact / events, "tail": tail / events,
            "bounded": bounded / events,
            "stamp_us": {str(p): percentile(errors, p) for p in (50, 99, 99.9, 100)},
            "early": bisect.bisect_left(errors, 0) / len(errors),
            "ttft_us": {str(p): percentile(ours, p) - percentile(truth, p)
                        for p in (50, 90, 99)},
            "late_us": {"mean": statistics.fmean(late) if late else None,
                        **{str(p): percentile(late, p) for p in (50, 90, 99)}},
            "client_cpu_ratio": row["client_cpu_ratio"], "row": row}


def one_round(opts):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server, url = start_server(opts, folder / "serve.jsonl")
        try:
            wall_s = run_client(opts, url, folder)
        finally:
            server.terminate()
            server.wait()
        results = json.loads(Path(glob.glob(f"{name}/online_results_*.json")[0]).read_text())
        row = results["results"][1]
        found = compare(Path(glob.glob(f"{name}/raw_*/journal.jsonl")[0]),
                        folder / "serve.jsonl")
    window = row["total_time"]
    found.update({"wall_s": wall_s, "events_per_s": found["events"] / window,
                  "cpu_us_per_event": found.pop("client_cpu_ratio") * window * 1e6
                  / found["events"],
                  "send_lag_p99_s": row["send_lag_p99_s"], "client_rss_mb": row["client_rss_mb"],
                  "verdict": row["verdict"], "reasons": row["reasons"]})
    found.pop("row")
    return found


def late_text(found):
    us = found["late_us"]
    if us["mean"] is None:
        return ""
    return f"due mean {us['mean']:+.0f} p50 {us['50']:+.0f} p99 {us['99']:+.0f} us; "


def main():
    opts = options()
    rounds = []
    for number in range(opts.rounds):
        r = one_round(opts)
        rounds.append(r)
        s = r["stamp_us"]
        print(f"round {number}: {r['events_per_s']:.0f} events/s; stamps p50 {s['50']:.1f} p99 "
              f"{s['99']:.1f} p99.9 {s['99.9']:.1f} us; TTFT p50 {r['ttft_us']['50']:+.0f} p99 "
              f"{r['ttft_us']['99']:+.0f} us; {late_text(r)}"
              f"{r['cpu_us_per_event']:.1f} us CPU an event; "
              f"exact {r['exact']:.4f} tail {r['tail']:.4f} bounded {r['bounded']:.4f}; "
              f"{r['client_rss_mb']:.0f} MB; {r['verdict']} {' '.join(r['reasons'])}", flush=True)
    timed = [r["late_us"]["mean"] for r in rounds if r["late_us"]["mean"] is not None]
    for key, value in (("stamps p99", [r["stamp_us"]["99"] for r in rounds]),
                       ("stamps p99.9", [r["stamp_us"]["99.9"] for r in rounds]),
                       ("TTFT p50", [r["ttft_us"]["50"] for r in rounds]),
                       ("TTFT p99", [r["ttft_us"]["99"] for r in rounds]),
                       ("sent after due, mean", timed),
                       ("CPU an event", [r["cpu_us_per_event"] for r in rounds])):
        if not value:
            continue
        print(f"{key}, median of {len(rounds)} rounds: {statistics.median(value):.1f} us")
    kept = {k: v for k, v in vars(opts).items() if k not in ("binary", "out")}
    with open(opts.out, "w", encoding="utf-8") as out:
        json.dump({"options": kept, "cpus": os.cpu_count(), "rounds": rounds}, out)
        out.write("\n")


if __name__ == "__main__":
    main()
