#!/usr/bin/env python3
"""What online benchmarks report, against the truth: one server, one load, a client at a time.

    python3 benchmarks/online_peers.py --install    # GuideLLM and AIPerf, once, from PyPI
    python3 benchmarks/online_peers.py --python PYTHON_WITH_VLLM [--rounds 3]
        [--loads 200x1000 8x96] [--tools inferbench vllm guidellm aiperf] [--nice N]
        [--out FILE.json]

The server is `inferbench serve`: it logs the kernel's stamp of each request's arrival and its own
stamp before each send, so what a client should have reported is known for that very run. The client
gets all cores but the last, which is the server's. A load STREAMSxREQUESTS keeps so many streams
busy until so many requests were sent. Every tool is given in its own words the same: completions,
streamed, 64 tokens, a prompt of about 32. Tools take turns; each round starts with another one.

Of each run: TTFT and ITL as the tool reports them and as they were; CPU time of the tool and all
its children; peak memory (PSS of all its processes, once a second); time before the first measured
request and after the last answer; requests a second. inferbench measures a load twice, its first
repeat being the warm-up; the second is compared, the cost of both is counted. Its TTFT counts from
when a request was due; those of the others, from sending: "from sent" is the same of ours.

ITL of GuideLLM and AIPerf are means of requests: compared with the same figures of the truth.
Where other work runs on the machine, --nice -15 (as root) keeps it out of the way of both sides.
"""

import argparse
import ctypes
import glob
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(os.environ.get("INFERBENCH_HOME")
            or Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "inferbench")
PINS = {"guidellm": "guidellm==0.8.1", "aiperf": "aiperf==0.13.0"}
TOOLS = ("inferbench", "vllm", "guidellm", "aiperf")
TITLES = {"inferbench": "inferbench", "vllm": "vllm bench serve", "guidellm": "GuideLLM",
          "aiperf": "AIPerf"}
