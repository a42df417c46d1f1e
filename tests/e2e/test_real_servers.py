"""`inferbench online` on real servers that are not vLLM: llama.cpp's, and nginx and haproxy before
`inferbench serve`. What they promise and what they do differ (docs/servers.md)."""

import concurrent.futures
import http.client
import json
import random
import statistics
import time
from urllib.parse import urlsplit

import pytest

from e2e import real_servers
from e2e.odd_server import check_accounts, online
from e2e.serve_client import Server
from oracle import oracle

pytestmark = pytest.mark.alone

@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    with real_servers.llama(tmp_path_factory.mktemp("llama")) as url:
        yield url


def asked(url, tokens):
    """TTFT and time per token, s, of one completion, as another client sees them. No prompt is in
    the server's cache."""
    at = urlsplit(url)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
    body = {"model": "tiny", "prompt": [random.randrange(260, 510) for _ in range(32)], "max_tokens": tokens,
            "ignore_eos": True, "stream": True, "temperature": 0.7}
    sent = time.monotonic()
    connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
    answer, came = connection.getresponse(), []
    while line := answer.readline():
        if line.startswith(b"data: {"):
            came.append(time.monotonic())
    connection.close()
    return came[0] - sent, (came[-1] - came[0]) / (tokens - 1)  # half characters come later


def closed_load(binary, folder, llama, concurrency):
    """(TTFT, time per token) of each answer, s, as we measured them; no request has failed."""
    run = online(binary, folder, "--base-url", llama, "--accept-invalid", "--scenarios", "short",
                 load=("--no-imds", "--num-runs", "3", "--max-tokens", "32", "--num-prompts", "24",
                       "--concurrency", str(concurrency)))
    assert run.code == 0, run.err
    check_accounts(run)
    for row in run.rows:
        assert row["dialect"] == "llamacpp" and row["requests_failed"] == 0
        assert row["actual_output_tokens"] == 24 * 32 and row["token_source"] == "usage"
        assert row["actual_input_tokens"] == 24 * row["input_length"]
        assert list(row["answered_by"].values()) == [24] and row["requests_elsewhere"] == 0
        assert row["answers_unended"] == 0
    assert run.rows[-1]["requests_resent"] == 0
    oracle.check_run(run.files.folder)
    lines = [line for line in run.requests(2).values() if line["first_ns"] is not None]
    return [((line["first_ns"] - line["due_ns"]) / 1e9, (line["last_ns"] - line["first_ns"]) / 31e9)
            for line in lines]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_llama_closed_load(binary, tmp_path, llama, concurrency):
    """It promises to keep connections and closes each after its answer: none of the requests fails.
    Other work on the machine may hit one of the two clients alone: they have three tries to agree."""
    ratios = []
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        own = closed_load(binary, tmp_path / str(number), llama, concurrency)
        with concurrent.futures.ThreadPoolExecutor(concurrency) as pool:
            other = list(pool.map(lambda _: asked(llama, 32), range(8 * concurrency)))
        ratios.append([statistics.median(a) / statistics.median(b) for a, b in zip(zip(*own), zip(*other))])
        if all(0.5 < ratio < 2 for ratio in ratios[-1]):
            return
    raise AssertionError(ratios)


def test_llama_again(binary, tmp_path, llama):
    """It keeps the prompts that it has seen: those of a second run are others, and take as long."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        run = online(binary, tmp_path / name, "--base-url", llama, "--accept-invalid", "--scenarios", "short",
                     load=("--no-imds", "--num-runs", "2", "--max-tokens", "8", "--num-prompts", "12",
                           "--concurrency", "2"))
        assert run.code == 0, run.err
        for row in run.rows:  # a first token that some earlier prompt had is a hit as well
            assert row["cache_source"] == "usage"
            assert row["cached_input_tokens"] < 0.1 * row["actual_input_tokens"], (name, row)


def test_llama_open_load(binary, tmp_path, llama):
    """No request waits seconds for a thread that an idle connection of ours holds."""
    run = online(binary, tmp_path, "--base-url", llama, "--accept-invalid", "--scenarios", "short",
                 load=("--no-imds", "--num-runs", "2", "--max-tokens", "16", "--num-prompts", "40",
                       "--request-rate", "8", "--arrival", "constant"))
    assert run.code == 0, run.err
    row = run.rows[1]
    assert row["requests_failed"] == 0
    times = [line["first_ns"] - line["due_ns"] for line in run.requests(1).values()
             if line["first_ns"] is not None]
    assert len(times) > 35
    assert max(times) < max(20 * statistics.median(times), 2e9)  # a held thread: 5 s


def test_llama_chat(binary, tmp_path, llama):
    run = online(binary, tmp_path, "--base-url", f"{llama}/v1/chat/completions", "--accept-invalid",
                 load=("--no-imds", "--num-runs", "2", "--max-tokens", "16", "--num-prompts", "12",
                       "--concurrency", "2"))
    assert run.code == 0, run.err
    row = run.rows[1]
    assert row["endpoint"] == "chat" and row["requests_failed"] == 0
    assert row["actual_output_tokens"] == 12 * 16


@pytest.fixture
def simulated(binary, tmp_path):
    server = Server(binary, tmp_path, "--ttft", "30ms", "--itl", "10ms")
    yield server
    server.stop()


@pytest.mark.parametrize("name", ["nginx", "haproxy"])
def test_proxies_that_pass_bytes_on(binary, tmp_path, simulated, name):
    """nginx below a path, closing each connection after five requests; haproxy with no delay."""
    (tmp_path / "proxy").mkdir()
    with getattr(real_servers, name)(tmp_path / "proxy", simulated.port) as url:
        run = online(binary, tmp_path, "--base-url", url, "--accept-invalid", "--scenarios", "short",
                     load=("--no-imds", "--num-runs", "2", "--max-tokens", "16", "--num-prompts", "24",
                           "--concurrency", "2"))
    assert run.code == 0, run.err
    row = run.rows[1]
    assert row["requests_failed"] == 0 and "ANSWERS_BUFFERED" not in row["reasons"]
    if "PARTIAL_TTFT" not in row["warnings"]:  # a busy machine reads first tokens with others
        assert 0.03 <= row["ttft_p50_s"] < 0.06
    assert 9 < row["tpot_mean_ms"] < 15


def test_a_proxy_that_holds_bytes_back(binary, tmp_path, simulated):
    """haproxy as it is: the numbers are not the server's, and the row says so."""
    (tmp_path / "proxy").mkdir()
    with real_servers.haproxy(tmp_path / "proxy", simulated.port, option="") as url:
        run = online(binary, tmp_path, "--base-url", url, "--accept-invalid", "--scenarios", "short",
                     load=("--no-imds", "--num-runs", "2", "--max-tokens", "16", "--num-prompts", "24",
                           "--concurrency", "2"))
    assert run.code == 0, run.err
    row = run.rows[1]
    assert row["requests_failed"] == 0
    assert "ANSWERS_BUFFERED" in row["reasons"] or "STAMPS_BOUNDED" in row["warnings"]
