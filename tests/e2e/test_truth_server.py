"""Does truth_server.py do what it says? Its own log against a plain asyncio client."""

import asyncio
import json
import time
from types import SimpleNamespace

import pytest

from e2e.truth_server import MS, serving, steady, tokens_per_s

pytestmark = pytest.mark.alone

BOTH = pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"],
                               ids=["completions", "chat"])


def request_of(name, tokens, path):
    prompt = ({"messages": [{"role": "user", "content": "one two"}]} if "chat" in path
              else {"prompt": [1, 2, 3]})
    body = json.dumps({"model": "truth", "max_tokens": tokens, "stream": True, **prompt}).encode()
    return (f"POST {path} HTTP/1.1\r\nX-Request-Id: {name}\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode() + body


async def chunks_of(reader):
    """(its bytes, when they were read)"""
    while size := int(await reader.readline(), 16):
        data = await reader.readexactly(size + 2)
        yield data[:-2].decode(), time.monotonic_ns()


async def ask(port, name, tokens=8, path="/v1/completions"):
    """What a client sees: when it asked, its events (text, object, instant), chunks."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        asked_ns = time.monotonic_ns()
        writer.write(request_of(name, tokens, path))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        seen = SimpleNamespace(name=name, asked_ns=asked_ns, events=[], chunks=0, is_done=False)
        async for text, at_ns in chunks_of(reader):
            seen.chunks += 1
            for event in text.split("\n\n")[:-1]:
                data = event.removeprefix("data: ")
                seen.is_done = data == "[DONE]"
                if not seen.is_done:
                    seen.events.append((json.loads(data), at_ns))
        return seen
    finally:
        writer.close()


async def ask_many(port, count, **more):
    return await asyncio.gather(*(ask(port, f"r{i}", **more) for i in range(count)))


def wait(what):
    """A minute means that it never comes."""
    return asyncio.run(asyncio.wait_for(what, 60))


def text_of(event):
    choice = event["choices"][0] if event["choices"] else {}
    return choice.get("text") or choice.get("delta", {}).get("content")


def run(folder, *options, count=1, **more):
    """[(line of the log, what the client saw)]"""
    with serving(folder / "truth.jsonl", *options) as server:
        seen = {s.name: s for s in wait(ask_many(server.port, count, **more))}
    assert [line["outcome"] for line in server.lines] == ["ok"] * count
    return [(line, seen[line["id"]]) for line in server.lines]


@BOTH
def test_a_plain_answer(tmp_path, path):
    for line, seen in run(tmp_path, count=5, path=path):
        tokens = [(e, at) for e, at in seen.events if text_of(e)]
        assert [text_of(e) for e, _ in tokens] == [f" t{i}" for i in range(8)]
        assert line["tokens"] == [1] * 8 and line["send"] == list(range(8))
        assert seen.asked_ns - MS < line["arrival_ns"] < line["begin_ns"]
        assert all(sent >= line["begin_ns"] + (5 + 10 * i) * MS
                   for i, sent in enumerate(line["sent_ns"]))
        assert all(at > sent for (_, at), sent in zip(tokens, line["sent_ns"]))
        assert tokens[-1][0]["choices"][0]["finish_reason"] == "length"
        usage = seen.events[-1][0]
        assert usage["choices"] == [] and usage["usage"]["completion_tokens"] == 8
        assert seen.is_done and line["finish_ns"] is None and line["end_ns"] > line["sent_ns"][-1]
        roles = [e for e, _ in seen.events if e["choices"]
                 and "role" in e["choices"][0].get("delta", {})]
        assert len(roles) == ("chat" in path)


def test_events_of_one_send(tmp_path):
    (line, seen), = run(tmp_path, "--merged", 4, count=1, tokens=10)
    assert line["send"] == [0] * 4 + [1] * 4 + [2] * 2
    assert len(set(line["sent_ns"])) == 3
    for first, last in ((0, 3), (4, 7), (8, 9)):
        assert line["sent_ns"][first] >= line["begin_ns"] + (5 + 10 * last) * MS
    assert seen.chunks == 1 + 4 + 1 + 2  # the usage and [DONE]
    assert len(seen.events) == 10 + 1


def test_joined_and_bursts(tmp_path):
    (line, _), = run(tmp_path, "--joined", 3, tokens=7)
    assert line["send"] == [0, 1, 1, 2, 3, 3, 4]
    (line, _), = run(tmp_path, "--burst", 3, tokens=7)
    assert line["send"] == list(range(7))
    assert line["sent_ns"][3] >= line["begin_ns"] + 35 * MS


@pytest.mark.parametrize("more", [(), ("--usage-each",)], ids=["at the end", "in each"])
def test_several_tokens_an_event(tmp_path, more):
    (line, seen), = run(tmp_path, "--tokens-per-event", 3, *more, tokens=8)
    assert line["tokens"] == [3, 3, 2] and len(line["sent_ns"]) == 3
    assert [text_of(e) for e, _ in seen.events[:-1]] == [" t0 t1 t2", " t3 t4 t5", " t6 t7"]
    said = [e.get("usage", {}).get("completion_tokens") for e, _ in seen.events]
    assert said == ([3, 6, 8] if more else [None] * 3) + [8]


@BOTH
def test_a_finish_chunk(tmp_path, path):
    (line, seen), = run(tmp_path, "--finish-ms", 100, path=path)
    *_, last, finish, usage = [e for e, _ in seen.events]
    assert text_of(last) == " t7" and last["choices"][0]["finish_reason"] is None
    choice = finish["choices"][0]
    assert choice["finish_reason"] == "length" and usage["choices"] == []
    assert choice["delta"] == {} if "chat" in path else choice["text"] == ""
    assert line["finish_ns"] >= line["begin_ns"] + (5 + 7 * 10 + 100) * MS
    assert line["sent_ns"][-1] < line["finish_ns"] < line["end_ns"]


def test_slots(tmp_path):
    """No more than two at a time, in order; a client that leaves gives its slot back."""
    lines = [line for line, _ in run(tmp_path, "--slots", 2, count=6)]
    begins = [line["begin_ns"] for line in lines]
    assert begins == sorted(begins) and all(
        begin > sorted(line["end_ns"] for line in lines)[i]
        for i, begin in enumerate(begins[2:]))

    async def leave(port):
        first, then = (asyncio.create_task(ask(port, name)) for name in "ab")
        await asyncio.sleep(0.05)
        first.cancel()
        await then
    with serving(tmp_path / "truth.jsonl", "--slots", 1, "--gap-ms", 100) as server:
        wait(leave(server.port))
    assert {line["id"]: line["outcome"] for line in server.lines} == {"a": "left", "b": "ok"}


def test_serial_prefill(tmp_path):
    lines = [line for line, _ in run(tmp_path, "--serial-prefill", "--first-ms", 20, count=5)]
    begins = [line["begin_ns"] for line in lines]
    assert all(b - a >= 20 * MS for a, b in zip(begins, begins[1:]))
    assert all(line["sent_ns"][0] >= line["begin_ns"] + 20 * MS for line in lines)
    assert any(line["sent_ns"][-1] > begin for line, begin in zip(lines, begins[1:]))


def test_a_share_is_never_answered(tmp_path):
    async def ask_all(port):
        tasks = [asyncio.create_task(ask(port, f"r{i}")) for i in range(20)]
        done = []
        for first in asyncio.as_completed(tasks):
            done.append((await first).name)
            if len(done) == 14:
                break
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return done
    with serving(tmp_path / "truth.jsonl", "--unanswered", 0.3, "--slots", 4) as server:
        done = wait(ask_all(server.port))
    outcomes = [line["outcome"] for line in server.lines]
    assert outcomes[:10].count("unanswered") == outcomes[10:].count("unanswered") == 3
    assert {line["id"] for line in server.lines if line["outcome"] == "ok"} == set(done)
    assert all(line["sent_ns"] == [] and line["begin_ns"] is None
               for line in server.lines if line["outcome"] == "unanswered")


def test_a_constant_rate(tmp_path):
    """100 requests/s of 12 tokens are 1200 tokens/s, at the server and at the client."""
    async def open_load(port):
        async def one(i):
            await asyncio.sleep(begin + i / 100 - time.monotonic())
            return await ask(port, f"r{i}", tokens=12)
        begin = time.monotonic() + 0.1
        return await asyncio.gather(*(one(i) for i in range(200)))
    with serving(tmp_path / "truth.jsonl", "--gap-ms", 10, "--first-ms", 30) as server:
        seen = wait(open_load(server.port))
    window = steady(server.lines)
    assert window[1] - window[0] > 1000 * MS
    assert tokens_per_s(server.lines, window) == pytest.approx(1200, rel=0.25)
    got = sum(window[0] <= at < window[1] for s in seen for e, at in s.events if text_of(e))
    assert got / (window[1] - window[0]) * 1e9 == pytest.approx(1200, rel=0.25)


def test_an_overload(tmp_path):
    """Twice as much is asked as two slots can answer: what they can is answered, waits grow."""
    async def open_load(port):
        async def one(i):
            await asyncio.sleep(begin + i / 40 - time.monotonic())
            return await ask(port, f"r{i}", tokens=5)
        begin = time.monotonic() + 0.1
        return await asyncio.gather(*(one(i) for i in range(40)))
    with serving(tmp_path / "truth.jsonl", "--slots", 2, "--first-ms", 60) as server:
        wait(open_load(server.port))
    waits = [line["begin_ns"] - line["arrival_ns"] for line in server.lines]
    assert sum(waits[30:]) > 3 * sum(waits[:10])
    assert tokens_per_s(server.lines, steady(server.lines)) < 2 * 5 / 0.1 * 1.3
