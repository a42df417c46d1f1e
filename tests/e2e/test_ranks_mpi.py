"""Processes of one run under real MPI launchers, through ranks_probe of the build folder."""

import json
import os
import shutil
import subprocess
import time

import pytest

BUILD = os.path.dirname(os.path.abspath(os.environ.get("INFERBENCH_BIN", "build/inferbench")))
PROBE = os.path.join(BUILD, "ranks_probe")
LAUNCHERS = {
    "openmpi": ["mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "--mca",
                "oob_tcp_if_include", "lo", "--mca", "btl_tcp_if_include", "lo"],
    "mpich": ["mpirun.mpich"],
}


@pytest.fixture(params=sorted(LAUNCHERS))
def launcher(request):
    words = LAUNCHERS[request.param]
    plugin = os.path.join(BUILD, f"inferbench-mpi-{request.param}.so")
    if shutil.which(words[0]) is None or not os.path.exists(plugin):
        pytest.skip(f"{request.param} is not installed, or was not when this was built")
    return words


def launch(launcher, count, *words, env=None):
    return subprocess.run([*launcher, "-n", str(count), PROBE, *words], timeout=60,
                          env={**os.environ, **(env or {})}, capture_output=True, text=True)


def rows_of(done):
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return sorted(rows, key=lambda row: row.get("rank", 0))


def test_one_is_alone(launcher):
    done = launch(launcher, 1)
    assert done.returncode == 0, done.stderr
    assert rows_of(done) == [{"alone": True}]


@pytest.mark.parametrize("count", [2, 4])
def test_all_meet(launcher, count):
    done = launch(launcher, count)
    assert done.returncode == 0, done.stderr
    rows = rows_of(done)
    assert [row["rank"] for row in rows] == list(range(count))
    for row in rows:
        assert (row["ranks"], row["seed"], row["whole"]) == (count, 4711, True)
        assert row["sum"] == sum(100 + n for n in range(count))
        # one machine, one clock: what is found must hold the truth, which is 0
        assert abs(row["offset_ns"]) <= row["error_ns"]
        assert row["rank"] == 0 or 0 < row["error_ns"] < 20_000_000


def test_who_stops_is_heard_by_all(launcher):
    done = launch(launcher, 3, "stop", "2")
    assert done.returncode == 0, done.stderr
    rows = rows_of(done)
    assert [row["stopped"] for row in rows] == ["rank 2: probe: asked to stop."] * 2 + [""]


def test_a_killed_one_ends_all(launcher):
    begun = time.monotonic()
    done = launch(launcher, 3, "die", "1")
    assert done.returncode != 0
    assert rows_of(done) == []
    assert time.monotonic() - begun < 10  # well before the 20 s that they beat for


def test_without_its_plugin_nobody_starts(launcher, tmp_path):
    done = launch(launcher, 2, env={"INFERBENCH_PLUGIN_DIR": str(tmp_path)})
    assert done.returncode != 0
    assert "would send the whole load" in done.stderr


def test_clocks_a_thousand_seconds_apart():
    other = ["unshare", "--time", "--monotonic", "1000"]
    if shutil.which("mpirun.mpich") is None or shutil.which("unshare") is None:
        pytest.skip("mpirun.mpich or unshare is missing")
    if subprocess.run([*other, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no time namespace may be made here")
    done = subprocess.run(["mpirun.mpich", "-n", "1", PROBE, ":", "-n", "1", *other, PROBE],
                          timeout=60, capture_output=True, text=True, check=False)
    row = rows_of(done)[1]
    assert abs(row["offset_ns"] + 1000 * 10**9) <= row["error_ns"] < 20_000_000
