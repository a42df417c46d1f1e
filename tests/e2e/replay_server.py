"""A server that repeats a recorded answer of tests/wire, byte for byte.

    with ReplayServer("llamacpp_chat", pace="events", gap_s=0.01) as server:
        ... server.port; server.recording.model, .max_tokens ...

Every POST to the recording's endpoint gets the same bytes, whatever it asks for: a client that asks
for `max_tokens` of RECORDINGS gets what it asks for. The connection is closed afterwards if the
recording says so. GET is answered as that server does, from its source or its own words;
llama.cpp's list of models was recorded, and no key is asked for.

pace    whole   one `send`, at once
        bytes   a `send` for each byte
        events  a `send` for each event, one each `gap_s`
        times   as the reads of the recording came: NAME.times, there for haproxy and nginx_tls

`server.sends` has, for each POST, [(instant before the `send`, ns of CLOCK_MONOTONIC; bytes)].
"""

import json
import re
import time
from pathlib import Path
from types import SimpleNamespace

from e2e.odd_server import OddServer, plain
from wire.expect import answers, decode

FOLDER = Path(__file__).resolve().parent.parent / "wire"


def not_found(body):
    return plain(404, body, reason="Not Found")


def models(*ids, **more):
    return plain(200, {"object": "list", "data": [{"id": i, "object": "model", **more}
                                                  for i in ids]})


FASTAPI_404 = not_found({"detail": "Not Found"})
LITELLM_401 = plain(401, {"error": {
    "message": "Authentication Error, No api key passed in.", "type": "auth_error",
    "param": "None", "code": "401"}}, reason="Unauthorized")
LLAMA_404 = not_found({"error": {"code": 404, "message": "File Not Found",
                                 "type": "not_found_error"}})
GUIDELLM_404 = not_found({"error": {"message": "Not Found", "type": "not_found_error",
                                    "code": "not_found"}})

# Pages of each server; "*": of all other paths.
SERVERS = {
    "guidellm": {
        "/health": plain(200, {"status": "healthy", "timestamp": 1795967872.5}),
        "/v1/models": models("mock", created=1795967872, owned_by="guidellm-mock"),
        "/version": GUIDELLM_404, "*": GUIDELLM_404},
    "litellm": {  # /health wants a key, and then asks every model that is configured
        "/health": LITELLM_401,
        "/health/liveliness": plain(200, b'"I\'m alive!"'),
        "/v1/models": models("sim", created=1677610602, owned_by="openai"),
        "/version": FASTAPI_404, "*": FASTAPI_404},
    "llamacpp": {
        "/health": plain(200, {"status": "ok"}),
        "/v1/models": plain(200, (FOLDER / "llamacpp_models.json").read_bytes().rstrip()),
        "/version": LLAMA_404, "*": LLAMA_404},
    "serve": {  # inferbench serve behind a proxy
        "/health": plain(200, b""),
        "/v1/models": models("simulated", max_model_len=131072,
                             owned_by="inferbench-serve (simulated)"),
        "/version": plain(200, {"version": "simulated",
                                "server": "inferbench-serve (simulated)"}),
        "*": FASTAPI_404},
    "transformers": {
        "/health": plain(200, {"status": "ok"}),
        "/v1/models": models("local/tiny", created=1795967108.25, owned_by="local"),
        "/version": FASTAPI_404, "*": FASTAPI_404},
    "vllm": {
        "/health": plain(200, b""),
        "/v1/models": models("tiny", owned_by="vllm", max_model_len=1024),
        "/version": plain(200, {"version": "0.32.0"}), "*": FASTAPI_404},
    "vllm_rust": {
        "/health": plain(200, b""),
        "/v1/models": models("tiny", created=0, owned_by="vllm-frontend-rs"),
        "/version": plain(200, {"version": "0.32.0", "rust_frontend_version": "0.33.0"}),
        "*": not_found(b"")},
}

