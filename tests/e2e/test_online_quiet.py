"""The instrument does not disturb: which connections it has open beside a load, and how many.

Against pool_server.py, which has a thread for each connection as llama.cpp's server has: one that is
open and idle takes a thread from the load. The server's own log is the truth.
"""

import json
import math
import shlex
import statistics
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from e2e.odd_server import check_accounts, online
from e2e.offline_run import wait_for

SCRIPT = Path(__file__).with_name("pool_server.py")
NS = 1_000_000_000
HOLD_S = 5  # the server's own choice


class Connection:
    def __init__(self, opened_ns):
        self.opened_ns, self.closed_ns, self.requests = opened_ns, math.inf, []

    @property
    def is_load(self):
        """Of the load, or one that was opened for it and not yet used."""
        return all(line["line"].startswith("POST /v1/") for line in self.requests)


class Truth:
    """The log by connection, and by repeat the time from its first request to its last answer."""

    def __init__(self, path):
        self.connections, self.requests, self.repeats = {}, {}, {}
        for line in map(json.loads, path.read_text().splitlines()):
            self.take(line)

    def take(self, line):
        at, what, number = line["at"], line["what"], line["conn"]
        if what == "open":
            self.connections[number] = Connection(at)
        elif what == "close":
            self.connections[number].closed_ns = at
        elif what == "request":
            self.connections[number].requests.append(line)
        if what in ("first", "done") or line.get("id"):
            request = self.requests.setdefault(line["id"], {})
            request[what] = at
            repeat = int(line["id"].rsplit("-", 2)[1].strip("rw"))
            self.repeats.setdefault(repeat, []).append(at)

    def span(self, repeat):
        return min(self.repeats[repeat]), max(self.repeats[repeat])

    def control(self):
        return [one for one in self.connections.values() if one.requests and not one.is_load]

    def open_at(self, at):
        """Connections of the load."""
        return sum(one.opened_ns < at < one.closed_ns
                   for one in self.connections.values() if one.is_load and one.opened_ns < at)

    def ttft_s(self, repeat):
        return [(one["first"] - one["request"]) / NS for name, one in self.requests.items()
                if f"-r{repeat}-" in name]


@pytest.fixture
def pool(tmp_path):
    """pool(options...) starts the server; .words say to inferbench where it is."""
    started = []

    def begin(*words, uds=None, tls=None):
        one = SimpleNamespace(log=tmp_path / f"pool{len(started)}.jsonl")
        words = [sys.executable, str(SCRIPT), str(one.log), *map(str, words)]
        if tls:
            words += ["--cert", str(tls / "localhost.pem"), "--key", str(tls / "localhost.key")]
        if uds:
            words += ["--uds", str(uds)]
        one.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        started.append(one)
        port = one.process.stdout.readline().strip()
        scheme = "https" if tls else "http"
        one.words = ["--base-url", f"unix:{uds}" if uds else f"{scheme}://127.0.0.1:{port}"]
        if tls:
            one.words += ["--ca-cert", str(tls / "localhost.pem")]
        one.truth = lambda: Truth(one.log)
        return one
    yield begin
    for one in started:
        one.process.terminate()
        one.process.wait(60)


def closed(concurrency, prompts, *words, runs=2):
    return ["--no-imds", "--num-runs", str(runs), "--max-tokens", "20", "--concurrency",
            str(concurrency), "--num-prompts", str(prompts), "--accept-invalid", *words]


def opened(rate, prompts, *words, runs=2):
    return ["--no-imds", "--num-runs", str(runs), "--max-tokens", "20", "--request-rate",
            str(rate), "--num-prompts", str(prompts), "--accept-invalid", *words]


# ---- servers that our own connections would starve


@pytest.mark.parametrize("way", ["plain", "tls", "unix"])
def test_as_many_slots_as_threads(binary, tmp_path, pool, certificates, way):
    server = pool("--threads", 4, uds=tmp_path / "s" if way == "unix" else None,
                  tls=certificates["folder"] if way == "tls" else None)
    run = online(binary, tmp_path, *server.words, load=closed(4, 40))
    assert run.code == 0, run.err
    check_accounts(run)
    row = run.rows[1]
    assert row["requests_ok"] == 40
    answer_s = (30 + 19 * 10) / 1e3
    assert row["tokens_per_second"] > 4 * 20 / answer_s / 2
    assert row["ttft_mean_s"] < 3 * statistics.mean(server.truth().ttft_s(1))


def test_one_slot_on_one_thread(binary, tmp_path, pool):
    """Kept between phases, the load's own connection holds the thread that /metrics needs."""
    server = pool("--threads", 1)
    run = online(binary, tmp_path, *server.words, load=closed(1, 8))
    assert run.code == 0, run.err
    assert run.rows[1]["requests_ok"] == 8
    assert run.rows[1]["preemptions"] == 0  # read before and after


def test_warm_up_requests_on_one_thread(binary, tmp_path, pool):
    """No more at a time than the load itself sends."""
    server = pool("--threads", 1)
    run = online(binary, tmp_path, *server.words, load=closed(1, 4, "--warmup-requests", "4"))
    assert run.code == 0, run.err
    assert run.rows[1]["requests_ok"] == 4


def test_open_load_on_few_threads(binary, tmp_path, pool):
    """A connection that nobody needs yet would hold one of them for 5 s."""
    server = pool("--threads", 8, "--metrics", "none")
    run = online(binary, tmp_path, *server.words, load=opened(4, 24))
    assert run.code == 0, run.err
    check_accounts(run)
    row = run.rows[1]
    assert row["requests_ok"] == 24
    truth_s = server.truth().ttft_s(1)
    assert len(truth_s) == 24
    assert row["ttft_mean_s"] < 3 * statistics.mean(truth_s)
    longest = max(line["first_ns"] - line["due_ns"] for line in run.requests().values())
    assert longest < HOLD_S * NS / 4


