#!/usr/bin/env python3
"""mlflow_rows.py [--rows 2000] [--rounds 3] [--bin build/inferbench] [--uri URI]

Logs the same rows to the same MLflow server in turns: by `inferbench mlflow sync`, which also
reads everything back, and by MLflow's official Python client: a run a row, its parameters,
metrics and tags in one log_batch, its inputs, its artifacts, its end. What the client logs is
read back from what inferbench logged, so that both send the same. Prints seconds of each round
and their ratio. Without --uri it starts a server of its own by scripts/setup_mlflow.sh.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("INFERBENCH_HOME")
            or Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "inferbench")

# Run by MLflow's interpreter: the server, the experiment to copy, the name of the copy.
CLIENT = r"""
import json, sys, time
from mlflow.entities import DatasetInput, Metric, Param, RunTag
from mlflow.tracking import MlflowClient
uri, source, target, folder = sys.argv[1:]
client = MlflowClient(uri)
held, token = [], None
one = client.get_experiment_by_name(source).experiment_id
while True:
    page = client.search_runs([one], max_results=1000, page_token=token)
    held += page
    token = page.token
    if not token:
        break
files = {}
for path in sorted(__import__("pathlib").Path(folder).rglob("*")):
    if path.is_file():
        index, name = path.relative_to(folder).as_posix().split("/", 1)
        files.setdefault(int(index), []).append((str(path), name))
held.sort(key=lambda run: int(run.data.tags["inferbench.row"].rsplit("/")[-1]))
started = time.monotonic()
made = client.create_experiment(target)
for index, run in enumerate(held):
    at = run.info.start_time
    tags = {key: value for key, value in run.data.tags.items() if key != "mlflow.runName"}
    new = client.create_run(made, start_time=at, run_name=run.info.run_name, tags=tags).info.run_id
    client.log_batch(new, [Metric(key, value, at, 0) for key, value in run.data.metrics.items()],
                     [Param(key, value) for key, value in run.data.params.items()])
    if run.inputs.dataset_inputs:
        client.log_inputs(new, datasets=[DatasetInput(put.dataset, put.tags)
                                         for put in run.inputs.dataset_inputs])
    for path, name in files.get(index, []):
        client.log_artifact(new, path, name.rpartition("/")[0] or None)
    client.set_terminated(new, run.info.status, run.info.end_time)
print(json.dumps({"seconds": time.monotonic() - started, "rows": len(held)}))
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def run(words, env=None, cwd=None):
    done = subprocess.run(list(map(str, words)), env=env, cwd=cwd, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"mlflow_rows: {' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def make_rows(binary, folder, count):
    """A results file of `count` rows, its environment and summary beside it."""
    per_cell = max(1, count // 4)
    run([binary, "offline", "--engine", "null", "--no-imds", "--no-mlflow", "--quiet",
         "--scenarios", "short", "--batch-sizes", "1", "2", "--test-prefix-caching",
         "--max-tokens", "4", "--num-runs", per_cell, "--output-dir", folder])
    path, = folder.glob("offline_results_*.json")
    return path


def lay_out(results, folder):
    """The artifacts that inferbench stores, by index of the row."""
    rows = json.loads(results.read_text(encoding="utf-8"))["results"]
    env, = results.parent.glob("env_info_*.json")
    summary, = results.parent.glob("offline_summary_*.json")
    for index, row in enumerate(rows):
        here = folder / str(index)
        (here / "environment").mkdir(parents=True)
        (here / "environment" / env.name).write_bytes(env.read_bytes())
        (here / "row.json").write_text(json.dumps(row, indent=2), encoding="utf-8")
    for path in (results, summary):
        (here / path.name).write_bytes(path.read_bytes())
    return len(rows)


def sync(binary, results, uri, experiment):
    for path in results.parent.rglob("*mlflow.json"):
        path.unlink()
    started = time.monotonic()
    said = run([binary, "mlflow", "sync", results, "--mlflow-uri", uri, "--mlflow-experiment",
                experiment])
    return time.monotonic() - started, said


def measure(args, uri, folder):
    python = HOME / "mlflow/venv/bin/python"
    results = make_rows(args.bin, folder / "results", args.rows)
    count = lay_out(results, folder / "artifacts")
    ours, theirs = [], []
    for at in range(args.rounds):
        mark = f"{os.getpid()}-{at}"
        seconds, _ = sync(args.bin, results, uri, f"ours {mark}")
        ours.append(seconds)
        made = json.loads(run([python, "-c", CLIENT, uri, f"ours {mark}", f"client {mark}",
                               folder / "artifacts"],
                              env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"})
                          .splitlines()[-1])
        if made["rows"] != count:
            sys.exit(f"mlflow_rows: {made['rows']} of {count} rows are there")
        theirs.append(made["seconds"])
        print(f"round {at + 1}: {count} rows: inferbench {seconds:.1f} s (read back too), "
              f"official client {theirs[-1]:.1f} s", flush=True)
    return [a / b for a, b in zip(ours, theirs)]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000, help="a multiple of 4")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bin", default=str(ROOT / "build/inferbench"))
    parser.add_argument("--uri", help="a server that runs; both log into new experiments there")
    args = parser.parse_args()
    args.bin = os.path.abspath(args.bin)
    with tempfile.TemporaryDirectory(prefix="mlflow-rows-") as name:
        folder = Path(name)
        script = str(ROOT / "scripts/setup_mlflow.sh")
        port = free_port()
        env = {**os.environ, "MLFLOW_DIR": str(folder / "server"), "MLFLOW_PORT": str(port),
               "MLFLOW_HOST": "127.0.0.1"}
        if not args.uri:
            print(run([script], env=env), end="")
        try:
            ratios = measure(args, args.uri or f"http://127.0.0.1:{port}", folder)
        finally:
            if not args.uri:
                run([script, "--stop"], env=env)
    print(f"inferbench takes {statistics.median(ratios):.2f} of the official client's time "
          f"(median of {len(ratios)} rounds, {min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
