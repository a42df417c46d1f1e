"""An OpenAI-compatible server in plain Python that knows when it sent each event.

    python3 truth_server.py LOG.jsonl [--gap-ms 10] [--burst 1] [--joined 0]

Shares no code with the program under test: the truth of test_online_truth.py. Streams look as
vLLM's do. The first line on stdout is the port; SIGTERM ends it and writes the log, a line for each
request: its X-Request-Id, the kernel's stamp of its last bytes (CLOCK_MONOTONIC, ns) and, for each
token event, the clock before its `send` and the number of that `send`.

--burst N    N events in N sends one after the other, then a pause of N gaps
--joined N   each N-th event is written in one `send` with the event before it; in turns within one
             HTTP chunk and in two
"""

import argparse
import heapq
import json
import select
import signal
import socket
import struct
import sys
import time

SO_TIMESTAMPING = 37  # asm-generic/socket.h; the messages that bring the stamp have its number
RX_SOFTWARE, SOFTWARE = 1 << 3, 1 << 4  # linux/net_tstamp.h
FIRST_PAUSE_NS = 5_000_000


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    parser.add_argument("--gap-ms", type=int, default=10)
    parser.add_argument("--burst", type=int, default=1)
    parser.add_argument("--joined", type=int, default=0)
    return parser.parse_args()


def realtime_minus_monotonic():
    """ns; of ten tries the one whose readings lie closest together."""
    best = None
    for _ in range(10):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        if best is None or after - before < best[0]:
            best = (after - before, wall - (before + after) // 2)
    return best[1]


def stamp_of(ancillary):
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPING:
            seconds, nanoseconds = struct.unpack("qq", data[:16])
            if seconds:
                return seconds * 1_000_000_000 + nanoseconds - realtime_minus_monotonic()
    return None


def chunk(text):
    body = text.encode()
    return b"%x\r\n%s\r\n" % (len(body), body)


class Stream:
    """One answer: when each `send` is due, what is in it, when it went."""

    def __init__(self, opts, conn, request, arrival_ns):
        self.conn, self.arrival_ns = conn, arrival_ns
        self.name, self.count = request["id"], request["body"]["max_tokens"]
        self.prompt = len(request["body"]["prompt"])
        self.model = request["body"]["model"]
        self.sent_ns, self.send_of = [], []
        self.begin_ns = time.monotonic_ns() + FIRST_PAUSE_NS
        self.sends = self.plan(opts)

    def plan(self, opts):
        """[(due from the begin, ns, events)]"""
        out = []
        for i in range(self.count):
            if opts.joined and i % opts.joined == opts.joined - 1:
                out[-1][1].append(i)
                continue
            out.append((i // opts.burst * opts.burst * opts.gap_ms * 1_000_000, [i]))
        return out

    def event(self, i):
        last = i == self.count - 1
        choice = {"index": 0, "text": f" t{i}", "logprobs": None,
                  "finish_reason": "length" if last else None, "stop_reason": None,
                  "prompt_token_ids": None, "token_ids": None}
        return self.data({"choices": [choice]})

    def data(self, more):
        head = {"id": f"cmpl-{self.name}", "object": "text_completion", "created": 1795503889,
                "model": self.model}
        return "data: " + json.dumps({**head, **more}, separators=(",", ":")) + "\n\n"

    def step(self):
        """Sends what is due; when the next is, or None."""
        _, events = self.sends[len(set(self.send_of))]
        texts = [self.event(i) for i in events]
        data = chunk("".join(texts)) if events[0] % 2 else b"".join(map(chunk, texts))
        number = len(set(self.send_of))
        now = time.monotonic_ns()
        self.conn.sock.send(data)
        self.sent_ns += [now] * len(events)
        self.send_of += [number] * len(events)
        if number + 1 < len(self.sends):
            return self.begin_ns + self.sends[number + 1][0]
        usage = {"prompt_tokens": self.prompt, "completion_tokens": self.count,
                 "total_tokens": self.prompt + self.count}
        self.conn.sock.send(chunk(self.data({"choices": [], "usage": usage})))
        self.conn.sock.send(chunk("data: [DONE]\n\n") + b"0\r\n\r\n")
        return None

    def line(self):
        return {"id": self.name, "arrival_ns": self.arrival_ns, "sent_ns": self.sent_ns,
                "send": self.send_of}


class Conn:
    def __init__(self, sock):
        self.sock, self.data = sock, b""

    def read(self):
        """Stamp of what was read, or None; False at the end of the connection."""
        data, ancillary, _, _ = self.sock.recvmsg(1 << 20, 512)
        self.data += data
        return stamp_of(ancillary) if data else False

    def request(self):
        """The next whole request, or None."""
        head, found, rest = self.data.partition(b"\r\n\r\n")
        if not found:
            return None
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip()
                  for name, _, value in (line.partition(":") for line in lines[1:])}
        size = int(fields.get("content-length", 0))
        if len(rest) < size:
            return None
        self.data = rest[size:]
        method, path, _ = lines[0].split(" ")
        return {"method": method, "path": path, "id": fields.get("x-request-id"),
                "body": json.loads(rest[:size]) if size else None}

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.sock.send(b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
                       b"\r\n%s" % (status.encode(), len(text), text))

    def begin_stream(self):
        self.sock.send(b"HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: text/event-stream; "
                       b"charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n")


class Server:
    def __init__(self, opts):
        self.opts, self.conns, self.due, self.done, self.asked = opts, {}, [], [], 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        # Set before any connection exists: those that it accepts inherit it.
        self.listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, RX_SOFTWARE | SOFTWARE)
        self.poll = select.epoll()
        self.poll.register(self.listener, select.EPOLLIN)

    def accept(self):
        sock, _ = self.listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.conns[sock.fileno()] = Conn(sock)
        self.poll.register(sock, select.EPOLLIN)

    def serve(self, conn, arrival_ns):
        while (request := conn.request()) is not None:
            if request["path"] == "/v1/completions":
                conn.begin_stream()
                stream = Stream(self.opts, conn, request, arrival_ns)
                self.asked += 1
                heapq.heappush(self.due, (stream.begin_ns, self.asked, stream))
            elif request["path"] == "/v1/models":
                card = {"id": "truth", "object": "model", "owned_by": "vllm",
                        "max_model_len": 4096}
                conn.answer("200 OK", {"object": "list", "data": [card]})
            elif request["path"] == "/health":
                conn.answer("200 OK", {})
            else:
                conn.answer("404 Not Found", {"detail": "Not Found"})

    def send_due(self):
        while self.due and self.due[0][0] <= time.monotonic_ns():
            _, number, stream = heapq.heappop(self.due)
            again = stream.step()
            if again is None:
                self.done.append(stream.line())
            else:
                heapq.heappush(self.due, (again, number, stream))

    def run(self):
        while True:
            wait_s = max(0, self.due[0][0] - time.monotonic_ns()) / 1e9 if self.due else -1
            for fd, _ in self.poll.poll(wait_s):
                if fd == self.listener.fileno():
                    self.accept()
                    continue
                stamp = self.conns[fd].read()
                if stamp is False:
                    self.poll.unregister(fd)
                    self.conns.pop(fd).sock.close()
                else:
                    self.serve(self.conns[fd], stamp)
            self.send_due()

    def stop(self, *_):
        with open(self.opts.log, "w", encoding="utf-8") as out:
            for line in self.done:
                out.write(json.dumps(line) + "\n")
        sys.exit(0)


if __name__ == "__main__":
    server = Server(options())
    signal.signal(signal.SIGTERM, server.stop)
    print(server.listener.getsockname()[1], flush=True)
    server.run()
