"""What MLflow's official client reads back is what the results file says."""

import json
import re
import shutil

import pytest

from e2e import published
from e2e.offline_run import files_of
from track import rows
from track.real_server import counted, free_port, link_in, same


def test_offline(track, server, client, experiment):
    """Logged at the end of the run; a sync finds nothing left to do."""
    files = rows.make_run(track, "--mlflow-uri", server.uri, "--mlflow-experiment", experiment,
                          "--mlflow-tag", "team=infra", "--mlflow-verify")
    runs = rows.check_all(client, server.uri, experiment, files.rows)
    assert len(runs) == 16
    for run, row in zip(runs, files.rows):
        assert run["tags"]["team"] == "infra"
        assert run["tags"]["inferbench.row"] == f"{row['run_id']}/{row['row']}"
        assert run["params"]["is_warmup"] == str(row["repeat"] == 0)
    for at in (0, len(runs) - 1):
        rows.check_artifacts(client, server.uri, runs[at], files.rows[at], files,
                             is_last=at == len(runs) - 1)
    keys = list(runs[0]["metrics"])
    points = client.ask(server.uri, "points", run_id=runs[0]["run_id"], keys=keys)
    assert points == {key: 1 for key in keys}
    done = track.sync("results", server.uri, experiment)
    assert counted(done) == (16, 0, 16)
    assert client.runs(server.uri, experiment) == sorted(
        runs, key=lambda run: (run["tags"]["inferbench.row"], run["run_id"]))


def test_spelling(track, server, client, experiment):
    """As Python's str wrote them in the replaced tool."""
    rows.make_run(track, "--mlflow-uri", server.uri, "--mlflow-experiment", experiment,
                  "--temperature", "1", "--top-p", "0.95")
    runs = client.runs(server.uri, experiment)
    assert {run["params"]["enable_prefix_caching"] for run in runs} == {"True", "False"}
    assert {run["params"]["temperature"] for run in runs} == {"1.0"}
    assert {run["params"]["top_p"] for run in runs} == {"0.95"}
    assert {run["params"]["batch_size"] for run in runs} == {"1", "2"}
    assert {run["tags"]["is_warmup"] for run in runs} == {"True", "False"}


def test_inputs(track, server, client, experiment):
    """The model and what prompts came from are inputs of the run."""
    rows.make_run(track, "--mlflow-uri", server.uri, "--mlflow-experiment", experiment)
    for run in client.runs(server.uri, experiment):
        contexts = {one["tags"]["mlflow.data.context"]: one for one in run["inputs"]}
        assert contexts["benchmark"]["name"] == run["params"]["scenario"]
        assert all(0 < len(one["digest"]) <= 36 for one in run["inputs"])


def test_no_mlflow_then_sync(track, server, client, experiment):
    files = rows.make_run(track, "--no-mlflow", env={"MLFLOW_TRACKING_URI": server.uri})
    assert not (files.raw_path / "mlflow.json").exists()
    assert client.ask(server.uri, "experiment", experiment=experiment) is None
    done = track.sync(files.results_path, server.uri, experiment)
    assert counted(done) == (16, 16, 0)
    runs = rows.check_all(client, server.uri, experiment, files.rows)
    rows.check_artifacts(client, server.uri, runs[-1], files.rows[-1], files, is_last=True)
    assert counted(track.sync(files.results_path, server.uri, experiment)) == (16, 0, 16)
    assert len(client.runs(server.uri, experiment)) == 16


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_rows_of_an_earlier_version(root, track, server, client, experiment, mode):
    """What inferbench 0.1.0 has sent of a file: every field is where it was, nothing is sent
    again. tests/data/format1 holds the file and the runs, as MLflow's client read them."""
    folder = root / "tests/data/format1"
    shutil.copy(folder / f"{mode}_results.json", track.folder)
    for run in json.loads((folder / f"{mode}_runs.json").read_text()):
        client.ask(server.uri, "make_run", experiment=experiment, run=run)
    done = track.sync(f"{mode}_results.json", server.uri, experiment)
    assert counted(done) == (2, 0, 2)
    held = client.runs(server.uri, experiment)
    (track.folder / f"{mode}_results.json.mlflow").unlink()
    done = track.sync(f"{mode}_results.json", server.uri, experiment + " anew")
    assert counted(done) == (2, 2, 0)
    for old, new in zip(held, client.runs(server.uri, experiment + " anew")):
        for part in ("params", "metrics"):
            assert new[part] == old[part]
        assert {**old["tags"], **new["tags"]} == new["tags"]


def test_fields_by_their_roles(track, server, client, experiment):
    """What was asked for and where it ran are parameters; who and when are tags."""
    files = rows.make_run(track, "--mlflow-uri", server.uri, "--mlflow-experiment", experiment)
    runs = rows.check_all(client, server.uri, experiment, files.rows)
    for key in ("engine_args", "settings_sha256", "plan_sha256", "stop_at_eos", "machine_sha256",
                "client_machine_sha256"):
        assert key in runs[0]["params"], key
    for key in ("launch_id", "launch_source", "setting_position", "setting_number"):
        assert key in runs[0]["tags"], key


