"""The simulated server, seen by a client that shares no code with ours."""

import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from e2e.serve_client import Answer, Server, ask, finish, get, post, texts

STREAM = {"model": "simulated", "prompt": [5, 6, 7], "max_tokens": 4, "stream": True}
USAGE = {**STREAM, "stream_options": {"include_usage": True}}
CHAT = {"model": "simulated", "messages": [{"role": "user", "content": "hello there"}],
        "max_tokens": 3, "stream": True}
FAST = ("--ttft", "2ms", "--itl", "1ms")


@pytest.fixture
def serve(binary, tmp_path):
    """serve("--ttft", "1ms", ...) starts one; all are stopped in the end."""
    started = []

    def start(*options):
        started.append(Server(binary, tmp_path, *options))
        return started[-1]
    yield start
    for server in started:
        server.stop()


def test_bytes_of_a_stream(serve):
    """As in a transcript of vLLM 0.32, but for names and times."""
    server = serve(*FAST)
    with server.connect() as sock:
        sock.sendall(post(USAGE, "/v1/completions", "X-Request-Id: bench-1", "Connection: close"))
        raw = b""
        while piece := sock.recv(65536):
            raw += piece
    raw = re.sub(rb"date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", b"date: D", raw)
    raw = re.sub(rb'"created":\d{10}', b'"created":1', raw)
    event = (b'data: {"id":"cmpl-bench-1","object":"text_completion","created":1,'
             b'"model":"simulated","choices":[{"index":0,"text":"%s","logprobs":null,'
             b'"finish_reason":%s,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]}'
             b'\n\n')
    usage = (b'data: {"id":"cmpl-bench-1","object":"text_completion","created":1,'
             b'"model":"simulated","choices":[],"usage":{"prompt_tokens":3,"total_tokens":7,'
             b'"completion_tokens":4},"system_fingerprint":"inferbench-serve-simulated"}\n\n')
    expected = (b"HTTP/1.1 200 OK\r\ndate: D\r\nserver: inferbench-serve (simulated)\r\n"
                b"content-type: text/event-stream; charset=utf-8\r\nvary: Origin\r\n"
                b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n")
    for text in [event % (b" t1", b"null"), event % (b" t2", b"null"), event % (b" t3", b"null"),
                 event % (b" t4", b'"length"'), usage, b"data: [DONE]\n\n"]:
        true_size = len(re.sub(rb'"created":1,', b'"created":1234567890,', text))
        expected += b"%x\r\n%s\r\n" % (true_size, text)
    assert raw == expected + b"0\r\n\r\n"


def test_chat_stream(serve):
    server = serve(*FAST)
    events = ask(server, post({**CHAT, "return_token_ids": True, "stream_options": {
        "include_usage": True, "continuous_usage_stats": True}}, "/v1/chat/completions")).events()
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert events[0]["usage"]["completion_tokens"] == 0
    assert len(events[0]["prompt_token_ids"]) == 3
    assert texts(events[1:]) == [" t1", " t2", " t3"]
    assert [e["choices"][0]["token_ids"] for e in events[1:4]] == [[1], [2], [3]]
    assert [e["usage"]["completion_tokens"] for e in events[1:5]] == [1, 2, 3, 3]
    assert events[4]["choices"] == [] and events[5] == "[DONE]" and len(events) == 6
    assert events[4]["usage"] == {"prompt_tokens": 3, "total_tokens": 6, "completion_tokens": 3}
    assert finish(events) == ["length"]
    assert {e["object"] for e in events[:5]} == {"chat.completion.chunk"}


def test_usage_only_where_asked(serve):
    server = serve(*FAST)
    plain = ask(server, post(STREAM)).events()
    assert all("usage" not in e for e in plain[:-1]) and len(plain) == 5
    assert "system_fingerprint" in plain[3] and "system_fingerprint" not in plain[2]
    alone = {**STREAM, "stream_options": {"continuous_usage_stats": True}}
    assert all("usage" not in e for e in ask(server, post(alone)).events()[:-1])
    server = serve(*FAST, "--no-usage")
    assert all("usage" not in e for e in ask(server, post(USAGE)).events()[:-1])
    assert "usage" not in ask(server, post({**STREAM, "stream": False})).json()


@pytest.mark.parametrize("body, tokens", [
    ({"prompt": [1, 2, 3]}, 3), ({"prompt": [[1, 2]]}, 2), ({"prompt": "abcdefgh"}, 2),
    ({"prompt": "abcdefghi"}, 3), ({"prompt": ["é"]}, 1), ({"prompt": "\u20ac\u20ac"}, 2),
    ({"messages": [{"role": "system", "content": "abcd"},
                   {"role": "user", "content": [{"type": "text", "text": "efgh"}]}]}, 2),
])
def test_prompt_tokens(serve, body, tokens):
    path = "/v1/chat/completions" if "messages" in body else "/v1/completions"
    answer = ask(serve(*FAST), post({**body, "max_tokens": 2}, path)).json()
    assert answer["usage"]["prompt_tokens"] == tokens
    assert answer["usage"]["total_tokens"] == tokens + 2
    choice = answer["choices"][0]
    assert (choice.get("text") or choice["message"]["content"]) == " t1 t2"
    assert choice["finish_reason"] == "length"


def test_prompt_ids_come_back(serve):
    server = serve(*FAST)
    body = {**STREAM, "return_token_ids": True}
    events = ask(server, post(body)).events()
    assert [e["choices"][0]["prompt_token_ids"] for e in events[:4]] == [[5, 6, 7], None, None, None]
    whole = ask(server, post({**body, "stream": False})).json()["choices"][0]
    assert whole["prompt_token_ids"] == [5, 6, 7] and whole["token_ids"] == [1, 2, 3, 4]


def test_tokens_per_event(serve):
    server = serve(*FAST, "--tokens-per-event", "3")
    events = ask(server, post({**USAGE, "max_tokens": 8})).events()
    assert texts(events) == [" t1 t2 t3", " t4 t5 t6", " t7 t8"]
    assert events[-2]["usage"]["completion_tokens"] == 8
    server.stop()
    assert server.log()[1][0]["event_tokens"] == [3, 3, 2]


CHAT_USAGE = {**CHAT, "stream_options": {"include_usage": True}}
BOTH = pytest.mark.parametrize("path, body", [
    ("/v1/completions", {**USAGE, "max_tokens": 3}), ("/v1/chat/completions", CHAT_USAGE),
], ids=["completions", "chat"])


def said(event):
    """The choice without what vLLM always adds."""
    extra = ("index", "logprobs", "stop_reason", "prompt_token_ids", "token_ids")
    return [{key: value for key, value in choice.items() if key not in extra}
            for choice in event["choices"]]


@BOTH
def test_finish_chunk(serve, path, body):
    """N events with text, one with the finish_reason alone, then the usage."""
    server = serve(*FAST, "--finish-chunk")
    events = ask(server, post(body, path)).events()
    chat = path.endswith("chat/completions")
    tokens = events[1:4] if chat else events[:3]
    assert texts(tokens) == [" t1", " t2", " t3"] and finish(tokens) == []
    assert said(events[-3]) == [{"finish_reason": "length",
                                 **({"delta": {}} if chat else {"text": ""})}]
    assert events[-2]["choices"] == [] and events[-2]["usage"]["completion_tokens"] == 3
    assert events[-1] == "[DONE]" and len(events) == len(tokens) + (4 if chat else 3)
    whole = ask(server, post({**body, "stream": False, "stream_options": None}, path)).json()
    assert whole["choices"][0]["finish_reason"] == "length"
    server.stop()
    row, at_once = (server.log()[1][i] for i in range(2))
    assert row["sent_ns"][-1] <= row["finish_ns"] <= row["end_ns"] and len(row["sent_ns"]) == 3
    assert "finish_ns" not in at_once


@BOTH
def test_finish_delay(serve, path, body):
    server = serve("--ttft", "2ms", "--itl", "1ms", "--finish-delay", "100ms")
    events = ask(server, post(body, path)).events()
    assert finish(events[:-3]) == [] and finish(events) == ["length"]
    server.stop()
    header, rows = server.log()
    assert header["options"]["finish_delay_ns"] == 100000000
    due = rows[0]["arrival_ns"] + 2000000 + 2 * 1000000
    assert rows[0]["sent_ns"][-1] >= due
    assert rows[0]["finish_ns"] >= due + 100000000


@BOTH
def test_empty_first(serve, path, body):
    """The client has it long before the first token is due."""
    server = serve("--ttft", "300ms", "--itl", "1ms", "--empty-first")
    with server.connect() as sock:
        sock.sendall(post(body, path))
        raw = b""
        while b"data: " not in raw:
            raw += sock.recv(65536)
        seen = time.monotonic_ns()
        first = re.search(rb"data: (.*)\n\n", raw)[1]
        raw = raw.split(b"\r\n\r\n", 1)[1]
        while not raw.endswith(b"0\r\n\r\n"):
            raw += sock.recv(65536)
    assert said(json.loads(first)) == [{
        "finish_reason": None, **({"delta": {"content": ""}} if "chat" in path else {"text": ""})}]
    assert texts(events_in(raw)) == ["", " t1", " t2", " t3"]
    assert b'"role"' not in raw
    server.stop()
    row = server.log()[1][0]
    assert row["arrival_ns"] <= row["empty_ns"] < seen < row["arrival_ns"] + 300000000
    assert len(row["sent_ns"]) == row["tokens"] == 3
    assert row["sent_ns"][0] >= row["arrival_ns"] + 300000000


@BOTH
def test_buffer(serve, path, body):
    """Eight events a send; the log tells when each was made and when it was written."""
    server = serve("--ttft", "5ms", "--itl", "4ms", "--buffer", "8")
    reads = []
    with server.connect() as sock:
        sock.sendall(post({**body, "max_tokens": 20}, path))
        while not reads or not reads[-1][0].endswith(b"0\r\n\r\n"):
            reads.append((sock.recv(65536), time.monotonic_ns()))
    seen = [len(re.findall(rb'" t\d+"', b"".join(piece for piece, _ in reads[:i + 1])))
            for i in range(len(reads))]
    assert set(seen) <= {8, 16, 20} and seen[-1] == 20
    server.stop()
    header, rows = server.log()
    made, sent = rows[0]["made_ns"], rows[0]["sent_ns"]
    assert header["options"]["buffer"] == 8 and len(made) == len(sent) == rows[0]["tokens"] == 20
    assert all(m >= rows[0]["arrival_ns"] + 5000000 + 4000000 * k for k, m in enumerate(made))
    assert sent == [sent[last] for last in (7, 15, 19) for _ in range(8)][:20]
    assert all(m <= s for m, s in zip(made, sent)) and made == sorted(set(made))
    assert sent[0] - made[0] >= 7 * 4000000 - (made[0] - rows[0]["arrival_ns"] - 5000000)
    assert all(at > sent[0] for _, at in reads)


ERRORS = [
    ({**STREAM, "model": "nope"}, 404, "The model `nope` does not exist. Valid aliases: simulated."),
    ({**STREAM, "prompt": [5, 600]}, 400, "Token id 600 is out of vocabulary"),
    ({**STREAM, "prompt": [-1]}, 400, "Token id -1 is out of vocabulary"),
    ({**STREAM, "prompt": []}, 400, "You must pass at least one prompt"),
    ({**STREAM, "prompt": ""}, 400, "Either prompt or prompt_embeds must be provided"),
    ({**STREAM, "prompt": ["a", "b"]}, 400, "answers one prompt a request"),
    ({**STREAM, "prompt": [9] * 1100}, 400, "This model's maximum context length is 1024 tokens. "
     "However, your prompt contains 1100 input tokens"),
    ({**STREAM, "max_tokens": 5000}, 400,
     "max_tokens=5000 cannot be greater than max_model_len=1024"),
    ({**STREAM, "max_tokens": 0}, 400, "max_tokens must be at least 1"),
    ({**STREAM, "max_tokens": "many"}, 400, "body.max_tokens"),
    ({**STREAM, "min_tokens": 9}, 400, "min_tokens must be less than or equal to max_tokens=4"),
    ({**USAGE, "stream": False}, 400, "Stream options can only be defined when `stream=True`"),
    ({"model": "simulated"}, 400, "Field required"),
    (b'{"model": "simulated", "prompt": ', 400, "JSON decode error"),
    (b"", 400, "JSON decode error"),
    (b"[1]", 400, "JSON decode error"),
]


def test_refusals(serve):
    server = serve(*FAST, "--vocab-size", "512", "--max-model-len", "1024")
    for body, status, text in ERRORS:
        answer = ask(server, post(body))
        error = answer.json()["error"]
        assert answer.status == status and text in error["message"], (body, error)
        assert error["code"] == status and set(error) == {"message", "type", "param", "code"}
    cut = ask(server, post({**USAGE, "prompt": [9] * 1020, "max_tokens": 100})).events()
    assert cut[-2]["usage"]["completion_tokens"] == 4 and finish(cut) == ["length"]
    server.stop()
    rows = server.log()[1]
    assert [rows[i]["outcome"] for i in range(len(ERRORS))] == ["refused"] * len(ERRORS)
    assert [rows[i]["status"] for i in range(len(ERRORS))] == [e[1] for e in ERRORS]


def test_pages(serve):
    server = serve(*FAST, "--model", 'my "model"', "--block-size", "32")
    health = ask(server, get("/health"))
    assert (health.status, health.body) == (200, b"")
    assert health.headers["server"] == "inferbench-serve (simulated)"
    models = ask(server, get("/v1/models")).json()
    assert models["object"] == "list" and models["data"][0]["id"] == 'my "model"'
    assert models["data"][0]["max_model_len"] == 131072
    assert "simulated" in ask(server, get("/version")).json()["version"]
    assert ask(server, get("/nothing")).json() == {"detail": "Not Found"}
    wrong = ask(server, get("/v1/completions"))
    assert wrong.status == 405 and wrong.headers["allow"] == "POST"
    answer = ask(server, post({**STREAM, "model": 'my "model"'}))
    assert answer.events()[0]["model"] == 'my "model"'
    metrics = ask(server, get("/metrics")).body.decode()
    assert 'vllm:generation_tokens_total{engine="0",model_name="my \\"model\\""} 4.0\n' in metrics
    assert 'vllm:prompt_tokens_total{engine="0",model_name="my \\"model\\""} 3.0\n' in metrics
    assert 'vllm:num_requests_running{engine="0",model_name="my \\"model\\""} 0.0\n' in metrics
    assert 'block_size="32",enable_prefix_caching="False"' in metrics
    for name in ("prefix_cache_queries", "prefix_cache_hits", "num_preemptions"):
        assert re.search(rf"^vllm:{name}_total{{.*}} 0\.0$", metrics, re.M)


def test_key(serve, tmp_path):
    (tmp_path / "key").write_text(" secret\n")
    server = serve(*FAST, "--api-key-file", tmp_path / "key")
    for headers in ([], ["Authorization: Bearer wrong"], ["Authorization: secret"]):
        answer = ask(server, post(STREAM, "/v1/completions", *headers))
        assert answer.status == 401 and answer.json() == {"error": "Unauthorized"}
    assert ask(server, get("/v1/models")).status == 401
    assert ask(server, get("/health")).status == 200
    assert ask(server, post(STREAM, "/v1/completions", "Authorization: Bearer secret")).status == 200


def test_keep_alive_and_pipelining(serve):
    server = serve(*FAST)
    chunked = (b"POST /v1/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
               + b"".join(b"%x\r\n%s\r\n" % (len(part), part)
                          for part in (b'{"prompt": [1, 2],', b'"max_tokens": 2}', )) + b"0\r\n\r\n")
    with server.connect() as sock, sock.makefile("rb") as file:
        for _ in range(3):
            sock.sendall(post(STREAM))
            assert len(Answer(file).events()) == 5
        sock.sendall(post(USAGE) + get("/health") + chunked + post(STREAM))
        assert len(Answer(file).events()) == 6
        assert Answer(file).status == 200
        assert Answer(file).json()["usage"]["prompt_tokens"] == 2
        assert len(Answer(file).events()) == 5
        request = post(STREAM, "/v1/completions", "Expect: 100-continue")
        head = request.index(b"\r\n\r\n") + 4
        sock.sendall(request[:head])
        assert file.readline() == b"HTTP/1.1 100 Continue\r\n" and file.readline() == b"\r\n"
        for i in range(head, len(request)):
            sock.sendall(request[i:i + 1])
        assert len(Answer(file).events()) == 5
        sock.sendall(get("/health", "Connection: close"))
        assert Answer(file).headers["connection"] == "close"
        assert file.read() == b""
    server.stop()
    assert [row["outcome"] for row in server.log()[1].values()] == ["ok"] * 7


def test_idle_connections_are_closed(serve):
    server = serve(*FAST, "--keepalive-timeout", "50ms")
    with server.connect() as sock, sock.makefile("rb") as file:
        sock.sendall(get("/health"))
        assert Answer(file).status == 200
        assert file.read() == b""


def test_bad_http(serve):
    server = serve(*FAST)
    for raw, status in [(b"nonsense\r\n\r\n", 400), (b"GET / HTTP/3.0\r\n\r\n", 505),
                        (b"POST /v1/completions HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400)]:
        answer = ask(server, raw)
        assert answer.status == status and answer.headers["connection"] == "close"
    assert ask(server, get("/health")).status == 200


def test_log_against_the_schedule(serve):
    """No event before it is due, none out of order; the schedule does not drift."""
    server = serve("--ttft", "20ms", "--itl", "5ms")
    for i in range(3):
        ask(server, post({**STREAM, "max_tokens": 40}, "/v1/completions", f"X-Request-Id: r{i}"))
    ask(server, post({**STREAM, "stream": False}))
    code, _ = server.stop()
    assert code == 0
    header, rows = server.log()
    assert header["simulated"] is True and header["options"]["itl_ns"] == 5000000
    for i in range(3):
        row = rows[i]
        sent = row["sent_ns"]
        assert row["id"] == f"r{i}" and row["outcome"] == "ok" and row["tokens"] == len(sent) == 40
        assert row["arrival_ns"] <= row["read_ns"]
        due = [row["arrival_ns"] + 20000000 + 5000000 * k for k in range(40)]
        assert all(s >= d for s, d in zip(sent, due))
        assert sent == sorted(sent) and row["end_ns"] >= sent[-1]
        assert "event_tokens" not in row
    assert rows[3]["event_tokens"] == [4] and rows[3]["stream"] is False
    assert rows[3]["sent_ns"][0] >= rows[3]["arrival_ns"] + 20000000 + 3 * 5000000


def test_log_against_the_client(serve):
    """One clock for all: a request is sent before it arrives, an event arrives after its send.

    Half a millisecond is granted to the conversion of the kernel's stamps.
    """
    server = serve("--ttft", "20ms", "--itl", "5ms")
    seen = []
    with server.connect() as sock:
        sock.sendall(get("/health"))
        assert sock.recv(65536)
        before = time.monotonic_ns()
        sock.sendall(post({**STREAM, "max_tokens": 40}))
        while not seen or b"[DONE]" not in seen[-1][0]:
            seen.append((sock.recv(65536), time.monotonic_ns()))
    server.stop()
    row = server.log()[1][0]
    assert before - 500000 <= row["arrival_ns"] <= row["read_ns"]
    assert row["arrival_ns"] < seen[0][1]
    arrived = [at for piece, at in seen for _ in range(piece.count(b'"text":'))]
    assert len(arrived) == 40
    assert all(s < at for s, at in zip(row["sent_ns"], arrived))


def test_jitter_moves_events(serve):
    """This seed draws a first token after a five-hundredth of the time to it."""
    server = serve("--ttft", "30s", "--itl", "1ms", "--jitter", "1", "--seed", "24")
    ask(server, post(STREAM))
    server.stop()
    header, rows = server.log()
    assert header["options"]["jitter"] == 1
    assert rows[0]["sent_ns"][0] < rows[0]["arrival_ns"] + 30000000000


def eventually(happens):
    """Waits for what comes sooner or later; a minute means that it does not."""
    end = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.01)


def run_all(server, count, body, read):
    """`count` requests at once, one connection each; what `read` makes of each socket."""
    out = [None] * count

    def one(i):
        with server.connect() as sock:
            sock.sendall(post(body))
            out[i] = read(sock)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


def read_answer(sock):
    with sock.makefile("rb") as file:
        return Answer(file)


def in_order(rows):
    """Of arrival."""
    return [rows[i] for i in range(len(rows))]


def test_slots(serve):
    """Two at a time: each begins when a slot is free, on schedule, and TTFT counts from there."""
    server = serve("--ttft", "20ms", "--itl", "5ms", "--slots", "2")
    answers = run_all(server, 7, {**USAGE, "max_tokens": 5}, read_events)
    assert all(texts(events) == [" t1", " t2", " t3", " t4", " t5"] for events in answers)
    server.stop()
    header, rows = server.log()
    assert header["options"]["slots"] == 2
    slots = [0, 0]
    for row in in_order(rows):
        free = slots.index(min(slots))
        assert row["begin_ns"] == max(row["arrival_ns"], slots[free])
        slots[free] = row["begin_ns"] + 20000000 + 4 * 5000000
        assert all(s >= row["begin_ns"] + 20000000 + 5000000 * k
                   for k, s in enumerate(row["sent_ns"]))
    assert sum(row["begin_ns"] > row["arrival_ns"] for row in rows.values()) >= 4


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_serial_prefill(serve, stream):
    """One time to the first token after the other; what follows goes on side by side."""
    server = serve("--ttft", "20ms", "--itl", "30ms", "--serial-prefill")
    run_all(server, 5, {**STREAM, "stream": stream, "max_tokens": 3}, read_answer)
    server.stop()
    rows, free = server.log()[1], 0
    for row in in_order(rows):
        assert row["begin_ns"] == max(row["arrival_ns"], free)
        free = row["begin_ns"] + 20000000
    assert sum(row["begin_ns"] > row["arrival_ns"] for row in rows.values()) >= 3


def test_queue_in_metrics(serve):
    """Who waits is counted, and may give up; the head of the answer is there at once."""
    server = serve("--ttft", "60s", "--slots", "1")
    sockets = [server.connect() for _ in range(5)]
    for sock in sockets:
        sock.sendall(post(STREAM))
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 OK")

    def counted(running, waiting):
        text = ask(server, get("/metrics")).body.decode()
        found = re.findall(r"^vllm:num_requests_(running|waiting){.*} (\d+)\.0$", text, re.M)
        return dict(found) == {"running": str(running), "waiting": str(waiting)}
    eventually(lambda: counted(1, 4))
    for sock in sockets[3:]:
        sock.close()
    eventually(lambda: counted(1, 2))
    server.stop()
    rows = in_order(server.log()[1])
    assert sorted(row["outcome"] for row in rows) == ["closed"] * 2 + ["stopped"] * 3
    assert ["begin_ns" in row for row in rows] == [True, False, False, False, False]


def test_options_together(serve):
    """A share of requests is never answered, the others are, with every framing at once."""
    server = serve("--ttft", "3ms", "--itl", "1ms", "--jitter", "0.5", "--hang", "0.3",
                   "--empty-first", "--finish-delay", "5ms", "--buffer", "4", "--slots", "8",
                   "--serial-prefill", "--tokens-per-event", "2")
    sockets = [server.connect() for _ in range(100)]
    for sock in sockets:
        sock.sendall(post({**USAGE, "max_tokens": 10}))
    eventually(lambda: server.log_path.read_text().count("\n") == 101)
    for sock in sockets:
        sock.setblocking(False)
    answered = []
    for sock in sockets:
        try:
            answered.append(sock.recv(65536))
        except BlockingIOError:
            pass
    server.stop()
    rows = in_order(server.log()[1])
    hung = [row for row in rows if row["outcome"] == "hang"]
    assert 15 <= len(hung) <= 45 and len(answered) == 100 - len(hung)
    assert all(row["sent_ns"] == [] and "empty_ns" not in row for row in hung)
    for raw in answered:
        events = events_in(raw)
        assert texts(events) == ["", " t1 t2", " t3 t4", " t5 t6", " t7 t8", " t9 t10", ""]
        assert finish(events) == ["length"] and raw.endswith(b"0\r\n\r\n")
    ok = [row for row in rows if row["outcome"] == "ok"]
    for row in ok:
        assert row["event_tokens"] == [2] * 5 and len(set(row["sent_ns"])) == 2
        assert row["arrival_ns"] <= row["empty_ns"] <= row["made_ns"][0] <= row["sent_ns"][0]
        assert row["made_ns"][-1] <= row["finish_ns"] <= row["end_ns"]
    begins = [row["begin_ns"] for row in ok]
    assert all(b - a >= 1500000 for a, b in zip(begins, begins[1:]))


def read_events(sock):
    with sock.makefile("rb") as file:
        return Answer(file).events()


def test_many_streams_at_once(serve):
    server = serve("--ttft", "20ms", "--itl", "5ms")
    answers = run_all(server, 200, {**USAGE, "max_tokens": 30}, read_events)
    for events in answers:
        assert texts(events) == [f" t{k}" for k in range(1, 31)]
        assert events[-2]["usage"]["completion_tokens"] == 30 and events[-1] == "[DONE]"
    assert len({events[0]["id"] for events in answers}) == 200
    server.stop()
    rows = server.log()[1]
    assert len(rows) == 200
    for row in rows.values():
        assert row["outcome"] == "ok" and len(row["sent_ns"]) == 30
        assert all(s >= row["arrival_ns"] + 20000000 + 5000000 * k
                   for k, s in enumerate(row["sent_ns"]))


FAULT = {**USAGE, "max_tokens": 10}


def fault(serve, *options, body=FAULT):
    """The bytes of one answer up to the end of the connection, and its row of the log."""
    server = serve(*FAST, *options)
    raw, error = b"", None
    with server.connect() as sock:
        sock.sendall(post(body, "/v1/completions", "Connection: close"))
        try:
            while piece := sock.recv(1 << 20):
                raw += piece
        except ConnectionResetError as e:
            error = e
    server.stop()
    return raw, error, server.log()[1][0]


def events_in(raw):
    """Those that are whole, of a stream that may be cut."""
    found = re.findall(rb"data: (\{.*\}|\[DONE\])\n\n\r\n", raw)
    return [text.decode() if text == b"[DONE]" else json.loads(text) for text in found]


@pytest.mark.parametrize("status, reason", [(500, "Internal Server Error"),
                                            (429, "Too Many Requests"),
                                            (503, "Service Unavailable")])
def test_fail(serve, status, reason):
    raw, _, row = fault(serve, "--fail", "1", "--fail-status", status, "--retry-after", "7")
    head, body = raw.split(b"\r\n\r\n", 1)
    assert head.startswith(f"HTTP/1.1 {status} {reason}\r\n".encode())
    assert b"retry-after: 7" in head and json.loads(body)["error"]["code"] == status
    assert row["outcome"] == "fail" and row["status"] == status and row["sent_ns"] == []


def test_cut(serve):
    raw, error, row = fault(serve, "--cut", "1")
    assert error is None and not raw.endswith(b"0\r\n\r\n")
    assert 1 <= len(events_in(raw)) < 10 and finish(events_in(raw)) == []
    assert row["outcome"] == "cut" and row["tokens"] == len(row["sent_ns"]) == len(events_in(raw))


def test_reset(serve):
    raw, error, row = fault(serve, "--reset", "1")
    assert isinstance(error, ConnectionResetError) and row["outcome"] == "reset"
    assert 1 <= row["tokens"] < 10


@pytest.mark.parametrize("option, outcome", [("--stall", "stall"), ("--hang", "hang")])
def test_silence(serve, option, outcome):
    """The server's own log says when it fell silent; the connection is open until it ends."""
    server = serve(*FAST, option, "1")
    with server.connect() as sock:
        sock.sendall(post(FAULT))
        raw = b""
        while outcome == "stall" and not events_in(raw):
            raw += sock.recv(65536)
        eventually(lambda: server.log_path.read_text().count("\n") == 2)
        row = server.log()[1][0]
        while len(events_in(raw)) < row["tokens"]:
            raw += sock.recv(65536)
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recv(1)
        assert ask(server, get("/health")).status == 200
        server.stop()
        sock.setblocking(True)
        assert sock.recv(65536) == b""
    assert row["outcome"] == outcome and row["tokens"] == len(events_in(raw)) < 10
    assert (row["status"], raw == b"") == ((200, False) if outcome == "stall" else (0, True))


def test_abort(serve):
    raw, _, row = fault(serve, "--abort", "1")
    events = events_in(raw)
    assert finish(events) == ["abort"] and events[-1] == "[DONE]" and raw.endswith(b"\r\n0\r\n\r\n")
    assert texts(events)[-1] == ""
    assert events[-2]["usage"]["completion_tokens"] == row["tokens"] == len(texts(events)) - 1
    assert row["outcome"] == "abort" and len(row["sent_ns"]) == row["tokens"] < 10


def test_error(serve):
    raw, _, row = fault(serve, "--error", "1")
    events = events_in(raw)
    assert events[-1] == "[DONE]" and events[-2]["error"]["code"] == 500 and finish(events) == []
    assert row["outcome"] == "error" and 1 <= row["tokens"] == len(events) - 2


def test_short(serve):
    raw, _, row = fault(serve, "--short", "1")
    events = events_in(raw)
    assert finish(events) == ["stop"] and 1 <= len(texts(events)) < 10
    assert events[-2]["usage"]["completion_tokens"] == row["tokens"] == len(texts(events))
    assert row["outcome"] == "short"


GARBAGE = {"head": b"this is no HTTP", "chunk": b"\r\nzz!\r\n", "negative": b"\r\n-5\r\n",
           "json": b'data: {"id":"broken","choices":[{\n\n', "line": b"x" * (5 << 20)}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage(serve, kind):
    raw, _, row = fault(serve, "--garbage", "1", "--garbage-kind", kind)
    assert GARBAGE[kind] in raw and row["outcome"] == "garbage"
    assert raw.startswith(b"HTTP/1.1 200") == (kind != "head")


def test_big_header(serve):
    raw, _, row = fault(serve, "--big-header", "1")
    head, body = raw.split(b"\r\n\r\n", 1)
    assert len(head) > 1 << 20 and finish(events_in(body)) == ["length"]
    assert row["outcome"] == "big_header" and row["tokens"] == 10


WHOLE = {"prompt": [1], "max_tokens": 10}


@pytest.mark.parametrize("option, outcome, tokens", [
    ("--cut", "cut", 0), ("--abort", "abort", None), ("--short", "short", None),
    ("--error", "error", 0), ("--reset", "reset", 0)])
def test_faults_of_whole_answers(serve, option, outcome, tokens):
    raw, error, row = fault(serve, option, "1", body=WHOLE)
    assert row["outcome"] == outcome and row["stream"] is False
    assert (error is not None) == (option == "--reset")
    if tokens is None:
        answer = json.loads(raw.split(b"\r\n\r\n", 1)[1])
        assert answer["usage"]["completion_tokens"] == row["tokens"] == row["event_tokens"][0] < 10
        assert answer["choices"][0]["finish_reason"] == ("stop" if option == "--short" else "abort")
    else:
        assert row["tokens"] == tokens
    if option == "--error":
        assert raw.startswith(b"HTTP/1.1 500 ") and row["status"] == 500
    if option == "--cut":
        head, body = raw.split(b"\r\n\r\n", 1)
        assert len(body) < int(re.search(rb"content-length: (\d+)", head)[1])


def test_shares_are_kept(serve):
    server = serve("--ttft", "0", "--itl", "0", "--fail", "0.25", "--short", "0.25", "--seed", "3")
    with server.connect() as sock, sock.makefile("rb") as file:
        for _ in range(400):
            sock.sendall(post(STREAM))
            Answer(file)
    server.stop()
    outcomes = [row["outcome"] for row in server.log()[1].values()]
    assert 60 < outcomes.count("fail") < 140 and 60 < outcomes.count("short") < 140
    assert outcomes.count("ok") == 400 - outcomes.count("fail") - outcomes.count("short")


def test_a_client_that_leaves(serve):
    server = serve("--ttft", "2ms", "--itl", "20ms")
    with server.connect() as sock:
        sock.sendall(post({**STREAM, "max_tokens": 10000}))
        while b" t2" not in sock.recv(65536):
            pass
    idle = b"running{engine=\"0\",model_name=\"simulated\"} 0.0"
    eventually(lambda: idle in ask(server, get("/metrics")).body)
    server.stop()
    row = server.log()[1][0]
    assert row["outcome"] == "closed" and 2 <= row["tokens"] == len(row["sent_ns"]) < 10000


def test_a_client_that_does_not_read(serve):
    """The socket fills up; every byte still comes, and the stamps are those of the sends."""
    count = 600000
    server = serve("--ttft", "1ms", "--itl", "0", "--tokens-per-event", "1000",
                   "--max-model-len", "1000000")
    with server.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.sendall(post({**USAGE, "max_tokens": count, "return_token_ids": True}))
        sent = [-1, 0]
        while sent[-1] != sent[-2] or not sent[-1]:
            metrics = ask(server, get("/metrics")).body.decode()
            sent.append(float(re.search(r"^vllm:generation_tokens_total{.*} (.*)$", metrics, re.M)[1]))
        assert "running{engine=\"0\",model_name=\"simulated\"} 1.0" in metrics
        with sock.makefile("rb") as file:
            events = Answer(file).events()
    assert events[-2]["usage"]["completion_tokens"] == count
    assert [i for e in events[:-2] for i in e["choices"][0]["token_ids"]] == [
        i % 151936 for i in range(1, count + 1)]
    server.stop()
    row = server.log()[1][0]
    assert row["outcome"] == "ok" and row["tokens"] == count and len(row["sent_ns"]) == 600
    assert row["sent_ns"] == sorted(row["sent_ns"])


def test_the_end_of_the_server(serve):
    for number in (signal.SIGTERM, signal.SIGINT):
        server = serve("--ttft", "1ms", "--itl", "50ms")
        with server.connect() as sock:
            sock.sendall(post({**STREAM, "max_tokens": 1000}))
            assert sock.recv(65536)
            code, said = server.stop(number)
            assert code == 0 and "simulated" in said
            while sock.recv(65536):
                pass
        assert server.log()[1][0]["outcome"] == "stopped"


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Options for a certificate made here and its key."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                    "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost"],
                   cwd=folder, check=True, capture_output=True)
    return "--tls-cert", folder / "cert.pem", "--tls-key", folder / "key.pem"


def test_tls(serve, pair):
    server = serve(*FAST, *pair)
    with server.connect() as sock, sock.makefile("rb") as file:
        for _ in range(3):
            sock.sendall(post(USAGE))
            assert texts(Answer(file).events()) == [" t1", " t2", " t3", " t4"]
        sock.sendall(post(STREAM) + get("/health", "Connection: close"))
        assert len(Answer(file).events()) == 5
        assert Answer(file).status == 200
        assert file.read() == b""  # with a goodbye, else this raises
    answers = run_all(server, 50, {**USAGE, "max_tokens": 30}, read_events)
    assert all(len(texts(events)) == 30 for events in answers)
    big = {"prompt": "x" * 400000, "max_tokens": 20, "return_token_ids": True}
    assert len(ask(server, post(big)).json()["choices"][0]["prompt_token_ids"]) == 100000
    server.stop()
    rows = server.log()[1].values()
    assert {row["outcome"] for row in rows} == {"ok"}
    assert all(s >= row["arrival_ns"] + 2000000 + 1000000 * k
               for row in rows if row["stream"] for k, s in enumerate(row["sent_ns"]))


def test_tls_cut_has_no_goodbye(serve, pair):
    server = serve(*FAST, *pair, "--cut", "1")
    with server.connect() as sock:
        sock.sendall(post(FAULT))
        with pytest.raises(ssl.SSLError, match="(?i)eof"):  # older Pythons: no SSLEOFError
            while sock.recv(65536):
                pass


def test_tls_and_plain_bytes(serve, pair):
    server = serve(*FAST, *pair)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as sock:
        sock.sendall(get("/health"))
        assert b"HTTP/1.1 200" not in sock.recv(65536)
    assert ask(server, get("/health")).status == 200


def test_port_in_use(serve, inferbench):
    server = serve(*FAST)
    done = inferbench("serve", "--port", server.port)
    assert done.returncode == 1 and done.stdout == ""
    assert f"127.0.0.1:{server.port}: cannot listen: Address already in use" in done.stderr
    assert "choose another" in done.stderr


def test_unix_socket(binary, tmp_path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    process = subprocess.Popen([str(binary), "serve", "--uds", str(path), "--quiet", "--log",
                                str(tmp_path / "log")], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == f"serve: listening on unix:{path}\n"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        sock.sendall(post(STREAM))
        assert len(read_events(sock)) == 5
    process.terminate()
    assert process.wait(timeout=30) == 0 and not path.exists()
    process.stdout.close()
    row = json.loads((tmp_path / "log").read_text().splitlines()[1])
    assert row["arrival_ns"] is None and row["outcome"] == "ok"


BAD = [
    (["--ttft", "20"], '--ttft: "20" is not a time with its unit'),
    (["--itl", "2h"], "--itl: 2h is out of range. Write 0s to 3600s"),
    (["--fail", "1.5"], "--fail: 1.5 is out of range. Write 0 to 1"),
    (["--fail", "0.6", "--cut", "0.6"], "serve: the shares of faults sum to 1.2, more than 1"),
    (["--garbage-kind", "jsn"], "Did you mean json?"),
    (["--port", "70000"], "--port: 70000 is out of range. Write 0 to 65535"),
    (["--model", ""], "--model: is empty"),
    (["--tls-cert", "x"], "--tls-cert: certificate and key are needed together"),
    (["--tls-key", "x"], "--tls-key: certificate and key are needed together"),
    (["stray"], "stray: unexpected argument"),
    (["--tttf", "1s"], "--tttf: unknown option. Did you mean --ttft?"),
]


@pytest.mark.parametrize("words, text", BAD, ids=[" ".join(words) for words, _ in BAD])
def test_bad_options(inferbench, words, text):
    done = inferbench("serve", "--port", "0", *words)
    assert done.returncode == 2 and text in done.stderr and done.stdout == ""


def test_log_that_cannot_be_written(inferbench, tmp_path):
    done = inferbench("serve", "--port", "0", "--log", tmp_path / "none" / "log")
    assert done.returncode == 1 and "cannot be written: No such file or directory" in done.stderr
    done = inferbench("serve", "--port", "0", "--api-key-file", tmp_path / "none")
    assert done.returncode == 1 and "no such file" in done.stderr
    done = inferbench("serve", "--port", "0", "--tls-cert", "/dev/null", "--tls-key", "/dev/null")
    assert done.returncode == 1 and "/dev/null: is a pipe or device, not a file" in done.stderr
