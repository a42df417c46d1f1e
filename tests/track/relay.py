"""A small reverse proxy in front of an MLflow server: it watches, answers by itself, loses
answers, speaks TLS, calls the server by another name."""

import http.client
import ssl
import subprocess
import threading
import time
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Request = namedtuple("Request", "number method path headers body time")
Answer = namedtuple("Answer", "status headers body")

HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "content-length",
       "server", "date"}


class Lost(Exception):
    """Raised by a hook: the connection is closed before an answer."""


class Relay:
    """before(request) and after(request, answer) may give an Answer or raise Lost."""

    def __init__(self, port, before=None, after=None, host=None, certificate=None, clients=None):
        self.port, self.before, self.after, self.host = port, before, after, host
        self.seen, self.lock = [], threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            if clients:  # whoever has no certificate of these is sent away
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(clients)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.socket.settimeout(1)  # a client that went away again leaves nothing to accept
        scheme = "https" if certificate else "http"
        self.uri = f"{scheme}://localhost:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def paths(self, word):
        return [one for one in self.seen if word in one.path]

    def forward(self, request):
        """The server's own answer."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {key: value for key, value in request.headers.items()
                   if key.lower() not in HOP | {"host", "expect"}}
        headers["Host"] = self.host or f"localhost:{self.port}"
        path = request.path
        if path.startswith("http://"):  # asked as a proxy
            path = "/" + path.split("/", 3)[3]
        try:
            link.request(request.method, path, request.body, headers)
            answer = link.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise Lost() from error
        finally:
            link.close()

    def answer(self, request):
        if self.before:
            made = self.before(request)
            if made:
                return made
        answer = self.forward(request)
        return (self.after and self.after(request, answer)) or answer

    def note(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length) if length else None
        with self.lock:
            request = Request(len(self.seen) + 1, handler.command, handler.path,
                              dict(handler.headers), body, time.time())
            self.seen.append(request)
        return request

    def handler(relay):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                try:
                    answer = relay.answer(relay.note(self))
                    self.send_response(answer.status)
                    for key, value in answer.headers:
                        if key.lower() not in HOP:
                            self.send_header(key, value)
                    self.send_header("Content-Length", str(len(answer.body)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(answer.body)
                except (Lost, OSError):
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = serve

            def log_message(self, *_):
                pass
        return Handler


def certificate(folder):
    """A certificate for localhost that signs itself, and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key