def test_from_another_machine(track, server, client, experiment):
    """The results file alone, without its raw folder or the list of what was sent."""
    files = rows.make_run(track, "--mlflow-uri", server.uri, "--mlflow-experiment", experiment)
    before = client.runs(server.uri, experiment)
    away = track.folder / "away"
    away.mkdir()
    shutil.copy(files.results_path, away)
    done = track.sync(away / files.results_path.name, server.uri, experiment)
    assert counted(done) == (16, 0, 16)
    assert client.runs(server.uri, experiment) == before


def test_two_at_once(track, server, client, experiment):
    """Two programs at the same file make no run twice."""
    files = rows.make_run(track, "--no-mlflow")
    words = ("mlflow", "sync", files.results_path, "--mlflow-uri", server.uri,
             "--mlflow-experiment", experiment)
    both = [track.start(*words) for _ in range(2)]
    for one in both:
        out, err = one.communicate(timeout=120)
        assert one.returncode == 0, out + err
    rows.check_all(client, server.uri, experiment, files.rows)


def test_online(track, server, client, experiment):
    done, files = rows.make_online(track, server.uri, "--mlflow-experiment", experiment)
    runs = rows.check_all(client, server.uri, experiment, files.rows)
    rows.check_artifacts(client, server.uri, runs[-1], files.rows[-1], files, is_last=True)
    assert link_in(done.stdout + done.stderr).startswith(f"{server.uri}/#/experiments/")
    assert "request_rate" not in runs[0]["params"]  # null in a closed load


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_usual_experiment(track, server, client, mode):
    if mode == "offline":
        files = rows.make_run(track, "--mlflow-uri", server.uri)
    else:
        files = rows.make_online(track, server.uri)[1]
    held = client.runs(server.uri, f"vllm-{mode}-benchmark",
                       filter=f"tags.run_id = '{files.rows[0]['run_id']}'")
    assert len(held) == len(files.rows)


def test_failed_repeat(track, server, client, experiment):
    """A repeat that failed is a FAILED run that says why."""
    track.run("online", "--port", free_port(), "--no-imds", "--ready-timeout", "300ms",
              "--concurrency", 1, "--num-prompts", 2, "--output-dir", "results", "--no-mlflow",
              code=1)
    files = files_of(track.folder / "results", "online")
    assert files.rows[0]["error"]
    track.sync("results", server.uri, experiment)
    run, = rows.check_all(client, server.uri, experiment, files.rows)
    assert run["status"] == "FAILED"
    assert run["tags"]["error"] == files.rows[0]["error"]
    assert files.rows[0]["error"] in run["tags"]["mlflow.note.content"]


def test_published(track, server, client, experiment):
    """Files of the replaced tool, which name no run: told apart by their text."""
    held = [published.row(run=run, speed=100.0 + run) for run in range(3)]
    held.append(published.row(run=3, error="CUDA out of memory", tokens_per_second=None))
    path = published.write(track.folder / "offline_results_20250601_110000.json", held)
    assert counted(track.sync(path, server.uri, experiment)) == (4, 4, 0)
    runs = {run["name"]: run for run in client.runs(server.uri, experiment)}
    assert len(runs) == 4
    for row in held:
        run = runs[row["experiment_id"]]
        rows.check_params(run, row)
        rows.check_metrics(run, row)
        assert run["status"] == ("FAILED" if row["error"] else "FINISHED")
        assert re.fullmatch(r"published/[0-9a-f]{64}", run["tags"]["inferbench.row"])
        assert json.loads(client.files(server.uri, run["run_id"])["row.json"]) == row
    assert counted(track.sync(path, server.uri, experiment)) == (4, 0, 4)
    bare = published.write(track.folder / "bare.json", held, bare=True)
    assert counted(track.sync(bare, server.uri, experiment)) == (4, 0, 4)
    assert len(client.runs(server.uri, experiment)) == 4


def test_two_runs_by_hand(track, server, client, experiment):
    """Rows put into the file of another run take neither its options nor its files."""
    first = rows.make_run(track, "--no-mlflow", "--seed", "8", folder="a")
    second = rows.make_run(track, "--no-mlflow", "--seed", "16", folder="b")
    path = first.results_path
    path.write_text(json.dumps({**first.data, "results": first.rows + second.rows}))
    assert counted(track.sync(path, server.uri, experiment)) == (32, 32, 0)
    for run in client.runs(server.uri, experiment):
        is_own = run["tags"]["run_id"] == first.rows[0]["run_id"]
        assert run["params"].get("opt.seed") == ("8" if is_own else None)
        assert run["params"]["seed"] == ("8" if is_own else "16")
        names = client.files(server.uri, run["run_id"])
        assert (names.keys() == {"row.json"}) == (not is_own), names.keys()
    track.sync("b", server.uri, experiment)
    held = client.runs(server.uri, experiment)
    assert {run["params"]["opt.seed"] for run in held} == {"8", "16"}
    last, = (run for run in held if run["tags"]["inferbench.row"] ==
             f"{first.rows[-1]['run_id']}/{first.rows[-1]['row']}")
    rows.check_artifacts(client, server.uri, last, first.rows[-1], first, is_last=True)


