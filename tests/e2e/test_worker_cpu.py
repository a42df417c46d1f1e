"""What src/engines/vllm_worker.py tells of a CPU to a server that inferbench starts."""

import json
import os
import subprocess
import sys
from pathlib import Path

WORKER = Path(__file__).resolve().parents[2] / "src/engines/vllm_worker.py"
LEAST = 64 << 20


def told(folder=None, dtype=None, length=1024, seqs=2):
    need = {"folder": folder and str(folder), "dtype": dtype, "max_model_len": length,
            "max_num_seqs": seqs}
    done = subprocess.run([sys.executable, str(WORKER), "cpu", json.dumps(need)], check=True,
                          stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def test_a_token_of_an_unknown_model_takes_256_kib():
    wanted, least = (2 * 1024 + 4 * 128) * (256 << 10), (1024 + 256) * (256 << 10)
    assert least <= told()["kv_bytes"] <= wanted


def test_a_token_takes_what_the_configuration_says(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"text_config": {
        "num_hidden_layers": 32, "num_attention_heads": 8, "num_key_value_heads": 4,
        "hidden_size": 1024}}))
    token = 2 * 32 * 4 * 128 * 2
    assert told(tmp_path, "bfloat16", seqs=1)["kv_bytes"] == max(LEAST, (1024 + 3 * 128) * token)
    assert told(tmp_path, seqs=1)["kv_bytes"] == (1024 + 3 * 128) * 2 * token, "float32 is ours"
    assert told(tmp_path, seqs=1)["dtype"] == "float32"


def test_small_models_get_the_least(tmp_path):
    (tmp_path / "config.json").write_text('{"num_hidden_layers": 1, "num_attention_heads": 1, '
                                          '"head_dim": 1}')
    assert told(tmp_path)["kv_bytes"] == LEAST


def test_cpus_are_those_that_may_be_used():
    cpus = [int(n) for n in told()["cpus"].split(",")]
    assert cpus == sorted(set(cpus)) and set(cpus) <= os.sched_getaffinity(0)
