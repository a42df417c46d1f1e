"""A real MLflow server, made by scripts/setup_mlflow.sh, and the official client to read it."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from conftest import HOME, ROOT

SCRIPT = ROOT / "scripts/setup_mlflow.sh"
PYTHON = HOME / "mlflow/venv/bin/python"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def clean_env(**more):
    """The environment without settings of MLflow and proxies."""
    env = {key: value for key, value in os.environ.items()
           if not key.startswith("MLFLOW_") and not key.lower().endswith("_proxy")}
    env.update({"INFERBENCH_HOME": str(HOME), "TZ": "UTC"})
    env.update({key: str(value) for key, value in more.items()})
    return env


class RealServer:
    """Data in `folder`; `options` go to `mlflow server`, `within` before the command."""

    def __init__(self, folder, *options, env=None, within=(), prefix=""):
        self.folder, self.options, self.within = Path(folder), options, within
        self.port = free_port()
        self.env = clean_env(MLFLOW_DIR=self.folder, MLFLOW_PORT=self.port, **(env or {}))
        self.uri = f"http://localhost:{self.port}{prefix}"
        self.start()

    def script(self, *words):
        return subprocess.run([*self.within, str(SCRIPT), *words], env=self.env, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=180)

    def start(self):
        done = self.script("--", *self.options)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"setup_mlflow: server at {self.uri}\n" in done.stdout
        self.pid = int((self.folder / "server").read_text().split()[0])

    def kill(self):
        """SIGKILL to all of its processes."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def stop(self):
        return self.script("--stop")


class Client:
    """MLflow's official client, in a process of MLflow's own environment."""

    def __init__(self):
        self.lock = threading.Lock()
        self.process = subprocess.Popen(
            [str(PYTHON), str(Path(__file__).with_name("client.py"))], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=clean_env(MLFLOW_DISABLE_TELEMETRY="true", MLFLOW_HTTP_REQUEST_MAX_RETRIES=2))

    def ask(self, uri, call, **more):
        with self.lock:
            print(json.dumps({"uri": uri, "call": call, **more}), file=self.process.stdin,
                  flush=True)
            answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def runs(self, uri, experiment, **more):
        return self.ask(uri, "runs", experiment=experiment, **more)

    def files(self, uri, run_id, **more):
        found = self.ask(uri, "files", run_id=run_id, **more)
        return {path: base64.b64decode(text) for path, text in found.items()}

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


class Track:
    """`inferbench` in a folder, against a server, with nothing of this user's settings."""

    def __init__(self, binary, folder, client):
        self.binary, self.folder, self.client = binary, Path(folder), client

    def command(self, *words):
        return [str(self.binary), *map(str, words)]

    def run(self, *words, env=None, code=0, timeout=300):
        done = subprocess.run(self.command(*words), cwd=self.folder, text=True,
                              env=clean_env(HOME=self.folder, **(env or {})), timeout=timeout,
                              capture_output=True, stdin=subprocess.DEVNULL)
        assert code is None or done.returncode == code, (words, done.returncode,
                                                         done.stdout + done.stderr)
        return done

    def start(self, *words, env=None):
        return subprocess.Popen(self.command(*words), cwd=self.folder, text=True,
                                env=clean_env(HOME=self.folder, **(env or {})),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, start_new_session=True)

    def sync(self, what, uri, experiment=None, *words, **more):
        named = ["--mlflow-experiment", experiment] if experiment else []
        return self.run("mlflow", "sync", what, "--mlflow-uri", uri, *named, *words, **more)


def counted(done):
    """(rows, sent, there) of what `mlflow sync` prints about one file."""
    found = re.search(r"(\d+) rows?: (\d+) sent, (\d+) already there", done.stdout)
    assert found, done.stdout + done.stderr
    return tuple(map(int, found.groups()))


def link_in(text):
    """The page of the runs that a command printed."""
    found = re.findall(r"https?://\S+/#/experiments/\S+", text)
    assert len(found) == 1, text
    return found[0]


def same(run):
    """What an undisturbed run and one that was sent in pieces must have in common."""
    return {key: run[key] for key in ("name", "status", "stage", "start", "end", "params",
                                      "metrics", "tags", "inputs")}


def wait_until(condition, what, limit_s=60.0):
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {limit_s} s"
        time.sleep(0.01)
