"""What goes wrong on the network and on the machine, each provoked for real: the message, the
class it is counted under, the others unharmed, complete files, the exit code, nothing left."""

import fcntl
import gzip
import json
import os
import pty
import re
import resource
import signal
import socket
import subprocess
import termios
import threading
import time
import uuid

import pytest

from e2e import odd_server as odd
from e2e.odd_server import (OddServer, Run, check_accounts, check_times, check_unharmed, online,
                            small)
from e2e.offline_run import (files_of, journal_of, processes_of, repeats_done, run_measured,
                             start, wait_for)
from e2e.serve_client import Server
from oracle import oracle

SOON = ["--ready-timeout", "300ms"]
FAST = ["--ttft", "5ms", "--itl", "2ms"]


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch):
    """A mark in the environment of all that a test starts; none may be alive afterwards."""
    mark = uuid.uuid4().hex
    monkeypatch.setenv("TEST_MARK", mark)
    yield
    wait_for(lambda: not processes_of(f"TEST_MARK={mark}"), "processes gone", 20)


@pytest.fixture
def serve(binary, tmp_path):
    """serve("--cut", 0.3): a simulated server; stopped at the end."""
    started = []

    def begin(*options):
        started.append(Server(binary, tmp_path, *options))
        return started[-1]
    yield begin
    for one in started:
        one.stop()


def check_failed(run, *texts):
    """Nothing was measured: exit 1, why stands on the screen, in the last line and in the row."""
    assert run.code == 1, run.err
    said = [line for line in run.err.splitlines() if line.startswith("inferbench: ")]
    assert len(said) == 1, run.err
    for text in texts:
        assert text in said[0], (text, said[0])
    assert run.last.startswith("exit 1: 1 of 1 cell failed; first cause: ")
    assert len(run.rows) == 1 and run.rows[0]["error"]
    assert run.rows[0]["error"] in run.last
    assert run.rows[0]["tokens_per_second"] is None
    check_accounts(run)


# ---- no server, the wrong one


def free_port():
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def test_no_server(binary, tmp_path):
    port = free_port()
    run = online(binary, tmp_path, "--port", port, *SOON)
    check_failed(run, f"http://localhost:{port}: not ready within 0.3 s: connection refused",
                 "Is the server running", "--ready-timeout")
    assert f"waiting for http://localhost:{port}: connection refused" in run.err


def test_unknown_host(binary, tmp_path):
    started = time.monotonic()
    run = online(binary, tmp_path, "--base-url", "http://nohost.invalid:1", "--ready-timeout", "1h")
    check_failed(run, "http://nohost.invalid:1", "host name is unknown", "Check the spelling")
    assert time.monotonic() - started < 60  # it does not wait for what will not come


def test_another_http_server(binary, tmp_path):
    nothing = {path: odd.plain(404, b"{}", reason="Not Found")
               for path in ("/health", "/v1/models", "/version")}
    with OddServer(paths=nothing) as server:
        run = online(binary, tmp_path, "--port", server.port, *SOON)
    check_failed(run, f"http://localhost:{server.port}", "HTTP 404", "--base-url")
    assert server.seen == []