TOKENS, PROMPT = 64, 32
LIMIT_S = 600
PR_SET_CHILD_SUBREAPER = 36


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--install", action="store_true", help="make the tools' environments")
    parser.add_argument("--venvs", type=Path, default=HOME / "peers", help="folder of these")
    parser.add_argument("--python", default=str(HOME / "venv/bin/python"), help="has vLLM")
    parser.add_argument("--binary", default=str(ROOT / "build/inferbench"))
    parser.add_argument("--tools", nargs="+", default=TOOLS, choices=TOOLS)
    parser.add_argument("--loads", nargs="+", default=["200x1000", "8x96"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ttft", default="20ms")
    parser.add_argument("--itl", default="10ms")
    parser.add_argument("--jitter", default="0.2", help="share that each interval varies by")
    parser.add_argument("--nice", type=int, default=0, help="of server and clients")
    parser.add_argument("--logs", type=Path, help="keep what the tools print in this folder")
    parser.add_argument("--out", default="online_peers.json")
    return parser.parse_args()


def install(opts):
    for name, pin in PINS.items():
        python = opts.venvs / name / "bin/python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", opts.venvs / name], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", pin], check=True)
        print(f"{pin}: {python.parent}")


# --- the tools: words of a command, and what it reported, in ms ---

def words_inferbench(opts, job):
    return [opts.binary, "online", "--base-url", job.url, "--concurrency", job.streams,
            "--num-prompts", job.requests, "--max-tokens", TOKENS, "--input-len", PROMPT,
            "--num-runs", 2, "--output-dir", job.folder / "out", "--no-imds", "--no-mlflow",
            "--accept-invalid", "--quiet"]


def read_inferbench(job):
    path = glob.glob(str(job.folder / "out/online_results_*.json"))[0]
    row = json.loads(Path(path).read_text(encoding="utf-8"))["results"][1]
    found = {f"itl_{kind}": row[f"itl_{kind}_ms"] for kind in ("mean", "p50", "p99")}
    for kind in ("mean", "p50", "p99"):
        for name, field in (("ttft", "ttft"), ("ttft_from_sent", "ttft_service")):
            value = row[f"{field}_{kind}_s"]
            found[f"{name}_{kind}"] = None if value is None else value * 1e3
    return {**found, "verdict": row["verdict"], "reasons": row["reasons"],
            "warnings": row["warnings"]}


def words_vllm(opts, job):
    return [opts.python, "-m", "vllm.entrypoints.cli.main", "bench", "serve", "--backend",
            "openai", "--base-url", job.url, "--endpoint", "/v1/completions", "--model", "tiny",
            "--tokenizer", job.model, "--dataset-name", "random", "--random-input-len", PROMPT,
            "--random-output-len", TOKENS, "--num-prompts", job.requests, "--max-concurrency",
            job.streams, "--ignore-eos", "--percentile-metrics", "ttft,itl", "--metric-percentiles",
            "50,99", "--save-result", "--result-dir", job.folder, "--result-filename",
            "vllm.json", "--disable-tqdm"]


def read_vllm(job):
    found = json.loads((job.folder / "vllm.json").read_text(encoding="utf-8"))
    return {f"{name}_{kind}": found[f"{kind}_{name}_ms"]
            for name in ("ttft", "itl") for kind in ("mean", "p50", "p99")}


def words_guidellm(opts, job):
    return [opts.venvs / "guidellm/bin/guidellm", "run", "--backend",
            f"kind=openai_http,target={job.url},model=tiny,request_format=/v1/completions",
            "--tokenizer", f"kind=huggingface_auto,model={job.model}", "--data",
            f"kind=synthetic_text,prompt_tokens={PROMPT},output_tokens={TOKENS}", "--profile",
            f"kind=concurrent,streams={job.streams}", "--constraint",
            f"kind=max_requests,count={job.requests}", "--output",
            f"kind=json,path={job.folder / 'guidellm.json'}", "--disable-console"]


def read_guidellm(job):
    found = json.loads((job.folder / "guidellm.json").read_text(encoding="utf-8"))
    metrics = found["benchmarks"][0]["metrics"]
    out = {}
    for name, field in (("ttft", "time_to_first_token_ms"), ("itl", "inter_token_latency_ms")):
        value = metrics[field]["successful"]
        out.update({f"{name}_mean": value["mean"], f"{name}_p50": value["percentiles"]["p50"],
                    f"{name}_p99": value["percentiles"]["p99"]})
    return out


def words_aiperf(opts, job):
    return [opts.venvs / "aiperf/bin/aiperf", "profile", "-m", "tiny", "-u", job.url,
            "--endpoint-type", "completions", "--streaming", "--concurrency", job.streams,
            "--request-count", job.requests, "--tokenizer", job.model, "--isl", PROMPT, "--osl",
            TOKENS, "--extra-inputs", "ignore_eos:true", "--extra-inputs", f"min_tokens:{TOKENS}",
            "--use-legacy-max-tokens", "--use-server-token-count", "--output-artifact-dir",
            job.folder / "aiperf", "--no-gpu-telemetry", "--no-server-metrics", "--ui-type", "none"]


def read_aiperf(job):
    path = job.folder / "aiperf/profile_export_aiperf.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    out = {}
    for name, field in (("ttft", "time_to_first_token"), ("itl", "inter_token_latency"),
                        ("chunk_gap", "inter_chunk_latency")):
        out.update({f"{name}_{kind}": found[field][key]
                    for kind, key in (("mean", "avg"), ("p50", "p50"), ("p99", "p99"))})
    return out


WORDS = {"inferbench": words_inferbench, "vllm": words_vllm, "guidellm": words_guidellm,
         "aiperf": words_aiperf}
READ = {"inferbench": read_inferbench, "vllm": read_vllm, "guidellm": read_guidellm,
        "aiperf": read_aiperf}


def environment(tool):
    """No model hub: the tokenizer is a folder. AIPerf, told so, would look in its cache only."""
    env = {**os.environ, "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
    if tool == "aiperf":
        del env["HF_HUB_OFFLINE"]
    return env


# --- running one, and what it costs ---

def children_of():
    """{process: its children} of the whole machine."""
    out = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            fields = Path(path).read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        out.setdefault(int(fields[1]), []).append(int(path.split("/")[2]))
    return out


def memory_mb(root):
    """PSS of a process and all below it, MB."""
    tree, below, total = children_of(), [root], 0
    while below:
        pid = below.pop()
        below += tree.get(pid, [])
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(text.split("\nPss:")[1].split()[0]) * 1024
        except (OSError, IndexError):
            continue
    return total / 1e6


class Memory(threading.Thread):
    def __init__(self, pid, every_s):
        super().__init__(daemon=True)
        self.pid, self.every_s, self.peak_mb, self.over = pid, every_s, 0.0, threading.Event()

    def run(self):
        while not self.over.wait(self.every_s):
            self.peak_mb = max(self.peak_mb, memory_mb(self.pid))


def reap_rest(server):
    """CPU seconds of orphans of a tool; they came to us, and end now."""
    cpu_s = 0.0
    for pid in children_of().get(os.getpid(), []):
        if pid != server.pid:
            try:
                os.kill(pid, signal.SIGKILL)
                usage = os.wait4(pid, 0)[2]
                cpu_s += usage.ru_utime + usage.ru_stime
            except (ProcessLookupError, ChildProcessError):
                continue
    return cpu_s


def run_tool(words, env, log, server, every_s):
    """Wall, CPU and memory of a command; it must succeed."""
    load = os.getloadavg()[0]
    with open(log, "wb") as out:
        begin_ns = time.monotonic_ns()
        process = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out, env=env)
    memory = Memory(process.pid, every_s)
    memory.start()
    killer = threading.Timer(LIMIT_S, process.kill)
    killer.start()
    _, status, usage = os.wait4(process.pid, 0)
    end_ns = time.monotonic_ns()
    killer.cancel()
    memory.over.set()
    memory.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    rest_s = reap_rest(server)
    if process.returncode != 0:
        tail = Path(log).read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"ended with {process.returncode}: {tail}")
    return {"load_average": load, "begin_ns": begin_ns, "end_ns": end_ns,
            "wall_s": (end_ns - begin_ns) / 1e9, "cpu_s": usage.ru_utime + usage.ru_stime + rest_s,
            "memory_mb": max(memory.peak_mb, usage.ru_maxrss * 1024 / 1e6)}


