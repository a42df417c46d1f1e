"""`inferbench selftest`: the client against the server, both ours, on this machine.

How good the machine is decides between exit codes 0 and 3; the tests hold either way.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from e2e.offline_run import plain_env

pytestmark = pytest.mark.alone

SPREAD = {"count", "min", "p50", "p90", "p99", "p99_9", "max"}
STAMPS = set("""events_per_second achieved_events_per_second streams requests tokens ttft_ns itl_ns
    jitter tries requests_ok requests_failed requests_unmatched first_error events exact_share
    bounded_share tail_share stamp_error_us stamp_error_exact_us stamp_error_tail_us ttft_us itl_us
    request_to_server_us server_late_us cpu_us_per_event client_busy_share client_busy_windows
    loop_lag_p99_us""".split())
TOP = set("""selftest tool started duration_s quick holds_defaults reasons machine stamps highest
    sends memory limits loopback""".split())


def leftovers(folder):
    return list(Path(folder).glob("inferbench-selftest-*"))


@pytest.fixture(scope="module")
def quick(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("selftest")
    done = subprocess.run([str(binary), "selftest", "--quick", "--json"], cwd=folder,
                          env=plain_env(TMPDIR=str(folder)), capture_output=True, text=True,
                          timeout=300)
    assert done.returncode in (0, 3), done.stderr
    assert not leftovers(folder)
    return done.returncode, json.loads(done.stdout)


def test_exit_code_and_reasons_agree(quick):
    code, found = quick
    assert set(found) == TOP
    assert found["holds_defaults"] == (code == 0) == (found["reasons"] == [])
    for reason in found["reasons"]:
        assert set(reason) == set("code value limit unit at at_unit what".split())
        assert found["limits"][reason["code"]] == reason["limit"]


def test_each_load_is_complete(quick):
    _, found = quick
    assert [load["events_per_second"] for load in found["stamps"]] == [1000, 10000, 20000]
    for load in found["stamps"] + found["highest"]["steps"]:
        assert set(load) == STAMPS
        assert load["requests_ok"] == load["requests"], load["first_error"]
        assert load["requests_failed"] == load["requests_unmatched"] == 0
        assert load["events"] == load["requests"] * load["tokens"]
        shares = load["exact_share"] + load["bounded_share"] + load["tail_share"]
        assert shares == pytest.approx(1)
        assert set(load["stamp_error_us"]) == SPREAD
    for load in found["sends"]:
        assert load["send_late_us"]["count"] == load["requests"] == load["requests_ok"]


def test_no_stamp_precedes_its_send(quick):
    """Whatever the load of this machine: an event is never there before it was sent, but for
    the width of the clocks' readings; nor a send before its due time."""
    _, found = quick
    for load in found["stamps"]:
        assert load["stamp_error_exact_us"]["count"] > 0
        assert load["stamp_error_exact_us"]["min"] > -20
        assert load["stamp_error_exact_us"]["p50"] < 1000
        assert load["request_to_server_us"]["min"] > -20
    for load in found["sends"]:
        assert load["send_late_us"]["min"] >= 0


def test_percentiles_are_in_order_and_errors_are_differences(quick):
    _, found = quick
    for load in found["stamps"]:
        for key in ("ttft_us", "itl_us"):
            pair = load[key]
            assert set(pair) == {"client", "truth", "error"}
            for side in ("client", "truth"):
                values = [pair[side][name] for name in ("min", "p50", "p90", "p99", "p99_9", "max")]
                values = [value for value in values if value is not None]
                assert values == sorted(values)
            assert pair["error"]["p50"] == pytest.approx(
                pair["client"]["p50"] - pair["truth"]["p50"], abs=0.01)
        itl_us = load["itl_ns"] / 1e3
        assert 0.8 * itl_us < load["itl_us"]["truth"]["p50"] < 1.3 * itl_us