def test_a_port_that_speaks_no_http(binary, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def greet():
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                with sock:
                    sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        threading.Thread(target=greet, daemon=True).start()
        port = listener.getsockname()[1]
        run = online(binary, tmp_path, "--port", port, *SOON)
        listener.shutdown(socket.SHUT_RDWR)
    check_failed(run, f"http://localhost:{port}: not ready within 0.3 s", "Is the address right")


# ---- TLS


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("trust", ["--ca-cert", "--insecure"])
def test_tls(binary, tmp_path, certificates, trust, host):
    words = [trust, certificates["folder"] / "localhost.pem"][:2 if trust == "--ca-cert" else 1]
    with OddServer(tls=certificates["localhost"]) as server:
        run = online(binary, tmp_path, "--base-url", f"https://{host}:{server.port}", *words,
                     "--accept-invalid", *SOON)
    assert run.code == 0, run.err
    check_accounts(run)
    assert len(check_unharmed(run)) == 12
    line = run.requests(repeat=0)[0]
    assert line["tls_ns"] > 0 and line["connect_ns"] > 0


def test_the_network_s_part_is_not_the_client_s(binary, tmp_path, certificates):
    """Each request opens a connection of its own: that takes longer than a send may be late."""
    class Slow(OddServer):
        def serve(self, sock):
            time.sleep(0.02)  # before the handshake
            super().serve(sock)
    with Slow(tls=certificates["localhost"]) as server:
        run = online(binary, tmp_path, "--base-url", f"https://localhost:{server.port}", "--insecure",
                     "--no-keepalive", load=small(2, 40))
    check_accounts(run)
    row = run.rows[1]
    assert row["connections_new"] == 40 and row["tls_p50_s"] > 0.02
    assert row["send_lag_p50_s"] > 0.02
    assert row["send_late_share"] < 0.5, row["checks"]
    assert row["e2e_mean_s"] > row["e2e_service_mean_s"] + 0.015


@pytest.mark.parametrize("holds,words,texts", [
    ("localhost", [], ["certificate was refused", "self-signed", "--ca-cert", "--insecure"]),
    ("elsewhere", ["--ca-cert", "elsewhere.pem"], ["certificate", "localhost", "name"]),
], ids=["unknown authority", "another name"])
def test_certificate_refused(binary, tmp_path, certificates, holds, words, texts):
    words = [certificates["folder"] / word if word.endswith(".pem") else word for word in words]
    with OddServer(tls=certificates[holds]) as server:
        run = online(binary, tmp_path, "--base-url", f"https://localhost:{server.port}", *words,
                     "--ready-timeout", "1h")
    check_failed(run, f"https://localhost:{server.port}", *texts)
    assert server.seen == []


def test_a_second_server_with_a_bad_certificate(binary, tmp_path, certificates):
    """The first one is asked for its models; the other is met when connections are opened."""
    with OddServer(tls=certificates["localhost"]) as first, \
            OddServer(tls=certificates["elsewhere"]) as second:
        run = online(binary, tmp_path, "--base-url", f"https://localhost:{first.port}",
                     f"https://localhost:{second.port}", "--ca-cert",
                     certificates["folder"] / "localhost.pem", *SOON)
    check_failed(run, f":{second.port}", "certificate was refused")
    assert first.seen == [] and second.seen == []


def test_https_to_a_plain_port(binary, tmp_path):
    with OddServer() as server:
        run = online(binary, tmp_path, "--base-url", f"https://localhost:{server.port}", *SOON)
    check_failed(run, f"https://localhost:{server.port}", "TLS", "http://")


def test_plain_http_to_a_tls_port(binary, tmp_path, certificates):
    with OddServer(tls=certificates["localhost"]) as server:
        run = online(binary, tmp_path, "--base-url", f"http://localhost:{server.port}", *SOON)
    check_failed(run, f"http://localhost:{server.port}: not ready", "https")


@pytest.mark.parametrize("name,text", [("/nowhere.pem", "no such file"), (__file__, "PEM")])
def test_bad_ca_file(binary, tmp_path, name, text):
    run = online(binary, tmp_path, "--base-url", "https://localhost:1", "--ca-cert", name)
    assert run.code == 2 and name in run.err and text in run.err
    assert not list(tmp_path.iterdir())


# ---- keys and models


@pytest.mark.parametrize("key", ["", odd.SECRET], ids=["none", "a wrong one"])
def test_401(binary, tmp_path, serve, key):
    (tmp_path / "key").write_text("another-key")
    server = serve("--api-key-file", tmp_path / "key")
    run = online(binary, tmp_path, "--port", server.port, env={"OPENAI_API_KEY": key})
    check_failed(run, "/v1/models", "HTTP 401", "--api-key-file")
    server.stop()
    assert server.log()[1] == {}


def test_wrong_model(binary, tmp_path, serve):
    server = serve("--model", "right-one")
    run = online(binary, tmp_path, "--port", server.port, "--model", "wrong-one")
    check_failed(run, f"localhost:{server.port}", '"wrong-one"', "right-one")
    server.stop()
    assert server.log()[1] == {}


def test_several_models(binary, tmp_path):
    with OddServer(models=("red", "blue")) as server:
        run = online(binary, tmp_path, "--port", server.port)
    check_failed(run, "several models", "--model", "red, blue")


# ---- faults of the simulated server, against its own log

OUTCOMES = {  # option: more options, class, text of a request's error
    "fail": (["--fail-status", 429, "--retry-after", 7], "rate_limit", "HTTP 429 (Retry-After 7 s)"),
    "cut": ([], "reset", "closed the connection in the middle of the answer"),
    "reset": ([], "reset", "reset by peer"),
    "abort": ([], "aborted", "aborted"),
    "error": ([], "stream", ""),
    "garbage": ([], "stream", ""),
    "big_header": ([], "stream", "headers larger than 16 KiB"),
    "stall": ([], "timeout", "answer unfinished after 2 s"),
    "hang": ([], "timeout", "answer unfinished after 2 s"),
}
KINDS = {"head": "not HTTP/1.1", "chunk": "chunk size", "negative": "chunk size",
         "json": "not JSON", "line": ""}


def run_with_fault(binary, tmp_path, server, outcome, *words):
    """(run, truth): counted as the server did them; each request was sent once."""
    name, text = OUTCOMES[outcome][1:]
    run = online(binary, tmp_path, "--port", server.port, "--request-timeout", "2s", *words,
                 load=small(12, 24))
    assert run.code == 3, run.err
    assert run.last.startswith("exit 3: measured: 1 INVALID")
    check_accounts(run)
    server.stop()
    truth = server.log()[1]
    assert len(truth) == 48
    row = run.rows[1]
    ids = {f"{row['run_id']}-c0-r1-{index}": line for index, line in run.requests().items()}
    measured = {one["id"]: one for one in truth.values() if one["id"] in ids}
    assert len(measured) == 24
    # of a megabyte of garbage we may not have taken all
    names = (outcome, "closed") if outcome in ("garbage", "big_header") else (outcome,)
    hit = {key for key, one in measured.items() if one["outcome"] in names}
    assert 0 < len(hit) < 24
    assert row["failed_by_class"] == {name: len(hit)}
    assert row["reasons"][0] == "ERRORS" and row["error"] is None
    for key, line in ids.items():
        assert (line["status"] == "failed") == (key in hit), line
        assert key not in hit or text in line["error"], line
    assert len(check_unharmed(run)) == 24 - len(hit)
    check_times(run, truth)
    assert f"{len(hit)} failed" in run.err
    return run


@pytest.mark.parametrize("outcome,endpoint", [
    *((outcome, "completions") for outcome in OUTCOMES),
    *((outcome, "chat") for outcome in ("fail", "cut", "abort", "error", "garbage"))])
def test_fault(binary, tmp_path, serve, outcome, endpoint):
    option = "--" + outcome.replace("_", "-")
    server = serve(*FAST, option, 0.3, *OUTCOMES[outcome][0])
    run_with_fault(binary, tmp_path, server, outcome, "--endpoint", endpoint)


def test_fault_on_several_lanes(binary, tmp_path, serve):
    server = serve(*FAST, "--cut", 0.3)
    run_with_fault(binary, tmp_path, server, "cut", "--client-threads", 3)


@pytest.mark.parametrize("kind", KINDS)
def test_garbage(binary, tmp_path, serve, kind):
    server = serve(*FAST, "--garbage", 0.3, "--garbage-kind", kind)
    run = run_with_fault(binary, tmp_path, server, "garbage")
    for line in run.requests().values():
        assert line["status"] == "ok" or KINDS[kind] in line["error"], line["error"]


def test_503_in_an_open_load(binary, tmp_path, serve):
    server = serve(*FAST, "--fail", 0.3, "--fail-status", 503)
    run = online(binary, tmp_path, "--port", server.port, "--request-rate", 200,
                 load=small(None, 30))
    assert run.code == 3, run.err
    check_accounts(run)
    server.stop()
    assert len(server.log()[1]) == 60
    row = run.rows[1]
    assert row["failed_by_class"].keys() == {"http"} and row["requests_ok"] > 0
    assert all("HTTP 503" in line["error"] for line in run.requests().values()
               if line["status"] == "failed")
    check_times(run, server.log()[1])


def test_every_request_fails(binary, tmp_path, serve):
    server = serve("--fail", 1, "--fail-status", 503, "--retry-after", 30)
    run = online(binary, tmp_path, "--port", server.port)
    check_failed(run, "all 12 failed", "HTTP 503 (Retry-After 30 s)", "journal.jsonl")
    assert run.rows[0]["failed_by_class"] == {"http": 12}
    server.stop()
    assert len(server.log()[1]) == 12


# ---- answers that no simulated server gives


def send(*parts, keep=False):
    def answer(sock, request):
        for part in parts:
            sock.sendall(part)
        return keep
    return answer


def hang_up_unread(sock, request):
    odd.reset(sock)
    return False


WHOLE = odd.plain(200, {"choices": [{"index": 0, "text": " x" * 8, "finish_reason": "length"}],
                        "usage": {"prompt_tokens": 3, "completion_tokens": 8}})
ODD = {
    "closes at once": (send(), "reset", "the server closed the connection"),
    "resets at once": (hang_up_unread, "reset", "reset by peer"),
    "closes in the head": (send(b"HTTP/1.1 200 OK\r\ncontent-ty"), "reset", "closed"),
    "negative chunk": (send(odd.HEAD, b"-5\r\nhello\r\n"), "stream", "chunk size"),
    "huge chunk": (send(odd.HEAD, b"ffffffffffffffffff\r\n"), "stream", "chunk size"),
    "endless chunk size": (send(odd.HEAD, b"1;" + b"x" * 100_000), "stream", "chunk size line"),
    "two lengths": (send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello"),
                    "stream", "Content-Length"),
    "folded header": (send(b"HTTP/1.1 200 OK\r\nx: 1\r\n y\r\n\r\n"), "stream", "header"),
    "another protocol": (send(b"SSH-2.0-OpenSSH_9.2\r\n"), "stream", "not HTTP/1.1"),
    "HTTP/2": (send(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80"), "stream", "not HTTP/1.1"),
    "event that is no JSON": (send(odd.HEAD, odd.event("{half")), "stream", "not JSON"),
    "half an event": (send(odd.HEAD, odd.event('{"choices": [{"te')), "stream", '{"choices": [{"te'),
    "a reason of its own": (send(odd.HEAD, odd.token() * 7, odd.token("x", "content_filter"),
                                 odd.usage(3, 8), odd.END, keep=True), "stream", "content_filter"),
    "plain text": (send(odd.plain(503, b"no healthy\x1b upstream"), keep=True), "http",
                   "no healthy upstream"),
    "a page with a title": (send(odd.plain(413, b"<html><title>Too Large</title>x"), keep=True),
                            "http", "HTTP 413: Too Large"),
    "an error in a list": (send(odd.plain(400, [{"error": {"message": "Unknown name x"}}]),
                                keep=True), "http", "HTTP 400: Unknown name x"),
    "an error in an error": (send(odd.plain(400, {"error": {"error": {"message": "deep"}}}),
                                  keep=True), "http", "HTTP 400: deep"),
    "a list of errors": (send(odd.HEAD, odd.token(), odd.event({"errors": [{"message": "listed"}]}),
                              odd.END, keep=True), "stream", "listed"),
    "an error in words": (send(odd.HEAD, odd.token(), odd.chunk(
        b"event: error\ndata: the GPU fell off the bus\n\n"), odd.END, keep=True),
        "stream", "without a finish_reason: the GPU fell off the bus"),
    "a copy of the request": (send(odd.plain(422, {"detail": [
        {"loc": ["body", "messages"], "msg": "Field required",
         "input": {"cache_salt": "a", "ignore_eos": True}}]}), keep=True), "http",
        "try --endpoint chat"),
    "too long": (send(odd.plain(400, {"error": {"message": "This model's maximum context length "
                                                           "is 64 tokens"}}), keep=True),
                 "http", "--input-tokens"),
    "no such path": (send(odd.plain(404, {"detail": "Not Found"}), keep=True), "http",
                     "--endpoint chat"),
    "no key": (send(odd.plain(401, {"error": {"message": "no key"}}), keep=True), "http",
               "--api-key-file"),
    "error, then [DONE]": (send(odd.HEAD, odd.token() * 3, odd.event(
        {"error": {"message": "engine is dead", "code": 500}}), odd.END, keep=True),
        "stream", "engine is dead"),
    "[DONE] alone": (send(odd.HEAD, odd.END, keep=True), "stream", "without a finish_reason"),
    "no finish_reason": (send(odd.HEAD, odd.token() * 8, odd.usage(3, 8), odd.END, keep=True),
                         "stream", "without a finish_reason"),
    "no end of the body": (send(odd.HEAD, odd.token() * 7, odd.token("x", "length"),
                                odd.usage(3, 8)), "reset", "in the middle"),
    "gzip": (send(odd.plain(200, gzip.compress(b"{}"), "content-encoding: gzip"), keep=True),
             "stream", "compressed"),
    "gzip in a refusal": (send(odd.plain(400, gzip.compress(b"no"), "content-encoding: gzip"),
                               keep=True), "http", "HTTP 400: its message is compressed"),
    "gzip in a stream": (send(odd.HEAD[:-2] + b"content-encoding: gzip\r\n\r\n",
                              odd.chunk(gzip.compress(b"data: {}\n\n"))), "stream", "compressed"),
    "a web page": (send(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n"
                        b"<html>", keep=True), "stream", "not a completion"),
    "another place": (send(odd.plain(307, b"", "location: /v2/completions"), keep=True),
                      "http", "HTTP 307: redirects to /v2/completions"),
    "one piece": (send(WHOLE, keep=True), "stream", "--no-stream"),
    "an error with status 200": (send(odd.plain(200, {"error": {"message": "no room"}}), keep=True),
                                 "stream", "no room"),
    "an id outside the vocabulary": (send(odd.plain(400, {"error": {
        "message": "Token id 99999 is out of vocabulary", "code": 400}}, reason="Bad"), keep=True),
        "http", "99999"),
}


FRESH = ("closes at once", "resets at once")  # on a reused connection: sent again, see below


def one_in_four(bad):
    def answer(sock, request):
        return bad(sock, request) if request.number % 4 == 1 else odd.good(sock, request)
    return answer


@pytest.mark.parametrize("case", ODD)
def test_odd_answer(binary, tmp_path, case):
    bad, name, text = ODD[case]
    fresh = ("--no-keepalive",) if case in FRESH else ()
    with OddServer(one_in_four(bad)) as server:
        run = online(binary, tmp_path, "--port", server.port, "--request-timeout", "30s", *fresh)
    assert run.code == 3, run.err
    assert len(server.seen) == 24  # none was sent twice
    assert run.rows[1]["requests_resent"] == 0
    check_accounts(run)
    row = run.rows[1]
    assert row["failed_by_class"] == {name: 3}
    assert row["reasons"][0] == "ERRORS"
    assert len(check_unharmed(run)) == 9
    hit = {one.index for one in server.seen if one.is_measured and one.number % 4 == 1}
    for index, line in run.requests().items():
        assert (line["status"] == "failed") == (index in hit)
        assert index not in hit or text in line["error"], line["error"]


def test_one_piece_with_no_stream(binary, tmp_path):
    with OddServer(send(WHOLE, keep=True)) as server:
        run = online(binary, tmp_path, "--port", server.port, "--no-stream", "--accept-invalid",
                     load=small(prompts=16))
    assert run.code == 0, run.err
    row = run.rows[1]
    assert (row["requests_ok"], row["actual_output_tokens"]) == (16, 128)
    assert row["itl_gaps"] == 0 and row["e2e_p50_s"] > 0 and row["window_tokens_per_second"] > 0
    for name in ("itl_mean_ms", "tpot_mean_ms", "inter_token_latency", "first_token_latency",
                 "ttft_mean_s", "ttft_p50_s", "ttft_service_p50_s", "decode_time"):
        assert row[name] is None, name
    oracle.check_run(run.files.folder)
    assert all(one.json["stream"] is False for one in server.seen)


@pytest.mark.parametrize("end", FRESH)
def test_reused_connections_that_end(binary, tmp_path, end):
    """As llama.cpp ends them: the first two requests that are lost so go out once more, then each
    has a connection of its own. None fails."""
    served = set()

    def answer(sock, request):
        if sock in served:
            return ODD[end][0](sock, request)
        served.add(sock)
        return odd.good(sock, request)

    with OddServer(answer) as server:
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid",
                     load=("--concurrency", "1", "--num-prompts", "16"))
    assert run.code == 0, run.err
    ids = [one.id for one in server.seen]
    assert len(ids) - len(set(ids)) == 2
    assert [row["requests_resent"] for row in run.rows][:2] == [2, 0]
    assert all(row["requests_failed"] == 0 for row in run.rows)
    assert "sent again on a new connection" in run.err
    assert {one.header("connection") for one in server.seen if one.is_measured} == {"close"}
    oracle.check_run(run.files.folder)


ACCEPTED = {}


def carrying(*between, finish="length", head=odd.HEAD):
    """A right answer with other events between its tokens."""
    def answer(sock, request):
        ACCEPTED[request.header("accept")] = True
        sock.sendall(head)
        for i in range(8):
            sock.sendall(b"".join(between) + odd.token(" x", finish if i == 7 else None))
            time.sleep(0.001)
        sock.sendall(odd.usage(32, 8) + odd.END)
        return True
    return answer


SOUND = {
    "data without data": carrying(odd.chunk(b"data:\n\n"), odd.chunk(b"event: ping\ndata: \n\n")),
    "pings": carrying(odd.chunk(b": ping\n\n"), odd.event("ping"), odd.event({"type": "ping"})),
    "events without choices": carrying(odd.event({"id": "x"}), odd.event("[]"), odd.event("7")),
    **{reason: carrying(finish=reason) for reason in (
        "eos", "eos_token", "stop_sequence", "tool_calls", "function_call", "STOP", "model_length",
        "MAX_TOKENS", "end_turn", "COMPLETE")},
    "a ping with words": carrying(odd.event({"type": "ping", "message": "alive"})),
    "no error": carrying(odd.event({"choices": [], "error": ""}),
                         odd.event({"choices": [{"index": 0}], "error": False, "errors": []})),
    "a comment first": carrying(head=odd.HEAD.replace(b"event-stream", b"plain") +
                                odd.chunk(b"\xef\xbb\xbf: hello\n\n")),
    "one event in two lines": carrying(odd.chunk(b'id: 7\nretry: 1\ndata: {"choices":\ndata: []}\n\n')),
    "no content type": carrying(head=b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
    "another content type": carrying(head=odd.HEAD.replace(b"event-stream", b"plain")),
}


def test_one_piece_without_usage(binary, tmp_path):
    """How many tokens it holds, nobody says: unknown, not 1."""
    piece = {"choices": [{"index": 0, "text": " x" * 8, "finish_reason": "length"}]}
    with OddServer(send(odd.plain(200, piece), keep=True)) as server:
        run = online(binary, tmp_path, "--port", server.port, "--no-stream", "--accept-invalid")
    assert run.code == 0, run.err
    row = run.rows[1]
    assert row["requests_ok"] == 12 and row["e2e_mean_s"] > 0
    assert row["actual_output_tokens"] is None and row["tokens_per_second"] is None
    assert "TOKENS_ESTIMATED" in row["reasons"]


@pytest.mark.parametrize("path,size", [("/version", 2 << 20), ("/metrics", 9 << 20)])
def test_facts_without_end(binary, tmp_path, path, size):
    """The server does without what vLLM has beside its API."""
    with OddServer(paths={path: odd.plain(200, b" " * size)}) as server:
        run = online(binary, tmp_path, "--port", server.port, "--dialect", "vllm",
                     "--accept-invalid")
    assert run.code == 0, run.err
    assert run.rows[1]["requests_ok"] == 12


@pytest.mark.parametrize("path", ["/a b", "/a HTTP/1.1\r\nX: y", "/a#b", "/a?key=k"])
def test_a_path_that_is_none(binary, tmp_path, path):
    run = online(binary, tmp_path, "--endpoint", path)
    assert run.code == 2 and "--endpoint: " in run.err


@pytest.mark.parametrize("words", [["nope=x"], ["prompt=x"], ["stream=x"], ["max_tokens=top_p"],
                                   ["max_tokens=a", "max_tokens=b"], ["top_p=a", "temperature=a"]])
def test_a_name_that_cannot_be_given(binary, tmp_path, words):
    run = online(binary, tmp_path, *[one for word in words for one in ("--rename", word)])
    assert run.code == 2 and "--rename: " in run.err


@pytest.mark.parametrize("status,words,text", [
    (501, ["--model", "m"], None), (429, ["--model", "m"], None),
    (501, [], "needs --model"), (500, [], "Its log says why")])
def test_a_list_that_is_not_there(binary, tmp_path, status, words, text):
    with OddServer(paths={"/v1/models": odd.plain(status, {}, reason="No")}) as server:
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid", *words, *SOON)
    if text is None:
        assert run.code == 0, run.err
    else:
        check_failed(run, f"HTTP {status}", text)


@pytest.mark.parametrize("case", SOUND)
def test_sound_answer(binary, tmp_path, case):
    with OddServer(SOUND[case]) as server:
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid", "--stop-at-eos")
    assert run.code == 0, run.err
    row = run.rows[1]
    assert row["requests_failed"] == 0 and row["actual_output_tokens"] == 8 * row["requests_ok"]
    assert row["token_events"] == "text" and row["ttft_mean_s"] is not None
    each = {"data without data": 2, "pings": 2, "events without choices": 3,
            "a ping with words": 1}.get(case, 0)
    assert row["events_skipped"] == each * row["actual_output_tokens"]
    assert all("text/event-stream" in kinds for kinds in ACCEPTED)


def test_a_stream_that_nobody_asked_for(binary, tmp_path):
    ACCEPTED.clear()
    with OddServer(carrying()) as server:
        run = online(binary, tmp_path, "--port", server.port, "--no-stream", "--accept-invalid")
    assert run.code == 0, run.err
    row = run.rows[1]
    assert row["itl_gaps"] == 0 and row["ttft_mean_s"] is None and row["e2e_mean_s"] > 0.007
    assert row["actual_output_tokens"] == 8 * row["requests_ok"]
    assert set(ACCEPTED) == {"application/json"}
    oracle.check_run(run.files.folder)


NO_COUNT = ["10000000000000", "9223372036854775807", "1e400", "-0", "-5", "2.5", "NaN", "Infinity",
            '"3 2"', "null", "true", "[32]"]


@pytest.mark.parametrize("member", ["prompt_tokens", "completion_tokens"])
def test_a_count_that_cannot_be(binary, tmp_path, member):
    """One answer of each kind: its count is unknown, the run has its files all the same, and
    so has what is rebuilt from its journal."""
    def answer(sock, request):
        counts = {"prompt_tokens": "3", "completion_tokens": "8",
                  member: NO_COUNT[request.number % len(NO_COUNT)]}
        text = ",".join(f'"{key}":{value}' for key, value in counts.items())
        sock.sendall(odd.HEAD + odd.token() * 7 + odd.token("x", "length") +
                     odd.event(f'{{"choices":[],"usage":{{{text}}}}}') + odd.END)
        return True
    with OddServer(answer) as server:
        run = online(binary, tmp_path, "--port", server.port, "--token-counts", "continuous",
                     load=small(2, len(NO_COUNT)))
    assert "damaged" not in run.err
    row = run.rows[1]
    assert row["error"] is None and row["requests_ok"] == len(NO_COUNT)
    counted = [line for line in run.requests().values() if line.get("token_source") == "usage"]
    for line in counted:
        assert (line.get("tokens_in", 3), line["tokens_out"]) == (3, 8)
    if member == "prompt_tokens":
        assert row["actual_input_tokens"] is None and row["actual_output_tokens"] == 8 * 12
        assert len(counted) == len(NO_COUNT)
    before = run.files.results_path.read_bytes()
    run.files.results_path.unlink()
    subprocess.run([str(binary), "recover", str(run.files.raw_path)], check=True,
                   capture_output=True)
    assert run.files.results_path.read_bytes() == before


# ---- memory


ENDLESS = {
    "line": [odd.HEAD, b"7fffffffff\r\ndata: ", b"x" * (1 << 20)],
    "line of no end": [odd.HEAD.replace(b"transfer-encoding: chunked\r\n", b""), b"data: ",
                       b"x" * (1 << 20)],
    "header": [b"HTTP/1.1 200 OK\r\nx: ", b"x" * (1 << 20)],
    "headers": [b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 200_000],
    "interim answers": [b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50_000],
    "body": [b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n", b" " * (1 << 20)],
    "error body": [b"HTTP/1.1 500 No\r\ncontent-type: application/json\r\n\r\n", b" " * (1 << 20)],
    "comments": [odd.HEAD, odd.chunk(b": still here\n\n" * 100_000)],
    "tokens": [odd.HEAD, odd.token() * 20_000],
    "empty events": [odd.HEAD, odd.chunk(b"data: {\"choices\":[]}\n\n" * 50_000)],
    "trailers": [odd.HEAD, odd.token("x", "length"), b"0\r\n", b"x: y\r\n" * 200_000],
    "chunks of one byte": [odd.HEAD, b"1\r\nx\r\n" * 200_000],
}


@pytest.mark.parametrize("case", ENDLESS)
def test_endless(binary, tmp_path, case):
    """The client's peak of memory is far below what was sent, or it hangs up before that."""
    *begin, again = ENDLESS[case]
    sent = []

    def endless(sock, request):
        count = 0
        try:
            for part in begin:
                sock.sendall(part)
            while count < 300 << 20:
                sock.sendall(again)
                count += len(again)
        finally:
            sent.append(count)
        return False
    with OddServer(one_in_four(endless)) as server:
        command = [str(binary), "online", "--no-imds", "--num-runs", "2", "--max-tokens", "8",
                   "--concurrency", "1", "--num-prompts", "4", "--port", str(server.port),
                   "--request-timeout", "2s"]
        code, peak_kib, said = run_measured(command, tmp_path, env=odd.environment())
    run = Run(code, tmp_path / "results", "", said)
    assert run.code == 3, run.err
    assert run.rows[1]["requests_ok"] == 3 and run.rows[1]["requests_failed"] == 1
    check_accounts(run)
    check_unharmed(run)
    assert run.requests().keys() == {0, 1, 2, 3}
    assert peak_kib < 100 << 10, (peak_kib, sent)


# ---- limits hold whatever a server sends


PLAIN = odd.HEAD.replace(b"transfer-encoding: chunked\r\n", b"")
TOKEN = b'data: {"choices":[{"index":0,"text":"x","finish_reason":null}]}\n\n'
FLOODS = {
    "nothing": (b"", b""),
    "comments that end in CR": (PLAIN, b": x\r" * 65536),
    "comments that end in LF": (PLAIN, b": x\n" * 65536),
    "empty lines": (PLAIN, b"\r" * 262144),
    "names": (PLAIN, b"id\r\n" * 65536),
    "a line without end": (PLAIN + b": ", b"x" * 262144),
    "tokens": (PLAIN, TOKEN * 4096),
    "tokens in chunks": (odd.HEAD, odd.token() * 4096),
    "chunks of one byte": (odd.HEAD, b"1\r\n:\r\n" * 32768),
}
LIMITS = {
    "request-timeout": ["--request-timeout", "1s", "--num-prompts", 4],
    "drain-timeout": ["--drain-timeout", "500ms", "--num-prompts", 2],
    "duration": ["--duration", "1s", "--drain-timeout", "500ms"],
    "signal": ["--num-prompts", 4],
}


def flood(server, what):
    """An answer that never ends, until the test does."""
    begin, again = FLOODS[what]

    def answer(sock, request):
        sock.sendall(begin)
        while not server().is_over:
            if again:
                sock.sendall(again)
            else:
                time.sleep(0.05)
        return False
    return answer


def run_to_its_limit(process, limit):
    """The exit code; a limit of a second or so that does not act within 20 s never does."""
    if limit == "signal":
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
    try:
        return process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(20)
        pytest.fail(f"--{limit} did not act")


@pytest.mark.parametrize("what,limit", [
    *((what, "request-timeout") for what in FLOODS),
    *((what, limit) for what in ("nothing", "comments that end in CR", "tokens")
      for limit in LIMITS if limit != "request-timeout")])
def test_limits_act(binary, tmp_path, what, limit):
    with OddServer(lambda *words: answer(*words)) as server:
        answer = flood(lambda: server, what)
        process = begin(binary, tmp_path, server.port, *LIMITS[limit])
        code = run_to_its_limit(process, limit)
    run = Run(code, tmp_path / "results", "", (tmp_path / "stderr").read_text())
    check_accounts(run)
    lines = [line for row in run.rows for line in run.requests(row["row"]).values()]
    assert {line["status"] for line in lines} == {
        {"request-timeout": "failed", "signal": "interrupted"}.get(limit, "unanswered")}
    assert all(line["class"] == "timeout" for line in lines if line["status"] == "failed")
    if limit == "signal":
        assert code == 4 and run.rows[0]["error"] == "interrupted"


@pytest.mark.parametrize("words,planned", [
    (["--duration", "500ms", "--num-prompts", 1000], None), (["--num-prompts", 20], 20)],
    ids=["duration", "prompts"])
def test_nobody_waits_for_a_slot_for_ever(binary, tmp_path, words, planned):
    """An open load with a cap, at a server that never answers, without a timeout to speak of. What
    found no slot was due all the same: it is recorded, and unanswered."""
    with OddServer(lambda *words: answer(*words)) as server:
        answer = flood(lambda: server, "nothing")
        process = start(binary, "online", "--no-imds", "--port", server.port, "--num-runs", 2,
                        "--max-tokens", 8, "--request-rate", 100, "--max-concurrency", 2,
                        "--drain-timeout", "500ms", "--request-timeout", "100000s", *words,
                        cwd=tmp_path, env=odd.environment())
        code = run_to_its_limit(process, "drain-timeout")
    run = Run(code, tmp_path / "results", "", (tmp_path / "stderr").read_text())
    check_accounts(run)
    for row in run.rows:
        assert row["requests_ok"] == row["requests_failed"] == 0
        lines = run.requests(row["row"]).values()
        assert len(lines) == row["requests_unanswered"] == row["requests_planned"]
        assert planned in (None, len(lines)) and row["requests_cancelled"] == 0
        assert sum("sent_ns" in line for line in lines) == 2
        assert {line["error"] for line in lines if "sent_ns" not in line} == {
            "never sent: no free slot"}


def test_a_server_falls_silent_in_a_closed_load(binary, tmp_path):
    """Its slots fill with requests that nobody answers; the others are never sent. The limit is
    10 times the longest answer where a busy machine made that more than the drain."""
    with OddServer(lambda *words: answer(*words)) as server:
        silent = flood(lambda: server, "nothing")

        def answer(sock, request):
            is_silent = request.is_measured and request.index >= 5
            return silent(sock, request) if is_silent else odd.good(sock, request)
        process = begin(binary, tmp_path, server.port, "--num-prompts", 20, "--drain-timeout",
                        "500ms", "--request-timeout", "100000s")
        code = run_to_its_limit(process, "drain-timeout")
    run = Run(code, tmp_path / "results", "", (tmp_path / "stderr").read_text())
    check_accounts(run)
    assert run.rows[0]["requests_ok"] == 20
    row, lines = run.rows[1], run.requests(1).values()
    assert (row["requests_ok"], row["requests_unanswered"], row["requests_cancelled"]) == (5, 2, 13)
    assert row["ttft_mean_s"] is None
    assert len(lines) == 7 and row["error"] is None
    assert all(re.fullmatch(r"no data received for (0\.5 s \(--drain-timeout\)|[\d.]+ s), "
                            "all slots busy", line["error"])
               for line in lines if line["status"] == "unanswered")
    assert row["verdict"] == "INVALID" and "ERRORS" in row["reasons"]


@pytest.mark.parametrize("what", ["comments that end in CR", "tokens"])
def test_a_flood_does_not_keep_others_waiting(binary, tmp_path, what):
    """One answer floods a lane until it times out; the other slot's requests go on beside it."""
    with OddServer(lambda *words: answer(*words)) as server:
        floods = flood(lambda: server, what)

        def answer(sock, request):
            bad = request.is_measured and request.index == 0
            return floods(sock, request) if bad else odd.good(sock, request)
        run = online(binary, tmp_path, "--port", server.port, "--client-threads", 1,
                     "--request-timeout", "4s", load=small(2, 12))
    check_accounts(run)
    lines = run.requests()
    assert lines[0]["class"] == "timeout"
    good_ones = check_unharmed(run)
    assert len(good_ones) == 11
    assert max(line["done_ns"] for line in good_ones) < lines[0]["done_ns"]


# ---- connections


def test_closed_while_idle_is_no_error(binary, tmp_path, serve):
    """Each request finds that the server has closed every connection since the one before."""
    server = serve(*FAST, "--keepalive-timeout", "20ms")
    run = online(binary, tmp_path, "--port", server.port, "--request-rate", 10, "--arrival",
                 "constant", "--accept-invalid", load=small(None, 12, tokens=2))
    assert run.code == 0, run.err
    assert [row["requests_ok"] for row in run.rows] == [12, 12]
    assert run.rows[1]["connections_new"] >= 10
    server.stop()
    assert len(server.log()[1]) == 24


def test_closed_between_repeats_is_no_error(binary, tmp_path):
    """One that ends its connections after the last answer of a repeat, without a word; it
    answers /metrics, asked for before the next repeat, when that is done."""
    closed = threading.Semaphore(0)

    def lazily(sock, request):
        odd.good(sock, request)
        if request.number % 12 == 11:
            sock.shutdown(socket.SHUT_RDWR)
            closed.release()
        return request.number % 12 != 11

    def metrics():
        nonlocal asked
        asked += 1
        if asked > 2 and asked % 2 == 1:  # before the start, then after and before each repeat
            assert closed.acquire(timeout=30)
        return odd.plain(404, b"", reason="Not Found")
    asked = 0
    with OddServer(lazily, paths={"/metrics": metrics}) as server:
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid",
                     load=small(1, 12, 4))
    assert run.code == 0, run.err
    assert [row["requests_failed"] for row in run.rows] == [0] * 4
    assert len(server.seen) == 48
    assert [row["connections_new"] for row in run.rows] == [1] * 4


def test_too_few_file_descriptors(binary, tmp_path, serve):
    server = serve(*FAST)

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (120, 120))
    run = online(binary, tmp_path, "--port", server.port, preexec_fn=limit, load=small(100, 100))
    check_failed(run, "100 concurrent connections", "need 164 open files, but only 120 are allowed", "ulimit -Hn 164")
    server.stop()
    assert server.log()[1] == {}


def test_a_low_soft_limit_is_raised(binary, tmp_path, serve):
    server = serve(*FAST)

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 400))
    run = online(binary, tmp_path, "--port", server.port, "--client-threads", 2, "--accept-invalid",
                 preexec_fn=limit, load=small(100, 100))
    assert run.code == 0, run.err
    assert run.rows[1]["requests_ok"] == 100