REWRITTEN = {
    "numbers": lambda value: float(value) if isinstance(value, (bool, int)) else value,
    "texts": lambda value: value if value is None else str(value),
}


@pytest.mark.parametrize("turn", REWRITTEN)
def test_rows_of_a_notebook(track, server, client, experiment, turn):
    """What another program wrote in a row's place is not logged; the row itself can be, later."""
    files = rows.make_run(track, "--no-mlflow")
    rewritten = [{key: REWRITTEN[turn](value) for key, value in row.items()}
                 for row in files.rows]
    rewritten[3] = files.rows[3]
    path = track.folder / "notebook_results.json"
    path.write_text(json.dumps({"metadata": files.data["metadata"], "results": rewritten}))
    done = track.sync(path, server.uri, experiment, code=1)
    assert counted(done) == (16, 1, 0)
    assert "15 not logged" in done.stdout and "the same command" not in done.stderr
    assert re.search(r"notebook_results\.json: row 0: batch_size is (1\.0|\"1\"), not a whole "
                     r"number", done.stderr), done.stderr
    assert counted(track.sync("results", server.uri, experiment)) == (16, 15, 1)
    rows.check_all(client, server.uri, experiment, files.rows)


def test_folder(track, server, client, experiment):
    """All results files of a folder."""
    first = rows.make_run(track, "--no-mlflow", folder="all/a")
    second = rows.make_run(track, "--no-mlflow", folder="all/b")
    track.sync("all", server.uri, experiment)
    held = client.runs(server.uri, experiment)
    assert {run["tags"]["run_id"] for run in held} == {first.rows[0]["run_id"],
                                                       second.rows[0]["run_id"]}
    assert len(held) == 32


def long_row(**more):
    return published.row(notes="scenario=short, run=1, warmup=False", **more)


def test_limits(track, server, client, experiment):
    """Values at MLflow's limits are kept whole; above, cut and said."""
    held = [long_row(model_name="m" * 6000, run=1), long_row(model_name="n" * 6001, run=2),
            long_row(model_name="語" * 6000, run=3), long_row(model_name="o" * 5000, run=4)]
    path = published.write(track.folder / "r.json", held)
    done = track.sync(path, server.uri, experiment)
    names = {run["params"]["model_name"] for run in client.runs(server.uri, experiment)}
    assert names == {"m" * 6000, "n" * 6000, "語" * 6000, "o" * 5000}
    assert re.search(r": 1 values? .* truncated", done.stderr)


def test_odd_texts(track, server, client, experiment):
    """Texts from anywhere arrive as they are."""
    held = [long_row(model_name=name, run=at) for at, name in enumerate(
        ["日本語モデル", 'quo"te \\ back', "tab\there", "emoji 🎉", "line\nbreak", "a'b`c"])]
    path = published.write(track.folder / "r.json", held)
    track.sync(path, server.uri, experiment)
    assert sorted(run["params"]["model_name"] for run in client.runs(server.uri, experiment)) == \
        sorted(row["model_name"] for row in held)


@pytest.mark.parametrize("run_id", ["it's of Anna", 'quo"te', "back\\slash\\", "a'b\"c`d", "x' OR 'y"])
def test_run_ids_with_quotes(track, server, client, experiment, run_id):
    """The same rows again are found again, and the rows of others are not taken for them."""
    files = rows.make_run(track, "--no-mlflow")
    for name, its in (("mine", run_id), ("other", run_id.translate(dict.fromkeys(b"'\"\\`", "-")))):
        path = track.folder / f"{name}_results.json"
        path.write_text(json.dumps({"metadata": {**files.data["metadata"], "run_id": its},
                                    "results": [{**row, "run_id": its} for row in files.rows]}))
        assert counted(track.sync(path, server.uri, experiment)) == (16, 16, 0)
        assert counted(track.sync(path, server.uri, experiment)) == (16, 0, 16)
    held = client.runs(server.uri, experiment)
    assert len(held) == 32 and sum(run["tags"]["run_id"] == run_id for run in held) == 16


def test_link(track, server, client, experiment):
    """The page of this run, warm-ups filtered out."""
    files = rows.make_run(track, "--no-mlflow")
    link = link_in(track.sync("results", server.uri, experiment).stdout)
    one = client.ask(server.uri, "experiment", experiment=experiment)
    assert link.startswith(f"{server.uri}/#/experiments/{one['id']}/runs?")
    assert "is_warmup" in link and "workflowType=machine_learning" in link
    assert files.rows[0]["run_id"] in link


def test_other_experiment_is_other_runs(track, server, client, experiment):
    files = rows.make_run(track, "--no-mlflow")
    track.sync("results", server.uri, experiment)
    track.sync("results", server.uri, experiment + " again")
    first, second = (client.runs(server.uri, name) for name in (experiment, experiment + " again"))
    assert [same(run) for run in first] == [same(run) for run in second]
    assert len(first) == len(files.rows)
