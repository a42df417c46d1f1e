#!/usr/bin/env python3
"""A closed load on /v1/completions by a client that shares no code with inferbench.

    python3 benchmarks/plain_client.py URL MODEL [--concurrency 2] [--requests 48] [--tokens 32]
        [--prompt 32] [--vocabulary 500]

Prompts are random token ids. Each request has a connection of its own, opened before the clock
starts, and every read is stamped as it returns. The load is sent twice, the second is reported. TTFT
ends with the first event that has a choice, E2E with the last one. Prints
JSON: requests, tokens, ttft_p50_s, e2e_p50_s, tokens_per_second. Needs nothing but Python.
"""

import argparse
import asyncio
import json
import random
import statistics
import time
from urllib.parse import urlsplit


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url")
    parser.add_argument("model")
    for name, value in (("concurrency", 2), ("requests", 48), ("tokens", 32), ("prompt", 32), ("vocabulary", 500)):
        parser.add_argument(f"--{name}", type=int, default=value)
    return parser.parse_args()


def request(opts, at):
    body = json.dumps({
        "model": opts.model, "prompt": [random.randrange(16, opts.vocabulary) for _ in range(opts.prompt)],
        "max_tokens": opts.tokens, "ignore_eos": True, "temperature": 0.7, "top_p": 0.9, "stream": True,
        "stream_options": {"include_usage": True}}).encode()
    head = (f"POST {at.path.rstrip('/')}/v1/completions HTTP/1.1\r\nHost: {at.netloc}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


async def one(opts, at):
    """(first, last, tokens): seconds after the send, and what the server counted."""
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    sent = time.perf_counter()
    writer.write(request(opts, at))
    rest, came, tokens, status = b"", [], None, None
    while data := await reader.read(1 << 16):
        now = time.perf_counter()
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            status = status or line
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line[6:])
            if event.get("choices"):
                came.append(now - sent)
            tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
    writer.close()
    if b" 200 " not in status or tokens != opts.tokens:
        raise SystemExit(f"{status.decode(errors='replace').strip()}: {tokens} tokens, not {opts.tokens}")
    return came[0], came[-1], tokens


async def load(opts):
    at, rows, left = urlsplit(opts.url), [], opts.requests

    async def slot():
        nonlocal left
        while left > 0:
            left -= 1
            rows.append(await one(opts, at))
    begin = time.perf_counter()
    await asyncio.gather(*(slot() for _ in range(opts.concurrency)))
    wall_s = time.perf_counter() - begin
    first, last, tokens = zip(*rows)
    return {"requests": len(rows), "tokens": sum(tokens), "ttft_p50_s": statistics.median(first),
            "e2e_p50_s": statistics.median(last), "tokens_per_second": sum(tokens) / wall_s}


if __name__ == "__main__":
    asyncio.run(load(options()))  # warms up, as inferbench's first repeat does
    print(json.dumps(asyncio.run(load(options()))))
