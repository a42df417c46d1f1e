"""What goes wrong on a real vLLM: the message, the exit code, nothing left behind, and what
was measured before stays."""

import signal
import subprocess
import uuid

import pytest

from e2e.offline_run import (files_of, plain_env, processes_of, repeats_done, start,
                             wait_for)

TINY = ["--load-format", "dummy", "--engine-mode", "inproc", "--no-imds", "--scenarios",
        "short", "--batch-sizes", "1", "--max-model-len", "2048"]
LONG = [*TINY, "--max-tokens", "300", "--num-runs", "200"]


@pytest.fixture
def nothing_left():
    """A mark in the environment of all that a test starts; none may be alive afterwards."""
    mark = f"TEST_MARK={uuid.uuid4().hex}"
    yield dict([mark.split("=")])
    wait_for(lambda: not processes_of(mark), f"processes gone: {processes_of(mark)}", 20)


def worker_of(env):
    mark = "=".join(next(iter(env.items())))
    import os
    import re
    from pathlib import Path
    for path in Path("/proc").glob("[0-9]*"):
        try:
            inside = mark.encode() in (path / "environ").read_bytes()
            name = (path / "cmdline").read_bytes().split(b"\0")[0].decode()
        except OSError:
            continue
        if inside and re.search(r"python[\d.]*$", os.path.basename(name)):
            return int(path.name)
    return None


def failed(inferbench, env, *words, code=1):
    done = inferbench("offline", *words, env=env, timeout=200)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr


# ---- no vLLM is started


def test_interpreter_without_vllm(inferbench, nothing_left):
    text = failed(inferbench, nothing_left, "--python", "/usr/bin/python3", *TINY)
    assert "/usr/bin/python3" in text and "vLLM" in text
    assert "pip install" in text or "scripts/setup" in text


def test_no_such_interpreter(inferbench, nothing_left):
    text = failed(inferbench, nothing_left, "--python", "/nowhere/python", *TINY)
    assert "/nowhere/python" in text


# ---- refused while loading


REFUSED = {
    "no such model": (["--model", "nobody/no-such-model"], ["not in the local cache", "HF_HUB_OFFLINE"]),
    "longer than the model": (["--max-model-len", "8192"], ["4096", "--max-model-len"]),
    "no room for the KV cache": (["--engine-arg", "kv_cache_memory_bytes=100000"],
                                 ["KV cache"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_at_load(inferbench, vllm_python, tiny_model, nothing_left, tmp_path, case):
    words, texts = REFUSED[case]
    text = failed(inferbench, nothing_left, "--python", vllm_python, "--model", tiny_model,
                  *TINY, *words)
    for part in texts:
        assert part in text, text
    run = files_of(tmp_path / "results")
    assert len(run.rows) == 1 and run.rows[0]["error"]
    assert run.rows[0]["tokens_per_second"] is None
    assert text.splitlines()[-1].startswith("exit 1: ")


def test_text_too_long(inferbench, vllm_python, tiny_model, nothing_left, tmp_path):
    (tmp_path / "long.jsonl").write_text('{"prompt": "a b"}\n{"prompt": "' + "word " * 900 +
                                         '"}\n')
    text = failed(inferbench, nothing_left, "--python", vllm_python, "--model", tiny_model,
                  "--load-format", "dummy", "--engine-mode", "inproc", "--no-imds",
                  "--dataset", "long.jsonl", "--batch-sizes", "1", "--max-model-len", "256")
    assert "256" in text and "2" in text and "long" in text


# ---- in the middle of a run


@pytest.fixture
def running(binary, vllm_python, tiny_model, nothing_left, tmp_path):
    """A run of many repeats under way, two of them done; more options by its first call."""
    def begin(*words, repeats=2):
        run = start(binary, "offline", "--python", vllm_python, "--model", tiny_model, *LONG,
                    *words, cwd=tmp_path, env=plain_env(**nothing_left))
        wait_for(lambda: repeats_done(tmp_path / "results") >= repeats
                 or run.poll() is not None, "repeats", 120)
        assert run.poll() is None, (tmp_path / "stderr").read_text()
        return run
    return begin


def kept(tmp_path, error):
    run = files_of(tmp_path / "results")
    good = [row for row in run.rows if row["error"] is None]
    assert len(good) >= 2 and run.rows[:len(good)] == good
    assert len(run.rows) - len(good) <= 1
    for row in run.rows[len(good):]:
        assert error in row["error"], row["error"]
        assert row["verdict"] is None
    return run


def test_worker_killed(running, nothing_left, tmp_path):
    run = running()
    import os
    os.kill(worker_of(nothing_left), signal.SIGKILL)
    assert run.wait(60) == 1
    text = (tmp_path / "stderr").read_text()
    assert "signal 9" in text, text
    assert len(kept(tmp_path, "signal 9").rows) >= 3
    assert text.splitlines()[-1].startswith("exit 1: ")


def test_worker_hangs(running, nothing_left, tmp_path):
    run = running("--engine-timeout", "4")
    import os
    os.kill(worker_of(nothing_left), signal.SIGSTOP)
    assert run.wait(90) == 1
    text = (tmp_path / "stderr").read_text()
    assert "--engine-timeout" in text, text
    kept(tmp_path, "4")


def test_one_interrupt_in_a_repeat(running, tmp_path):
    run = running()
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 4
    kept(tmp_path, "interrupted")


def test_two_interrupts(running, tmp_path):
    run = running()
    while run.poll() is None:
        run.send_signal(signal.SIGINT)
    assert run.wait(60) == 4


def test_inferbench_killed(running, binary, tmp_path):
    run = running()
    run.send_signal(signal.SIGKILL)
    run.wait(30)
    raw = next((tmp_path / "results").glob("raw_*"))
    subprocess.run([str(binary), "recover", str(raw)], check=True, capture_output=True)
    kept(tmp_path, "interrupted")


def test_interrupt_while_loading(binary, vllm_python, tiny_model, nothing_left, tmp_path):
    run = start(binary, "offline", "--python", vllm_python, "--model", tiny_model, *LONG,
                cwd=tmp_path, env=plain_env(**nothing_left))
    wait_for(lambda: "importing" in (tmp_path / "stderr").read_text(), "loading", 60)
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 4
    text = (tmp_path / "stderr").read_text()
    assert text.splitlines()[-1].startswith("exit 4: ")
    assert [row["error"] for row in files_of(tmp_path / "results").rows] == ["interrupted"]
