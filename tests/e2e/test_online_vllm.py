"""`inferbench online` on a real vLLM server with the tiny model, started by us and by hand.

One engine at a time: the tests of launched servers come first, then those that share one.
"""

import fcntl
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from e2e.offline_run import files_of, journal_of, plain_env, processes_of, start, wait_for
from oracle import oracle

SHARED, PROMPT, TOKENS = 1024, 1088, 16
KEY = "sk-e2e-never-to-be-seen"
#: One thread: two spin against everything else that runs on a small machine.
ENGINE = {"VLLM_CPU_OMP_THREADS_BIND": "0", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
EAGER = ("--", "--enforce-eager", "--max-num-seqs", "8")


@pytest.fixture(scope="module", autouse=True)
def engine_alone(vllm_interpreter):
    """One engine at a time on a machine."""
    from conftest import HOME

    path = os.environ.get("INFERBENCH_TEST_LOCK") or HOME / ".engine.lock"
    with open(path, "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def options(model, python):
    return ["--launch", "--python", python, "--model", model, "--load-format", "dummy",
            "--max-model-len", 2048]


def run(binary, folder, *words, code=0, env=None):
    """Verdicts that speak of a busy machine are accepted; CACHE_UNEXPECTED and the like not."""
    done = subprocess.run(
        [str(binary), "online", "--no-imds", "--accept-invalid=CLIENT_LATE,CLIENT_BUSY",
         *map(str, words)], cwd=folder, env=plain_env(**ENGINE, **(env or {})),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    if code != 2:
        done.run = files_of(folder / "results", "online")
    return done


def no_secret(folder, *texts):
    for text in texts:
        assert KEY not in text
    for path in Path(folder).rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


# ---- launched ------------------------------------------------------------------------------


class Watch(threading.Thread):
    """Looks at all command lines while something runs."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over, self.seen, self.servers = threading.Event(), [], set()
        self.start()

    def run(self):
        while not self.over.wait(0.1):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes()
                except OSError:
                    continue
                if KEY.encode() in line:
                    self.seen.append(line)
                if b"api_server" in line:
                    self.servers.add(line)


@pytest.fixture(scope="module")
def pair(binary, tiny_model, vllm_interpreter, tmp_path_factory):
    """OFF and ON in one command, the key by the environment alone."""
    folder = tmp_path_factory.mktemp("pair")
    watch = Watch()
    done = run(binary, folder, *options(tiny_model, vllm_interpreter), "--test-prefix-caching",
               "--scenarios", "short", "prefix_caching", "--concurrency", 1, 3, "--num-prompts",
               6, "--num-runs", 2, "--max-tokens", TOKENS, "--goodput", "ttft:60s", "e2e:120s",
               "--instance-type", "g5.xlarge", *EAGER,
               env={"OPENAI_API_KEY": KEY, "INFERBENCH_MARK": str(folder)})
    watch.over.set()
    watch.join()
    left = processes_of(str(folder))
    return SimpleNamespace(**vars(done.run), done=done, watch=watch, left=left)


def test_off_and_on(pair):
    cells = {(row["enable_prefix_caching"], row["scenario"], row["batch_size"])
             for row in pair.rows}
    assert len(cells) == 8 and len(pair.rows) == 16
    for row in pair.rows:
        assert row["error"] is None, row["error"]
        length = PROMPT if row["scenario"] == "prefix_caching" else 32
        assert row["input_length"] == length
        assert row["actual_input_tokens"] == 6 * length
        assert row["actual_output_tokens"] == 6 * TOKENS
        assert row["requests_ok"] == row["requests_planned"] == 6
        assert row["requests_wrong_length"] == 0 and row["token_source"] == "usage"
        if row["decode_time"] is None:  # read too late: a limit on TTFT is met or missed by nobody
            assert row["goodput_share"] is row["goodput_rps"] is None
        else:
            assert row["goodput_share"] == 1 and row["goodput_rps"] > 0
    assert sum(row["goodput_share"] == 1 for row in pair.rows) > 8


def test_hits_are_exactly_those_computed(pair):
    for row in pair.rows:
        block, expected = row["block_size"], 0
        if row["enable_prefix_caching"] and row["scenario"] == "prefix_caching":
            expected = 5 * (min(SHARED, PROMPT - 1) // block * block)
        assert row["cached_input_tokens"] == expected, row["notes"]
        assert row["cache_hit_rate"] == pytest.approx(expected / row["actual_input_tokens"])
        if row["enable_prefix_caching"]:
            assert row["cache_hit_rate_expected"] == pytest.approx(row["cache_hit_rate"])
        assert "CACHE_UNEXPECTED" not in row["reasons"]
    assert any(row["cached_input_tokens"] > 0 for row in pair.rows)


def lacking(run):
    """Fields that are null, and that a launched or local server of vLLM always fills."""
    fields = oracle.Oracle(run.journal_path).fields
    assert sum(oracle.is_required(name, must, True, "server")
               for name, (_, must) in fields.items()) > 60
    return {(row["notes"], name) for row in run.rows
            for name in oracle.missing_fields(row, fields, "server")}


def test_every_m_field_is_there(pair):
    assert not lacking(pair)


def test_settings_are_read_back(pair):
    for row in pair.rows:
        assert row["engine"] == "openai" and row["engine_mode"] == "mp"
        assert row["max_num_seqs"] == 8 and row["max_num_batched_tokens"] == 8192
        assert row["max_model_len"] == 2048 and row["block_size"] > 0
        assert row["dtype"] == "float32" and row["quantization"] == "none"
        assert row["weights"] == "dummy" and row["enforce_eager"] is True
        assert row["tensor_parallel_size"] == row["devices"] == 1
        assert row["kv_cache_tokens"] > 2048 and row["kv_cache_mb"] > 0
        assert row["hardware_type"] == "cpu" and row["is_simulated"] is False
        assert re.fullmatch(r"\d+\.\d+\.\d+.*", row["engine_version"])
        assert re.fullmatch(r"[0-9a-f]{64}", row["model_fingerprint"])
        assert row["load_time_s"] > 1 and row["compile_time_s"] == 0
        assert row["memory_used_mb"] > 100 and row["peak_memory_mb"] >= 100
        assert row["preemptions"] == 0 and row["cache_source"] == "usage"
    assert pair.env["python_packages"]["vllm"]


def test_oracle_agrees(pair):
    oracle.check_run(pair.folder)


def test_the_key_is_nowhere(pair):
    assert pair.watch.servers, "the server's command line was looked at"
    assert not pair.watch.seen
    no_secret(pair.folder, pair.done.stdout, pair.done.stderr)


def test_nothing_is_left_running(pair):
    assert pair.left == []
    log = (pair.raw_path / "server.log").read_text(encoding="utf-8", errors="replace")
    assert log.count("Application startup complete") == 2, "one server a setting"


def test_offline_measures_about_the_same(pair, binary, tiny_model, vllm_interpreter, tmp_path):
    """Same scenario, one request at a time: the server costs something, not a factor of five.
    Compilers may run beside either of the two."""
    done = subprocess.run(
        [str(binary), "offline", "--no-imds", "--python", str(vllm_interpreter), "--model",
         str(tiny_model), "--load-format", "dummy", "--max-model-len", "2048", "--scenarios",
         "short", "--batch-sizes", "1", "--num-runs", "4", "--max-tokens", str(TOKENS),
         *EAGER], cwd=tmp_path, env=plain_env(**ENGINE), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=200)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    offline = files_of(tmp_path / "results").rows
    online = [row for row in pair.rows if row["scenario"] == "short" and row["batch_size"] == 1
              and row["enable_prefix_caching"] is False]
    for name in ("model_fingerprint", "dtype", "quantization", "max_num_seqs", "block_size",
                 "max_num_batched_tokens", "max_model_len", "enforce_eager", "weights",
                 "kv_cache_tokens", "kv_cache_mb", "engine_mode", "hardware_type"):
        assert {row[name] for row in online} == {row[name] for row in offline}, name
    best = max(row["tokens_per_second"] for row in online)
    ratio = best / max(row["tokens_per_second"] for row in offline)
    assert 0.2 <= ratio <= 4, ratio


def test_a_server_that_dies(binary, tiny_model, vllm_interpreter, tmp_path):
    """kill -9 of the server in mid-run: the cause in words, what was measured on disk."""
    mark = str(tmp_path)
    process = start(binary, "online", "--no-imds",
                    *map(str, options(tiny_model, vllm_interpreter)), "--concurrency", "2",
                    "--duration", "300s", "--max-tokens", "64", "--num-runs", "2", *EAGER,
                    cwd=tmp_path, env=plain_env(**ENGINE, INFERBENCH_MARK=mark))
    journal = wait_for(lambda: next(iter(tmp_path.glob("results/raw_*/journal.jsonl")), None),
                       "a journal")
    wait_for(lambda: journal.read_bytes().count(b'"type":"request"') > 5, "answers", 120)
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (mark.encode() in (path / "environ").read_bytes()
                    and b"api_server" in (path / "cmdline").read_bytes()
                    and b"multiprocessing" not in (path / "cmdline").read_bytes()):
                os.kill(int(path.name), signal.SIGKILL)
        except OSError:
            continue
    assert process.wait(60) == 1
    told = (tmp_path / "stderr").read_text()
    assert "the server was killed by signal 9 (Killed) while running" in told
    assert "server.log" in told
    found = files_of(tmp_path / "results", "online")
    assert "the server was killed by signal 9" in found.rows[0]["error"]
    assert found.rows[0]["requests_ok"] > 5
    assert processes_of(mark) == []
    oracle.check_run(found.folder)


@pytest.mark.parametrize("words,said", [
    (["--", "--no-such-option"], "unrecognized arguments: --no-such-option"),
    (["--max-model-len", "9000"], "--max-model-len is more than the model allows"),
], ids=["option", "length"])
def test_a_server_that_does_not_start(binary, tiny_model, vllm_interpreter, tmp_path, words,
                                      said):
    done = run(binary, tmp_path, *options(tiny_model, vllm_interpreter), "--num-runs", 2, *words,
               code=1)
    assert said in done.stderr, done.stderr
    assert "server.log" in done.stderr
    assert said in done.run.rows[0]["error"]


def test_kill_leaves_nothing_behind(binary, tiny_model, vllm_interpreter, tmp_path):
    mark = str(tmp_path)
    process = start(binary, "online", "--no-imds",
                    *map(str, options(tiny_model, vllm_interpreter)), cwd=tmp_path,
                    env=plain_env(**ENGINE, INFERBENCH_MARK=mark))
    wait_for(lambda: any("api_server" in line for line in processes_of(mark)), "a server")
    process.kill()
    process.wait()
    wait_for(lambda: processes_of(mark) == [], "the end of the server", 20)


def test_ctrl_c_ends_a_launched_server(binary, tmp_path):
    """Any server will do: the one that inferbench has."""
    mark = str(tmp_path)
    command = f"{binary} serve --port {{port}} --ttft 5ms --itl 5ms"
    process = start(binary, "online", "--no-imds", "--launch-command", command, "--concurrency",
                    "2", "--duration", "300s", "--num-runs", "2", cwd=tmp_path,
                    env=plain_env(INFERBENCH_MARK=mark))
    journal = wait_for(lambda: next(iter(tmp_path.glob("results/raw_*/journal.jsonl")), None),
                       "a journal")
    wait_for(lambda: journal.read_bytes().count(b'"type":"request"') > 1, "answers", 60)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 4
    assert processes_of(mark) == []
    found = files_of(tmp_path / "results", "online")
    assert found.rows[0]["error"] == "interrupted" and found.rows[0]["requests_ok"] > 0
    assert (found.raw_path / "server.log").exists()


# ---- one server, started by hand -------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tiny_model, vllm_interpreter, tmp_path_factory):
    """As a user starts it: a key, no development mode, prefix caching on."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [str(vllm_interpreter), "-m", "vllm.entrypoints.openai.api_server", "--model",
             str(tiny_model), "--served-model-name", "tiny", "--load-format", "dummy", "--dtype",
             "float32", "--enforce-eager", "--max-model-len", "2048", "--max-num-seqs", "8",
             "--generation-config", "vllm", "--kv-cache-memory-bytes", "67108864", "--host",
             "127.0.0.1", "--port", str(port)],
            env=plain_env(**ENGINE, VLLM_API_KEY=KEY, VLLM_NO_USAGE_STATS="1"), stdout=log,
            stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    url = f"http://127.0.0.1:{port}"

    def is_ready():
        assert process.poll() is None, (folder / "log").read_text()[-3000:]
        try:
            with urllib.request.urlopen(url + "/health", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            time.sleep(0.3)
            return False
    try:
        wait_for(is_ready, "the server", 150)
        yield SimpleNamespace(url=url, process=process, folder=folder)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def attached(binary, server, tmp_path):
    """attached(*words) -> the run, with the key by the environment."""
    def go(*words, code=0, key=KEY, tokens=8, folder=tmp_path):
        more = {"OPENAI_API_KEY": key} if key else {}
        return run(binary, folder, "--base-url", server.url, "--num-runs", 2, "--max-tokens",
                   tokens, "--num-prompts", 6, *words, code=code, env=more)
    return go


def test_a_server_by_hand(attached, tmp_path):
    done = attached("--input-len", 24, 40, "--concurrency", 2, 3)
    assert len(done.run.rows) == 8
    for row in done.run.rows:
        assert row["error"] is None, row["error"]
        assert row["scenario"] in ("in24", "in40")
        assert row["input_length"] == int(row["scenario"][2:])
        assert row["actual_input_tokens"] == 6 * row["input_length"]
        assert row["model_name"] == "tiny" and row["max_model_len"] == 2048
        assert row["enable_prefix_caching"] is True and row["block_size"] > 0
        assert row["load_time_s"] is None and row["max_num_seqs"] is None, "it does not tell"
        assert re.fullmatch(r"[0-9a-f]{64}", row["model_fingerprint"]), "its folder is here"
    assert not lacking(done.run)
    no_secret(tmp_path, done.stdout, done.stderr)
    oracle.check_run(done.run.folder)


def has_looked(rows):
    """Has any of them a KV cache in use?"""
    seen = [row["kv_usage_max"] for row in rows if row["kv_usage_max"] is not None]
    assert all(0 <= value <= 1 for value in seen)
    return any(value > 0 for value in seen)


def test_the_kv_cache_was_looked_at(pair, attached, tmp_path_factory):
    """Sampled while requests ran. A look that is not answered within half a second, as on a busy
    machine, leaves its row without a value: then longer repeats."""
    assert has_looked(pair.rows) or any(
        has_looked(attached("--scenarios", "short", "--concurrency", 2, tokens=tokens,
                            folder=tmp_path_factory.mktemp("look")).run.rows)
        for tokens in (64, 128, 256, 512))


@pytest.mark.parametrize("reuse", ["cold", "warm"])
def test_hits_by_the_servers_counters(attached, reuse):
    """Without --enable-prompt-tokens-details the answers tell no hits: /metrics does."""
    done = attached("--scenarios", "prefix_caching", "--concurrency", 2, "--prefix-reuse", reuse)
    for row in done.run.rows:
        is_first = reuse == "cold" or row["is_warmup"]
        hits = (5 if is_first else 6) * (SHARED // row["block_size"] * row["block_size"])
        assert row["cached_input_tokens"] == hits, row["notes"]
        assert row["cache_hit_rate"] == pytest.approx(row["cache_hit_rate_expected"])
        assert row["cache_source"] == "metrics" and row["prefix_reuse"] == reuse
        assert "CACHE_UNEXPECTED" not in row["reasons"]


def test_chat_with_texts(attached, tmp_path):
    (tmp_path / "own.yaml").write_text("- name: faq\n  prompts: [one two three, four five]\n"
                                       "  max_tokens: 4\n")
    (tmp_path / "set.jsonl").write_text('{"prompt": "a b c", "max_tokens": 3}\n'
                                        '{"prompt": "a longer prompt of more words"}\n')
    done = attached("--endpoint", "chat", "--scenario-file", "own.yaml", "--dataset", "set.jsonl",
                    "--concurrency", 2)
    assert [row["scenario"] for row in done.run.rows] == ["faq", "faq", "set", "set"]
    for row in done.run.rows:
        assert row["error"] is None, row["error"]
        assert row["endpoint"] == "chat" and row["requests_ok"] == 6
        assert row["actual_input_tokens"] > 6 * 5, "the server counted template and text"
        assert row["cache_hit_rate_expected"] is None, "nobody knows the lengths beforehand"
    lines = [line for line in journal_of(done.run.journal_path) if line["type"] == "request"]
    assert {line["tokens_out"] for line in lines[:12]} == {8}, "--max-tokens is for all"


@pytest.mark.parametrize("words", [
    ("--token-counts", "ids"), ("--token-counts", "continuous"), ("--stop-at-eos",),
    ("--no-stream",), ("--no-keepalive",), ("--client-threads", "2"),
    ("--request-rate", "20", "--arrival", "constant"),
], ids=lambda words: words[0][2:] + "-" + words[-1].lstrip("-"))
def test_ways_to_ask(attached, words):
    load = () if "--request-rate" in words else ("--concurrency", 2)
    done = attached("--scenarios", "short", *words, *load)
    for row in done.run.rows:
        assert row["error"] is None, row["error"]
        assert row["requests_ok"] == 6 and row["requests_failed"] == 0
        assert row["actual_input_tokens"] == 6 * 32
        if "--stop-at-eos" not in words:
            assert row["actual_output_tokens"] == 6 * 8
        assert row["token_source"] == "usage", "the final count is the authority"
        assert 0 < row["e2e_mean_s"]
        if row["ttft_mean_s"] is not None:
            assert row["ttft_mean_s"] <= row["e2e_mean_s"]
        else:  # a busy machine: first tokens were read with later ones
            assert ("PARTIAL_TTFT" in row["warnings"]) == ("--no-stream" not in words)
        if "--no-stream" in words:
            assert row["ttft_mean_s"] is None
            assert row["itl_gaps"] == 0 and row["itl_mean_ms"] is None
        if "--no-keepalive" in words:
            assert row["connections_new"] == 6
    oracle.check_run(done.run.folder)


@pytest.mark.parametrize("words,key,said", [
    (("--model", "other"), KEY, 'does not serve "other". It serves: tiny'),
    ((), None, "It requires an API key: set OPENAI_API_KEY or --api-key-file"),
    (("--vocab-size", "100000"), KEY, None),
], ids=["model", "key", "vocabulary"])
def test_refusals(attached, words, key, said):
    done = attached("--concurrency", 2, *words, code=0 if said is None else 1, key=key)
    assert said is None or said in done.stderr, done.stderr
