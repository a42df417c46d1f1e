"""An OpenAI-compatible server in plain Python that knows what it did, and when.

    python3 truth_server.py LOG.jsonl [--gap-ms 10] [OPTIONS]

Shares no code with the program under test: it is the truth that results are compared with. Streams
look as vLLM's do, `/v1/completions` and `/v1/chat/completions`. The first line on stdout is the port;
SIGTERM ends it and writes the log. In tests:

    with serving(folder / "truth.jsonl", "--slots", 2) as server:
        ... server.port ...
    server.lines  # after the end

When an answer is sent:

--first-ms N         the first token comes so long after the request's turn (5)
--gap-ms N           each event so long after the one before (10)
--burst N            N events in N sends one after the other, then a pause of N gaps
--joined N           each N-th event is written in one `send` with the event before it
--merged N           N events are written in one `send`, when the last of them is due
--tokens-per-event N each event holds N tokens, the last one the rest
--usage-each         each event says the usage so far, not only the last one
--usage-whole        each event says the usage of the whole answer
--finish-ms N        finish_reason comes in an event without text, so long after the last token
--slots N            N answers at a time, the others wait in order of arrival
--serial-prefill     the time to the first token of one request begins when that of the one before
                     is over
--unanswered SHARE   so many of the requests are never answered, evenly spread and exact: of any 10
                     in a row, 3 for 0.3. They hold no slot

Events that share a `send` lie in turns within one HTTP chunk and in several.

The log holds a line for each request, in order of arrival; all instants are CLOCK_MONOTONIC, ns:

id          its X-Request-Id
arrival_ns  the kernel's stamp of its last bytes
begin_ns    when its turn came, or null; --first-ms counts from here
sent_ns     for each event with tokens, the clock before its `send`
send        the number of that `send` within the answer
tokens      of each event
finish_ns   before the `send` of the finish chunk, or null
end_ns      before the last `send`, or null
outcome     ok, unanswered, left (by the client), running, waiting

What a client must see: sent_ns[0] - arrival_ns is TTFT, differences of sent_ns are gaps (between
events of one send they are 0 for any client). While a constant rate of requests is answered,
`tokens_per_s` of `steady` is rate x tokens; with --slots it is at most
slots x tokens / (first + (events - 1) x gap + finish), and with --serial-prefill tokens / first.
"""

import argparse
import collections
import contextlib
import heapq
import json
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from types import SimpleNamespace

SO_TIMESTAMPING = 37  # asm-generic/socket.h; the messages that bring the stamp have its number
RX_SOFTWARE, SOFTWARE = 1 << 3, 1 << 4  # linux/net_tstamp.h
MS = 1_000_000


