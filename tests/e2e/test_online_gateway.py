"""Servers in front of servers: who has answered is recorded, and another than was asked is a warning;
counts in odd forms; answers that end with [DONE] and no more."""

import json
import time

import pytest

from e2e import odd_server as odd
from e2e.odd_server import OddServer, check_accounts, check_unharmed, online, small
from e2e.replay_server import ReplayServer
from e2e.serve_client import Server
from oracle import oracle


def measured(run):
    """Rows of the measured repeats; the files agree with the journal."""
    assert run.code == 0, run.err
    check_accounts(run)
    oracle.check_run(run.files.folder)
    return [row for row in run.rows if not row["is_warmup"]]


def named(model, *headers, **more):
    """Right answers that name a model, below those headers."""
    head = "".join(f"{one}\r\n" for one in headers).encode()

    def answer(sock, request):
        name = model(request.number) if callable(model) else model
        sock.sendall(odd.HEAD[:-2] + head + b"\r\n")
        for i in range(request.max_tokens):
            is_last = i == request.max_tokens - 1
            sock.sendall(odd.event({"model": name, **more, "choices": [
                {"index": 0, "text": f" {i}", "finish_reason": "length" if is_last else None}]}))
        sock.sendall(odd.usage(odd.prompt_len(request), request.max_tokens) + odd.END)
        return True
    return answer


@pytest.mark.parametrize("name,is_other", [(None, False), ("simulated-2026-01-31", False),
                                           ("SIMULATED", False), ("simulated-mini", True), ("x", True)])
def test_another_model(binary, tmp_path, name, is_other):
    words = () if name is None else ("--answer-model", name)
    server = Server(binary, tmp_path, "--ttft", "1ms", "--itl", "1ms", *words)
    run = online(binary, tmp_path, "--port", server.port, "--accept-invalid")
    server.stop()
    for row in measured(run):
        assert row["answered_by"] == {name or "simulated": row["requests_ok"]}
        assert row["requests_elsewhere"] == (row["requests_ok"] if is_other else 0)
        assert ("OTHER_MODEL" in row["warnings"]) == is_other
    if is_other:
        check = next(one for one in run.rows[1]["checks"] if one["code"] == "OTHER_MODEL")
        assert "asked for simulated" in check["text"] and name in check["text"]


def test_another_model_in_one_piece(binary, tmp_path):
    server = Server(binary, tmp_path, "--ttft", "1ms", "--itl", "1ms", "--answer-model", "x")
    run = online(binary, tmp_path, "--port", server.port, "--accept-invalid", "--no-stream")
    server.stop()
    for row in measured(run):
        assert row["answered_by"] == {"x": 12} and row["requests_elsewhere"] == 12


def test_a_deployment_has_a_name_of_its_own(binary, tmp_path):
    with OddServer(named("gpt-4o-2024-11-20")) as server:
        run = online(binary, tmp_path, "--model", "prod", "--accept-invalid", "--base-url",
                     f"http://127.0.0.1:{server.port}/v1/deployments/prod/completions?api-version=1")
    for row in measured(run):
        assert row["answered_by"] == {"gpt-4o-2024-11-20": 12} and row["requests_elsewhere"] == 0


def test_several_models(binary, tmp_path):
    """One answer in four comes from elsewhere, in each row."""
    with OddServer(named(lambda number: "small" if number % 4 == 1 else "odd")) as server:
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid", load=small(prompts=16))
    for row in measured(run):
        assert row["answered_by"] == {"odd": 12, "small": 4} and row["requests_elsewhere"] == 4
        assert "OTHER_MODEL" in row["warnings"]


def test_a_gateway_with_two_backends(binary, tmp_path):
    """What a header says of a backend: its host, never a key."""
    def answer(sock, request):
        host = "10.0.0.7" if request.number % 3 else "10.0.0.8"
        return named("odd", f"x-litellm-model-api-base: http://u:{odd.SECRET}@{host}:8000/v1?k={odd.SECRET}",
                     "x-litellm-model-id: 0123456789abcdef")(sock, request)

    with OddServer(answer) as server:
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid")
    for row in measured(run):
        assert row["answered_by"] == {"odd @ 10.0.0.7:8000 01234567": 8, "odd @ 10.0.0.8:8000 01234567": 4}
        assert row["requests_elsewhere"] == 4 and "OTHER_MODEL" in row["warnings"]


