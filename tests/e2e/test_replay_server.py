"""Does replay_server.py repeat what was recorded? A plain socket hears it."""

import json
import re
import socket
import time

import pytest

from e2e.replay_server import FOLDER, RECORDINGS, SERVERS, ReplayServer, read
from e2e.serve_client import Answer, get, post

EACH = pytest.mark.parametrize("name", RECORDINGS)


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def hear(sock, length):
    """That many bytes, and those of each read with the instant after it."""
    reads = []
    while (left := length - sum(len(data) for data, _ in reads)) > 0:
        data = sock.recv(left)
        assert data, "closed too early"
        reads.append((data, time.monotonic_ns()))
    return b"".join(data for data, _ in reads), reads


def is_closed(sock):
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def body_of(recording):
    return {"model": recording.model, "max_tokens": recording.max_tokens, "stream": True}


@EACH
def test_every_request_gets_the_same_bytes(name):
    with ReplayServer(name) as server:
        recording = server.recording
        request = post(body_of(recording), recording.path, "X-Request-Id: one")
        sock = connect(server)
        for _ in range(3):
            sock.sendall(request)
            assert hear(sock, len(recording.data))[0] == recording.data
            if not recording.keeps:
                assert is_closed(sock)
                sock.close()
                sock = connect(server)
        sock.close()
        assert [[data for _, data in sends] for sends in server.sends] == [[recording.data]] * 3
        assert [request.id for request in server.seen] == ["one"] * 3


@EACH
def test_what_to_ask_for_is_what_the_usage_counts(name):
    expected = (FOLDER / f"{name}.expect").read_text()
    assert re.search(r" out=(\d+)", expected)[1] == str(read(name).max_tokens)
    assert (" keep " in expected) == read(name).keeps


@EACH
def test_pages(name):
    with ReplayServer(name) as server, connect(server) as sock, sock.makefile("rb") as file:
        def page(path):
            sock.sendall(get(path))
            return Answer(file)
        listed = page("/v1/models")
        assert listed.status == 200
        assert server.recording.model in [model["id"] for model in listed.json()["data"]]
        assert page("/nothing").status == 404
        assert page("/health").status == (401 if "litellm" in name else 200)
        assert page("/version").status == (
            200 if server.recording.server in ("serve", "vllm", "vllm_rust") else 404)
        other = ({"/v1/completions", "/v1/chat/completions"} - {server.recording.path}).pop()
        sock.sendall(post(body_of(server.recording), other))
        assert Answer(file).status == 404
        assert server.sends == []


def test_every_server_is_recorded():
    assert {server for server, _ in RECORDINGS.values()} == set(SERVERS)


def test_byte_by_byte():
    with ReplayServer("llamacpp_chat", pace="bytes") as server, connect(server) as sock:
        sock.sendall(post(body_of(server.recording), server.recording.path))
        assert hear(sock, len(server.recording.data))[0] == server.recording.data
        assert {len(data) for _, data in server.sends[0]} == {1}


@EACH
def test_event_by_event(name):
    """Each event comes by itself, after its `send` and not before it is due."""
    with ReplayServer(name, pace="events", gap_s=0.005) as server, connect(server) as sock:
        asked_ns = time.monotonic_ns()
        sock.sendall(post(body_of(server.recording), server.recording.path))
        heard, reads = hear(sock, len(server.recording.data))
    sends = server.sends[0]
    assert heard == server.recording.data == b"".join(data for _, data in sends)
    assert all(data.count(b"data: ") == 1 for _, data in sends)
    assert all(instant >= asked_ns + i * 5_000_000 for i, (instant, _) in enumerate(sends))
    at, sent = 0, 0
    for data, instant in reads:
        at += len(data)
        while sent < len(sends) and at >= sum(len(piece) for _, piece in sends[:sent + 1]):
            assert instant > sends[sent][0]
            sent += 1
    assert sent == len(sends)


@pytest.mark.parametrize("name, counts", [("haproxy", [18, 16]), ("nginx_tls", [34])])
def test_as_it_was_read(name, counts):
    with ReplayServer(name, pace="times") as server, connect(server) as sock:
        asked_ns = time.monotonic_ns()
        sock.sendall(post(body_of(server.recording), server.recording.path))
        assert hear(sock, len(server.recording.data))[0] == server.recording.data
    sends = server.sends[0]
    assert [data.count(b"data: ") for _, data in sends] == counts
    times = [float(line.split()[0]) for line in
             (FOLDER / f"{name}.times").read_text().splitlines()]
    assert sends[0][1].startswith(b"HTTP/1.1 200 OK\r\n")
    for (instant, _), at_s in zip(sends, times):
        assert instant >= asked_ns + at_s * 1e9


def test_the_models_of_llamacpp_are_its_own_words():
    with ReplayServer("llamacpp_completions") as server, connect(server) as sock, \
            sock.makefile("rb") as file:
        sock.sendall(get("/v1/models"))
        assert Answer(file).json() == json.loads((FOLDER / "llamacpp_models.json").read_text())
