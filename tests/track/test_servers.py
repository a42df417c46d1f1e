"""Servers as people run them, and what is said where one cannot be used."""

import datetime
import re
import socket

import pytest

from e2e import published
from e2e.offline_run import files_of
from track import rows
from track.real_server import counted, free_port, link_in
from track.relay import Relay, certificate

ONE = ["offline", "--engine", "null", "--no-imds", "--scenarios", "short", "--batch-sizes", "1",
       "--max-tokens", "8", "--num-runs", "2", "--quiet", "--output-dir", "results"]
SECRET = "pw-verysecret-123"


def all_texts(track):
    """Everything that lies in the folder of a test."""
    return b"".join(path.read_bytes() for path in track.folder.rglob("*") if path.is_file()
                    and "mlflow0" not in path.parts)


def one_row(track, name="one.json"):
    return published.write(track.folder / name, [published.row()])


@pytest.mark.slow
def test_basic_auth_below_a_path(track, start_server, client, experiment):
    """Users and passwords, and a server that lives below a path."""
    admin = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": SECRET}
    server = start_server("--app-name", "basic-auth", "--static-prefix", "/team/ml",
                          prefix="/team/ml",
                          env={"MLFLOW_FLASK_SERVER_SECRET_KEY": "a", "MLFLOW_AUTH_ADMIN_PASSWORD":
                               SECRET})
    path = one_row(track)
    done = track.sync(path, server.uri, experiment, code=1)
    assert "401" in done.stderr and "MLFLOW_TRACKING_USERNAME" in done.stderr
    done = track.sync(path, server.uri, experiment, code=1,
                      env={**admin, "MLFLOW_TRACKING_PASSWORD": "wrong" + SECRET})
    assert "401" in done.stderr and SECRET not in done.stdout + done.stderr
    done = track.sync(path, server.uri, experiment, env=admin)
    assert counted(done) == (1, 1, 0)
    run, = client.runs(server.uri, experiment, env=admin)
    assert "row.json" in client.files(server.uri, run["run_id"], env=admin)
    inside = server.uri.replace("//", f"//admin:{SECRET}@")
    done = track.sync(path, inside, experiment)
    assert counted(done) == (1, 0, 1)
    folder = track.folder / ".mlflow"
    folder.mkdir()
    (folder / "credentials").write_text(
        f"[mlflow]\nmlflow_tracking_username = admin\nmlflow_tracking_password = {SECRET}\n")
    again = track.sync(path, server.uri, experiment)
    assert counted(again) == (1, 0, 1)
    (folder / "credentials").unlink()
    assert SECRET not in done.stdout + done.stderr + again.stdout + again.stderr
    assert SECRET.encode() not in all_texts(track)


@pytest.mark.slow
def test_no_artifacts(track, start_server, client, experiment):
    """A server that takes no files: all else is logged, and said where the files are."""
    server = start_server("--no-serve-artifacts", "--default-artifact-root",
                          str(track.folder / "not-ours"))
    track.run(*ONE, "--no-mlflow")
    done = track.sync("results", server.uri, experiment)
    files = files_of(track.folder / "results")
    rows.check_all(client, server.uri, experiment, files.rows)
    said = done.stdout + done.stderr
    assert "artifact" in said and "results" in said
    assert counted(track.sync("results", server.uri, experiment)) == (2, 0, 2)


def test_host_check(track, server, experiment):
    """A name that the server does not know itself by: 403, and how to allow it."""
    done = track.sync(one_row(track), f"http://127.0.0.2:{server.port}", experiment, code=1)
    assert "403" in done.stderr and "--allowed-hosts" in done.stderr
    assert done.stderr.count("\n") <= 3


def test_own_name(track, server, experiment):
    """setup_mlflow.sh allows this machine's name and addresses."""
    name = socket.gethostname()
    done = track.sync(one_row(track), f"http://{name}:{server.port}", experiment,
                      env={"no_proxy": name})
    assert counted(done) == (1, 1, 0)


def test_tags_of_the_rows(track, server, experiment):
    """A tag that inferbench sets itself cannot be another's."""
    done = track.sync(one_row(track), server.uri, experiment, "--mlflow-tag", "verdict=VALID",
                      code=2)
    assert "--mlflow-tag" in done.stderr and '"verdict"' in done.stderr


