"""No password or token for an MLflow server stays in the process list, a file or an output."""

import base64
import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from e2e.offline_run import NULL, files_of, plain_env, repeats_done, start, wait_for

SECRET = "pa/ss@w0rd,#1"
TOKEN = "t0kenOfNoService"
SPELLINGS = [word.encode() for word in
             (SECRET, quote(SECRET, safe=""), quote(SECRET), json.dumps(SECRET)[1:-1], TOKEN,
              base64.b64encode(f"ann:{SECRET}".encode()).decode())]
MANY = [*NULL, "--scenarios", "short", "--batch-sizes", "1", "--max-tokens", "1",
        "--num-runs", "100000"]


@pytest.fixture
def server():
    """Refuses all it is asked, and repeats what came with it: a server that knows no tact."""
    class Refusal(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = f"no {self.headers.get('Authorization')}".encode()
            self.server.seen.append(self.headers.get("Authorization"))
            self.send_response(401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = answer

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as httpd:
        httpd.seen = []
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield httpd
        httpd.shutdown()


def lines_of(process):
    """Command lines of the process, first, and of all below it."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = (path / "stat").read_text().rsplit(")", 1)[1].split()[1]
            found[path.name] = (parent, (path / "cmdline").read_bytes())
        except (FileNotFoundError, ProcessLookupError):
            pass
    wanted, more = {str(process.pid)}, True
    while more:
        below = {pid for pid, (parent, _) in found.items() if parent in wanted}
        more = not below <= wanted
        wanted |= below
    return [found[str(process.pid)][1]] + [line for pid, (_, line) in found.items() if pid in wanted]


def check_bytes(data, what):
    for spelling in SPELLINGS:
        assert spelling not in data, f"{spelling} in {what}"


def run(binary, tmp_path, *args, **env):
    """A run that is stopped after some repeats; nothing it leaves behind holds a secret."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir(exist_ok=True)
    process = start(binary, *MANY, *args, cwd=work,
                    env=plain_env(HOME=str(home), XDG_CACHE_HOME=str(home / "cache"), **env))
    try:
        wait_for(lambda: process.poll() is not None or repeats_done(work / "results") > 1, "repeats")
        assert process.poll() is None, (work / "stderr").read_text()
        lines = lines_of(process)
        assert b"--num-runs" in lines[0]
        for line in lines:
            check_bytes(line, "a command line")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 4, (work / "stderr").read_text()
    finally:
        process.kill()
        process.wait()
    paths = [path for path in work.rglob("*") if path.is_file()]
    assert {path.name for path in paths} >= {"stdout", "stderr", "journal.jsonl"}
    for path in paths + [path for path in home.glob("*cache*/**/*") if path.is_file()]:
        check_bytes(path.read_bytes(), path.name)
        check_bytes(os.fsencode(path), "a file's name")
    return files_of(work / "results"), lines[0]


def uri_of(server, password):
    return f"http://ann:{password}@127.0.0.1:{server.server_port}/prefix"


@pytest.mark.parametrize("password", [quote(SECRET, safe=""), "p@" + TOKEN],
                         ids=["encoded", "plain"])
@pytest.mark.parametrize("form", ["two words", "one word"])
def test_password_in_the_option(binary, tmp_path, server, password, form):
    uri = uri_of(server, password)
    words = ["--mlflow-uri", uri] if form == "two words" else [f"--mlflow-uri={uri}"]
    found, line = run(binary, tmp_path, *words)
    shown = f"http://***@127.0.0.1:{server.server_port}/prefix"
    assert found.data["metadata"]["options"]["mlflow-uri"] == shown
    assert found.data["metadata"]["command"][-1].endswith(shown)
    assert f"@127.0.0.1:{server.server_port}/prefix".encode() in line


def test_password_in_the_config_file(binary, tmp_path, server):
    config = tmp_path / "config.yaml"
    config.write_text(f"mlflow_uri: \"{uri_of(server, quote(SECRET, safe=''))}\"\n")
    found, _ = run(binary, tmp_path, "--config", config)
    assert found.data["metadata"]["options"]["mlflow-uri"].startswith("http://***@127.0.0.1:")


@pytest.mark.parametrize("names", [
    {"MLFLOW_TRACKING_USERNAME": "ann", "MLFLOW_TRACKING_PASSWORD": SECRET},
    {"MLFLOW_TRACKING_TOKEN": TOKEN}], ids=["password", "token"])
def test_password_and_token_in_variables(binary, tmp_path, server, names):
    run(binary, tmp_path, "--mlflow-uri", f"http://127.0.0.1:{server.server_port}", **names)


def test_password_in_the_variable_with_the_address(binary, tmp_path, server):
    run(binary, tmp_path, MLFLOW_TRACKING_URI=uri_of(server, quote(SECRET, safe="")))


def test_password_in_the_credentials_file(binary, tmp_path, server):
    folder = tmp_path / "home/.mlflow"
    folder.mkdir(parents=True)
    (folder / "credentials").write_text(
        f"[mlflow]\nmlflow_tracking_username = ann\nmlflow_tracking_password = {SECRET}\n")
    run(binary, tmp_path, "--mlflow-uri", f"http://127.0.0.1:{server.server_port}")


@pytest.mark.parametrize("uri", [f"ann:{SECRET}@h:5000", f"http://ann:{SECRET}@h",
                                 f"mysql://ann:{SECRET}@h/db", f"http://ann:{SECRET}@h:x"])
def test_an_address_that_is_odd(inferbench, tmp_path, uri):
    """--no-mlflow: nobody looks at it, and it is masked all the same."""
    done = inferbench(*NULL, "--scenarios", "short", "--batch-sizes", 1, "--max-tokens", 1,
                      "--no-mlflow", "--mlflow-uri", uri)
    assert done.returncode == 0, done.stderr
    check_bytes((done.stdout + done.stderr).encode(), "the output")
    for path in tmp_path.rglob("*"):
        if path.is_file():
            check_bytes(path.read_bytes(), path.name)
