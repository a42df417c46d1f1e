"""What reaches the screen when an engine fails: a stand-in for vLLM prints and raises."""

import json
import os
import sys
from pathlib import Path

import pytest

FAILURES = Path(__file__).resolve().parent.parent / "captures/failures"
PACKAGE = {
    "vllm/__init__.py": '''
import os, sys
__version__ = "0.32.0"
class Tokenizer:
    def __call__(self, text):
        return type("Encoding", (), {"input_ids": []})
class LLM:
    def __init__(self, **args):
        if os.environ.get("STAND_IN_LOG"):
            sys.stderr.write(open(os.environ["STAND_IN_LOG"]).read())
        if os.environ.get("STAND_IN_RAISES"):
            raise RuntimeError(os.environ["STAND_IN_RAISES"])
        os.kill(os.getpid(), int(os.environ["STAND_IN_SIGNAL"])) \\
            if os.environ.get("STAND_IN_SIGNAL") else None
        raise ZeroDivisionError("division by zero")
''',
    "vllm/_version.py": '__version__ = "0.32.0"\n',
    "vllm/platforms.py": "class current_platform: device_name = 'cuda'\n",
    "vllm/engine/__init__.py": "",
    "vllm/engine/arg_utils.py": '''
import dataclasses
@dataclasses.dataclass
class EngineArgs:
    model: str = ""
    max_model_len: int = 0
    @staticmethod
    def add_cli_args(parser): pass
''',
    "vllm/utils.py": "from argparse import ArgumentParser as FlexibleArgumentParser\n",
}


@pytest.fixture
def fails(inferbench, tmp_path):
    """What a run says whose engine fails so; exit code and lines that begin with inferbench."""
    for name, text in PACKAGE.items():
        (tmp_path / "lib" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lib" / name).write_text(text)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nPYTHONPATH={tmp_path}/lib exec {sys.executable} \"$@\"\n")
    python.chmod(0o755)
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"vocab_size": 512, "num_attention_heads": 4}))

    def run(*args, **env):
        done = inferbench("offline", "--python", python, "--model", model, "--max-model-len", 512,
                          "--scenarios", "short", "--batch-sizes", 1, "--max-tokens", 4,
                          "--num-runs", 2, "--no-mlflow", "--no-imds", "-q", *args,
                          env={key: str(value) for key, value in env.items()})
        return done.returncode, done.stderr
    return run


@pytest.mark.parametrize("name, cause, cure", [
    ("neuron-cores", "NeuronCores are not free", "neuron-ls"),
    ("nccl", "NCCL", "NCCL_DEBUG=INFO"),
    ("host-name", "host name could not be resolved", "VLLM_HOST_IP"),
    ("triton-resources", "Required: 114688", "block_size"),
])
def test_the_log_names_what_the_exception_only_points_to(fails, name, cause, cure):
    code, said = fails(STAND_IN_LOG=FAILURES / f"{name}.txt", STAND_IN_RAISES="Engine core "
                       "initialization failed. See root cause above. Failed core proc(s): {}")
    assert code == 1
    assert cause in said and cure in said
    assert "above" not in said


def test_a_signal_of_the_engines_process_is_named(fails):
    _, said = fails(STAND_IN_RAISES="Engine core initialization failed. See root cause above. "
                    "Failed core proc(s): {'EngineCore': -9}")
    assert "a process of vLLM was killed by signal 9 (Killed) while loading" in said
    assert "above" not in said
    _, said = fails(STAND_IN_SIGNAL=11)
    assert "the worker was killed by signal 11" in said and "virtual environment" in said


def test_an_unknown_error_keeps_its_words(fails):
    _, said = fails()
    assert "while loading: ZeroDivisionError: division by zero" in said
    assert "engine.log" in said


def test_a_missing_tokenizer_is_not_the_texts_fault(fails, tmp_path):
    (tmp_path / "own.jsonl").write_text('{"prompt": "What is the capital of Japan?"}\n')
    _, said = fails("--dataset", "own.jsonl")
    assert "tokenizer files are missing" in said and f"{tmp_path}/model" in said
    assert "empty" not in said
