"""Every dialect of docs/servers.md against a server that takes no more than it says."""

import re

import pytest

from conftest import ROOT
from e2e.odd_server import check_accounts, online
from e2e.serve_client import Server
from oracle import oracle

TABLE = dict(re.findall(r"^\| (\w+) \| (.*?) \|", (ROOT / "docs/servers.md").read_text(encoding="utf-8"), re.M))
NAMES = [name for name in TABLE if name not in ("met", "vLLM")]
TOLD = ("vllm", "sglang", "llamacpp", "trtllm", "lmdeploy", "ollama", "mistral")  # by /v1/models
IDS = ("vllm", "sglang", "llamacpp", "trtllm")
LENGTHS = (*IDS, "lmdeploy")


@pytest.mark.parametrize("endpoint", ["completions", "chat"])
@pytest.mark.parametrize("name", NAMES)
def test_dialect(binary, tmp_path, name, endpoint):
    server = Server(binary, tmp_path, "--dialect", name, "--ttft", "1ms", "--itl", "1ms")
    words = () if name in TOLD or name == "other" else ("--dialect", name)
    if name == "mistral":  # takes no stream_options, so that this server counts nothing
        words = (*words, "--extra-body", '{"stream_options": {"include_usage": true}}')
    run = online(binary, tmp_path, "--port", server.port, "--endpoint", endpoint, "--accept-invalid",
                 *words)
    server.stop()
    if name == "mistral":
        assert run.code == 1 and """--extra-body '{"stream_options": null}'""" in run.err
        return
    assert run.code == 0, run.err
    check_accounts(run)
    row = run.rows[1]
    assert row["dialect"] == name and row["is_simulated"] and row["requests_failed"] == 0
    assert row["stop_at_eos"] == (name not in LENGTHS) and row["token_source"] == "usage"
    is_text = endpoint == "chat" or name not in IDS
    assert ("prompts go out as text" in run.err) == (is_text and endpoint == "completions")
    assert ("answers may end before" in run.err) == (name not in LENGTHS)
    assert (row["actual_input_tokens"] == row["requests_ok"] * row["input_length"]) == (not is_text)
    oracle.check_run(run.files.folder)


def test_a_dialect_that_is_wrong(binary, tmp_path):
    """What the server refuses is said, with the option that helps."""
    server = Server(binary, tmp_path, "--dialect", "other")
    run = online(binary, tmp_path, "--port", server.port, "--dialect", "vllm", "--endpoint", "chat")
    server.stop()
    assert run.code == 1
    assert "Unsupported parameter: 'ignore_eos'; try --stop-at-eos, or --dialect other" in run.err
