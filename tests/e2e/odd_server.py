"""A server of our own for what `inferbench serve` cannot do wrong, and the runs against both.

`OddServer` answers GET as any OpenAI-compatible server does; each POST is handed to a function
that writes whatever bytes it likes. A thread a connection; nothing is shared with the client.
"""

import json
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

from e2e.offline_run import files_of, journal_of, plain_env
from oracle.settled import told

CLASSES = ("refused", "reset", "timeout", "rate_limit", "http", "stream", "aborted", "engine")


class Request:
    def __init__(self, number, head, body):
        self.number = number  # of the POSTs, from 0, in order of arrival
        self.head, self.body = head, body
        self.json = json.loads(body) if body else {}
        self.id = self.header("x-request-id")
        self.max_tokens = self.json.get("max_tokens", 0)

    def header(self, name):
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return None

    @property
    def is_measured(self):
        """Of repeat 1, not of the warm-up repeat."""
        return "-r1-" in (self.id or "")

    @property
    def index(self):
        return int(self.id.rsplit("-", 1)[1])


def event(data):
    """One event as one chunk."""
    text = data if isinstance(data, str) else json.dumps(data)
    return chunk(f"data: {text}\n\n".encode())


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def token(text="x", finish=None):
    return event({"choices": [{"index": 0, "text": text, "finish_reason": finish}]})


def usage(prompt, tokens, **more):
    return event({"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": tokens,
                                           "total_tokens": prompt + tokens, **more}})


HEAD = (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
        b"transfer-encoding: chunked\r\n\r\n")
END = event("[DONE]") + b"0\r\n\r\n"


def prompt_len(request):
    prompt = request.json["prompt"]
    return len(prompt) if isinstance(prompt, list) else len(prompt) // 4


def good(sock, request, gap_s=0.001):
    """A right answer: one token an event."""
    sock.sendall(HEAD)
    for i in range(request.max_tokens):
        time.sleep(gap_s)
        sock.sendall(token(f" {i}", "length" if i == request.max_tokens - 1 else None))
    sock.sendall(usage(prompt_len(request), request.max_tokens) + END)
    return True


