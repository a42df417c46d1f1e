"""An OpenAI-compatible server in plain Python with few threads, a connection each.

    python3 pool_server.py LOG.jsonl [--port 0 | --uds PATH] [--threads 4] [--hold-s 5]
        [--metrics vllm|other|none] [--stuck] [--cert PEM --key PEM] [--ttft-ms 30] [--gap-ms 10]

As servers built on such HTTP libraries do, a thread stays with its connection until the client closes
it or it has been idle for --hold-s; meanwhile other connections wait, accepted by the kernel alone.
Shares no code with the program under test: the truth of test_online_quiet.py.

--metrics other  names that are not vLLM's; none: no /metrics
--stuck          while an answer is under way /metrics gives none, and holds its thread until the
                 client closes

The first line on stdout is the port. The log holds a line for each thing that happens, at its time
(CLOCK_MONOTONIC, ns): `open` and `close` of a connection, `request` (line and Connection header) and,
of an answer that is a stream, `first` and `done`.
"""

import argparse
import itertools
import json
import queue
import signal
import socket
import ssl
import sys
import threading
import time

METRICS = {"vllm": b"vllm:kv_cache_usage_perc 0.25\nvllm:num_preemptions_total 0\n",
           "other": b"llamacpp:kv_cache_usage_ratio 0.25\n"}


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    for name, value in (("port", 0), ("threads", 4), ("hold-s", 5), ("ttft-ms", 30), ("gap-ms", 10)):
        parser.add_argument(f"--{name}", type=int, default=value)
    for name in ("uds", "cert", "key"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--metrics", default="vllm")
    parser.add_argument("--stuck", action="store_true")
    return parser.parse_args()


class Log:
    def __init__(self, path):
        self.file, self.lock = open(path, "w", encoding="utf-8"), threading.Lock()

    def write(self, what, number, **more):
        line = json.dumps({"at": time.monotonic_ns(), "what": what, "conn": number, **more})
        with self.lock:
            self.file.write(line + "\n")
            self.file.flush()


def plain(status, body):
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def event(data):
    text = b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(text), text)


class Server:
    def __init__(self, opts):
        self.opts, self.log = opts, Log(opts.log)
        self.pages = {"/health": b"{}", "/v1/models": b'{"data": [{"id": "pool", "owned_by": "vllm"}]}'}
        if opts.metrics in METRICS:
            self.pages["/metrics"] = METRICS[opts.metrics]
        self.waiting, self.running, self.lock = queue.Queue(), 0, threading.Lock()
        self.tls = None
        if opts.cert:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(opts.cert, opts.key)
        for _ in range(opts.threads):
            threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while True:
            self.keep(*self.waiting.get())

    def keep(self, number, sock):
        """One connection to its end."""
        try:
            sock.settimeout(self.opts.hold_s)
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
            elif sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with sock.makefile("rb") as file:
                while self.serve(number, sock, file):
                    pass
        except (OSError, ValueError):
            pass
        self.log.write("close", number)
        sock.close()

    def serve(self, number, sock, file):
        first = file.readline().decode()
        if not first:
            return False
        fields = {}
        while (line := file.readline().decode().strip()):
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        method, path, _ = first.split(" ")
        body = file.read(int(fields.get("content-length", 0)))
        name = fields.get("x-request-id")
        self.log.write("request", number, line=f"{method} {path}", id=name,
                       connection=fields.get("connection"))
        if method == "POST" and path.startswith("/v1/"):
            self.stream(number, sock, name, json.loads(body))
        elif path == "/metrics" and self.opts.stuck and self.running:
            sock.settimeout(60)
            file.read(1)
            return False
        elif path in self.pages:
            sock.sendall(plain(200, self.pages[path]))
        else:
            sock.sendall(plain(404, b"{}"))
        return True

    def stream(self, number, sock, name, request):
        begin, count = time.monotonic(), request["max_tokens"]
        with self.lock:
            self.running += 1
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n")
        for i in range(count):
            due = begin + (self.opts.ttft_ms + i * self.opts.gap_ms) / 1e3
            time.sleep(max(0, due - time.monotonic()))
            if i == 0:
                self.log.write("first", number, id=name)
            finish = "length" if i == count - 1 else None
            sock.sendall(event({"choices": [{"index": 0, "text": "w", "finish_reason": finish}]}))
        usage = {"prompt_tokens": len(request["prompt"]), "completion_tokens": count}
        with self.lock:
            self.running -= 1
        self.log.write("done", number, id=name)
        sock.sendall(event({"choices": [], "usage": usage}) + event(b"[DONE]") + b"0\r\n\r\n")

    def run(self):
        if self.opts.uds:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(self.opts.uds)
            listener.listen(512)
        else:
            listener = socket.create_server(("127.0.0.1", self.opts.port), backlog=512)
        print(0 if self.opts.uds else listener.getsockname()[1], flush=True)
        for number in itertools.count():
            sock, _ = listener.accept()
            if sock.family != socket.AF_UNIX:  # else a token may wait for the next one
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.log.write("open", number)
            self.waiting.put((number, sock))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server(options()).run()
