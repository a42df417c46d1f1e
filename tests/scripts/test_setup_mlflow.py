"""scripts/setup_mlflow.sh: its server starts, is found again, and ends."""

import os
import socket
import subprocess
import urllib.request

import pytest

from track.real_server import PYTHON, SCRIPT, RealServer, clean_env, free_port

OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_start_again_stop(tmp_path):
    if not PYTHON.exists():
        pytest.skip(f"no MLflow in {PYTHON}: scripts/setup mlflow makes it")
    server = RealServer(tmp_path / "a folder", env={"MLFLOW_HOST": "0.0.0.0"})
    try:
        names = ["localhost", "127.0.0.1", socket.gethostname()]
        for name in names:
            with OPEN(f"http://{name}:{server.port}/api/2.0/mlflow/experiments/"
                      "get?experiment_id=0", timeout=30) as answer:
                assert answer.status == 200, name
        pid = server.pid
        server.start()
        assert server.pid == pid
        server.env["MLFLOW_PORT"] = str(free_port())
        moved = server.script()
        assert moved.returncode == 1 and f"runs at {server.uri}" in moved.stderr
        taken = subprocess.run([SCRIPT], capture_output=True, text=True, timeout=60,
                               env=clean_env(MLFLOW_DIR=tmp_path / "b", MLFLOW_PORT=server.port))
        assert taken.returncode == 1 and f"port {server.port} is in use" in taken.stderr
    finally:
        done = server.stop()
    assert done.returncode == 0 and "stopped" in done.stdout
    assert not is_alive(pid)
    assert {path.name for path in server.folder.iterdir()} >= {"mlflow.db", "server.log"}
    again = server.stop()
    assert again.returncode == 0 and "no server" in again.stdout


def listeners(port):
    """Addresses, as in /proc/net/tcp, on which something of this machine listens."""
    lines = [line.split() for name in ("tcp", "tcp6")
             for line in open(f"/proc/net/{name}", encoding="ascii").readlines()[1:]]
    return {address.split(":")[0] for _, address, _, state, *_ in lines
            if state == "0A" and int(address.split(":")[1], 16) == port}


@pytest.mark.slow
def test_open_to_others_only_where_asked(tmp_path):
    """It has no users: by default it is for this machine alone."""
    if not PYTHON.exists():
        pytest.skip(f"no MLflow in {PYTHON}: scripts/setup mlflow makes it")
    server = RealServer(tmp_path)
    try:
        assert listeners(server.port) == {"0100007F"}
        server.env["MLFLOW_HOST"] = "0.0.0.0"
        opened = server.script()
        assert opened.returncode == 1 and "on 127.0.0.1" in opened.stderr
        server.stop()
        server.start()
        assert listeners(server.port) == {"00000000"}
    finally:
        server.stop()


@pytest.mark.slow
def test_a_server_that_cannot_start(tmp_path):
    if not PYTHON.exists():
        pytest.skip(f"no MLflow in {PYTHON}: scripts/setup mlflow makes it")
    done = subprocess.run([SCRIPT], capture_output=True, text=True, timeout=180,
                          env=clean_env(MLFLOW_DIR=tmp_path, MLFLOW_PORT=free_port(),
                                        MLFLOW_BACKEND_STORE="sqlite:////proc/none/mlflow.db"))
    assert done.returncode == 1
    assert "did not start" in done.stderr and str(tmp_path / "server.log") in done.stderr
    assert not (tmp_path / "server").exists()


def test_options():
    done = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    for name in ("MLFLOW_DIR", "MLFLOW_HOST", "MLFLOW_PORT", "MLFLOW_BACKEND_STORE", "--stop"):
        assert name in done.stdout
    done = subprocess.run([SCRIPT, "--port"], capture_output=True, text=True)
    assert done.returncode == 1 and "no such option: --port" in done.stderr