def plain(status, body, *headers, reason="OK"):
    """A whole answer that is no stream."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} {reason}", "content-type: application/json",
             f"content-length: {len(text)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + text


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class OddServer:
    """answer(sock, request) -> true: the connection may carry another request.

    `paths` are answers to all that is no POST below /v1: bytes, or a function that gives them;
    "*" answers for all others. `pages` are functions like `answer` for such paths, and come first.
    """

    def __init__(self, answer=good, tls=None, models=("odd",), paths=None, port=0, pages=None):
        self.answer, self.tls, self.models, self.pages = answer, tls, models, pages or {}
        self.paths = {"/health": plain(200, b""),
                      "/v1/models": plain(200, {"data": [{"id": one} for one in models]}),
                      "/version": plain(200, {"version": "odd"}),
                      "*": plain(404, {"error": "none"}, reason="Not Found"), **(paths or {})}
        self.lock = threading.Lock()
        self.seen = []        # every POST
        self.connections = 0  # every accept
        self.sent_bytes = 0   # as far as an answer counts them
        self.is_over = False
        self.listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
            with sock.makefile("rb") as file:
                while self.serve_one(sock, file):
                    pass
        except (OSError, ValueError):
            pass
        finally:
            sock.close()

    def serve_one(self, sock, file):
        lines = []
        if self.tls is None and sock.recv(1, socket.MSG_PEEK) == b"\x16":  # of TLS
            sock.sendall(plain(400, b"", reason="Bad Request"))
            return False
        while (line := file.readline()) not in (b"\r\n", b""):
            lines.append(line.decode("latin-1").rstrip("\r\n"))
        if not lines:
            return False
        method, path, _ = lines[0].split(" ")
        head = "\r\n".join(lines)
        length = int(Request(0, head, b"").header("content-length") or 0)
        body = file.read(length)
        if page := self.pages.get(path, self.pages.get("*")):
            return page(sock, Request(-1, head, body))
        if method == "GET" or not path.startswith("/v1/"):
            text = self.paths.get(path, self.paths["*"])
            sock.sendall(text() if callable(text) else text)
            return True
        with self.lock:
            request = Request(len(self.seen), head, body)
            self.seen.append(request)
        return self.answer(sock, request)

    def stop(self):
        self.is_over = True
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


# ---- runs

def small(concurrency=2, prompts=12, runs=2, tokens=8):
    """Options of a short closed load; an open one where concurrency is None."""
    words = ["--no-imds", "--num-runs", str(runs), "--max-tokens", str(tokens),
             "--num-prompts", str(prompts)]
    return words if concurrency is None else [*words, "--concurrency", str(concurrency)]


SECRET = "sk-neverseen0123456789"


class Run:
    """One `inferbench online` that has ended: what it said, and its files if it left any."""

    def __init__(self, code, folder, out, err):
        self.code, self.out, self.err = code, out, err
        folder = Path(folder)
        self.files = files_of(folder, "online") if list(folder.glob("online_results*")) else None
        assert SECRET not in out + err
        for path in folder.rglob("*"):
            assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path

    @property
    def rows(self):
        return self.files.rows

    @property
    def last(self):
        """The line that says the exit code and why."""
        return self.err.splitlines()[-1]

    def requests(self, repeat=1):
        return {line["index"]: line for line in told(journal_of(self.files.journal_path))
                if line["type"] == "request" and line["repeat"] == repeat}


def environment(**more):
    return plain_env(**{"OPENAI_API_KEY": SECRET, **more})


def online(binary, folder, *words, env=None, load=None, timeout=120, **more):
    """A key stands in the environment of each run: none may leave a trace of it."""
    done = subprocess.run([str(binary), "online", *(load or small()), *map(str, words)], cwd=folder,
                          env=environment(**(env or {})), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout, **more)
    return Run(done.returncode, folder / "results", done.stdout, done.stderr)


def check_accounts(run):
    """planned = ok + failed by class + unanswered + cancelled, in every row; the journal says the same."""
    for row in run.rows:
        lines = run.requests(repeat=row["row"]).values()
        assert set(row["failed_by_class"]) <= set(CLASSES)
        assert sum(row["failed_by_class"].values()) == row["requests_failed"]
        assert row["requests_planned"] == (row["requests_ok"] + row["requests_failed"] +
                                           row["requests_unanswered"] +
                                           row["requests_cancelled"]), row
        assert sum(line["status"] == "ok" for line in lines) == row["requests_ok"]
        for name, count in row["failed_by_class"].items():
            assert sum(line.get("class") == name for line in lines) == count, (name, row)


def check_unharmed(run, repeat=1, tokens=8):
    """Requests that succeeded have all their tokens, in order, and every gap."""
    good_ones = [line for line in run.requests(repeat).values() if line["status"] == "ok"]
    for line in good_ones:
        assert line["tokens_out"] == tokens, line
        assert line["sent_ns"] < line["first_ns"] <= line["last_ns"] <= line["done_ns"], line
        assert len(line["token_ns"]) == tokens, line
    return good_ones


def check_times(run, truth, repeat=1):
    """Some one start of the run's clock explains every send and every first and last token by
    the server's own stamps: nothing came before it was sent, whatever else went wrong."""
    lowest, highest = [], []
    by_id = {row["id"]: row for row in truth.values()}
    run_id = run.rows[repeat]["run_id"]
    for index, line in run.requests(repeat).items():
        row = by_id.get(f"{run_id}-c0-r{repeat}-{index}")
        if line["status"] != "ok" or row is None:
            continue
        highest.append(row["arrival_ns"] - line["sent_ns"])
        if line["first_ns"] is not None:
            lowest.append(row["sent_ns"][0] - line["first_ns"])
        lowest.append(row["sent_ns"][-1] - line["last_ns"])
    assert highest, "no request succeeded"
    assert max(lowest) <= min(highest) + 1_000_000, (max(lowest), min(highest))