def place(opts, side):
    """Words before a command: the last core is the server's, the others are the client's."""
    mine = sorted(os.sched_getaffinity(0))
    chosen = mine if len(mine) < 2 else mine[-1:] if side == "server" else mine[:-1]
    return ["nice", "-n", str(opts.nice), "taskset", "-c", ",".join(map(str, chosen))]


# --- the truth ---

def percentile(values, p):
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * p // 100) - 1)]


def statistics_of(name, values):
    return {f"{name}_mean": statistics.fmean(values), f"{name}_p50": percentile(values, 50),
            f"{name}_p99": percentile(values, 99)}


def read_truth(log, requests):
    """What the server knows of the last `requests` streams, ms; earlier ones warmed up."""
    lines = [json.loads(text) for text in log.read_text(encoding="utf-8").splitlines()[1:]]
    streams = sorted((line for line in lines if line.get("stream")),
                     key=lambda line: line["arrival_ns"])
    wrong = [line["outcome"] for line in streams if line["outcome"] != "ok"]
    measured = streams[-requests:]
    if wrong or len(measured) != requests:
        raise RuntimeError(f"{len(streams)} streams of {requests}, not ok: {wrong[:5]}")
    gaps, means, first = [], [], []
    for line in measured:
        sent = line["sent_ns"]
        first.append((sent[0] - line["arrival_ns"]) / 1e6)
        gaps += [(b - a) / 1e6 for a, b in zip(sent, sent[1:])]
        means.append((sent[-1] - sent[0]) / 1e6 / (len(sent) - 1))
    tokens = {len(line["sent_ns"]) for line in measured}
    truth = {**statistics_of("ttft", first), **statistics_of("itl", gaps)}
    span = (min(line["arrival_ns"] for line in measured), max(line["end_ns"] for line in measured))
    return {"truth": truth, "truth_of_request_means": statistics_of("itl", means),
            "tokens": sorted(tokens), "streams": len(streams), "first_ns": span[0],
            "last_ns": span[1], "warm_up_s": warm_up_s(streams[:-requests])}


