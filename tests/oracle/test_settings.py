"""Settings, launches, work and loads in rows, recomputed from the options of runs."""

import json

import pytest

from e2e.offline_run import files_of
from e2e.serve_client import Server
from oracle import settings

OFFLINE = {
    "both settings": ["--scenarios", "short", "prefix_caching", "--batch-sizes", "1", "4",
                      "--test-prefix-caching"],
    "words": ["--scenarios", "short", "--batch-sizes", "1", "--dtype", "bfloat16", "--seed", "3",
              "--prefix-reuse", "warm", "--stop-at-eos", "--engine-arg", "swap-space=2", "--",
              "--kv-cache-dtype", "fp8", "--max-num-seqs=4"],
}
ONLINE = {
    "closed": ["--concurrency", "2", "4", "--max-tokens", "4"],
    "open": ["--request-rate", "50", "inf", "--num-prompts", "12", "--ramp-up", "0s",
             "--max-concurrency", "6", "--no-keepalive", "--max-tokens", "4"],
    "gamma": ["--request-rate", "80", "--arrival", "gamma", "--burstiness", "0.7",
              "--duration", "300ms", "--ramp-up", "50ms", "--warmup-requests", "2",
              "--extra-body", '{"top_k": 5}', "--token-counts", "continuous", "--seed", "9",
              "--input-len", "20", "--max-tokens", "4"],
    "in one piece": ["--concurrency", "2", "--duration", "200ms", "--no-stream", "--endpoint",
                     "chat", "--stop-at-eos", "--max-tokens", "4"],
}


def found_in(folder, mode):
    run = files_of(folder, mode)
    lines = [json.loads(line) for line in run.journal_path.read_text().splitlines()]
    cells = [line for line in lines if line["type"] == "cell"]
    assert cells
    assert settings.check(lines[0], cells) == []
    return run


@pytest.mark.parametrize("options", OFFLINE.values(), ids=OFFLINE)
def test_offline(inferbench, tmp_path, options):
    done = inferbench("offline", "--engine", "null", "--no-imds", "--output-dir", "out",
                      "--num-runs", "2", *options)
    assert done.returncode == 0, done.stderr
    rows = found_in(tmp_path / "out", "offline").rows
    assert all(row["engine_args"] for row in rows)
    if "--kv-cache-dtype" in options:
        args = rows[0]["engine_args"]
        assert "kv_cache_dtype=fp8" in args and "swap_space=2" in args
        assert "max_num_seqs=4" in args and "max_num_seqs=256" not in args


@pytest.mark.parametrize("options", ONLINE.values(), ids=ONLINE)
def test_online(binary, inferbench, tmp_path, options):
    server = Server(binary, tmp_path, "--ttft", "1ms")
    try:
        done = inferbench("online", "--base-url", f"http://127.0.0.1:{server.port}", "--no-imds",
                          "--output-dir", "out", "--num-runs", "2", "--accept-invalid", *options)
    finally:
        server.stop()
    assert done.returncode == 0, done.stderr
    rows = found_in(tmp_path / "out", "online").rows
    assert {row["launch_source"] for row in rows} == {"metrics"}
    assert {row["engine_args"] for row in rows} == {None}


def test_a_launched_command(binary, inferbench, tmp_path):
    done = inferbench("online", "--launch-command", f"{binary} serve --port {{port}} --ttft 1ms",
                      "--concurrency", "2", "--max-tokens", "4", "--num-runs", "2", "--no-imds",
                      "--output-dir", "out", "--accept-invalid")
    assert done.returncode == 0, done.stderr
    rows = found_in(tmp_path / "out", "online").rows
    assert {row["launch_source"] for row in rows} == {"started"}
    assert rows[0]["engine_args"] == ["command=inferbench serve", "ttft=1ms"]


def test_one_server_is_one_launch(binary, inferbench, tmp_path):
    """Two runs that meet one process, and a third that meets the next one on that port."""
    ids = []
    server = Server(binary, tmp_path, "--ttft", "1ms")
    for run in range(3):
        if run == 2:
            port = server.port
            server.stop()
            server = Server(binary, tmp_path, "--ttft", "1ms", "--port", port)
        done = inferbench("online", "--base-url", f"http://127.0.0.1:{server.port}", "--no-imds",
                          "--output-dir", f"out{run}", "--num-runs", "2", "--concurrency", "1",
                          "--max-tokens", "4", "--accept-invalid")
        assert done.returncode == 0, done.stderr
        ids += {row["launch_id"] for row in files_of(tmp_path / f"out{run}", "online").rows}
    server.stop()
    assert len(ids) == 3 and ids[0] == ids[1] != ids[2]
