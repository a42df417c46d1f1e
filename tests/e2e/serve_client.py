"""A client of `inferbench serve` that shares nothing with ours: plain sockets.

`Server` starts the program and reads its log after the end; `ask` sends one request and gives
back the bytes as they came; `parse` takes them apart the simplest way.
"""

import json
import re
import signal
import socket
import ssl
import subprocess


class Server:
    def __init__(self, binary, folder, *options):
        self.log_path = folder / "truth.jsonl"
        self.process = subprocess.Popen(
            [str(binary), "serve", "--port", "0", "--log", str(self.log_path), *map(str, options)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"serve: listening on (https?)://127\.0\.0\.1:(\d+)\n", line)
        assert found, (line, self.process.stderr.read())
        self.is_tls, self.port = found[1] == "https", int(found[2])

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        if not self.is_tls:
            return plain
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        # set by some builds of Python: then OpenSSL takes a cut for an orderly end
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        return context.wrap_socket(plain, suppress_ragged_eofs=False)

    def stop(self, number=signal.SIGTERM):
        """Exit code and what it said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def log(self):
        """(header, rows by request) of a server that has ended."""
        lines = [json.loads(line) for line in self.log_path.read_text().splitlines()]
        rows = {row["request"]: row for row in lines[1:]}
        assert len(rows) == len(lines) - 1
        return lines[0], rows


def post(body, path="/v1/completions", *headers):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json",
            f"Content-Length: {len(text)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + text


def get(path, *headers):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers]).encode() + b"\r\n\r\n"


class Answer:
    """One answer: status, headers (lower case), body; chunks if it came in chunks."""

    def __init__(self, file):
        status = file.readline()
        if not status:
            raise EOFError("no answer")
        version, code, self.reason = status.decode("latin-1").rstrip("\r\n").split(" ", 2)
        assert version == "HTTP/1.1"
        self.status, self.headers, self.chunks = int(code), {}, None
        while (line := file.readline()) not in (b"\r\n", b""):
            name, value = line.decode("latin-1").split(":", 1)
            self.headers[name.lower()] = value.strip()
        if self.headers.get("transfer-encoding") == "chunked":
            self.chunks = list(self.read_chunks(file))
            self.body = b"".join(self.chunks)
        else:
            wanted = int(self.headers["content-length"])
            self.body = file.read(wanted)
            self.is_whole = len(self.body) == wanted

    def read_chunks(self, file):
        self.is_whole = False
        while True:
            line = file.readline()
            if not line:
                return
            size = int(line, 16)
            chunk, end = file.read(size), file.readline()
            if end != b"\r\n":
                return
            if size == 0:
                self.is_whole = True
                return
            yield chunk

    def json(self):
        return json.loads(self.body)

    def events(self):
        """Every chunk is one event; all but [DONE] as objects."""
        out = []
        for chunk in self.chunks:
            text = chunk.decode()
            assert text.startswith("data: ") and text.endswith("\n\n") and "\n" not in text[6:-2]
            out.append("[DONE]" if text == "data: [DONE]\n\n" else json.loads(text[6:]))
        return out


def ask(server, request):
    """One request on a connection of its own."""
    with server.connect() as sock:
        sock.sendall(request)
        with sock.makefile("rb") as file:
            return Answer(file)


def texts(events):
    out = []
    for event in events:
        for choice in event["choices"] if event != "[DONE]" and "choices" in event else []:
            out.append(choice["text"] if "text" in choice else choice["delta"]["content"])
    return out


def finish(events):
    return [choice["finish_reason"] for event in events if event != "[DONE]"
            for choice in event.get("choices", []) if choice["finish_reason"]]
