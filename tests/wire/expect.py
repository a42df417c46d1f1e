#!/usr/bin/env python3
"""What a recorded conversation must yield, by Python's own JSON reader and a reader of
HTTP and event streams that shares nothing with src/http. Well-formed HTTP only.

    expect.py [--write] FILE.txt...    writes FILE.expect and FILE.classes, or prints them
"""

import itertools
import json
import re
import sys
from pathlib import Path


def decode(text):
    """(is_chat, bytes) of a recording: its head says what it is, then come the server's
    bytes, with \\r \\n \\\\ and \\xNN; a line break of the file itself is none."""
    head, _, body = text.partition("\n\n")
    out, i, raw = bytearray(), 0, body.replace("\n", "").encode("utf-8")
    while i < len(raw):
        if raw[i] != ord("\\"):
            out.append(raw[i])
            i += 1
        elif raw[i + 1] == ord("x"):
            out.append(int(raw[i + 2:i + 4], 16))
            i += 4
        else:
            out.append({"r": 13, "n": 10, "\\": 92}[chr(raw[i + 1])])
            i += 2
    return head.split()[-1] == "chat", bytes(out)


def answers(data):
    """(status, headers, body, is whole, is ended by the peer's closing) of each answer."""
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, v in (x.split(":", 1) for x in lines[1:])}
        version, status = lines[0].split(" ")[:2]
        if status.startswith("1"):
            continue
        keep = "close" not in headers.get("connection", "") and version == "HTTP/1.1"
        body, whole, to_close = b"", True, False
        if status == "204":
            pass
        elif headers.get("transfer-encoding") == "chunked":
            size = None
            while size != 0:
                line, end, data = data.partition(b"\r\n")
                if not end:
                    whole = False
                    break
                size = int(line.split(b";")[0], 16)
                body += data[:size]
                data = data[size:].removeprefix(b"\r\n") if size else after_trailers(data)
        elif "content-length" in headers:
            length = int(headers["content-length"])
            body, data = data[:length], data[length:]
            whole = len(body) == length
        else:
            body, data, keep, to_close = data, b"", False, True
        yield int(status), headers, body, (keep, whole, to_close)


def after_trailers(data):
    line = None
    while line != b"":
        line, _, data = data.partition(b"\r\n")
    return data


def events(body):
    """Data of each event of a stream; what no empty line ends is none."""
    text = re.sub("\r\n|\r", "\n", body.decode("utf-8-sig", "replace"))
    for block in text.split("\n\n")[:-1]:
        data = [line[5:].removeprefix(" ") for line in block.split("\n")
                if line.startswith("data:")]
        if data:
            yield "\n".join(data)


def raw(value):
    """As it stands in the JSON text, without quotes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text[1:-1] if isinstance(value, str) else text


def read(text):
    """The event's object; an empty one if it is none."""
    try:
        event = json.loads(text)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def error_of(event):
    if event.get("object") == "error":
        return raw(event["message"])
    error = event.get("error")
    if isinstance(error, dict):
        return raw(error["message"])
    if error is None and "choices" not in event:
        error = event.get("detail")
    return None if error is None else raw(error)


def see(text, said):
    if text == "[DONE]":
        said["done"] = True
        return
    event = read(text)
    error = error_of(event)
    if error is None and not {"choices", "usage"} & event.keys():
        said["unknown"] += 1
        return
    said["error"] = said["error"] if error is None else error
    for choice in event.get("choices") or []:
        if choice.get("token_ids") is not None:
            said["ids"] = (said["ids"] or 0) + len(choice["token_ids"])
        said["finish"] = choice.get("finish_reason") or said["finish"]
    usage = event.get("usage") or {}
    details = usage.get("prompt_tokens_details") or {}
    for name, value in (("in", usage.get("prompt_tokens")),
                        ("out", usage.get("completion_tokens")),
                        ("cached", details.get("cached_tokens"))):
        said[name] = said[name] if value is None else value


NO_TEXT = {"role", "id", "name", "type", "index", "finish_reason"}


def letters(value):
    """All strings in it that are text, in one."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(letters, value))
    if isinstance(value, dict):
        return "".join(letters(v) for k, v in value.items() if k not in NO_TEXT)
    return ""


def members(choice):
    """[(name, value)] of what may be text or a role; null says nothing."""
    found = [("text", choice.get("text"))]
    for name in ("delta", "message"):
        found += (choice.get(name) or {}).items()
    return [(name, value) for name, value in found if value is not None]


def class_of(text, is_first):
    """What an event is, see README.md."""
    event = read(text)
    if text == "[DONE]":
        return "done"
    if error_of(event) is not None:
        return "error"
    if not {"choices", "usage"} & event.keys():
        return "unknown"
    choices = event.get("choices") or []
    said = [member for choice in choices for member in members(choice)]
    has_role = any(name == "role" for name, _ in said)
    has_text = any(name not in NO_TEXT for name, _ in said)
    if any(letters(value) for name, value in said if name not in NO_TEXT):
        return "T"
    if any(choice.get("finish_reason") for choice in choices):
        return "F"
    if has_text:
        return "R" if has_role and is_first else "E"
    if any(choice.get("token_ids") for choice in choices):
        return "E"
    if has_role:
        return "R"
    return "U" if event.get("usage") else "nothing"


def classes(text):
    """A line for each answer: the classes of its events in a row."""
    lines = []
    for _, headers, body, _ in answers(decode(text)[1]):
        found = [class_of(data, i == 0) for i, data in enumerate(data_of(headers, body))]
        runs = [(name, len(list(run))) for name, run in itertools.groupby(found)]
        lines.append(" ".join(name if n == 1 else f"{name}*{n}" for name, n in runs) or "-")
    return "".join(line + "\n" for line in lines)


def data_of(headers, body):
    """Of the events of a stream; a whole answer is one."""
    if headers.get("content-type", "").startswith("text/event-stream"):
        return list(events(body))
    return [body.decode("utf-8", "replace")] if body else []


def expect(text):
    _, data = decode(text)
    lines, fate = [], "nothing"
    for status, headers, body, (keep, whole, to_close) in answers(data):
        is_stream = headers.get("content-type", "").startswith("text/event-stream")
        is_json = headers.get("content-type", "").startswith("application/json")
        said = {"events": 0, "unknown": 0, "ids": None,
                "finish": None, "in": None, "out": None, "cached": None, "done": False,
                "error": None}
        for event in data_of(headers, body):
            said["events"] += 1
            see(event, said)
        words = [str(status), "stream" if is_stream else "json" if is_json else "other"]
        words += ["keep"] if keep else []
        words += [f"{k}={v}" for k, v in said.items()
                  if k not in ("done", "error") and v not in (None, 0)
                  or k in ("in", "out", "cached") and v == 0]
        words += ["done"] if said["done"] else []
        words += [f"error={said['error']}"] if said["error"] is not None else []
        lines.append(" ".join(words))
        fate = "cut" if not whole else "ended by closing" if to_close else "complete"
    return "\n".join(lines + [fate]) + "\n"


def main():
    names = [a for a in sys.argv[1:] if a != "--write"]
    for path in map(Path, names):
        text = path.read_text(encoding="utf-8")
        for ending, said in ((".expect", expect(text)), (".classes", classes(text))):
            if "--write" in sys.argv:
                path.with_suffix(ending).write_text(said, encoding="utf-8")
            else:
                print(said, end="")


if __name__ == "__main__":
    main()
