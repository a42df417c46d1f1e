"""Behaviours of servers and files that mean no good, or know no better: one table.

    ANSWERS     name: (what a POST gets, what comes of that request)
    PAGES       name: (path, what a GET of it gets, what comes of the run)
    GREETINGS   name: what a connection gets before anything was asked
    TRACKERS    name: what MLflow's client gets
    FILES       name: (kind of file, what becomes of the bytes of a true one)

What comes of it is a number (so many tokens, as the server said), None (a success of unknown
length), or the class of a failure; of a run "fails" or "measures". test_hostile.py lets each
of them loose on the program, on its plain build and on one with sanitizers.
"""

import gzip
import json
import re
import socket
import time

from e2e import odd_server as odd
from e2e.journal_sum import summed
from e2e.odd_server import END, HEAD, chunk, event, plain, token, usage
from e2e.test_online_faults import ENDLESS, FLOODS, ODD, SOUND

TERMINAL = "\x1b]0;owned\x07\x1b[2J\x9b2J\x7f\b\u202eabc"
DEEP = "[" * 100_000
HUGE = "9" * 400


# ---- what a connection is made to carry


def send(*parts, keep=True, gap_s=0.0, rst=False, half=False):
    """Writes the parts; rst: then a reset; half: then nothing more, but it goes on reading."""
    def answer(sock, request):
        for part in parts:
            sock.sendall(part)
            time.sleep(gap_s)
        if rst:
            odd.reset(sock)
        if half:
            sock.shutdown(socket.SHUT_WR)
            sock.recv(1 << 16)
        return keep and not rst and not half
    return answer


def bytewise(data, gap_s):
    """A byte at a time; it gives up when the client does."""
    return send(*(data[i:i + 1] for i in range(len(data))), gap_s=gap_s, keep=gap_s < 0.1)


def still(*parts, s=4.0):
    """What it has to say, and then nothing, while the connection stands."""
    def answer(sock, request):
        for part in parts:
            sock.sendall(part)
        sock.settimeout(s)
        sock.recv(1 << 16)
        return False
    return answer


