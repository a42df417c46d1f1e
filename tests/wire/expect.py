#!/usr/bin/env python3
"""What a recorded conversation must yield, by Python's own JSON reader and a reader of
HTTP and event streams that shares nothing with src/http. Well-formed recordings only.

    expect.py [--write] FILE.txt...    writes FILE.expect, or prints it
"""

import json
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
                data = data[size:].removeprefix(b"\r\n")
        elif "content-length" in headers:
            length = int(headers["content-length"])
            body, data = data[:length], data[length:]
            whole = len(body) == length
        else:
            body, data, keep, to_close = data, b"", False, True
        yield int(status), headers, body, (keep, whole, to_close)


def events(body):
    """Data of each event of a stream whose lines end in LF."""
    for block in body.decode("utf-8").split("\n\n")[:-1]:
        data = [line[5:].removeprefix(" ") for line in block.split("\n")
                if line.startswith("data:")]
        if data:
            yield "\n".join(data)


def raw(value):
    """As it stands in the JSON text, without quotes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text[1:-1] if isinstance(value, str) else text


def error_of(event):
    error = event.get("error")
    if isinstance(error, dict):
        return raw(error["message"])
    if error is None and "choices" not in event:
        error = event.get("detail")
    return None if error is None else raw(error)


def see_choice(choice, is_chat, said):
    delta = choice.get("delta") if is_chat else None
    message = (delta or choice.get("message") or {}) if is_chat else {}
    texts = [message.get(k) for k in ("content", "reasoning_content", "reasoning")]
    texts += [choice.get("text")] if not is_chat else []
    ids, finish = choice.get("token_ids"), choice.get("finish_reason")
    more = any(texts) or finish or ids or message.get("tool_calls")
    if ids is not None:
        said["ids"] = (said["ids"] or 0) + len(ids)
    said["finish"] = finish or said["finish"]
    if delta and "role" in delta and not more:
        said["roles"] += 1
    elif (more or any(t is not None for t in texts)) and finish != "abort":
        said["tokens"] += 1


def see(text, is_chat, said):
    if text == "[DONE]":
        said["done"] = True
        return
    event = json.loads(text)
    error = error_of(event)
    if error is None and not {"choices", "usage"} & event.keys():
        said["unknown"] += 1
        return
    said["error"] = said["error"] if error is None else error
    for choice in event.get("choices") or []:
        see_choice(choice, is_chat, said)
    usage = event.get("usage") or {}
    details = usage.get("prompt_tokens_details") or {}
    for name, value in (("in", usage.get("prompt_tokens")),
                        ("out", usage.get("completion_tokens")),
                        ("cached", details.get("cached_tokens"))):
        said[name] = said[name] if value is None else value


def expect(text):
    is_chat, data = decode(text)
    lines, fate = [], "nothing"
    for status, headers, body, (keep, whole, to_close) in answers(data):
        is_stream = headers.get("content-type", "").startswith("text/event-stream")
        is_json = headers.get("content-type", "").startswith("application/json")
        said = {"events": 0, "unknown": 0, "tokens": 0, "roles": 0, "ids": None,
                "finish": None, "in": None, "out": None, "cached": None, "done": False,
                "error": None}
        for event in events(body) if is_stream else [body.decode("utf-8")] if body else []:
            said["events"] += 1
            see(event, is_chat, said)
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
        text = expect(path.read_text(encoding="utf-8"))
        if "--write" in sys.argv:
            path.with_suffix(".expect").write_text(text, encoding="utf-8")
        else:
            print(text, end="")


if __name__ == "__main__":
    main()