def test_metrics_that_are_not_answered(binary, tmp_path, pool):
    """Each reading would hold a thread; so there is one in a repeat, and no maximum is known."""
    server = pool("--threads", 4, "--stuck")
    run = online(binary, tmp_path, *server.words, load=closed(2, 24))
    assert run.code == 0, run.err
    row, truth = run.rows[1], server.truth()
    assert row["requests_ok"] == 24 and row["kv_usage_max"] is None
    for repeat in (0, 1):
        begin, end = truth.span(repeat)
        asked = [one for one in truth.control() if begin < one.requests[0]["at"] < end]
        assert [one.requests[0]["line"] for one in asked] == ["GET /metrics"]
        assert asked[0].closed_ns < end


# ---- which connections are open


def check_control(truth, sampled):
    """Each control call has its connection, closes it, and is over before the load begins."""
    control = truth.control()
    assert {one.requests[0]["line"] for one in control} >= {"GET /health", "GET /v1/models",
                                                            "GET /version", "GET /metrics"}
    for one in control:
        assert len(one.requests) == 1
        assert one.requests[0]["connection"] == "close"
        assert one.closed_ns < math.inf
    for repeat in truth.repeats:
        begin, end = truth.span(repeat)
        during = [one for one in control if begin < one.requests[0]["at"] < end]
        assert all(one.requests[0]["line"] == "GET /metrics" for one in during)
        assert bool(during) == sampled
        open_ns = sum(min(end, one.closed_ns) - max(begin, one.opened_ns) for one in control
                      if one.opened_ns < end and one.closed_ns > begin)
        assert open_ns < (end - begin) / 4  # the server may notice an end late


@pytest.mark.parametrize("metrics", ["vllm", "other"])
@pytest.mark.parametrize("way", ["plain", "tls", "unix", "launched"])
def test_only_the_load_is_connected(binary, tmp_path, pool, certificates, way, metrics):
    """During a load /metrics is read on a connection of its own, and only if it is vLLM's."""
    options = ("--threads", 16, "--metrics", metrics)
    if way == "launched":
        log = tmp_path / "launched.jsonl"
        command = [sys.executable, SCRIPT, log, "--port", "{port}", *options]
        words, truth = ["--launch-command", shlex.join(map(str, command))], lambda: Truth(log)
    else:
        server = pool(*options, uds=tmp_path / "s" if way == "unix" else None,
                      tls=certificates["folder"] if way == "tls" else None)
        words, truth = server.words, server.truth
    run = online(binary, tmp_path, *words, load=closed(2, 14))
    assert run.code == 0, run.err
    found = wait_for(lambda: (seen := truth()) and all(
        one.closed_ns < math.inf for one in seen.control()) and seen, "ends of connections")
    check_control(found, sampled=metrics == "vllm")
    assert run.rows[1]["kv_usage_max"] == (0.25 if metrics == "vllm" else None)
    for repeat in (0, 1):
        begin, _ = found.span(repeat)
        assert found.open_at(begin) == 2


def test_fewer_slots_than_before(binary, tmp_path, pool):
    """What a cell with more slots has left is closed, of client threads without work too."""
    server = pool("--threads", 32, "--hold-s", 60)
    run = online(binary, tmp_path, *server.words, "--client-threads", "3", "--concurrency", "6",
                 "2", load=["--no-imds", "--num-runs", "2", "--max-tokens", "20", "--num-prompts",
                            "12", "--accept-invalid"])
    assert run.code == 0, run.err
    truth = server.truth()
    cells = {}
    for name, one in truth.requests.items():
        cells.setdefault(name.rsplit("-", 3)[1], []).append(one)
    for cell, slots in (("c0", 6), ("c1", 2)):
        begin = min(one["request"] for one in cells[cell])
        assert truth.open_at(begin + NS // 5) == slots


def test_an_open_load_keeps_what_it_expects(binary, tmp_path, pool):
    """One at first; in later repeats the mean number in flight of the one before."""
    server = pool("--threads", 64, "--hold-s", 60, "--ttft-ms", 200)
    run = online(binary, tmp_path, *server.words, load=opened(20, 60, runs=3))
    assert run.code == 0, run.err
    truth = server.truth()
    begin, _ = truth.span(0)
    assert truth.open_at(begin) == 1
    for repeat in (1, 2):
        before = [one for name, one in truth.requests.items() if f"-r{repeat - 1}-" in name]
        span = max(one["done"] for one in before) - min(one["request"] for one in before)
        mean = sum(one["done"] - one["request"] for one in before) / span
        events = sorted([(one["request"], 1) for one in before] +
                        [(one["done"], -1) for one in before])
        most = max(sum(step for _, step in events[:i + 1]) for i in range(len(events)))
        begin, _ = truth.span(repeat)
        stand = truth.open_at(begin + NS // 20)
        assert abs(stand - math.ceil(mean)) <= 2 < most - math.ceil(mean), (stand, mean, most)
        row = run.rows[repeat]
        assert row["connections_new"] + row["connections_reused"] == 60
        assert row["connections_new"] >= 1 and row["connect_max_s"] > 0


def test_two_servers_share_what_is_expected(binary, tmp_path, pool):
    servers = [pool("--threads", 32), pool("--threads", 32)]
    urls = [server.words[1] for server in servers]
    run = online(binary, tmp_path, "--base-url", *urls, "--client-threads", "2",
                 load=closed(6, 24))
    assert run.code == 0, run.err
    for server in servers:
        truth = server.truth()
        begin, _ = truth.span(0)
        assert truth.open_at(begin) == 3
