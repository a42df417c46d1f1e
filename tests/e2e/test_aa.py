"""A/A and planted differences on servers whose every start is a little faster or slower: what compare
calls different is. INFERBENCH_TEST_PAIRS=40 makes 40 A/A pairs (8)."""

import json
import os
import sys
from pathlib import Path

import pytest

from e2e.offline_run import files_of

pytestmark = [pytest.mark.alone, pytest.mark.slow]
PAIRS = int(os.environ.get("INFERBENCH_TEST_PAIRS", "8"))
DRAWN = Path(__file__).with_name("drawn_server.py")


def compared(inferbench, binary, folder, seed, launches, other=""):
    """The verdicts of the cell's figures, `b` against `a`, in turns."""
    done = inferbench("online", "--launch-command", f"{sys.executable} {DRAWN} {binary} {{port}} {seed}",
                      "--setting", "a=", "--setting", f"b={other}", "--launches", str(launches), "--num-runs",
                      "3", "--concurrency", "4", "--num-prompts", "24", "--max-tokens", "16", "--scenarios",
                      "short", "--no-imds", "--no-mlflow", "--output-dir", str(seed))
    assert done.returncode == 0, done.stdout + done.stderr
    run = files_of(folder / str(seed), "online")
    got = json.loads(inferbench("compare", run.results_path, "--json").stdout)
    assert (got["a"], got["b"]) == ("a", "b") and got["launches"]["interleaved"] is True
    metrics = got["cells"][0]["metrics"]
    assert {"window_tokens_per_second", "tpot_mean_ms"} <= set(metrics)
    return {name: figure["verdict"] for name, figure in metrics.items()}


def test_the_same_settings(inferbench, binary, tmp_path):
    """5 in 40 at most: at an error of 5 % a pair, more have a probability of 1.4 %; of 8, more than 2
    one of 0.6 %."""
    different = sum("better" in verdicts or "worse" in verdicts for verdicts in (
        set(compared(inferbench, binary, tmp_path, f"same-{seed}", 3).values()) for seed in range(PAIRS)))
    assert different <= max(2, PAIRS // 8)


def test_a_planted_tenth(inferbench, binary, tmp_path):
    """10 % slower, five launches a side: found each time."""
    for seed in range(2):
        verdicts = compared(inferbench, binary, tmp_path, f"tenth-{seed}", 5, other="1.1")
        assert verdicts["window_tokens_per_second"] == verdicts["tpot_mean_ms"] == "worse"