def test_machine_search_and_memory(quick):
    _, found = quick
    machine = found["machine"]
    assert machine["kernel"] == os.uname().release
    assert machine["usable_cores"] == len(os.sched_getaffinity(0))
    assert machine["has_receive_stamps"] is True
    assert machine["clock_width_us"] > 0
    if machine["usable_cores"] > 1:
        assert machine["server_cores"] == str(max(os.sched_getaffinity(0)))
    highest = found["highest"]
    assert highest["why"]
    assert (highest["broke_at_events_per_second"] is not None) == bool(highest["reasons"])
    memory = found["memory"]
    assert memory["streams"] == [100, 1000]
    # 32 tokens: a flight and a connection take more than 1 kB, and not 100
    assert 1000 < memory["bytes_per_stream"] < 100_000
    assert "Loopback" in found["loopback"]


def test_page_fits_and_names_each_reason(binary, tmp_path):
    done = subprocess.run([str(binary), "selftest", "--quick", "--rates", "2000", "--streams", "20"],
                          cwd=tmp_path, env=plain_env(TMPDIR=str(tmp_path)), capture_output=True,
                          text=True, timeout=300)
    assert done.returncode in (0, 3), done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "Loopback flatters" in done.stdout
    short = done.stdout.partition("does not meet the default limits:")[2]
    assert bool(short.strip()) == (done.returncode == 3)
    assert ("This machine meets the default limits." in done.stdout) == (done.returncode == 0)
    assert not leftovers(tmp_path)


def test_one_core_falls_short_and_says_so(binary, tmp_path):
    core = max(os.sched_getaffinity(0))
    done = subprocess.run(["taskset", "-c", str(core), str(binary), "selftest", "--quick", "--json",
                           "--rates", "500"], cwd=tmp_path, env=plain_env(TMPDIR=str(tmp_path)),
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 3, done.stderr
    found = json.loads(done.stdout)
    assert "ONE_CORE" in [reason["code"] for reason in found["reasons"]]
    assert found["machine"]["client_cores"] == found["machine"]["server_cores"] == str(core)


NO_STAMPS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    int (*real)(int, int, int, const void *, socklen_t) = dlsym(RTLD_NEXT, "setsockopt");
    if (level == SOL_SOCKET && name == SO_TIMESTAMPING) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return real(fd, level, name, value, size);
}
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
def test_a_kernel_without_receive_stamps(binary, tmp_path):
    (tmp_path / "without.c").write_text(NO_STAMPS)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "without.so", "without.c", "-ldl"],
                   cwd=tmp_path, check=True)
    done = subprocess.run([str(binary), "selftest", "--quick", "--json", "--rates", "1000"],
                          cwd=tmp_path, env=plain_env(TMPDIR=str(tmp_path),
                                                      LD_PRELOAD=str(tmp_path / "without.so")),
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 3, done.stderr
    found = json.loads(done.stdout)
    assert found["reasons"][0]["code"] == "NO_STAMPS"
    assert found["machine"]["has_receive_stamps"] is False
    load, = found["stamps"]
    assert load["bounded_share"] < 0.5  # what is read at once counts, though never as stamped
    assert load["ttft_us"]["client"]["p50"] == pytest.approx(load["ttft_us"]["truth"]["p50"],
                                                            rel=0.1)


def test_ctrl_c_ends_all(binary, tmp_path):
    run = subprocess.Popen([str(binary), "selftest"], cwd=tmp_path,
                           env=plain_env(TMPDIR=str(tmp_path)), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("inferbench-selftest-*/server.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 4, out + err
    assert out == ""
    assert not leftovers(tmp_path)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert str(tmp_path).encode() not in path.read_bytes()
        except OSError:
            pass  # it has ended meanwhile


@pytest.mark.parametrize("words, message", [
    (["--rates", "5"], "--rates"),
    (["--rates", *["100"] * 17], "--rates"),
    (["--streams", "0"], "--streams"),
    (["now"], "unexpected argument"),
    (["--quik"], "--quick"),
])
def test_wrong_usage_starts_nothing(inferbench, words, message):
    done = inferbench("selftest", *words)
    assert done.returncode == 2
    assert message in done.stderr


def test_no_place_for_its_files(inferbench, tmp_path):
    done = inferbench("selftest", "--quick", env={"TMPDIR": str(tmp_path / "none")})
    assert done.returncode == 1
    assert "TMPDIR" in done.stderr
