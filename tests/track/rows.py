"""What MLflow must hold of a row, derived from the row alone (docs/mlflow.md has the rules)."""

import json

from e2e import published
from e2e.offline_run import files_of
from e2e.serve_client import Server

# As the replaced tool logged them.
OLD_PARAMS = ["model_name", "instance_type", "hardware_type", "serving_mode", "batch_size",
              "input_length", "max_output_tokens", "enable_prefix_caching", "temperature", "top_p"]
OLD_METRICS = {
    "total_time": "total_time", "actual_input_tokens": "actual_input_tokens",
    "actual_output_tokens": "actual_output_tokens", "tokens_per_second": "tokens_per_second",
    "time_per_token": "time_per_token_ms", "prefill_time": "prefill_time",
    "decode_time": "decode_time", "first_token_latency": "first_token_latency",
    "inter_token_latency": "inter_token_latency_ms", "memory_used_mb": "memory_used_mb",
    "peak_memory_mb": "peak_memory_mb", "cache_hit_rate": "cache_hit_rate"}
TAGS = ["experiment_id", "timestamp", "error", "notes", "verdict", "label", "run_id", "is_warmup"]
# A row says these in its tags, in its times or as `inferbench.row`.
ELSEWHERE = {"row", "timestamp_utc"}
# What files of the replaced tool say in their notes alone.
FROM_NOTES = {"scenario", "repeat", "is_warmup"}
RENAMED = {value: key for key, value in OLD_METRICS.items() if key != value}

QUICK = ["offline", "--engine", "null", "--no-imds", "--scenarios", "short", "prefix_caching",
         "--max-tokens", "8", "--num-runs", "2", "--quiet"]


def make_run(track, *words, folder="results", **more):
    """An offline run of eight rows; what files it left."""
    track.run(*QUICK, "--batch-sizes", "1", "2", "--test-prefix-caching", "--output-dir", folder,
              *words, **more)
    return files_of(track.folder / folder)


def make_published(path, rows=2):
    """A file of the replaced tool."""
    return published.write(path, published.grid("g5.xlarge", 100.0, scenarios=("short",),
                                                batches=(1,), runs=rows))


def make_online(track, uri, *words):
    """An online run against a simulated server, which keeps real time; what it said and left."""
    load = Server(track.binary, track.folder, "--ttft", "2ms", "--itl", "1ms")
    try:
        done = track.run("online", "--port", load.port, "--no-imds", "--num-runs", 2,
                         "--max-tokens", 4, "--concurrency", 2, "--num-prompts", 8,
                         "--accept-invalid", "--output-dir", "results", "--mlflow-uri", uri, *words)
    finally:
        load.stop()
    return done, files_of(track.folder / "results", "online")


def check_params(run, row):
    for key in OLD_PARAMS:
        assert run["params"].get(key) == (None if row[key] is None else str(row[key])), key
    for key, text in run["params"].items():
        if key.startswith("opt.") or ("scenario" not in row and key in FROM_NOTES):
            continue
        assert key in row, f"no field of the row: {key}"
        if isinstance(row[key], (list, dict)):
            assert json.loads(text) == row[key], key
        else:
            assert float(text) == row[key] if isinstance(row[key], float) else \
                text == str(row[key]), key


def check_metrics(run, row):
    for old, key in OLD_METRICS.items():
        assert run["metrics"].get(key) == row[old], key
    for key, value in run["metrics"].items():
        assert value == row[RENAMED.get(key, key)], key


def check_tags(run, row):
    for key in TAGS:
        if row.get(key) is None:
            assert key not in run["tags"]
        else:
            assert run["tags"][key] == str(row[key]), key
    assert run["tags"]["mlflow.source.type"] == "LOCAL"
    assert run["tags"]["mlflow.source.name"].startswith("inferbench")
    assert run["tags"]["mlflow.user"]
    assert run["name"] == row["experiment_id"]


def check_complete(run, row):
    """Each scalar of the row is somewhere; null is nowhere."""
    renamed = {key: OLD_METRICS.get(key, key) for key in row}
    for field, value in row.items():
        key = renamed[field]
        held = [part for part in ("params", "metrics", "tags") if key in run[part]]
        if value is None:
            assert not held, field
        elif isinstance(value, (str, bool, int, float)) and field not in ELSEWHERE:
            assert held, f"{field} = {value!r} is nowhere"


def check_run(run, row):
    """A run of MLflow against the row of the results file."""
    check_params(run, row)
    check_metrics(run, row)
    check_tags(run, row)
    check_complete(run, row)
    assert run["status"] == ("FAILED" if row["error"] else "FINISHED")
    assert run["end"] >= run["start"] > 0
    if row.get("verdict"):
        assert row["verdict"] in run["tags"]["mlflow.note.content"]


def by_row(runs):
    """Runs of one results file in the order of its rows."""
    return sorted(runs, key=lambda run: int(run["tags"]["inferbench.row"].rsplit("/")[-1]))


def check_all(client, uri, experiment, rows):
    """One run a row, each as it must be; gives them in the order of the rows."""
    runs = by_row(client.runs(uri, experiment))
    assert len(runs) == len(rows)
    for run, row in zip(runs, rows):
        check_run(run, row)
    return runs


def check_artifacts(client, uri, run, row, files=None, is_last=False, **more):
    held = client.files(uri, run["run_id"], **more)
    assert json.loads(held["row.json"]) == row
    if files:
        assert held[f"environment/{files.env_path.name}"] == files.env_path.read_bytes()
    for path in [files.results_path, files.summary_path] if files else []:
        assert (path.name in held) == is_last
        if is_last:
            assert held[path.name] == path.read_bytes()
