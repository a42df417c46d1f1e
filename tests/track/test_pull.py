"""inferbench analyze --mlflow-uri: what the server gives back is what merge makes of the files."""

import json
import shutil
import urllib.request

import pytest

from e2e import published
from e2e.offline_run import files_of
from track import rows
from track.real_server import free_port
from track.relay import Answer, Lost, Relay

MACHINES = (("g5.xlarge", "gpu"), ("inf2.xlarge", "neuron"))


def analyze(track, uri, experiment, *words, folder="server", **more):
    return track.run("analyze", "--mlflow-uri", uri, "--experiment", experiment,
                     "--output-dir", folder, *words, **more)


def results_text(path):
    """The list of rows as it stands in a file."""
    text = path.read_text(encoding="utf-8")
    return text[text.index('"results": ['):]


def pulled(track, folder="server"):
    return json.loads((track.folder / folder / "mlflow_rows.json").read_text(encoding="utf-8"))


def written(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != "mlflow_rows.json"}


def answer_of(text):
    """What the command says, without names of files."""
    return text[:text.index(" rows of ")]


@pytest.fixture
def logged(track, server, experiment):
    """The results files of two machines, both on the server."""
    files = []
    for name, hardware in MACHINES:
        files.append(rows.make_run(track, "--no-mlflow", "--instance-type", name,
                                   "--hardware-type", hardware, folder=f"results/{name}"))
        track.sync(files[-1].results_path, server.uri, experiment)
    return files


@pytest.fixture
def few(track, server, experiment):
    """Four rows on the server."""
    track.run(*rows.QUICK, "--no-mlflow", "--batch-sizes", "1", "--output-dir", "few")
    track.sync("few", server.uri, experiment)
    return files_of(track.folder / "few").rows


def test_equals_merge(track, server, experiment, logged):
    track.run("merge", *(one.results_path for one in logged), "-o", "merged.json")
    shutil.move(track.folder / "results", track.folder / "gone")
    by_server = analyze(track, server.uri, experiment)
    by_file = track.run("analyze", "merged.json", "--output-dir", "file")
    assert results_text(track.folder / "server/mlflow_rows.json") == \
        results_text(track.folder / "merged.json")
    assert answer_of(by_server.stdout) == answer_of(by_file.stdout)
    assert f"32 rows of the MLflow experiment {experiment}\n" in by_server.stdout
    assert written(track.folder / "server") == written(track.folder / "file")
    merged = json.loads((track.folder / "merged.json").read_text(encoding="utf-8"))
    assert pulled(track)["metadata"]["format"] == merged["metadata"]["format"]
    assert {one["metadata"]["run_id"] for one in pulled(track)["metadata"]["sources"]} == \
        {one.rows[0]["run_id"] for one in logged}


def test_again_from_its_own_file(track, server, experiment, logged):
    """mlflow_rows.json is a results file like any other, and is not taken for a second one."""
    analyze(track, server.uri, experiment)
    track.run("merge", "server/mlflow_rows.json", "-o", "again.json")
    assert results_text(track.folder / "again.json") == \
        results_text(track.folder / "server/mlflow_rows.json")
    done = analyze(track, server.uri, experiment, logged[0].results_path.parent, folder="both")
    assert f"32 rows of 1 file and the MLflow experiment {experiment}\n" in done.stdout
    assert "16 rows that are in two files" in \
        (track.folder / "both/summary_report.txt").read_text(encoding="utf-8")


def test_no_input_is_replaced(track, server, experiment, few):
    """The rows that were read yesterday, named beside those of another server."""
    analyze(track, server.uri, experiment, folder="own")
    kept = track.folder / "own/mlflow_rows.json"
    kept.write_text(json.dumps([{**row, "label": "mine"} for row in few]))
    before = kept.read_bytes()
    (track.folder / "link_results.json").symlink_to(kept)
    for name in ("own/mlflow_rows.json", "link_results.json"):
        done = analyze(track, server.uri, experiment, name, folder="own", code=2)
        assert "own/mlflow_rows.json: is also an input" in done.stderr
        assert kept.read_bytes() == before
    analyze(track, server.uri, experiment, name, folder="else")


def test_published(track, server, experiment):
    """Rows of the replaced tool, which have no run_id."""
    path = rows.make_published(track.folder / "old.json", rows=3)
    track.sync(path, server.uri, experiment)
    analyze(track, server.uri, experiment)
    wanted = json.loads(path.read_text(encoding="utf-8"))
    wanted = wanted["results"] if isinstance(wanted, dict) else wanted
    assert sorted(pulled(track)["results"], key=json.dumps) == sorted(wanted, key=json.dumps)


def test_filter_and_deleted(track, server, client, experiment, logged):
    analyze(track, server.uri, experiment, "--filter", "tags.label = 'inf2.xlarge'")
    assert pulled(track)["results"] == logged[1].rows
    assert pulled(track)["metadata"]["mlflow_filter"] == "tags.label = 'inf2.xlarge'"
    run = client.runs(server.uri, experiment)[0]
    client.ask(server.uri, "delete_run", run_id=run["run_id"])
    analyze(track, server.uri, experiment)
    left = [row for one in logged for row in one.rows
            if f"{row['run_id']}/{row['row']}" != run["tags"]["inferbench.row"]]
    assert pulled(track)["results"] == left
    done = analyze(track, server.uri, experiment, "--filter", "tags.label = 'none'", code=1)
    assert "that match the filter" in done.stderr
    done = analyze(track, server.uri, experiment, "--filter", "label is 3", code=2)
    assert "400" in done.stderr and "tags.label" in done.stderr