def endless(begin, again, most=300 << 20):
    def answer(sock, request):
        sock.sendall(begin)
        for _ in range(most // len(again)):
            sock.sendall(again)
        return False
    return answer


def head(*lines, status="200 OK", kind="text/event-stream", framing="transfer-encoding: chunked"):
    """The head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", f"content-type: {kind}", *filter(None, [framing]),
                        *lines, "", ""]).encode("latin-1")


def events(data):
    """The body of an answer in chunks, without them."""
    out, rest = b"", data
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        out, rest = out + rest[:int(size, 16)], rest[int(size, 16) + 2:]
    return out


SEVEN, LAST = token() * 7, token("x", "length")
EIGHT = SEVEN + LAST
BODY = EIGHT + usage(3, 8) + END
GOOD = HEAD + BODY
BARE = events(BODY)  # the same events, in no chunks
WHOLE = plain(200, {"choices": [{"index": 0, "text": " x" * 8, "finish_reason": "length"}],
                    "usage": {"prompt_tokens": 3, "completion_tokens": 8}})
TO_CLOSE = head(framing=None)
AGAIN = HEAD + token() + token("x", "length") + usage(3, 2) + END  # of two tokens


def counted(text, tokens=EIGHT, more=b""):
    """Its usage as it stands."""
    return send(HEAD, tokens, event(f'{{"choices":[],"usage":{text}}}'), more, END)


def with_event(*texts):
    """Among the tokens of a right answer."""
    return send(HEAD, SEVEN, *(event(text) for text in texts), LAST, usage(3, 8), END)


def with_bytes(data):
    return send(HEAD, SEVEN, chunk(data), LAST, usage(3, 8), END)


def with_header(line, *, status="200 OK", body=BODY):
    return send(head(line, status=status), body)


def texts(text):
    """Eight tokens of that text, JSON as it stands."""
    one = f'{{"choices":[{{"index":0,"text":{text},"finish_reason":%s}}]}}'
    return send(HEAD, event(one % "null") * 7, event(one % '"length"'), usage(3, 8), END)


def error(message, status=500, *headers):
    return send(plain(status, {"error": {"message": message, "type": message, "code": message}},
                      *headers))


HTTP = {
    "old HTTP to the close": (send(TO_CLOSE.replace(b"1.1", b"1.0") + BARE, keep=False), 8),
    "old HTTP in chunks": (send(GOOD.replace(b"1.1", b"1.0", 1), keep=False), 8),
    "events to the close": (send(TO_CLOSE, BARE, keep=False), 8),
    "version 1.9": (send(GOOD.replace(b"1.1", b"1.9", 1)), 8),
    "version 2": (send(GOOD.replace(b"1.1", b"2.0", 1)), "stream"),
    "version 1.x": (send(GOOD.replace(b"1.1", b"1.x", 1)), "stream"),
    "status 000": (send(head(status="000 No")), "stream"),
    "status 99": (send(head(status="99 No")), "stream"),
    "status 1000": (send(head(status="1000 No"), BODY), "stream"),
    "status in letters": (send(head(status="two OK")), "stream"),
    "status -20": (send(head(status="-20 OK")), "stream"),
    "status 999": (send(head(status="999 x"), BODY), "http"),
    "no reason phrase": (send(head(status="200"), BODY), 8),
    "lines end in LF": (send(head().replace(b"\r\n", b"\n"), BODY), 8),
    "lines end in CR": (send(head().replace(b"\r\n", b"\r"), BODY, keep=False), "stream"),
    "empty line first": (send(b"\r\n" + GOOD), "stream"),
    "header without colon": (with_header("x y"), "stream"),
    "header without name": (with_header(": y"), "stream"),
    "blank before the colon": (with_header("content-length : 3"), "stream"),
    "NUL in a header": (with_header("x: a\0b"), "stream"),
    "escapes in a header": (with_header("x: " + TERMINAL.encode().decode("latin-1")), 8),
    "a header of 15 KiB": (with_header("x: " + "y" * (15 << 10)), 8),
    "a header of 17 KiB": (with_header("x: " + "y" * (17 << 10)), "stream"),
    "500 headers": (with_header("\r\n".join(f"x{i}: y" for i in range(500))), 8),
    "length below zero": (send(head(framing="content-length: -1"), BARE), "stream"),
    "length past 64 bits": (send(head(framing="content-length: " + "9" * 20), BARE), "stream"),
    "length of 400 digits": (send(head(framing=f"content-length: {HUGE}"), BARE), "stream"),
    "length in hex": (send(head(framing="content-length: 0x10"), BARE), "stream"),
    "length with a sign": (send(head(framing="content-length: +5"), BARE), "stream"),
    "length that is empty": (send(head(framing="content-length:"), BARE), "stream"),
    "lengths in a list": (send(head(framing="content-length: 5, 6"), BARE), "stream"),
    "length twice, the same": (send(head(f"content-length: {len(BARE)}",
                                         framing=f"content-length: {len(BARE)}"), BARE), 8),
    "length and chunks": (with_header("content-length: 5"), "stream"),
    "length of nine exabytes": (send(head(framing=f"content-length: {2**63 - 1}"), BARE,
                                     keep=False), 8),  # [DONE] is an end
    "length too short": (send(head(framing=f"content-length: {len(BARE) - 100}") + BARE), None),
    "length short by the end": (send(head(framing=f"content-length: {len(BARE) - 14}") + BARE), 8),
    "length too long": (send(head(framing=f"content-length: {len(BARE) + 9}"), BARE, keep=False),
                        8),
    "length 0": (send(head(framing="content-length: 0") + BARE), "stream"),
    "chunked twice": (send(head(framing="transfer-encoding: chunked, chunked"), BODY), "stream"),
    "an unknown coding": (send(head(framing="transfer-encoding: br, chunked"), BODY), "stream"),
    "identity": (send(head(framing="transfer-encoding: identity"), BODY), "stream"),
    "coding without chunked": (send(head(framing="transfer-encoding: gzip"), BODY), "stream"),
    "brotli, not asked for": (with_header("content-encoding: br"), "stream"),
    "gzip bomb": (send(head("content-encoding: gzip"), chunk(gzip.compress(bytes(20 << 20))),
                       b"0\r\n\r\n"), "stream"),
    "204 with a body": (send(head(status="204 No Content") + BODY), "http"),
    "205": (send(head(status="205 Reset", framing="content-length: 0")), "http"),
    "304 with a body": (send(head(status="304 Not Modified") + BODY), "http"),
    "101": (send(head("upgrade: x", status="101 Switching", framing=None)), "stream"),
    "100 first": (send(b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD), 8),
    "103 with headers first": (send(head("link: x", status="103 Early Hints") + GOOD), 8),
    "100 a hundred times": (send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + GOOD), 8),
    "102 and a close": (send(b"HTTP/1.1 102 Processing\r\n\r\n", keep=False), "reset"),
    "trailers": (send(GOOD[:-2] + b"x: y\r\ncontent-length: 5\r\n\r\n"), 8),
    "trailers of 17 KiB": (send(GOOD[:-2] + b"x: " + b"y" * (17 << 10) + b"\r\n\r\n"), "stream"),
    "chunk extensions": (send(HEAD, BODY.replace(b"\r\ndata", b";a=\"b;\x1b\"\r\ndata")), 8),
    "chunk sizes in capitals": (send(HEAD, *(b"00%X  \r\n" % len(e) + e + b"\r\n" for e in
                                             [events(EIGHT), events(usage(3, 8))]), END), 8),
    "chunk size with a sign": (send(HEAD, b"+5\r\nhello\r\n", BODY), "stream"),
    "chunk size 0x5": (send(HEAD, b"0x5\r\nhello\r\n", BODY), "stream"),
    "chunk size of nothing": (send(HEAD, b"\r\n", BODY), "stream"),
    "chunk of 2^63": (send(HEAD, b"8000000000000000\r\n", BARE), "stream"),
    "chunk of 2^63-1": (send(HEAD, b"7fffffffffffffff\r\n", BARE, keep=False), 8),
    "chunk of 2^64+1": (send(HEAD, b"10000000000000001\r\nd", BARE), "stream"),
    "chunk longer than its size": (send(HEAD, b"5\r\nhello world\r\n", BODY), "stream"),
    "no bytes at all": (send(HEAD, b"0\r\n\r\n"), "stream"),
    "two answers for one request": (send(GOOD + AGAIN), 8),
    "bytes behind the answer": (send(GOOD + b"\r\n\r\nHTTP"), 8),
    "another's refusal behind it": (send(GOOD + plain(500, {"error": "late"})), 8),
    "a reset behind the answer": (send(GOOD, rst=True), 8),
    "a half close behind the answer": (send(GOOD, half=True), 8),
    "keep-alive, and a close": (send(head("connection: keep-alive", "keep-alive: timeout=999"),
                                     BODY, keep=False), 8),
    "close, and it stays open": (send(head("connection: close"), BODY), 8),
    "a reset in the head": (send(HEAD[:20], rst=True), "reset"),
    "a reset in a chunk": (send(HEAD, b"ff\r\ndata: {", rst=True), "reset"),
    "a reset after three tokens": (send(HEAD, token() * 3, gap_s=0.02, rst=True), "reset"),
    "a half close in the answer": (send(HEAD, token() * 3, half=True), "reset"),
    "a half close, and no answer": (send(half=True), "reset"),
    "a byte at a time": (bytewise(GOOD, 0.0), 8),
    "a byte now and then": (bytewise(GOOD, 0.25), "timeout"),
    "a head of a byte now and then": (bytewise(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 99, 0.2), "timeout"),
    "no answer": (still(), "timeout"),
    "half a head": (still(HEAD[:30]), "timeout"),
    "a head alone": (still(HEAD), "timeout"),
    "three tokens": (still(HEAD, token() * 3), "timeout"),
    "half an event, and silence": (still(HEAD, token()[:30]), "timeout"),
    "100 and silence": (still(b"HTTP/1.1 100 Continue\r\n\r\n"), "timeout"),
    "TLS": (send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", keep=False), "stream"),
    "an alert of TLS": (send(b"\x15\x03\x01\x00\x02\x02\x28", keep=False), "stream"),
    "preface of HTTP/2": (send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", keep=False), "stream"),
    "a request for an answer": (send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", keep=False), "stream"),
    "zeros": (send(bytes(1 << 16), keep=False), "stream"),
    "a frame of a web socket": (send(b"\x81\x05hello", keep=False), "stream"),
}

REFUSALS = {
    "redirect to itself": (send(plain(307, b"", "location: /v1/completions")), "http"),
    "redirect to a file": (send(plain(302, b"", "location: file:///etc/passwd")), "http"),
    "redirect with escapes": (send(plain(301, b"", "location: http://\x1b[2J\x07/")), "http"),
    "redirect of 8 KiB": (send(plain(308, b"", "location: /" + "a" * 8000)), "http"),
    "redirect to nowhere": (send(plain(303, b"")), "http"),
    "300 choices": (send(plain(300, [])), "http"),
    "429, and to come back never": (error("later", 429, f"retry-after: {HUGE}"), "rate_limit"),
    "429, and to come back long ago": (error("later", 429, "retry-after: -5"), "rate_limit"),
    "429 with a date": (error("later", 429, "retry-after: Fri, 31 Dec 1999 23:59:59 GMT"),
                        "rate_limit"),
    "429, and the largest number": (error("later", 429, f"retry-after: {2**63 - 1}"), "rate_limit"),
    "refusal with escapes": (error(TERMINAL), "http"),
    "refusal of 3 MB": (error("x" * (1 << 20)), "http"),
    "refusal of 15 MB": (error("x" * (5 << 20)), "stream"),
    "refusal of 100,000 brackets": (send(plain(400, DEEP.encode())), "http"),
    "refusal in bytes": (send(plain(502, bytes(range(256)))), "http"),
    "refusal with format words": (error("%s%n%d%999999999s"), "http"),
    "refusal of NULs": (send(plain(503, bytes(5000))), "http"),
    "refusal that is a number": (send(plain(400, b"1e999")), "http"),
    "refusal without length": (send(head(status="500 x", framing=None), b"died", keep=False), "http"),
    "refusal as a stream": (send(head(status="500 x"), BODY), "http"),
    "402": (error("pay", 402), "http"),
    "418": (error("teapot", 418), "http"),
    "451 in lines": (error("a\nb\rexit 0: done\n", 451), "http"),
    "error that is a list": (send(plain(200, {"error": [[[]]]})), "stream"),
    "error that is true": (send(plain(200, {"error": True})), "stream"),
}

STREAM = {
    "a mark of byte order": (send(HEAD, chunk(b"\xef\xbb\xbf"), BODY), 8),
    "a mark before each event": (send(HEAD, *(chunk(b"\xef\xbb\xbf" + events(token()))
                                              for _ in range(7)), LAST, usage(3, 8), END), 8),
    "UTF-16": (send(HEAD, chunk(BARE.decode().encode("utf-16")), b"0\r\n\r\n"), "stream"),
    "lines end in CR alone": (send(TO_CLOSE, BARE.replace(b"\n", b"\r"), keep=False), 8),
    "lines end in CR LF": (send(TO_CLOSE, BARE.replace(b"\n", b"\r\n"), keep=False), 8),
    "ends in all ways": (send(TO_CLOSE, BARE.replace(b"\n\n", b"\r\n\r", 3), keep=False), 8),
    "no empty lines": (send(TO_CLOSE, BARE.replace(b"\n\n", b"\n"), keep=False), "stream"),
    "many empty lines": (with_bytes(b"\n" * 10_000), 8),
    "no blank after data:": (send(TO_CLOSE, BARE.replace(b"data: ", b"data:"), keep=False), 8),
    "Data: in capitals": (send(TO_CLOSE, BARE.replace(b"data: ", b"DATA: "), keep=False), "stream"),
    "retry of 400 digits": (with_bytes(f"retry: {HUGE}\n\n".encode()), 8),
    "an id of 1 MB": (with_bytes(b"id: " + b"7" * (1 << 20) + b"\n\n"), 8),
    "a comment of 2 MB": (with_bytes(b":" + b"x" * (2 << 20) + b"\n\n"), 8),
    "NUL between events": (with_bytes(b"\0\0\n\n"), 8),
    "an event of blanks": (with_bytes(b"data: " + b" " * 9000 + b"\n\n"), 8),
    "an event of 100,000 lines": (with_bytes(b"data:\n" * 100_000 + b"\n"), 8),
    "an event of 3 MB": (with_event(json.dumps({"x": "y" * (3 << 20)})), 8),
    "an event of 5 MB": (with_event(json.dumps({"x": "y" * (5 << 20)})), "stream"),
    "[DONE] twice": (send(HEAD, BODY[:-5] + END), 8),
    "[DONE] at once": (send(HEAD, END), "stream"),
    "[DONE] never": (send(HEAD, EIGHT, usage(3, 8), b"0\r\n\r\n"), 8),
    "[done]": (with_event("[done]"), "stream"),
    "[DONE] and more words": (with_event("[DONE] and more"), "stream"),
    "an event without data": (with_bytes(b"event: message\n\n"), 8),
    "an event named error": (with_bytes(b"event: error\ndata: {}\n\n"), 8),
    "it ends before the finish": (send(HEAD, SEVEN, usage(3, 7), END), "stream"),
    "it finishes twice": (send(HEAD, SEVEN, LAST, token("", "length"), usage(3, 8), END), 8),
    "a finish that is a number": (send(HEAD, SEVEN, token("x", 7), usage(3, 8), END), "stream"),
    "a finish that is true": (send(HEAD, SEVEN, token("x", True), usage(3, 8), END), "stream"),
    "a finish that is empty": (send(HEAD, SEVEN, token("x", ""), usage(3, 8), END), "stream"),
    "a finish of 1 MB": (send(HEAD, SEVEN, token("x", "l" * (1 << 20)), END), "stream"),
    "a finish of escapes": (send(HEAD, SEVEN, token("x", TERMINAL), END), "stream"),
    "an error at the end": (send(HEAD, EIGHT, usage(3, 8), event({"error": {"message": TERMINAL}}),
                                 END), "stream"),
    "an error among tokens": (with_event({"error": {"message": "%s%n"}}), "stream"),
}


def member(text):
    return with_event(f'{{"choices":[{{"index":0,{text}}}]}}')


JSON = {
    "66 brackets": (with_event("[" * 66 + "]" * 66), "stream"),
    "100,000 brackets": (with_event(DEEP), "stream"),
    "100,000 braces": (with_event('{"a":' * 100_000), "stream"),
    "choices 70 deep": (with_event('{"choices":' + "[" * 70 + "]" * 70 + "}"), "stream"),
    "half an object": (with_event('{"choices":[{"text":"x"'), "stream"),
    "two objects": (with_event('{"choices":[]}{"choices":[]}'), "stream"),
    "a comma too many": (with_event('{"choices":[],}'), "stream"),
    "a comment": (with_event('{"choices":[] /* none */}'), "stream"),
    "single quotes": (with_event("{'choices':[]}"), "stream"),
    "NaN": (with_event('{"choices":[],"x":NaN}'), 8),
    "a number past all": (with_event('{"choices":[],"x":1e999999}'), 8),
    "a number of 400 digits": (with_event(f'{{"choices":[],"x":{HUGE}}}'), 8),
    "a number of 1 MB": (with_event('{"choices":[],"x":' + "9" * (1 << 20) + "}"), 8),
    "choices twice": (with_event('{"choices":[],"choices":[]}'), 8),
    "choices null": (with_event('{"choices":null}'), 8),
    "choices an object": (with_event('{"choices":{"text":"x"}}'), 8),
    "choices a number": (with_event('{"choices":7}'), 8),
    "a choice of null": (with_event('{"choices":[null]}'), 8),
    "a choice of no members": (with_event('{"choices":[{}]}'), 8),
    "text null": (member('"text":null'), 8),
    "text a number": (member('"text":7'), 8),
    "text a list": (member('"text":["x"]'), 8),
    "index a word": (with_event('{"choices":[{"index":"x","text":"x"}]}'), 8),
    "index of 400 digits": (with_event(f'{{"choices":[{{"index":{HUGE},"text":""}}]}}'), 8),
    "bytes that are no UTF-8": (send(TO_CLOSE, BARE.replace(b'"x"', b'"\xff\xfe\xc0\x80"'),
                                     keep=False), 8),
    "half a surrogate": (texts('"\\ud800"'), 8),
    "an escaped NUL": (texts('"a\\u0000b"'), 8),
    "raw control characters": (texts('"\x01\x1b[2J"'), 8),
    "texts with escapes": (texts(json.dumps(TERMINAL)), 8),
    "a text of 100 kB": (texts(json.dumps("x" * 100_000)), 8),
    "a wrong escape": (texts('"\\x41"'), 8),
    "10,000 choices": (with_event({"choices": [{"index": i, "text": ""} for i in range(10_000)]}), 8),
    "ids that change": (send(HEAD, *(event({"id": i, "model": f"m{i}", "created": -i, "choices": [
        {"index": 0, "text": "x", "finish_reason": None if i < 7 else "length"}]})
        for i in range(8)), usage(3, 8), END), 8),
    "a model of escapes": (with_event({"model": TERMINAL * 100, "choices": []}), 8),
    "a model that is a list": (with_event({"model": [1], "created": "x", "object": None,
                                           "choices": []}), 8),
}

USAGE = {
    "more tokens than asked": (send(HEAD, SEVEN, EIGHT, usage(3, 15), END), None),
    "fewer tokens than asked": (send(HEAD, token() * 3, LAST, usage(3, 4), END), 4),
    "usage says more": (counted('{"prompt_tokens":3,"completion_tokens":9}'), 9),
    "usage says less": (counted('{"prompt_tokens":3,"completion_tokens":7}'), 7),
    "usage says a million": (counted('{"prompt_tokens":3,"completion_tokens":1000000}'), None),
    "usage is null": (counted("null"), None),
    "usage is a list": (counted("[3,8]"), None),
    "usage is a word": (counted('"8"'), None),
    "usage is empty": (counted("{}"), None),
    "count below zero": (counted('{"prompt_tokens":3,"completion_tokens":-8}'), None),
    "count of minus nothing": (counted('{"completion_tokens":-0}'), None),
    "count past 64 bits": (counted(f'{{"completion_tokens":{2**64 + 8}}}'), None),
    "count past 63 bits": (counted(f'{{"completion_tokens":{2**63 + 8}}}'), None),
    "count of 400 digits": (counted(f'{{"completion_tokens":{HUGE}}}'), None),
    "count with an exponent": (counted('{"completion_tokens":8e400}'), None),
    "count of a fraction": (counted('{"completion_tokens":7.5}'), None),
    "count that is true": (counted('{"completion_tokens":true}'), None),
    "count in a list": (counted('{"completion_tokens":[8]}'), None),
    "count 100,000 deep": (counted('{"completion_tokens":' + DEEP), "stream"),
    "prompt below zero": (counted('{"prompt_tokens":-3,"completion_tokens":8}'), 8),
    "prompt past 64 bits": (counted(f'{{"prompt_tokens":{2**64},"completion_tokens":8}}'), 8),
    "cached more than the prompt": (counted('{"prompt_tokens":3,"completion_tokens":8,'
                                            '"prompt_tokens_details":{"cached_tokens":99}}'), 8),
    "usage before the tokens": (send(HEAD, usage(3, 8), EIGHT, END), 8),
    "usage that grows": (send(HEAD, *(token() + usage(3, i + 1) for i in range(7)), LAST,
                              usage(3, 8), END), 8),
    "usage that shrinks": (send(HEAD, *(token() + usage(3, 20 - i) for i in range(7)), LAST,
                                usage(3, 8), END), 8),
    "usage and no tokens": (send(HEAD, token("", "length"), usage(3, 8), END), 8),
    "tokens all at once": (send(GOOD), 8),
}

ANY = {  # what a GET may get as well as a POST
    "closes": send(keep=False),
    "resets": send(rst=True),
    "is silent": still(s=1.2),
    "half a head": still(HEAD[:30], s=1.2),
    "a byte now and then": bytewise(plain(200, b"{}"), 0.02),
    "zeros": send(bytes(1 << 16), keep=False),
    "endless head": endless(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 10_000),
    "endless line": endless(b"HTTP/1.1 200 OK\r\nx: ", b"x" * (1 << 20)),
    "endless body": endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * (1 << 20)),
    "endless refusal": endless(b"HTTP/1.1 500 No\r\n\r\n", b"x" * (1 << 20)),
    "endless chunks": endless(HEAD, b"1\r\n \r\n" * 100_000),
    "100 without end": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50_000),
    "nothing": send(plain(200, b"")),
    "brackets": send(plain(200, DEEP.encode())),
    "braces": send(plain(200, b'{"data":' * 100_000)),
    "bytes": send(plain(200, bytes(range(256)) * 99)),
    "gzip bomb": send(plain(200, gzip.compress(bytes(20 << 20)), "content-encoding: gzip")),
    "redirect to itself": send(plain(302, b"", "location: ?")),
    "redirect to a file": send(plain(302, b"", "location: file:///etc/passwd")),
    "refusal with escapes": error(TERMINAL),
    "204": send(head(status="204 No", framing=None)),
    "length past 64 bits": send(head(framing="content-length: " + "9" * 20), b"{}", keep=False),
    "length too long": send(head(framing="content-length: 99"), b"{}", keep=False),
    "bad chunk": send(HEAD, b"-5\r\n{}\r\n", keep=False),
}


def model(**more):
    return send(plain(200, {"data": [{"id": "odd", **more}]}))


def model_text(text):
    return send(plain(200, text.encode()))


NO_MODELS = {
    "300,000 empty ones": model_text('{"data":[' + "{}," * 300_000 + "{}]}"),
    "500,000 numbers": model_text('{"data":[' + "1," * 500_000 + "1]}"),
    "data an object": model_text('{"data":{"id":"odd"}}'),
    "an id empty": model(id=""),
    "an id of 2 KB": model(id="m" * 2000),
    "data null": model_text('{"data":null}'),
    "an id null": model_text('{"data":[{"id":null}]}'),
    "an id a number": model_text('{"data":[{"id":1e999}]}'),
    "an id with NUL": model(id="a\0b"),
    "an id of half a surrogate": model_text('{"data":[{"id":"\\ud800"}]}'),
    "10,000 models": send(plain(200, {"data": [{"id": f"m{i}"} for i in range(10_000)]})),
    "1 MB of ids": send(plain(200, {"data": [{"id": "m" * (1 << 20)}]})),
    "a length past 64 bits": model_text(f'{{"data":[{{"id":"odd","max_model_len":{2**64 + 1}}}]}}'),
    "a length past all": model_text('{"data":[{"id":"odd","max_model_len":1e999}]}'),
    "a vocabulary past all": model(owned_by="llamacpp", meta={"n_vocab": 10**30}),
    "a vocabulary of one": model(owned_by="llamacpp", meta={"n_vocab": 1}),
}
MODELS = {
    "data 9 times": model_text('{' + ",".join(['"data":[{"id":"odd"}]'] * 9) + "}"),
    "an id of 1 KB": model(id="m" * 1024),
    "an id of escapes": model(id=TERMINAL),
    "a length below zero": model(max_model_len=-1),
    "a length of 0": model(max_model_len=0),
    "a length of a fraction": model(max_model_len=4096.5),
    "a length in words": model(max_model_len="4096"),
    "a length of a list": model(max_model_len=[4096]),
    "a vocabulary of 0": model(owned_by="llamacpp", meta={"n_vocab": 0}),
    "a vocabulary below zero": model(owned_by="llamacpp", meta={"n_vocab": -7}),
    "an owner of escapes": model(owned_by=TERMINAL, root=TERMINAL, parent=TERMINAL),
    "an owner that is a list": model(owned_by=["x", 1, None]),
    "an owner of 100 kB": model(owned_by="o" * 100_000),
}


def metrics(*lines):
    return send(plain(200, "\n".join([*lines, ""]).encode()))


RUNNING = 'vllm:num_requests_running{model_name="odd"}'
HITS = "vllm:prefix_cache_hits_total"
METRICS = {
    "NaN": metrics(f"{RUNNING} NaN", f"{HITS} NaN", "vllm:prefix_cache_queries_total NaN"),
    "infinity": metrics(f"{RUNNING} +Inf", f"{HITS} +Inf", "vllm:prefix_cache_queries_total Inf"),
    "below zero": metrics(f"{RUNNING} -5", f"{HITS} -5", "vllm:generation_tokens_total -1"),
    "past all": metrics(f"{RUNNING} 1e999", "vllm:generation_tokens_total 1e308",
                        "vllm:prompt_tokens_total 1e999"),
    "400 digits": metrics(f"{RUNNING} {HUGE}", f"vllm:generation_tokens_total {HUGE}"),
    "no number": metrics(f"{RUNNING} 0x", f"{RUNNING}", f"{HITS} one two three"),
    "a label without end": metrics('vllm:num_requests_running{model_name="odd'),
    "labels of 100 kB": metrics("vllm:num_requests_running{a=\"" + "x" * 100_000 + '"} 1'),
    "a name of 1 MB": metrics("v" * (1 << 20) + " 1"),
    "escapes": metrics("# HELP " + TERMINAL, f'vllm:cache_config_info{{a="{TERMINAL}"}} 1'),
    "no end of line": send(plain(200, RUNNING.encode() + b" 1")),
    "a start in the year 9999": metrics("process_start_time_seconds 2.5e11"),
    "a start before all": metrics("process_start_time_seconds -1e300"),
    "100,000 lines": metrics(*[f"{RUNNING} 1"] * 100_000),
}
VERSIONS = {
    "a number": model_text('{"version":1e999}'),
    "escapes": model_text(json.dumps({"version": TERMINAL})),
    "100 kB": model_text(json.dumps({"version": "9" * 100_000})),
    "dots": model_text('{"version":"999999999999999999999.-1.."}'),
    "a list": model_text('{"version":[]}'),
}
PAGES = {
    **{f"/v1/models: {name}": ("/v1/models", page, "fails")
       for name, page in {**ANY, **NO_MODELS}.items()},
    **{f"/v1/models: {name}": ("/v1/models", page, "measures") for name, page in MODELS.items()},
    **{f"/version: {name}": ("/version", page, "measures")
       for name, page in {**ANY, **VERSIONS}.items()},
    **{f"/metrics: {name}": ("/metrics", page, "measures")
       for name, page in {**ANY, **METRICS}.items()},
    **{f"{path}: {name}": (path, ANY[name], "measures")
       for path in ("/reset_prefix_cache", "/server_info?config_format=json")
       for name in ("closes", "resets", "half a head", "endless body", "brackets", "bad chunk")},
}
COUNTERS = plain(200, b'vllm:cache_config_info{enable_prefix_caching="True"} 1\n'
                      b"vllm:prefix_cache_queries_total 9\nvllm:prefix_cache_hits_total 3\n")


GREETINGS = {  # what a connection gets before it has said anything
    "closes": send(keep=False),
    "resets": send(rst=True),
    "a half close": send(half=True),
    "is silent": still(s=1.5),
    "greets as SSH": send(b"SSH-2.0-OpenSSH_9.2\r\n", keep=False),
    "greets as SMTP": send(b"220 mail ESMTP\r\n", keep=False),
    "an answer": send(GOOD, keep=False),
    "a list of models": send(plain(200, {"data": [{"id": "odd"}]}) * 50, keep=False),
    "settings of HTTP/2": send(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80", keep=False),
    "an alert of TLS": send(b"\x15\x03\x01\x00\x02\x02\x28", keep=False),
    "a hello of TLS": send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", keep=False),
    "zeros without end": endless(b"", bytes(1 << 20)),
    "escapes": send(TERMINAL.encode(), keep=False),
}

def tracker(*pages):
    """What MLflow's server says to each call, in turn; the last one for ever."""
    asked = {}  # by port: each server begins anew

    def answer(sock, request):
        port = sock.getsockname()[1]
        asked[port] = asked.get(port, -1) + 1
        return pages[min(asked[port], len(pages) - 1)](sock, request)
    return answer


def reply(value):
    return send(plain(200, value if isinstance(value, bytes) else json.dumps(value).encode()))


FOUND = reply({"experiment": {"experiment_id": "1", "lifecycle_stage": "active"}})
NO_RUNS = reply({"runs": []})
TRACKERS = {  # a run meets each, and those that are final a `mlflow sync`; none logs anything
    **{name: page for name, page in ANY.items() if name != "a byte now and then"},
    "an experiment of null": reply({"experiment": None}),
    "an id that is a number": reply({"experiment": {"experiment_id": 7}}),
    "an id of 1 MB": reply({"experiment": {"experiment_id": "1" * (1 << 20)}}),
    "an id of escapes": reply({"experiment": {"experiment_id": TERMINAL}}),
    "an id that climbs": reply({"experiment": {"experiment_id": "../../../etc"}}),
    "runs of null": tracker(FOUND, reply({"runs": None})),
    "runs that are numbers": tracker(FOUND, reply({"runs": [1, "x", None, [[]]]})),
    "runs without end": tracker(FOUND, reply({"runs": [{}], "next_page_token": "again"})),
    "a page token of 1 MB": tracker(FOUND, reply({"runs": [], "next_page_token": "t" * (1 << 20)})),
    "7 MB of runs": tracker(FOUND, reply(b'{"runs":[' + b"{}," * 2_300_000 + b"{}]}")),
    "7 MB of members": tracker(FOUND, reply(b'{"runs":{' + b'"":0,' * 1_400_000 + b'"":0}}')),
    "9 MB of runs": tracker(FOUND, reply(b'{"runs":[' + b"{}," * 3_000_000 + b"{}]}")),
    "a run without info": tracker(FOUND, reply({"runs": [{"info": None, "data": 3}]})),
    "a run id that climbs": tracker(FOUND, NO_RUNS, reply({"run": {"info": {
        "run_id": "../../x", "artifact_uri": "file:///etc/passwd"}}})),
    "a run id of escapes": tracker(FOUND, NO_RUNS, reply({"run": {"info": {"run_id": TERMINAL}}})),
    "a run id that is a list": tracker(FOUND, NO_RUNS, reply({"run": {"info": {"run_id": [1]}}})),
    "an experiment, and silence": tracker(FOUND, still(s=1.0)),
    "an experiment, and 500 for ever": tracker(FOUND, error(TERMINAL)),
    "an experiment, and a close": tracker(FOUND, send(keep=False)),
    "429 with the longest wait": error("later", 429, f"retry-after: {2**63 - 1}"),
    "503 with a wait below zero": error("later", 503, "retry-after: -9"),
}
FINAL = [name for name in TRACKERS if re.match("an? .*id|runs? |7|9|a page", name)]

# ---- files: what becomes of those of a true run

def same(data):
    return lambda _: data


def cut(part):
    return lambda data: data[:int(len(data) * part)]


def put(member, value):
    """The values of a member, wherever it stands, are another."""
    return lambda data: re.sub(rb'("%s": ?)("[^"]*"|[^,}\]\n]+)' % member.encode(),
                               lambda m: m[1] + value.encode(), data)


def each(value):
    """All numbers are another."""
    return lambda data: re.sub(rb'(": ?)-?[0-9][0-9.eE+-]*', lambda m: m[1] + value.encode(), data)


def lines(change):
    return lambda data: summed_text(change(data.rstrip(b"\n").split(b"\n")))


def summed_text(of):
    return b"\n".join(summed(of)) + b"\n"


def sparse(path, _=None):
    with open(path, "wb") as file:
        file.truncate(1 << 40)


def loop(path, _=None):
    path.unlink(missing_ok=True)
    path.symlink_to(path.name)


def folder(path, _=None):
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / path.name).symlink_to("..")


