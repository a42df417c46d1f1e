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
    server = RealServer(tmp_path / "a folder")
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