# name: server; max_tokens to ask for, which is also what the usage counts
RECORDINGS = {
    "guidellm_chat": ("guidellm", 32),
    "guidellm_completions": ("guidellm", 32),
    "haproxy": ("serve", 32),
    "litellm_chat": ("litellm", 32),
    "litellm_completions": ("litellm", 32),
    "llamacpp_chat": ("llamacpp", 16),
    "llamacpp_completions": ("llamacpp", 16),
    "nginx": ("serve", 32),
    "nginx_tls": ("serve", 32),  # what TLS carried, in plain text unless `tls` is given
    "transformers_batching_chat": ("transformers", 32),
    "transformers_chat": ("transformers", 32),
    "transformers_completions": ("transformers", 32),
    "vllm_rust_chat": ("vllm_rust", 64),
    "vllm_rust_completions": ("vllm_rust", 64),
    "chat_stream_usage": ("vllm", 5),
    "completions_stream_usage": ("vllm", 5),
    "completions_stream_usage_continuous": ("vllm", 5),
    "completions_stream_interval": ("vllm", 10),
}


def read(name):
    """The recording: bytes, path, what a client has to ask for."""
    server, max_tokens = RECORDINGS[name]
    is_chat, data = decode((FOLDER / f"{name}.txt").read_text(encoding="utf-8"))
    (_, _, _, (keeps, _, _)), = answers(data)
    page = SERVERS[server]["/v1/models"].split(b"\r\n\r\n", 1)[1]
    return SimpleNamespace(
        name=name, server=server, data=data, keeps=keeps, max_tokens=max_tokens,
        path="/v1/chat/completions" if is_chat else "/v1/completions",
        endpoint="chat" if is_chat else "completions", model=json.loads(page)["data"][0]["id"])


def event_ends(data):
    """Where in the connection's bytes each event ends, the end of its chunk included."""
    at = data.index(b"\r\n\r\n") + 4
    assert b"transfer-encoding: chunked" in data[:at].lower()
    places, size = [], None
    while size != 0:
        line = data.index(b"\r\n", at)
        size = int(data[at:line].split(b";")[0], 16)
        places += range(line + 2, line + 2 + size)
        at = line + 2 + size + 2
    body = bytes(data[i] for i in places)
    ends = []
    for found in re.finditer(rb"\r?\n\r?\n", body):
        end = places[found.end() - 1] + 1
        is_chunk_end = found.end() == len(body) or places[found.end()] != end
        ends.append(end + 2 if is_chunk_end else end)
    return ends


def pieces(recording, pace, gap_s):
    """[(seconds after the request, bytes)]"""
    data = recording.data
    if pace == "whole":
        return [(0, data)]
    if pace == "bytes":
        return [(0, data[i:i + 1]) for i in range(len(data))]
    ends = event_ends(data)
    if pace == "events":
        rows = [(i * gap_s, 1) for i in range(len(ends))]
    else:
        lines = (FOLDER / f"{recording.name}.times").read_text().splitlines()
        rows = [(float(at), int(count)) for at, count in map(str.split, lines)]
    assert sum(count for _, count in rows) == len(ends)
    out, begin, done = [], 0, 0
    for at_s, count in rows:
        done += count
        end = ends[done - 1] if done < len(ends) else len(data)
        out.append((at_s, data[begin:end]))
        begin = end
    return out


class ReplayServer(OddServer):
    def __init__(self, name, pace="whole", gap_s=0.01, tls=None):
        self.recording = read(name)
        self.pieces = pieces(self.recording, pace, gap_s)
        self.sends = []
        super().__init__(self.replay, tls=tls, paths=SERVERS[self.recording.server])

    def replay(self, sock, request):
        begin = time.monotonic()
        if request.head.split(" ")[1] != self.recording.path:
            sock.sendall(self.paths["*"])
            return True
        sends = []
        self.sends.append(sends)
        for at_s, data in self.pieces:
            time.sleep(max(0, begin + at_s - time.monotonic()))
            sends.append((time.monotonic_ns(), data))
            sock.sendall(data)
        return self.recording.keeps