TEXTS = {  # of any file
    "empty": same(b""),
    "a line feed": same(b"\n"),
    "zeros": same(bytes(100_000)),
    "noise": same(bytes(i * i * 7 % 256 for i in range(50_000))),
    "brackets": same(DEEP.encode()),
    "gzip": gzip.compress,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "a mark of byte order": lambda data: b"\xef\xbb\xbf" + data,
    "half": cut(0.5),
    "all but a byte": cut(0.9999),
    "twice": lambda data: data + data,
    "lines in CR LF": lambda data: data.replace(b"\n", b"\r\n"),
    "NUL in it": lambda data: data[:100] + b"\0" + data[100:],
    "no UTF-8": lambda data: data.replace(b"short", b"sh\xff\xfert"),
    "one long line": same(b"x" * (8 << 20)),
    "numbers past all": each("1e999"),
    "numbers of 400 digits": each(HUGE),
    "numbers below zero": each("-7"),
    "the largest numbers": each(str(2**63 - 1)),
    "fractions": each("0.5"),
    "texts for numbers": each('"7"'),
    "lists for numbers": each("[[7]]"),
    "a file of 1 TB of nothing": sparse,
    "a link to itself": loop,
    "a folder in a loop": folder,
}
RESULTS = {
    "results null": same(b'{"metadata":{},"results":null}'),
    "results a number": same(b'{"metadata":{},"results":7}'),
    "results twice": same(b'{"results":[],"results":[{}],"metadata":{}}'),
    "no metadata": same(b'{"results":[{"tokens_per_second":1}]}'),
    "50,000 empty rows": same(b'{"metadata":{},"results":[' + b"{}," * 50_000 + b"{}]}"),
    "rows of other kinds": same(b'{"metadata":[],"results":[1,"x",null,[],{"batch_size":{}}]}'),
    "a format of tomorrow": put("format", "99"),
    "a verdict of nobody": put("verdict", '"SPLENDID"'),
    "a time of nowhere": put("timestamp", '"9999-99-99T99:99:99"'),
    "names that climb": put("scenario", '"../../../../tmp/x"'),
    "names of escapes": put("scenario", json.dumps(TERMINAL)),
    "names of 100 kB": put("model_name", json.dumps("n" * 100_000)),
    "words of gnuplot": put("model_name", json.dumps("';system('touch PWNED');'\n\"`touch PWNED`")),
    "speed below zero": put("tokens_per_second", "-5"),
    "speed past all": put("tokens_per_second", "1e400"),
    "speed in words": put("tokens_per_second", '"fast"'),
    "a batch of 2^62": put("batch_size", str(2**62)),
}
JOURNAL = {
    "no run": lines(lambda all: all[1:]),
    "the run alone": lines(lambda all: all[:1]),
    "two runs": lines(lambda all: all[:1] + all),
    "lines in disorder": lines(lambda all: all[:1] + all[:0:-1]),
    "each line twice": lines(lambda all: [line for line in all for _ in "xx"]),
    "no ends": lines(lambda all: [line for line in all if b"repeat_end" not in line]),
    "an index of 2^62": lambda data: lines(list)(put("index", str(2**62))(data)),
    "a repeat of 2^31": lambda data: lines(list)(put("repeat", str(2**31))(data)),
    "a cell of 2^62": lambda data: lines(list)(put("cell", str(2**62))(data)),
    "a cell below zero": lambda data: lines(list)(put("cell", "-1")(data)),
    "2^62 planned": lambda data: lines(list)(put("planned", str(2**62))(data)),
    "tokens below zero": lambda data: lines(list)(put("tokens_out", "-8")(data)),
    "2^62 tokens": lambda data: lines(list)(put("tokens_out", str(2**62))(data)),
    "an end before the start": lambda data: lines(list)(put("done_ns", "1")(data)),
    "times past all": lambda data: lines(list)(put("done_ns", str(2**63 - 1))(data)),
    "types of nobody": lambda data: lines(list)(put("type", '"rumour"')(data)),
    "sound sums, numbers past all": lambda data: lines(list)(each(str(2**63 - 1))(data)),
    "sound sums, numbers below zero": lambda data: lines(list)(each("-7")(data)),
    "sound sums, texts for numbers": lambda data: lines(list)(each('"7"')(data)),
    "names that climb": lambda data: lines(list)(put("stamp", '"../../../x"')(data)),
    "names of escapes": lambda data: lines(list)(put("model_name", json.dumps(TERMINAL))(data)),
}
DATA = {
    "no prompts": same(b'{"prompt": ""}\n' * 3),
    "prompts of null": same(b'{"prompt": null}\n'),
    "prompts in a list": same(b'{"prompt": [["a"]]}\n'),
    "max_tokens below zero": same(b'{"prompt": "short", "max_tokens": -5}\n'),
    "max_tokens past all": same(b'{"prompt": "short", "max_tokens": 1e400}\n'),
    "max_tokens of 2^62": same(b'{"prompt": "short", "max_tokens": %d}\n' % 2**62),
    "escapes": same(json.dumps({"prompt": "short", TERMINAL: 1}).encode()),
    "half a surrogate": same(b'{"prompt": "\\ud800"}\n'),
    "messages of numbers": same(b'{"messages": [1, null, {"role": 7}]}\n'),
    "a prompt of 8 MB": same(b'{"prompt": "%s"}\n' % (b"a " * (4 << 20))),
}
LAUGH = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 123))
YAML = {
    "a billion of x": same(LAUGH),
    "a list that holds itself": same(b"scenarios: &a [*a]\n"),
    "a map that holds itself": same(b"&a seed: *a\n"),
    "an alias of nothing": same(b"scenarios: *nobody\n"),
    "100,000 deep": same(b"[" * 100_000),
    "100,000 blanks deep": same(b"".join(b" " * i + b"a:\n" for i in range(1000))),
    "tabs": same(b"scenarios:\n\t- short\n"),
    "a tag of Python": same(b"scenarios: !!python/object/apply:os.system ['touch PWNED']\n"),
    "twice the same": same(b"seed: 1\nseed: 2\n"),
    "documents": same(b"---\nseed: 1\n---\nseed: 2\n...\n%"),
    "a number past all": same(b"max_tokens: 1e999\n"),
    "a number of 400 digits": same(b"max_tokens: %s\n" % HUGE.encode()),
    "a key of 1 MB": same(b"k" * (1 << 20) + b": 1\n"),
    "keys of escapes": same(b'"\\e]0;owned\\a\\e[2J": 1\n'),
    "a key that is a list": same(b"? [a, b]\n: 1\n"),
    "10,000 keys": same(b"".join(b"k%d: 1\n" % i for i in range(10_000))),
}
# kind: (commands; {} is the file, or its folder), special contents
KINDS = {
    "results": ((["analyze", "{}", "--output-dir", "an", "--plots", "tokens_per_sec"],
                 ["merge", "{}", "-o", "m.json"],
                 ["mlflow", "sync", "{}", "--mlflow-uri", "http://127.0.0.1:9"]), RESULTS),
    "journal": ((["recover", "{/}", "--output-dir", "again"],), JOURNAL),
    "dataset": ((["offline", "--engine", "null", "--no-imds", "--no-mlflow", "--num-runs", "2",
                  "--batch-sizes", "1", "--max-tokens", "4", "--dataset", "{}"],), DATA),
    "options": ((["offline", "--engine", "null", "--no-imds", "--config", "{}", "--dry-run"],
                 ["offline", "--engine", "null", "--no-imds", "--scenario-file", "{}", "--dry-run"]),
                YAML),
}
FILES = {f"{kind}: {name}": (kind, change)
         for kind, (_, own) in KINDS.items() for name, change in {**TEXTS, **own}.items()}

MOVED = {  # lists that other tests have
    **{f"odd: {name}": (answer, outcome) for name, (answer, outcome, _) in ODD.items()},
    **{f"sound: {name}": (answer, 8) for name, answer in SOUND.items()},
    **{f"endless: {name}": (endless(b"".join(begin), again), "any")
       for name, (*begin, again) in ENDLESS.items()},
    **{f"flood: {name}": (endless(begin, again), "any")
       for name, (begin, again) in FLOODS.items() if again},
}
ANSWERS = {**HTTP, **REFUSALS, **STREAM, **JSON, **USAGE, **MOVED}
