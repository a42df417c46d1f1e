"""Fixtures that all tests share. `scripts/test` runs everything; by hand, after `make`:

    $INFERBENCH_HOME/test-venv/bin/pytest tests -k name
"""

import ast
import fcntl
import os
import re
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("INFERBENCH_HOME")
            or Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "inferbench")

sys.path.insert(0, str(ROOT / "tests"))


def pytest_configure(config):
    for line in ("vllm: starts a real vLLM", "mlflow: needs a real MLflow",
                 "alone: needs a quiet machine", "slow: takes more than half a minute"):
        config.addinivalue_line("markers", line)
    # A shell that starts pytest beside something else has it ignore SIGINT; what tests start would
    # inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def versions_tried():
    """The table of vLLM's versions in the worker: what of each was tried with a real one."""
    source = (ROOT / "src/engines/vllm_worker.py").read_text(encoding="utf-8")
    return ast.literal_eval(re.search(r"TRIED = (\{.*?\})", source, re.S)[1])


def pytest_report_header():
    return "vLLM tried: " + "; ".join(f"{version} ({what})" for version, what in
                                      versions_tried().items())


def pytest_collection_modifyitems(items):
    """A test is marked by what it asks for."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if names & {"vllm_interpreter", "vllm013_interpreter"}:
            item.add_marker("vllm")
        if "mlflow_python" in names:
            item.add_marker("mlflow")


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def binary():
    """The program under test; INFERBENCH_BIN names another build."""
    path = Path(os.environ.get("INFERBENCH_BIN") or ROOT / "build/inferbench")
    assert path.exists(), f"{path} is missing: run make"
    return path


@pytest.fixture
def inferbench(binary, tmp_path):
    """inferbench("merge", "a.json", ...) runs in tmp_path; a CompletedProcess with text.

    Settings of the person who runs the tests stay out: only `env` is added.
    """
    def run(*args, timeout=300, env=None, cwd=None, **more):
        base = {key: value for key, value in os.environ.items()
                if not key.startswith(("INFERBENCH_", "VLLM_", "MLFLOW_"))}
        base.update({"INFERBENCH_HOME": str(HOME), "HF_HUB_OFFLINE": "1", "TZ": "UTC"})
        base.update(env or {})
        return subprocess.run([str(binary), *map(str, args)], cwd=cwd or tmp_path, env=base,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, **more)
    return run


def make_model(tmp_path_factory, maker):
    folder = tmp_path_factory.mktemp("models") / maker
    subprocess.run([sys.executable, str(ROOT / "scripts" / maker), str(folder)], check=True)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """Folder of a two-layer Qwen3 with 512 tokens, for --load-format dummy."""
    return make_model(tmp_path_factory, "make-tiny-model")


@pytest.fixture(scope="session")
def shape_model(tmp_path_factory):
    """Folder with the configuration of Qwen3-0.6B alone."""
    return make_model(tmp_path_factory, "make-shape-model")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """names["localhost"], names["elsewhere"]: contexts of a server; .pem files beside them."""
    folder = tmp_path_factory.mktemp("tls")
    contexts = {"folder": folder}
    for name, holds in (("localhost", "DNS:localhost,IP:127.0.0.1"), ("elsewhere", "DNS:else.where")):
        cert, key = folder / f"{name}.pem", folder / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        f"/CN={name}", "-addext", f"subjectAltName={holds}", "-keyout", key,
                        "-out", cert], check=True, capture_output=True)
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[name].load_cert_chain(cert, key)
    return contexts


def search_vllm():
    found = subprocess.run(["sh", "-c", f'root={ROOT}; . "$root/scripts/common.sh"; find_vllm'],
                           capture_output=True, text=True)
    return found.stdout.strip()


@pytest.fixture(scope="session")
def vllm_interpreter():
    python = search_vllm()
    if not python:
        pytest.skip("no interpreter with vLLM: scripts/setup engine makes one")
    return Path(python)


@pytest.fixture(scope="session")
def vllm013_interpreter():
    if os.environ.get("INFERBENCH_TEST_VLLM013") != "1":
        pytest.skip("vLLM 0.13 only with scripts/test --vllm013")
    python = Path(os.environ.get("INFERBENCH_PYTHON013") or HOME / "venv013/bin/python")
    if not python.exists():
        pytest.skip(f"no vLLM 0.13 in {python}: scripts/setup vllm013 makes it")
    return python


@pytest.fixture(scope="session")
def more_servers():
    """more_servers("litellm"): the virtual environment of that server."""
    if os.environ.get("INFERBENCH_TEST_MORE_SERVERS") != "1":
        pytest.skip("servers of others only with scripts/test --more-servers")

    def of(name):
        venv = HOME / "servers" / name
        if not venv.is_dir():
            pytest.skip(f"no {venv}: scripts/setup servers makes it")
        return venv
    return of


@pytest.fixture
def engine_lock():
    """One engine at a time on a machine: two starve each other's spinning threads."""
    path = os.environ.get("INFERBENCH_TEST_LOCK") or HOME / ".engine.lock"
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def vllm_python(vllm_interpreter, engine_lock):
    """Interpreter with a real vLLM; the engine is ours alone during the test."""
    return vllm_interpreter


@pytest.fixture
def vllm013_python(vllm013_interpreter, engine_lock):
    return vllm013_interpreter
