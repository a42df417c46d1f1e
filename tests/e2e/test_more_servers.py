"""`inferbench online` on real servers that only `scripts/test --more-servers` installs: LiteLLM,
vllm-router, transformers serve, vLLM's Rust front-end (docs/servers.md)."""

import pytest

from e2e import real_servers
from e2e.odd_server import SECRET, check_accounts, online
from e2e.offline_run import processes_of
from e2e.serve_client import Server
from oracle import oracle

pytestmark = pytest.mark.alone
CLOSED = ("--no-imds", "--num-runs", "2", "--max-tokens", "16", "--num-prompts", "12", "--concurrency", "2")


def measured(run, dialect, tokens=16):
    """The row that was measured: all its requests are there, with all their tokens."""
    assert run.code == 0, run.err
    check_accounts(run)
    oracle.check_run(run.files.folder)
    for row in run.rows:
        assert row["dialect"] == dialect and row["requests_failed"] == 0, run.err
        assert row["requests_ok"] == 12 and row["token_source"] == "usage"
        assert "OTHER_MODEL" not in row["warnings"], row["answered_by"]
        if tokens is not None:
            assert row["actual_output_tokens"] == 12 * tokens
    return run.rows[1]


@pytest.fixture
def simulated(binary, tmp_path):
    """simulated(name): `inferbench serve` with a truth of 30 ms and 10 ms."""
    servers = []

    def start(name):
        (tmp_path / name).mkdir()
        servers.append(Server(binary, tmp_path / name, "--ttft", "30ms", "--itl", "10ms"))
        return servers[-1]
    yield start
    for server in servers:
        server.stop()


def near_the_truth(row):
    """30 ms and 10 ms, and what the servers between add on a busy machine."""
    assert 0.03 <= row["ttft_mean_s"] < 1 and 5 < row["tpot_mean_ms"] < 50


@pytest.mark.parametrize("endpoint", ["chat", "completions"])
def test_litellm(binary, tmp_path, simulated, more_servers, endpoint):
    """Before `inferbench serve`. The model is the only one of its list; prompts go out as text."""
    venv, port = more_servers("litellm"), simulated("one").port
    (tmp_path / "litellm").mkdir()
    with real_servers.litellm(venv, tmp_path / "litellm", SECRET,
                              {"sim": ("hosted_vllm/simulated", f"http://127.0.0.1:{port}")}) as url:
        run = online(binary, tmp_path, "--base-url", url, "--endpoint", endpoint, "--accept-invalid", load=CLOSED)
        wrong = online(binary, tmp_path / "one", "--base-url", url, "--endpoint", endpoint, load=CLOSED,
                       env={"OPENAI_API_KEY": "sk-another"})
    row = measured(run, "litellm")
    near_the_truth(row)
    assert row["model_name"] == "sim"
    assert ("prompts go out as text" in run.err) == (endpoint == "completions")
    assert "answers may end before their planned length" in run.err
    assert wrong.code == 1 and "OPENAI_API_KEY" in wrong.err  # it answers 400: no database of keys


def test_litellm_before_llama(binary, tmp_path, more_servers):
    """Two real ones in a row."""
    (tmp_path / "llama").mkdir()
    with real_servers.llama(tmp_path / "llama") as behind, \
            real_servers.litellm(more_servers("litellm"), tmp_path, SECRET,
                                 {"tiny": ("openai/tiny", behind)}) as url:
        run = online(binary, tmp_path, "--base-url", url, "--endpoint", "chat", "--accept-invalid", load=CLOSED)
    measured(run, "litellm", tokens=None)  # it does not pass `ignore_eos` on


@pytest.mark.parametrize("endpoint", ["completions", "chat"])
def test_vllm_router(binary, tmp_path, simulated, more_servers, endpoint):
    venv = more_servers("vllm-router")
    both = [simulated(name) for name in ("one", "two")]
    with real_servers.vllm_router(venv, tmp_path, *(f"http://127.0.0.1:{s.port}" for s in both)) as url:
        run = online(binary, tmp_path, "--base-url", url, "--endpoint", endpoint, "--accept-invalid", load=CLOSED)
    near_the_truth(measured(run, "vllm"))
    for server in both:
        server.stop()
        assert len(server.log()[1]) > 10  # of 24 and a few


@pytest.mark.parametrize("endpoint", ["completions", "chat"])
def test_transformers(binary, tmp_path, tiny_model, more_servers, endpoint):
    with real_servers.transformers(more_servers("transformers"), tmp_path, tiny_model) as url:
        run = online(binary, tmp_path, "--base-url", url, "--endpoint", endpoint, "--accept-invalid", load=CLOSED)
    measured(run, "transformers", tokens=None)  # an answer may end before


#: One thread: two spin against everything else that runs on a small machine.
ENGINE = {"VLLM_CPU_OMP_THREADS_BIND": "0", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def test_rust_front_end_launched(binary, tmp_path, tiny_model, more_servers, vllm_python):
    """As `vllm serve` takes it: by vLLM's own variables."""
    rust = more_servers("vllm-rs") / "bin/vllm-rs"
    run = online(binary, tmp_path, "--launch", "--python", vllm_python, "--model", tiny_model,
                 "--load-format", "dummy", "--max-model-len", "2048", "--enable-prefix-caching", "--scenarios",
                 "prefix_caching", "--accept-invalid", "--", "--enforce-eager", "--max-num-seqs", "8",
                 load=CLOSED, timeout=400,
                 env={**ENGINE, "INFERBENCH_MARK": str(tmp_path), "VLLM_USE_RUST_FRONTEND": "1",
                      "VLLM_RUST_FRONTEND_PATH": str(rust)})
    assert f"Rust front-end {rust}" in run.err, run.err
    measured(run, "vllm")
    assert processes_of(str(tmp_path)) == []
    for row in run.rows:
        assert "Rust front-end 0.33.0" in row["engine_version"] and row["engine_mode"] == "mp"
        assert row["actual_input_tokens"] == 12 * row["input_length"]
        assert row["max_num_seqs"] == 8 and row["max_num_batched_tokens"] == 8192
        assert row["max_model_len"] == 2048 and row["enforce_eager"] is True
        assert row["dtype"] == "float32" and row["quantization"] == "none" and row["weights"] == "dummy"
        assert row["tensor_parallel_size"] == row["devices"] == 1
        assert row["kv_cache_tokens"] > 2048 and row["kv_cache_mb"] > 1
        assert row["preemptions"] == 0 and row["enable_prefix_caching"] is True
        assert 11 * 512 <= row["cached_input_tokens"] <= 11 * 1024


def test_rust_front_end_by_its_own_command(binary, tmp_path, tiny_model, more_servers, vllm_python):
    """`vllm-rs serve` starts the engine itself; a whole vLLM 0.33 finds its own vllm-rs."""
    rust = more_servers("vllm-rs") / "bin/vllm-rs"
    command = (f"{rust} serve {{model}} --port {{port}} --python {vllm_python} -- --load-format dummy --dtype float32 "
               "--enforce-eager --max-model-len 1024 --max-num-seqs 8 --kv-cache-memory-bytes 67108864")
    run = online(binary, tmp_path, "--launch-command", command, "--model", tiny_model, "--accept-invalid",
                 load=CLOSED, timeout=400,
                 env={**ENGINE, "INFERBENCH_MARK": str(tmp_path), "VLLM_RUST_FRONTEND_PATH": str(rust)})
    measured(run, "vllm")
    assert "Rust front-end 0.33.0" in run.rows[1]["engine_version"]
    assert processes_of(str(tmp_path)) == []