def warm_up_s(streams):
    """Time that load took before what is measured."""
    if not streams:
        return 0.0
    return (max(line["end_ns"] for line in streams) - streams[0]["arrival_ns"]) / 1e9


class Job:
    def __init__(self, load, folder, model):
        self.streams, self.requests = map(int, load.split("x"))
        self.folder, self.model, self.url = folder, model, None


def raise_session(nice):
    """Where the kernel groups work by session, a nice value counts inside one only."""
    path = Path("/proc/self/autogroup")
    if nice and path.exists():
        path.write_text(str(nice), encoding="ascii")


def start_server(opts, log):
    words = [*place(opts, "server"), opts.binary, "serve", "--port", "0", "--log", str(log),
             "--model", "tiny", "--ttft", opts.ttft, "--itl", opts.itl, "--jitter", opts.jitter,
             "--quiet"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    return server, server.stdout.readline().split()[-1]


def one(opts, tool, load, folder, model):
    job = Job(load, folder, model)
    server, job.url = start_server(opts, folder / "serve.jsonl")
    log = folder / f"{tool}.log"
    try:
        words = [*place(opts, "client"), *WORDS[tool](opts, job)]
        cost = run_tool(words, environment(tool), log, server, 0.1 if tool == "inferbench" else 1)
    finally:
        server.terminate()
        server.wait()
        if opts.logs and log.exists():
            (opts.logs / f"{tool}_{load}.log").write_bytes(log.read_bytes())
    truth = read_truth(folder / "serve.jsonl", job.requests)
    first_ns, last_ns = truth.pop("first_ns"), truth.pop("last_ns")
    begin_ns, end_ns = cost.pop("begin_ns"), cost.pop("end_ns")
    span_s = (last_ns - first_ns) / 1e9
    return {"reported": READ[tool](job), **truth, **cost, "span_s": span_s,
            "start_s": (first_ns - begin_ns) / 1e9 - truth["warm_up_s"],
            "end_s": (end_ns - last_ns) / 1e9,
            "overhead_s": cost["wall_s"] - span_s - truth["warm_up_s"],
            "requests_per_s": job.requests / span_s}


def safely(opts, tool, load, model):
    """A tool that does not run here is a result as well."""
    with tempfile.TemporaryDirectory() as name:
        try:
            return one(opts, tool, load, Path(name), model)
        except (RuntimeError, OSError, LookupError, ValueError) as error:
            return {"error": f"{type(error).__name__}: {error}".replace(name, "DIR")
                    .replace(str(HOME), "HOME").replace(str(ROOT), "ROOT")}


# --- the table ---

def truth_of(tool, run, figure):
    means = tool in ("guidellm", "aiperf") and figure.startswith("itl")
    return run["truth_of_request_means" if means else "truth"][figure.replace("_from_sent", "")]


def middle(runs, pick):
    """Median over rounds; None where a round has none."""
    values = [pick(run) for run in runs]
    return None if not values or None in values else statistics.median(values)


def error_of(tool, figure):
    def pick(run):
        value = run["reported"][figure]
        return None if value is None else value - truth_of(tool, run, figure)
    return pick


def text(value, digits=2, sign=False):
    return "-" if value is None else f"{value:{'+' if sign else ''}.{digits}f}"


def errors_line(title, tool, runs, figures):
    cells = [(text(middle(runs, lambda run, f=f: run["reported"][f])),
              text(middle(runs, error_of(tool, f)), 2, True)) for f in figures]
    print(f"{title:16}" + "".join(f"{a:>8}{b:>8}" for a, b in cells))


def print_table(load, rounds, tools):
    print(f"\n{load.replace('x', ' streams, ')} requests; ms, median of {len(rounds)} rounds; "
          f"error = reported - true")
    print(f"{'':17}{'TTFT mean':>15}{'TTFT p50':>16}{'TTFT p99':>16}{'ITL p99':>16}")
    print(f"{'':17}" + f"{'reported  error':>15}" + f"{'reported  error':>16}" * 3)
    for tool in tools:
        runs = [r[load][tool] for r in rounds if "error" not in r[load][tool]]
        if not runs:
            print(f"{TITLES[tool]:16} did not run")
            continue
        errors_line(TITLES[tool], tool, runs, ("ttft_mean", "ttft_p50", "ttft_p99", "itl_p99"))
        if tool == "inferbench":
            errors_line("  from sent", tool, runs, [f"ttft_from_sent_{k}"
                                                    for k in ("mean", "p50", "p99")])
    print(f"{'':16}{'ITL p50':>8}{'error':>8}{'CPU s':>8}{'MB':>8}{'start s':>9}{'end s':>8}"
          f"{'req/s':>8}")
    for tool in tools:
        runs = [r[load][tool] for r in rounds if "error" not in r[load][tool]]
        if runs:
            values = [middle(runs, lambda run: run["reported"]["itl_p50"]),
                      middle(runs, error_of(tool, "itl_p50")),
                      *(middle(runs, lambda run, k=k: run[k]) for k in
                        ("cpu_s", "memory_mb", "start_s", "end_s", "requests_per_s"))]
            print(f"{TITLES[tool]:16}{text(values[0]):>8}{text(values[1], 2, True):>8}"
                  f"{text(values[2]):>8}{text(values[3], 0):>8}{text(values[4]):>9}"
                  f"{text(values[5]):>8}{text(values[6], 1):>8}")


def main():
    opts = options()
    if opts.install:
        return install(opts)
    raise_session(opts.nice)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if opts.logs:
        opts.logs.mkdir(parents=True, exist_ok=True)
    rounds = []
    with tempfile.TemporaryDirectory() as name:
        model = Path(name) / "tiny"
        subprocess.run([sys.executable, ROOT / "scripts/make-tiny-model", model], check=True)
        for number in range(opts.rounds):
            rounds.append({load: {} for load in opts.loads})
            for load in opts.loads:
                for i in range(len(opts.tools)):
                    tool = opts.tools[(number + i) % len(opts.tools)]
                    run = rounds[-1][load][tool] = safely(opts, tool, load, model)
                    said = run.get("error") or (
                        f"TTFT mean {run['reported']['ttft_mean']:.2f} ms, true "
                        f"{run['truth']['ttft_mean']:.2f}; {run['cpu_s']:.2f} s CPU")
                    print(f"round {number}, {load}, {tool}: {said}", flush=True)
    for load in opts.loads:
        print_table(load, rounds, opts.tools)
    kept = {key: getattr(opts, key) for key in ("loads", "rounds", "ttft", "itl", "jitter",
                                              "nice")}
    with open(opts.out, "w", encoding="utf-8") as out:
        json.dump({"options": {**kept, "tools": list(opts.tools), "tokens": TOKENS},
                   "versions": PINS, "cpus": os.cpu_count(), "rounds": rounds}, out, indent=1)
        out.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