def test_proxy_is_not_for_loopback(track, server, experiment):
    with Relay(server.port) as relay:
        proxies = {name: relay.uri for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY")}
        for at, host in enumerate(("localhost", "127.0.0.1")):
            path = published.write(track.folder / f"{at}.json", [published.row(run=at)])
            done = track.sync(path, f"http://{host}:{server.port}", experiment, env=proxies)
            assert counted(done) == (1, 1, 0)
        assert relay.seen == []


def test_proxy_is_for_others(track, server, client, experiment):
    with Relay(server.port) as relay:
        done = track.sync(one_row(track), "http://mlflow.test:5000", experiment,
                          env={"http_proxy": relay.uri})
        assert counted(done) == (1, 1, 0)
        assert all(one.path.startswith("http://mlflow.test:5000/") for one in relay.seen)
    assert len(client.runs(server.uri, experiment)) == 1


def test_https(track, server, client, experiment, tmp_path):
    cert, key = certificate(tmp_path)
    path = one_row(track)
    with Relay(server.port, certificate=(cert, key)) as relay:
        done = track.sync(path, relay.uri, experiment, code=1)
        assert "certificate" in done.stderr and "MLFLOW_TRACKING_SERVER_CERT_PATH" in done.stderr
        trusted = {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(cert)}
        assert counted(track.sync(path, relay.uri, experiment, env=trusted)) == (1, 1, 0)
        blind = {"MLFLOW_TRACKING_INSECURE_TLS": "true"}
        assert counted(track.sync(path, relay.uri, experiment, env=blind)) == (1, 0, 1)
        done = track.sync(path, relay.uri, experiment, env={**trusted, **blind}, code=2)
        assert "MLFLOW_TRACKING_INSECURE_TLS" in done.stderr
    assert len(client.runs(server.uri, experiment)) == 1


def test_client_certificate(track, server, client, experiment, tmp_path):
    """A door that lets in only those who show a certificate; key and certificate in one file."""
    cert, key = certificate(tmp_path)
    (tmp_path / "own").mkdir()
    own_cert, own_key = certificate(tmp_path / "own")
    both = tmp_path / "both.pem"
    both.write_bytes(own_key.read_bytes() + own_cert.read_bytes())
    trusted = {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(cert)}
    path = one_row(track)
    with Relay(server.port, certificate=(cert, key), clients=own_cert) as relay:
        done = track.sync(path, relay.uri, experiment, code=1, env=trusted)
        assert "MLFLOW_TRACKING_CLIENT_CERT_PATH" in done.stderr
        done = track.sync(path, relay.uri, experiment, code=2,
                          env={**trusted, "MLFLOW_TRACKING_CLIENT_CERT_PATH": "/nowhere.pem"})
        assert "/nowhere.pem" in done.stderr
        done = track.sync(path, relay.uri, experiment,
                          env={**trusted, "MLFLOW_TRACKING_CLIENT_CERT_PATH": str(both)})
        assert counted(done) == (1, 1, 0)
    assert len(client.runs(server.uri, experiment)) == 1


@pytest.mark.slow
def test_workspace(track, start_server, client, experiment):
    """Rows go where MLFLOW_WORKSPACE says, and the link leads there."""
    server = start_server("--enable-workspaces")
    client.ask(server.uri, "create_workspace", name="team-1")
    team = {"MLFLOW_WORKSPACE": "team-1"}
    path = one_row(track)
    done = track.sync(path, server.uri, experiment, env=team)
    assert counted(done) == (1, 1, 0)
    assert link_in(done.stdout).endswith("&workspace=team-1")
    run, = client.runs(server.uri, experiment, env=team)
    assert "row.json" in client.files(server.uri, run["run_id"], env=team)
    assert client.ask(server.uri, "experiment", experiment=experiment) is None
    track.run("analyze", "--mlflow-uri", server.uri, "--experiment", experiment, env=team)
    done = track.sync(path, server.uri, experiment, code=1, env={"MLFLOW_WORKSPACE": "nobodys"})
    assert "nobodys" in done.stderr
    assert counted(track.sync(path, server.uri, experiment)) == (1, 1, 0)  # the default one
    assert client.ask(server.uri, "experiment", experiment=experiment) is not None


def test_token(track, server, experiment):
    """Sent as the official client sends it, and written nowhere."""
    with Relay(server.port) as relay:
        done = track.sync(one_row(track), relay.uri, experiment,
                          env={"MLFLOW_TRACKING_TOKEN": SECRET})
        assert {one.headers.get("Authorization") for one in relay.seen} == {f"Bearer {SECRET}"}
    assert SECRET not in done.stdout + done.stderr
    assert SECRET.encode() not in all_texts(track)


def test_environment_names_the_server(track, server, client, experiment):
    track.run(*ONE, "--mlflow-experiment", experiment, env={"MLFLOW_TRACKING_URI": server.uri})
    assert len(client.runs(server.uri, experiment)) == 2


def test_environment_names_the_experiment(track, server, client, experiment):
    """MLFLOW_EXPERIMENT_NAME, then _ID, where no option says another one."""
    named = {"MLFLOW_TRACKING_URI": server.uri, "MLFLOW_EXPERIMENT_NAME": experiment}
    path = one_row(track)
    assert counted(track.run("mlflow", "sync", path, env=named)) == (1, 1, 0)
    assert len(client.runs(server.uri, experiment)) == 1
    number = client.ask(server.uri, "experiment", experiment=experiment)["id"]
    by_id = {"MLFLOW_TRACKING_URI": server.uri, "MLFLOW_EXPERIMENT_ID": number}
    assert counted(track.run("mlflow", "sync", path, env=by_id)) == (1, 0, 1)
    assert counted(track.run("mlflow", "sync", path, env={**by_id, **named})) == (1, 0, 1)
    track.run(*ONE, "--metadata", "owner=infra", env=by_id)
    runs = client.runs(server.uri, experiment)
    assert len(runs) == 3
    assert sum(run["tags"].get("metadata.owner") == "infra" for run in runs) == 2
    other = experiment + " other"
    assert counted(track.run("mlflow", "sync", path, "--mlflow-experiment", other,
                             env={**named, **by_id})) == (1, 1, 0)
    done = track.run("analyze", "--mlflow-uri", server.uri, env=by_id)
    assert f"of the MLflow experiment {experiment}\n" in done.stdout


def test_experiment_of_an_unknown_id(track, server):
    wrong = {"MLFLOW_TRACKING_URI": server.uri, "MLFLOW_EXPERIMENT_ID": "123456789"}
    done = track.run("mlflow", "sync", one_row(track), env=wrong, code=2)
    assert "MLFLOW_EXPERIMENT_ID" in done.stderr and "123456789" in done.stderr
    assert "--mlflow-experiment" in done.stderr


def test_config_names_the_server(track, server, client, experiment):
    (track.folder / "mine.yaml").write_text(f"mlflow_uri: {server.uri}\n")
    track.run(*ONE, "--config", "mine.yaml", "--mlflow-experiment", experiment)
    assert len(client.runs(server.uri, experiment)) == 2


def test_nothing_is_sent_while_measuring(track, server, experiment):
    with Relay(server.port) as relay:
        _, files = rows.make_online(track, relay.uri, "--mlflow-experiment", experiment)
        times = [one.time for one in relay.seen]
    measured = files.rows
    assert len(times) > len(measured)
    for row in measured:
        start = datetime.datetime.fromisoformat(row["timestamp_utc"].replace("Z", "+00:00"))
        start_s = start.timestamp()
        assert not [at for at in times if start_s <= at <= start_s + row["total_time"]]


def is_free(port):
    try:
        socket.create_connection(("localhost", port), 1).close()
    except OSError:
        return True
    return False


def test_default_and_nobody(track):
    """Nobody named a server and none runs: one note and nothing more."""
    if not is_free(5000):
        pytest.skip("a server listens on port 5000 of this machine")
    done = track.run(*[word for word in ONE if word != "--quiet"])
    said = [line for line in (done.stdout + done.stderr).splitlines() if "MLflow" in line]
    assert len(said) == 1 and "http://localhost:5000" in said[0], said
    assert "note" in said[0]
    assert not list(track.folder.rglob("*mlflow.json"))
    assert len(files_of(track.folder / "results").rows) == 2


def test_named_and_nobody(track, server, client, experiment):
    """The run is as good as any; the note says how to log it later, and that works."""
    dead = f"http://localhost:{free_port()}"
    done = track.run(*ONE, "--mlflow-uri", dead, "--mlflow-experiment", experiment)
    said = done.stdout + done.stderr
    assert dead in said
    command = re.search(r"inferbench (mlflow sync \S+)", said)
    assert command, said
    track.run(*command[1].split(), "--mlflow-uri", server.uri, "--mlflow-experiment", experiment)
    assert len(client.runs(server.uri, experiment)) == 2


REFUSED = ["file:./mlruns", "file:///tmp/mlruns", "sqlite:///mlflow.db", "./mlruns", "/tmp/mlruns",
           "databricks", "databricks://profile", "postgresql://u:p@h/db",
           "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/x"]


@pytest.mark.parametrize("uri", REFUSED)
@pytest.mark.parametrize("command", ["sync", "offline"])
def test_refused(track, uri, command):
    """Before anything is measured or made."""
    one = one_row(track)
    words = ["mlflow", "sync", one] if command == "sync" else ONE
    done = track.run(*words, "--mlflow-uri", uri, code=2)
    assert done.stderr.startswith("inferbench: ") and done.stderr.count("\n") <= 3, done.stderr
    assert "http" in done.stderr  # what to do instead
    assert [path.name for path in track.folder.iterdir()] == ["one.json"]


def test_no_such_file(track, server):
    done = track.sync("nowhere.json", server.uri, code=None)
    assert done.returncode in (1, 2) and "nowhere.json" in done.stderr


def test_not_a_results_file(track, server):
    (track.folder / "odd.json").write_text('{"a": 1}')
    done = track.sync("odd.json", server.uri, code=None)
    assert done.returncode in (1, 2) and "odd.json" in done.stderr


def test_not_an_mlflow_server(track, binary, experiment):
    """A web server of another kind."""
    from e2e.serve_client import Server
    other = Server(binary, track.folder)
    try:
        done = track.sync(one_row(track), f"http://localhost:{other.port}", experiment, code=1)
    finally:
        other.stop()
    assert str(other.port) in done.stderr and done.stderr.count("\n") <= 3