def test_local_ports_run_out(binary, tmp_path):
    """In a network of our own with 16 ports for connections: calls before the load need some."""
    script = ('ip link set lo up && echo "41000 41015" >/proc/sys/net/ipv4/ip_local_port_range '
              '|| exit 77; "$BIN" serve --port 18000 --quiet >out & server=$!; code=0; '
              'while ! grep -q listening out; do sleep 0.05; done; "$BIN" online --port 18000 '
              '--no-imds --num-runs 2 --concurrency 32 --num-prompts 32 || code=$?; '
              'kill $server; wait $server; exit $code')
    done = subprocess.run(["unshare", "--net", "--map-root-user", "sh", "-c", script], cwd=tmp_path,
                          env=odd.environment(BIN=str(binary)), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no network of our own may be made here")
    run = Run(done.returncode, tmp_path / "results", done.stdout, done.stderr)
    check_failed(run, "Out of local ports", "ip_local_port_range")


# ---- the server dies


def journal_lines(tmp_path, repeat):
    paths = list((tmp_path / "results").glob("raw_*/journal.jsonl"))
    return [line for line in (journal_of(paths[0]) if paths else [])
            if line["type"] == "request" and line["repeat"] == repeat]


def begin(binary, tmp_path, port, *words):
    return start(binary, "online", "--no-imds", "--port", port, "--num-runs", 2, "--max-tokens", 8,
                 "--concurrency", 2, *words, cwd=tmp_path, env=odd.environment())


def end(process, tmp_path, limit_s=100):
    code = process.wait(limit_s)
    return Run(code, tmp_path / "results", (tmp_path / "stdout").read_text(),
               (tmp_path / "stderr").read_text())


def test_server_killed_and_restarted(binary, tmp_path, serve):
    server = serve(*FAST)
    process = begin(binary, tmp_path, server.port, "--num-prompts", 200)
    wait_for(lambda: len(journal_lines(tmp_path, 1)) > 10, "a measured repeat under way")
    server.stop(signal.SIGKILL)
    serve(*FAST, "--port", server.port)
    run = end(process, tmp_path)
    assert run.code == 3, run.err
    check_accounts(run)
    check_unharmed(run)
    row = run.rows[1]
    assert set(row["failed_by_class"]) <= {"refused", "reset"}
    lines = run.requests()
    bad = [index for index, line in lines.items() if line["status"] == "failed"]
    assert 0 < len(bad) < 150
    assert any(lines[index]["status"] == "ok" for index in range(max(bad) + 1, 200))
    assert any(lines[index]["status"] == "ok" for index in range(min(bad)))


def test_server_killed_for_good(binary, tmp_path, serve):
    """The cell under way has what it measured; the next one finds nobody."""
    server = serve(*FAST)
    process = begin(binary, tmp_path, server.port, "--num-prompts", 60, "--scenarios", "short",
                    "medium", *SOON)
    wait_for(lambda: len(journal_lines(tmp_path, 1)) > 5, "a measured repeat under way")
    server.stop(signal.SIGKILL)
    run = end(process, tmp_path)
    assert run.code == 1, run.err
    assert "refused" in run.last
    check_accounts(run)
    assert len(run.rows) == 3
    row = run.rows[1]
    assert row["error"] is None and row["verdict"] == "INVALID"
    assert row["requests_ok"] > 5 and row["failed_by_class"]["refused"] > 0
    assert "refused" in run.rows[2]["error"]


# ---- signals, and our own end


SLOW = ["--ttft", "5ms", "--itl", "20ms"]


@pytest.fixture
def under_way(binary, tmp_path, serve):
    """A long measured repeat of which some requests have ended."""
    server = serve(*SLOW)
    process = begin(binary, tmp_path, server.port, "--num-prompts", 300, "--warmup-requests", 0,
                    "--scenarios", "short")
    wait_for(lambda: len(journal_lines(tmp_path, 0)) > 5, "some requests")
    yield process
    if process.poll() is None:
        process.kill()
        process.wait(30)


def check_interrupted(run):
    assert run.code == 4, run.err
    row = run.rows[-1]
    assert row["error"] == "interrupted" and row["verdict"] is None
    assert row["requests_planned"] == 300
    assert row["requests_planned"] == (row["requests_ok"] + row["requests_failed"] +
                                       row["requests_cancelled"])
    assert row["requests_failed"] == 0 and row["requests_ok"] > 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal(under_way, tmp_path, number):
    under_way.send_signal(number)
    run = end(under_way, tmp_path)
    check_interrupted(run)
    assert run.last == (f"exit 4: stopped by signal {int(number)}; the files hold everything "
                        "measured until then")


def test_two_signals(binary, under_way, tmp_path):
    while under_way.poll() is None:
        under_way.send_signal(signal.SIGINT)
    assert under_way.returncode == 4
    raw = next((tmp_path / "results").glob("raw_*"))
    kept = len(journal_lines(tmp_path, 0))
    subprocess.run([str(binary), "recover", str(raw)], check=True, capture_output=True)
    row = files_of(tmp_path / "results", "online").rows[0]
    assert row["error"] == "interrupted"
    assert kept > 5 and row["requests_ok"] <= kept


def test_killed(binary, under_way, tmp_path):
    """What was on disk comes back, no more and no less."""
    under_way.kill()
    under_way.wait(30)
    assert not list((tmp_path / "results").glob("online_*"))
    raw = next((tmp_path / "results").glob("raw_*"))
    lines = journal_lines(tmp_path, 0)
    subprocess.run([str(binary), "recover", str(raw)], check=True, capture_output=True)
    run = Run(4, tmp_path / "results", "", "")
    check_interrupted(run)
    assert run.rows[0]["requests_ok"] == sum(line["status"] == "ok" for line in lines)
    assert run.rows[0]["actual_output_tokens"] == 8 * run.rows[0]["requests_ok"]


def test_hangup_goes_on(binary, tmp_path, serve):
    server = serve(*FAST)
    process = begin(binary, tmp_path, server.port, "--num-prompts", 60, "--accept-invalid")
    wait_for(lambda: len(journal_lines(tmp_path, 0)) > 5, "some requests")
    process.send_signal(signal.SIGHUP)
    run = end(process, tmp_path)
    assert run.code == 0, run.err
    assert [row["requests_ok"] for row in run.rows] == [60, 60]


def test_terminal_goes_away(binary, tmp_path, serve):
    """The run goes on, and what it would have said goes to the log beside the journal."""
    server, (master, slave) = serve(*FAST), pty.openpty()
    process = subprocess.Popen(
        [str(binary), "online", *small(prompts=60), "--accept-invalid", "--port",
         str(server.port)], cwd=tmp_path, env=odd.environment(), stdin=slave, stdout=slave, stderr=slave,
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(slave)
    wait_for(lambda: len(journal_lines(tmp_path, 0)) > 5, "some requests")
    os.close(master)  # the kernel sends SIGHUP to the session
    assert process.wait(120) == 0
    found = files_of(tmp_path / "results", "online")
    assert [row["requests_ok"] for row in found.rows] == [60, 60]
    log = (found.raw_path / "progress.log").read_text()
    assert "run 1/1" in log and "exit 0: done" in log


def test_stopped_while_waiting_for_a_server(binary, tmp_path):
    process = begin(binary, tmp_path, free_port(), "--num-prompts", 4)
    wait_for(lambda: "waiting for" in (tmp_path / "stderr").read_text(), "waiting")
    process.send_signal(signal.SIGINT)
    run = end(process, tmp_path)
    assert run.code == 4, run.err
    assert [row["error"] for row in run.rows] == ["interrupted"]


def test_stopped_with_answers_outstanding(binary, tmp_path, serve):
    """Those in flight are cancelled, not waited for: the server never answers."""
    server = serve("--hang", 1)
    process = begin(binary, tmp_path, server.port, "--num-prompts", 10)
    wait_for(lambda: list((tmp_path / "results").glob("raw_*/journal.jsonl")), "a journal")
    wait_for(lambda: "waiting for" in (tmp_path / "stderr").read_text(), "a start")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    run = end(process, tmp_path, limit_s=30)
    assert run.code == 4, run.err
    row = run.rows[-1]
    assert row["error"] == "interrupted"
    assert (row["requests_ok"], row["requests_failed"]) == (0, 0)


# ---- the disk


def test_the_journal_is_damaged_under_way(binary, tmp_path, serve):
    """The repeat that it happened in is lost, and that is said; the rest is written."""
    server = serve(*FAST)
    process = begin(binary, tmp_path, server.port, "--num-prompts", 60, "--accept-invalid")
    wait_for(lambda: len(journal_lines(tmp_path, 0)) > 5, "some requests")
    path = next((tmp_path / "results").glob("raw_*/journal.jsonl"))
    with open(path, "ab") as file:
        file.write(b'{"half\n')
    run = end(process, tmp_path)
    assert run.code == 1, run.err
    at = path.read_bytes().split(b"\n").index(b'{"half') + 1
    assert f"{path.parent.name}/journal.jsonl: skipped 1 damaged line, the first is line {at}; " \
           "repeats with an error because of that: 1" in run.err
    assert run.last.startswith("exit 1: journal lines are damaged or missing: 1 ")
    assert run.rows[0]["error"].startswith(f"journal line {at} is damaged: ")
    assert run.rows[1]["error"] is None and run.rows[1]["requests_ok"] == 60


def test_full_disk(binary, tmp_path, serve):
    server = serve("--ttft", "1ms", "--itl", "1ms")

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    run = online(binary, tmp_path, "--port", server.port, "--quiet", preexec_fn=limit,
                 load=small(prompts=60, runs=30))
    assert run.code == 1, run.err
    assert "journal.jsonl: cannot write: File too large" in run.err
    assert run.last == "exit 1: the run could not continue: cannot write: File too large"
    raw = next((tmp_path / "results").glob("raw_*"))
    ended = repeats_done(tmp_path / "results")
    assert ended > 2
    done = subprocess.run([str(binary), "recover", str(raw), "--output-dir", "again"], cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = json.loads(next((tmp_path / "again").glob("online_results_*")).read_text())["results"]
    assert sum(row["error"] is None for row in rows) == ended
    assert all(row["error"] == "interrupted" for row in rows[ended:])