@pytest.mark.parametrize("headers,more,backend", [
    (("x-litellm-attempted-fallbacks: 1",), {}, "fallback"), (("cf-aig-cache-status: HIT",), {}, "cache"),
    ((), {"provider": "Some Cloud"}, "Some Cloud"), (("x-inference-provider: there",), {}, "there")])
def test_what_gateways_say(binary, tmp_path, headers, more, backend):
    with OddServer(named("odd", *headers, **more)) as server:
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid")
    for row in measured(run):
        assert row["answered_by"] == {f"odd @ {backend}": 12}
        assert ("OTHER_MODEL" in row["warnings"]) == (backend in ("fallback", "cache"))


@pytest.mark.parametrize("name,by", [
    ("litellm_chat", "sim @ 07379b72 hosted_vllm/simulated 127.0.0.1:8200 1.108.7"),
    ("llamacpp_chat", "tiny.gguf"), ("transformers_completions", "local/tiny@main")])
def test_what_real_ones_said(binary, tmp_path, name, by):
    with ReplayServer(name) as server:
        recording = server.recording
        words = ["--model", recording.model, "--endpoint", "chat" if "chat" in recording.path else "completions",
                 "--dialect", "other", "--accept-invalid"]
        run = online(binary, tmp_path, "--port", server.port, *words,
                     load=small(prompts=4, tokens=recording.max_tokens))
    assert run.code == 0, run.err
    for row in run.rows:
        assert row["answered_by"] == {by: 4} and row["requests_elsewhere"] == 0


def written(form):
    """Counts of usage as some gateways write them."""
    def answer(sock, request):
        sock.sendall(odd.HEAD)
        for i in range(request.max_tokens):
            sock.sendall(odd.token(f" {i}", "length" if i == request.max_tokens - 1 else None))
        sock.sendall(odd.event({"choices": [], "usage": {
            "prompt_tokens": form(odd.prompt_len(request)), "completion_tokens": form(request.max_tokens),
            "prompt_tokens_details": None}}) + odd.END)
        return True
    return answer


@pytest.mark.parametrize("form,is_known", [(float, True), (str, True), (lambda n: n + 0.5, False),
                                           (lambda n: f"{n} tokens", False), (lambda n: None, False)])
def test_counts_in_odd_forms(binary, tmp_path, form, is_known):
    with OddServer(written(form)) as server:
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid")
    check_accounts(run)
    for row in measured(run) if is_known else run.rows[1:]:
        assert row["actual_output_tokens"] == 8 * 12
        assert row["token_source"] == ("usage" if is_known else "estimated")
        assert ("TOKENS_ESTIMATED" in row["reasons"]) != is_known


def no_end(sock, request):
    """[DONE], then neither the last chunk nor a close."""
    sock.sendall(odd.HEAD)
    for i in range(request.max_tokens):
        time.sleep(0.001)
        sock.sendall(odd.token(f" {i}", "length" if i == request.max_tokens - 1 else None))
    sock.sendall(odd.usage(odd.prompt_len(request), request.max_tokens) + odd.event("[DONE]"))
    sock.settimeout(60)
    assert sock.recv(1) == b""  # until the client gives up
    return False


def test_done_ends_an_answer(binary, tmp_path):
    """The first ones are given half a second, later ones none; nothing runs into the timeout."""
    with OddServer(no_end) as server:
        start = time.monotonic()
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid", "--request-timeout", "300s")
        wall_s = time.monotonic() - start
    rows = measured(run)
    assert wall_s < 100
    assert run.rows[0]["answers_unended"] == 12 and "said [DONE]" in run.err
    for row in rows:
        assert row["requests_ok"] == row["answers_unended"] == row["connections_new"] == 12
    assert len(check_unharmed(run)) == 12


@pytest.mark.parametrize("end", ["closed", "reset", "late"])
def test_done_and_then(binary, tmp_path, end):
    """The server closes behind [DONE], or sends the last chunk a little later: all is well."""
    def answer(sock, request):
        sock.sendall(odd.HEAD)
        for i in range(request.max_tokens):
            sock.sendall(odd.token(f" {i}", "length" if i == request.max_tokens - 1 else None))
        sock.sendall(odd.usage(odd.prompt_len(request), request.max_tokens) + odd.event("[DONE]"))
        time.sleep(0.02)
        if end == "late":
            sock.sendall(b"0\r\n\r\n")
            return True
        if end == "reset":
            odd.reset(sock)
        return False

    with OddServer(answer) as server:
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid")
    for row in measured(run):
        assert row["requests_ok"] == 12
        if row["answers_unended"] == 0:  # this machine has not slept for half a second
            assert (row["connections_reused"] > 0) == (end == "late")