@pytest.mark.slow
def test_many_pages(track, server, experiment):
    """More runs than one page of a search holds; the order is that of the rows."""
    files = rows.make_run(track, "--no-mlflow", "--num-runs", "27")
    assert len(files.rows) == 216
    track.sync(files.results_path, server.uri, experiment)
    analyze(track, server.uri, experiment)
    assert results_text(track.folder / "server/mlflow_rows.json") == \
        results_text(files.results_path)


class Spoiler:
    """Answers one of the requests for a row by itself."""

    def __init__(self, at, answer):
        self.at, self.answer, self.path = at, answer, None

    def __call__(self, request):
        if not request.path.endswith("/row.json"):
            return None
        if self.at == 0 and self.path is None:
            self.path = request.path
        self.at -= 1
        if request.path != self.path:
            return None
        if self.answer is None:
            raise Lost
        return self.answer


def test_row_is_missing(track, server, experiment, few):
    missing = json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"}).encode()
    with Relay(server.port, before=Spoiler(2, Answer(404, {}, missing))) as relay:
        done = analyze(track, relay.uri, experiment)
    assert "row.json of MLflow run " in done.stderr and "is missing" in done.stderr
    assert pulled(track)["results"] == few[:2] + few[3:]
    assert "row.json of MLflow run" in \
        " ".join((track.folder / "server/summary_report.txt").read_text("utf-8").split())
    assert len(pulled(track)["metadata"]["skipped"]) == 1


def test_row_is_broken(track, server, experiment, few):
    for body in (b"", b'{"run_id": "', b"<html>no</html>", b'{"run_id": "00", "row": 2}'):
        with Relay(server.port, before=Spoiler(2, Answer(200, {}, body))) as relay:
            done = analyze(track, relay.uri, experiment, code=1)
        assert "row.json of MLflow run " in done.stderr and "mlflow sync" in done.stderr
        assert pulled(track)["results"] == few[:2] + few[3:], body


def test_server_goes_away(track, server, experiment, few):
    """Half of the rows would be a wrong answer: nothing is written."""
    with Relay(server.port, before=Spoiler(2, None)) as relay:
        done = analyze(track, relay.uri, experiment, code=1)
    assert "row.json" in done.stderr
    assert not (track.folder / "server/mlflow_rows.json").exists()


def test_no_such_experiment(track, server):
    done = analyze(track, server.uri, "nothing of this name", code=1)
    assert 'no experiment is called "nothing of this name"' in done.stderr
    first = done.stderr.split("There are: ")[1].split(", ")[0].rstrip(".\n")
    with urllib.request.urlopen(f"{server.uri}/api/2.0/mlflow/experiments/search"
                                "?max_results=1000") as answer:
        held = {item["name"] for item in json.load(answer)["experiments"]}
    assert first in held and "Default" in held
    done = track.run("analyze", "--mlflow-uri", server.uri, code=2)
    assert "--experiment: " in done.stderr and "There are: " in done.stderr
    done = analyze(track, server.uri, "Default", code=1)
    assert "has no inferbench runs" in done.stderr


def test_deleted_experiment(track, server, client, experiment):
    track.sync(rows.make_published(track.folder / "old.json"), server.uri, experiment)
    client.ask(server.uri, "delete_experiment", experiment=experiment)
    done = analyze(track, server.uri, experiment, code=1)
    assert "is deleted" in done.stderr and "mlflow experiments restore" in done.stderr


def test_nobody_answers(track, experiment):
    done = analyze(track, f"http://localhost:{free_port()}", experiment, code=1, timeout=20)
    assert "refused" in done.stderr and done.stdout == ""


def test_not_let_in(track, server, experiment):
    done = analyze(track, f"http://127.0.0.2:{server.port}", experiment, code=1)
    assert "403" in done.stderr and "--allowed-hosts" in done.stderr


@pytest.mark.slow
def test_credentials(track, start_server, experiment):
    secret = "pw-verysecret-123"
    admin = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": secret}
    server = start_server("--app-name", "basic-auth",
                          env={"MLFLOW_FLASK_SERVER_SECRET_KEY": "a",
                               "MLFLOW_AUTH_ADMIN_PASSWORD": secret})
    path = published.write(track.folder / "one.json", [published.row()])
    track.sync(path, server.uri, experiment, env=admin)
    done = analyze(track, server.uri, experiment, code=1)
    assert "401" in done.stderr and "MLFLOW_TRACKING_USERNAME" in done.stderr
    inside = server.uri.replace("//", f"//admin:{secret}@")
    done = analyze(track, inside, experiment)
    texts = done.stdout + done.stderr + "".join(
        path.read_text("utf-8") for path in (track.folder / "server").glob("*.*[nt]"))
    assert "1 rows of the MLflow" in done.stdout and secret not in texts


@pytest.mark.slow
def test_no_artifacts(track, start_server, experiment):
    server = start_server("--no-serve-artifacts", "--default-artifact-root", "/nowhere/at/all")
    track.sync(rows.make_published(track.folder / "old.json"), server.uri, experiment)
    done = analyze(track, server.uri, experiment, code=1)
    assert "--no-serve-artifacts" in done.stderr and "/nowhere/at/all" in done.stderr
    assert "merge the results files" in done.stderr
