"""One real MLflow server for all tests here, and the official client to read what it holds."""

import itertools

import pytest

from track.real_server import PYTHON, Client, RealServer, Track


@pytest.fixture(scope="session")
def mlflow_python():
    if not PYTHON.exists():
        pytest.skip(f"no MLflow in {PYTHON}: scripts/setup mlflow makes it")
    return PYTHON


@pytest.fixture(scope="session")
def client(mlflow_python):
    one = Client()
    yield one
    one.close()


@pytest.fixture(scope="session")
def server(mlflow_python, tmp_path_factory):
    """Shared: each test has experiments of its own."""
    one = RealServer(tmp_path_factory.mktemp("mlflow"), env={"MLFLOW_HOST": "0.0.0.0"})
    yield one
    one.stop()


@pytest.fixture
def start_server(mlflow_python, tmp_path):
    """start_server("--static-prefix", "/x", prefix="/x"): a server of the test's own."""
    started = []

    def begin(*options, **more):
        started.append(RealServer(tmp_path / f"mlflow{len(started)}", *options, **more))
        return started[-1]
    yield begin
    for one in started:
        one.stop()


NAMES = itertools.count(1)


@pytest.fixture
def experiment(request):
    """A name that no other test uses."""
    return f"{request.node.name[:80]} {next(NAMES)}"


@pytest.fixture
def track(binary, tmp_path, client):
    return Track(binary, tmp_path, client)