def test_nothing_is_made_up(binary, tmp_path):
    """No model in the answers: unknown is null."""
    with OddServer() as server:
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid")
    for row in measured(run):
        assert row["answered_by"] is None and row["requests_elsewhere"] is None
        assert json.dumps(row["checks"]).count("OTHER_MODEL") == 0


def test_more_pieces_than_tokens(binary, tmp_path):
    """Usage tells 1 token for 8 pieces of text: nobody knows how fast that was."""
    def answer(sock, request):
        sock.sendall(odd.HEAD)
        for i in range(request.max_tokens):
            sock.sendall(odd.token(f" {i}", "stop" if i == request.max_tokens - 1 else None))
        sock.sendall(odd.usage(odd.prompt_len(request), 1) + odd.END)
        return True

    with OddServer(answer) as server:
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid", "--stop-at-eos")
    for row in measured(run):
        assert row["verdict"] != "VALID" and "TOKENS_UNDERCOUNTED" in row["reasons"]
        check = next(one for one in row["checks"] if one["code"] == "TOKENS_UNDERCOUNTED")
        assert check["value"] == 7 and "700 % more pieces of text" in check["text"]


def counting(page, seen):
    def answer():
        seen.append(time.monotonic())
        return page(len(seen)) if callable(page) else page
    return answer


def test_settings_that_never_come(binary, tmp_path):
    """/server_info without an answer: given up, and said."""
    versions = []

    def never():
        time.sleep(40)
        return odd.plain(200, {})

    paths = {"/server_info": never, "/server_info?config_format=json": never,
             "/version": counting(odd.plain(200, {"version": "odd"}), versions)}
    with OddServer(paths=paths) as server:
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid")
    assert run.code == 0, run.err
    assert "no answer to /server_info within 15 s" in run.err
    assert run.rows[1]["engine_version"] == "odd" and len(versions) == 1


def test_asked_too_often(binary, tmp_path):
    """Retry-After is kept to, and the pauses grow without it."""
    def page(number):
        if number > 2:
            return odd.plain(200, {"data": [{"id": "odd"}]})
        wait = ("retry-after: 2",) if number == 1 else ()
        return odd.plain(429, {"error": {"message": "slow down"}}, *wait, reason="Too Many Requests")

    asked = []
    with OddServer(paths={"/v1/models": counting(page, asked)}) as server:
        run = online(binary, tmp_path, "--port", server.port, "--accept-invalid", "--ready-timeout", "300s")
    assert run.code == 0, run.err
    pauses = [b - a for a, b in zip(asked, asked[1:])]
    assert len(pauses) == 2
    for pause, least in zip(pauses, (2, 4)):
        assert pause > least - 0.1


def served(model="odd", version="odd", owner=None):
    entry = {"id": model} if owner is None else {"id": model, "owned_by": owner}
    return OddServer(models=(model,), paths={"/v1/models": odd.plain(200, {"data": [entry]}),
                                             "/version": odd.plain(200, {"version": version})})


def on_both(binary, folder, a, b, *words):
    urls = [f"http://127.0.0.1:{server.port}" for server in (a, b)]
    return online(binary, folder, "--base-url", *urls, "--accept-invalid", *words)


def test_servers_of_two_kinds(binary, tmp_path):
    with served() as a, served(owner="llamacpp") as b:
        run = on_both(binary, tmp_path, a, b)
        assert run.code == 1, run.err
        assert f"http://127.0.0.1:{a.port} is taken for vllm, but http://127.0.0.1:{b.port} for llamacpp" in run.err
        assert "--dialect" in run.err and not a.seen and not b.seen
        (again := tmp_path / "again").mkdir()
        run = on_both(binary, again, a, b, "--dialect", "llamacpp")
    assert run.code == 0, run.err


def test_servers_of_two_models(binary, tmp_path):
    with served(owner="llamacpp") as a, served(model="even", owner="llamacpp") as b:
        run = on_both(binary, tmp_path, a, b)
    assert run.code == 1, run.err
    assert "serves odd, but" in run.err and "It serves: even" in run.err


def test_servers_with_other_settings(binary, tmp_path):
    with served() as a, served(version="0.1") as b:
        run = on_both(binary, tmp_path, a, b)
        assert a.seen and b.seen
    assert run.code == 0, run.err
    assert "differ in engine_version; rows tell of the first" in run.err
    assert run.rows[1]["engine_version"] == "odd"