@contextlib.contextmanager
def serving(log, *options):
    """The server as a process of its own: `port`; after the end the log's `lines`."""
    words = [sys.executable, __file__, str(log), *map(str, options)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    server = SimpleNamespace(port=int(process.stdout.readline()), lines=None)
    try:
        yield server
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()
    server.lines = [json.loads(line) for line in log.read_text().splitlines()]


def steady(lines):
    """(from, to): the first answers have ended, and new requests still come."""
    return (min(line["end_ns"] for line in lines if line["outcome"] == "ok"),
            max(line["arrival_ns"] for line in lines))


def tokens_per_s(lines, window):
    begin, end = window
    sent = sum(tokens for line in lines for at, tokens in zip(line["sent_ns"], line["tokens"])
               if begin <= at < end)
    return sent / (end - begin) * 1e9


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    for name, fallback in (("first-ms", 5), ("gap-ms", 10), ("burst", 1), ("joined", 0),
                           ("merged", 1), ("tokens-per-event", 1), ("finish-ms", None),
                           ("slots", 0)):
        parser.add_argument("--" + name, type=int, default=fallback)
    parser.add_argument("--unanswered", type=float, default=0)
    parser.add_argument("--usage-each", action="store_true")
    parser.add_argument("--usage-whole", action="store_true")
    parser.add_argument("--serial-prefill", action="store_true")
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
        self.opts, self.conn, self.arrival_ns = opts, conn, arrival_ns
        self.is_chat = request["path"].endswith("/chat/completions")
        self.name, self.model = request["id"], request["body"]["model"]
        prompt = request["body"]["messages" if self.is_chat else "prompt"]
        self.prompt = len(prompt) if isinstance(prompt, list) else len(prompt.split())
        self.count, each = request["body"]["max_tokens"], opts.tokens_per_event
        self.events = [range(i, min(i + each, self.count)) for i in range(0, self.count, each)]
        self.sends, self.next_send, self.shared = self.plan(), 0, 0
        self.begin_ns = self.finish_ns = self.end_ns = None
        self.sent_ns, self.send_of, self.outcome = [], [], "waiting"

    def plan(self):
        """[(due after the first token, ns, numbers of events)]; the finish chunk has no number."""
        opts, out = self.opts, []
        for i in range(len(self.events)):
            due = i // opts.burst * opts.burst * opts.gap_ms * MS
            if opts.joined and i % opts.joined == opts.joined - 1:
                out[-1][1].append(i)
            elif i % opts.merged:
                out[-1] = (due, out[-1][1] + [i])
            else:
                out.append((due, [i]))
        if opts.finish_ms is not None:
            last = (len(self.events) - 1) // opts.burst * opts.burst * opts.gap_ms * MS
            out.append((last + opts.finish_ms * MS, []))
        return out

    def due_ns(self):
        """Of the next send."""
        return self.first_ns + self.sends[self.next_send][0]

    def begin(self, begin_ns, first_ns):
        self.begin_ns, self.first_ns, self.outcome = begin_ns, first_ns, "running"

    def usage(self, tokens):
        return {"prompt_tokens": self.prompt, "total_tokens": self.prompt + tokens,
                "completion_tokens": tokens}

    def choice(self, text, finish, delta=None):
        more = {"logprobs": None, "finish_reason": finish, "stop_reason": None, "token_ids": None}
        if self.is_chat:
            return {"index": 0, "delta": {"content": text} if delta is None else delta, **more}
        return {"index": 0, "text": text, "prompt_token_ids": None, **more}

    def event(self, i):
        tokens = self.events[i]
        ends = tokens[-1] == self.count - 1 and self.opts.finish_ms is None
        text = "".join(f" t{k}" for k in tokens)
        more = {"usage": self.usage(tokens[-1] + 1)} if self.opts.usage_each else {}
        if self.opts.usage_whole:
            more = {"usage": self.usage(self.count)}
        role = ""
        if i == 0 and self.is_chat:
            role = self.data({"choices": [
                self.choice("", None, {"role": "assistant", "content": ""})]})
        return role + self.data(
            {"choices": [self.choice(text, "length" if ends else None)], **more})

    def data(self, more):
        kind, name = (("chat.completion.chunk", "chatcmpl-") if self.is_chat
                      else ("text_completion", "cmpl-"))
        head = {"id": f"{name}{self.name}", "object": kind, "created": 1795503889,
                "model": self.model}
        return "data: " + json.dumps({**head, **more}, separators=(",", ":")) + "\n\n"

    def step(self):
        """Sends what is due, and after the last of it the end."""
        events, number = self.sends[self.next_send][1], self.next_send
        texts = [self.event(i) for i in events]
        if not events:
            texts = [self.data({"choices": [self.choice("", "length", {})]})]
        self.shared += len(events) > 1
        is_one_chunk = len(events) > 1 and self.shared % 2
        data = chunk("".join(texts)) if is_one_chunk else b"".join(map(chunk, texts))
        now = time.monotonic_ns()
        self.conn.sock.send(data)
        self.sent_ns += [now] * len(events)
        self.send_of += [number] * len(events)
        self.finish_ns = self.finish_ns if events else now
        self.next_send += 1
        if self.next_send == len(self.sends):
            usage = self.data({"choices": [], "usage": self.usage(self.count)})
            self.conn.sock.send(chunk(usage))
            self.end_ns, self.outcome = time.monotonic_ns(), "ok"
            self.conn.sock.send(chunk("data: [DONE]\n\n") + b"0\r\n\r\n")

    def line(self):
        return {"id": self.name, "arrival_ns": self.arrival_ns, "begin_ns": self.begin_ns,
                "sent_ns": self.sent_ns, "send": self.send_of,
                "tokens": [len(e) for e in self.events[:len(self.sent_ns)]],
                "finish_ns": self.finish_ns, "end_ns": self.end_ns, "outcome": self.outcome}


class Conn:
    def __init__(self, sock):
        self.sock, self.data, self.streams = sock, b"", []

    def read(self):
        """Stamp of what was read, or None; False at the end of the connection."""
        try:
            data, ancillary, _, _ = self.sock.recvmsg(1 << 20, 512)
        except ConnectionResetError:
            return False
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
        self.opts, self.conns, self.due, self.asked = opts, {}, [], []
        self.waiting, self.running, self.prefill_free_ns = collections.deque(), 0, 0
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
            if request["path"] in ("/v1/completions", "/v1/chat/completions"):
                self.take(conn, Stream(self.opts, conn, request, arrival_ns))
            elif request["path"] == "/v1/models":
                card = {"id": "truth", "object": "model", "owned_by": "vllm",
                        "max_model_len": 4096}
                conn.answer("200 OK", {"object": "list", "data": [card]})
            elif request["path"] == "/health":
                conn.answer("200 OK", {})
            else:
                conn.answer("404 Not Found", {"detail": "Not Found"})

    def take(self, conn, stream):
        number, share = len(self.asked), self.opts.unanswered
        self.asked.append(stream)
        if int((number + 1) * share + 1e-9) > int(number * share + 1e-9):
            stream.outcome = "unanswered"
            return
        conn.streams.append(stream)
        conn.begin_stream()
        self.waiting.append(stream)
        self.begin_waiting()

    def begin_waiting(self):
        """All whose turn it is."""
        while self.waiting and not 0 < self.opts.slots <= self.running:
            stream, begin_ns = self.waiting.popleft(), time.monotonic_ns()
            if self.opts.serial_prefill:
                begin_ns = max(begin_ns, self.prefill_free_ns)
            self.prefill_free_ns = begin_ns + self.opts.first_ms * MS
            stream.begin(begin_ns, self.prefill_free_ns)
            self.running += 1
            self.push(stream)

    def push(self, stream):
        heapq.heappush(self.due, (stream.due_ns(), id(stream), stream))

    def send_due(self):
        while self.due and self.due[0][0] <= time.monotonic_ns():
            stream = heapq.heappop(self.due)[2]
            try:
                if stream.outcome == "running":
                    stream.step()
            except (BrokenPipeError, ConnectionResetError):
                continue  # where the connection is read from its end is seen
            if stream.outcome == "running":
                self.push(stream)
            elif stream.outcome == "ok":
                stream.conn.streams.remove(stream)
                self.end()

    def end(self):
        self.running -= 1
        self.begin_waiting()

    def close(self, fd):
        conn = self.conns.pop(fd)
        self.poll.unregister(fd)
        conn.sock.close()
        for stream in conn.streams:
            was_running, stream.outcome = stream.outcome == "running", "left"
            if was_running:
                self.end()
            else:
                self.waiting.remove(stream)

    def run(self):
        while True:
            wait_s = max(0, self.due[0][0] - time.monotonic_ns()) / 1e9 if self.due else -1
            for fd, _ in self.poll.poll(wait_s):
                if fd == self.listener.fileno():
                    self.accept()
                    continue
                stamp = self.conns[fd].read()
                if stamp is False:
                    self.close(fd)
                else:
                    self.serve(self.conns[fd], stamp)
            self.send_due()

    def stop(self, *_):
        with open(self.opts.log, "w", encoding="utf-8") as out:
            for stream in self.asked:
                out.write(json.dumps(stream.line()) + "\n")
        sys.exit(0)


if __name__ == "__main__":
    server = Server(options())
    signal.signal(signal.SIGTERM, server.stop)
    print(server.listener.getsockname()[1], flush=True)
    server.run()
