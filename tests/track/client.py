"""A child process with MLflow's official client: one JSON request a line in, one answer out.

Run by the interpreter of MLflow's own environment; `Client` in real_server.py talks to it.
"""

import base64
import json
import os
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, ViewType
from mlflow.tracking import MlflowClient


def client_of(ask):
    for key in [key for key in os.environ if key.startswith(("MLFLOW_TRACKING_", "MLFLOW_WORKSPACE"))]:
        del os.environ[key]
    os.environ.update(ask.get("env", {}))
    mlflow.set_tracking_uri(ask["uri"])
    return MlflowClient(ask["uri"])


def plain(run):
    inputs = [{"name": one.dataset.name, "digest": one.dataset.digest,
               "source": one.dataset.source, "tags": {tag.key: tag.value for tag in one.tags}}
              for one in run.inputs.dataset_inputs]
    info = run.info
    return {"run_id": info.run_id, "name": info.run_name, "status": info.status,
            "stage": info.lifecycle_stage, "start": info.start_time, "end": info.end_time,
            "experiment_id": info.experiment_id, "params": run.data.params,
            "metrics": run.data.metrics, "tags": run.data.tags,
            "inputs": sorted(inputs, key=lambda one: (one["name"], one["digest"]))}


def experiment(client, ask):
    found = client.get_experiment_by_name(ask["experiment"])
    return found and {"id": found.experiment_id, "stage": found.lifecycle_stage}


def runs(client, ask):
    """Every run of an experiment, deleted ones too, by the tag that names their row."""
    found, token = [], None
    one = client.get_experiment_by_name(ask["experiment"])
    while one:
        page = client.search_runs([one.experiment_id], ask.get("filter", ""), ViewType.ALL,
                                  max_results=500, page_token=token)
        found += map(plain, page)
        token = page.token
        if not token:
            break
    return sorted(found, key=lambda run: (run["tags"].get("inferbench.row", ""), run["run_id"]))


def files(client, ask):
    """Every artifact of a run, its bytes in base64."""
    with tempfile.TemporaryDirectory() as folder:
        where = client.download_artifacts(ask["run_id"], "", folder)
        return {path.relative_to(where).as_posix(): base64.b64encode(path.read_bytes()).decode()
                for path in sorted(Path(where).rglob("*")) if path.is_file()}


def points(client, ask):
    """How many points each metric of a run has."""
    return {key: len(client.get_metric_history(ask["run_id"], key)) for key in ask["keys"]}


def make_run(client, ask):
    """A run as `runs` gives it, made by MLflow's own means."""
    run, one = ask["run"], client.get_experiment_by_name(ask["experiment"])
    where = one.experiment_id if one else client.create_experiment(ask["experiment"])
    made = client.create_run(where, start_time=run["start"], tags=run["tags"],
                             run_name=run["name"]).info.run_id
    client.log_batch(made, [Metric(key, value, run["start"], 0)
                            for key, value in run["metrics"].items()],
                     [Param(key, value) for key, value in run["params"].items()])
    client.log_inputs(made, [DatasetInput(
        Dataset(item["name"], item["digest"], "local", item["source"]),
        [InputTag(key, value) for key, value in item["tags"].items()])
        for item in run["inputs"]])
    client.set_terminated(made, run["status"], end_time=run["end"])


def create_workspace(client, ask):
    client.create_workspace(ask["name"])


def delete_run(client, ask):
    client.delete_run(ask["run_id"])


def delete_experiment(client, ask):
    client.delete_experiment(client.get_experiment_by_name(ask["experiment"]).experiment_id)


CALLS = {call.__name__: call for call in (experiment, runs, files, points, make_run,
                                          create_workspace, delete_run, delete_experiment)}


def main():
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            answer = {"result": CALLS[ask["call"]](client_of(ask), ask)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
