"""src/engines/vllm_worker.py on a real vLLM with the tiny model (docs/worker-protocol.md)."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from e2e.worker_harness import Worker

CPU = {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}


def draw(count, seed):
    rng = random.Random(seed)
    return [rng.randrange(16, 500) for _ in range(count)]


def descendants(pid):
    found, todo = [], [pid]
    while todo:
        for path in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            todo += (new := [int(p) for p in path.read_text().split()])
            found += new
    return found


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def wait_gone(pids):
    for _ in range(600):
        left = [p for p in pids if is_alive(p)]
        if not left:
            break
        time.sleep(0.05)
    return left


@pytest.fixture
def start(tmp_path):
    """start(python) -> a Worker that has said hello; ended with all its children."""
    workers = []

    def begin(python, **env):
        worker = Worker(python, tmp_path / "engine.log", env={**CPU, **env})
        workers.append(worker)
        assert worker.read()["ev"] == "hello"
        return worker
    yield begin
    for worker in workers:
        pids = descendants(worker.process.pid)
        worker.kill()
        for pid in pids:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)


def check_request(request, end, tokens):
    """Everything that must hold of one answered request."""
    assert request["finish_reason"] == "length"
    assert request["output_tokens"] == tokens == request["events"]
    stamps = request["t_ns"]
    assert end["due_ns"] <= request["sent_ns"] < stamps[0]
    assert stamps == sorted(stamps) and stamps[-1] <= end["end_ns"]
    assert end["due_ns"] <= request["queued_ns"] <= request["scheduled_ns"]
    assert request["scheduled_ns"] <= request["first_ns"] <= request["last_ns"]
    assert request["first_ns"] <= stamps[0], "the engine's first token came after our stamp"
    assert request["last_ns"] <= stamps[-1]


def check_dialogue(worker, model, mode, version):
    ready = worker.open(model, mode, settings={"max_model_len": 1024})
    assert ready["ev"] == "ready", ready
    assert ready["engine_version"].startswith(version)
    assert ready["is_tried"] and ready["device"] == "cpu" and ready["dtype"] == "float32"
    assert ready["weights"] == "dummy" and ready["vocab_size"] == 512
    assert ready["max_num_seqs"] == 8 and ready["max_num_batched_tokens"] == 2048
    assert ready["enable_prefix_caching"] is True and ready["enforce_eager"] is True
    assert ready["compile_time_s"] == 0 and ready["load_time_s"] > 0
    assert len(ready["model_fingerprint"]) == 64
    block = ready["block_size"]
    prompt = draw(300, 1)
    prompts = [prompt, prompt[:256], prompt[:257]]
    hits = [0, (256 - 1) // block * block, (257 - 1) // block * block]
    for first in (0, (300 - 1) // block * block):  # cold, then the whole prompt is known
        end, requests, _ = worker.batch(prompts)
        assert [requests[i]["cached_tokens"] for i in range(3)] == [first, *hits[1:]]
        assert end["prefix_hits"] == first + sum(hits)
        assert end["prefix_queries"] == 813 and end["preemptions"] == 0
        assert 0 < end["kv_usage_max"] <= 1
        assert [requests[i]["prompt_tokens"] for i in range(3)] == [300, 256, 257]
        for request in requests.values():
            check_request(request, end, 8)
        assert list(worker.beat[:3]) == [end["steps"], 24, 3]
    worker.send("reset")
    assert worker.read() == {"ev": "reset", "ok": True}
    end, requests, _ = worker.batch([prompt], want_gaps=False)
    assert requests[0]["cached_tokens"] == 0, "the cache was emptied"
    assert len(requests[0]["t_ns"]) == 2 and requests[0]["events"] == 8
    end, requests, _ = worker.batch([prompt, prompt], salts=["x", "y"])
    assert [requests[i]["cached_tokens"] for i in range(2)] == [0, 0], "salts keep apart"
    end, requests, events = worker.batch([[9999], [], draw(1200, 2), prompt])
    refused = {e["index"]: e["text"] for e in events if e["ev"] == "refused"}
    assert set(refused) == {0, 1, 2} and set(requests) == {3}
    assert "longer than the maximum model length" in refused[2]
    worker.send("counters")
    assert worker.read()["prefix_hits"] > 0


@pytest.mark.parametrize("mode", ["mp", "inproc"])
def test_dialogue(start, vllm_python, tiny_model, mode):
    worker = start(vllm_python)
    check_dialogue(worker, tiny_model, mode, "0.")
    children = descendants(worker.process.pid)
    assert worker.close() == 0
    assert wait_gone(children) == []


@pytest.mark.parametrize("mode", ["mp", "inproc"])
def test_dialogue_013(start, vllm013_python, tiny_model, mode):
    worker = start(vllm013_python)
    check_dialogue(worker, tiny_model, mode, "0.13")
    assert worker.close() == 0


def test_arguments_texts_cancel_and_end_of_file(start, vllm_python, tiny_model):
    worker = start(vllm_python)
    ready = worker.open(tiny_model, "inproc", need_tokenizer=True,
                        engine_args={"max_num_seqs": "6", "block-size": "32"},
                        cli_args=["--max-num-seqs", "4", "--no-enable-prefix-caching"],
                        settings={"no_such_setting": 1})
    assert (ready["max_num_seqs"], ready["block_size"]) == (4, 32)
    assert ready["enable_prefix_caching"] is False
    assert ready["dropped_args"] == ["no_such_setting"]
    worker.send("tokenize", texts=["ab", "日本"])
    ids = worker.read()["ids"]
    assert len(ids[0]) == 1 and len(ids[1]) == 6, "letter pairs are one token, bytes one each"
    end, requests, _ = worker.batch([ids[0] * 50], ignore_eos=False,
                                    stop_token_ids=list(range(5, 512)))
    assert requests[0]["finish_reason"] in ("stop", "length")
    assert requests[0]["output_tokens"] <= 8

    requests = [{"index": i, "ids": draw(50, i), "max_tokens": 900} for i in range(2)]
    worker.send("batch", sampling={"temperature": 0.0, "ignore_eos": True}, requests=requests)
    while worker.beat[1] < 10:
        time.sleep(0.01)
    worker.send("cancel", index=0)
    events = worker.until("batch_end", "error")
    answers = {e["index"]: e for e in events if e["ev"] == "request"}
    assert answers[0]["finish_reason"] == "cancelled" and answers[0]["output_tokens"] < 900
    assert answers[1]["finish_reason"] == "length" and answers[1]["output_tokens"] == 900

    worker.sock.shutdown(2)  # as when inferbench is killed
    assert worker.process.wait(30) == -signal.SIGKILL


@pytest.mark.parametrize("case, kind, text", [
    ({"cli_args": ["--nope", "1"]}, "BadArgument", "unrecognized arguments: --nope 1"),
    ({"cli_args": ["--max-num-seqs", "x"]}, "BadArgument", "invalid int value"),
    ({"engine_args": {"max_num_seq": "6"}}, "BadArgument", "did you mean 'max_num_seqs'"),
    ({"model": "/nope/model"}, "FileNotFoundError", "does not exist"),
    ({"settings": {"max_model_len": 100000}}, "ValidationError", "derived max_model_len"),
    ({"settings": {"max_model_len": 4096}, "engine_args": {"kv_cache_memory_bytes": "4000000"}},
     "ValueError", "To serve at least one request"),
], ids=["option", "value", "name", "model", "length", "kv"])
def test_refused_open(start, vllm_python, tiny_model, case, kind, text):
    worker = start(vllm_python)
    error = worker.open(**{"model": tiny_model, "mode": "inproc", **case})
    assert (error["ev"], error["where"], error["type"]) == ("error", "open", kind)
    assert text in error["text"]
    assert worker.process.wait(60) == 1


def test_cause_of_a_dead_core_is_in_the_log(start, vllm_python, tiny_model, tmp_path):
    worker = start(vllm_python)
    error = worker.open(tiny_model, "mp", settings={"max_model_len": 4096},
                        engine_args={"kv_cache_memory_bytes": "4000000"})
    assert "initialization failed" in error["text"], "it only points to the child"
    assert "ValueError: To serve at least one request" in (tmp_path / "engine.log").read_text()


def test_a_killed_core_is_the_workers_death(start, vllm_python, tiny_model):
    worker = start(vllm_python)
    assert worker.open(tiny_model, "mp")["ev"] == "ready"
    requests = [{"index": i, "ids": draw(50, 3 + i), "max_tokens": 900} for i in range(8)]
    worker.send("batch", sampling={"ignore_eos": True}, requests=requests)  # it must not end before
    while worker.beat[1] < 5:
        time.sleep(0.01)
    for pid in descendants(worker.process.pid):
        if "EngineCore" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
    error = worker.until("batch_end", "error")[-1]
    assert (error["ev"], error["where"]) == ("error", "batch")
    assert error["type"].startswith("EngineDead")
    assert worker.process.wait(60) == 1
