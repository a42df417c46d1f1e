"""A/A and planted differences on servers whose every start is a little faster or slower: what compare
calls different is. INFERBENCH_TEST_PAIRS=40 makes 40 A/A pairs (8), and as many with 3 % planted, where
the share of finds is held against the power of the test."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from e2e.offline_run import files_of

pytestmark = [pytest.mark.alone, pytest.mark.slow]
FIGURES = ("tpot_mean_ms", "window_tokens_per_second", "ttft_p50_s")
PAIRS = int(os.environ.get("INFERBENCH_TEST_PAIRS", "8"))
DRAWN = Path(__file__).with_name("drawn_server.py")


def compared(inferbench, binary, folder, seed, launches, other="", tables=None):
    """The verdicts of the cell's figures, `b` against `a`, in turns. What this machine has disturbed
    (CLIENT_LATE) is measured again, with other draws."""
    for turn in range(5):
        seed += f"-{turn}"
        done = inferbench("online", "--launch-command", f"{sys.executable} {DRAWN} {binary} {{port}} {seed}",
                          "--setting", "a=", "--setting", f"b={other}", "--launches", str(launches),
                          "--num-runs", "3", "--concurrency", "4", "--num-prompts", "24", "--max-tokens", "16",
                          "--scenarios", "short", "--no-imds", "--no-mlflow", "--output-dir", str(seed))
        if done.returncode == 0 or "CLIENT_LATE" not in done.stdout:
            break
    assert done.returncode == 0, done.stdout + done.stderr
    run = files_of(folder / str(seed), "online")
    got = json.loads(inferbench("compare", run.results_path, "--json").stdout)
    assert (got["a"], got["b"]) == ("a", "b") and got["launches"]["interleaved"] is True
    if tables is not None:
        tables.append([row for row in run.rows if not row["is_warmup"]])
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


def within_launches(tables):
    """Covariance of the logarithms of a repeat's figures around their launch's mean, pooled over all."""
    left, degrees = [], 0
    for rows in tables:
        known = [row for row in rows if None not in (row[f] for f in FIGURES)]
        figures = np.log([[row[f] for f in FIGURES] for row in known])
        launches = np.array([row["launch_id"] for row in known])
        for launch in set(launches):
            own = figures[launches == launch]
            left.append(own - own.mean(axis=0))
            degrees += len(own) - 1
    left = np.concatenate(left)
    return left.T @ left / degrees


def p_of_t4(d):
    """Two-sided p of one-sample t tests over the second axis, of 5 values: Student's law with 4 degrees
    of freedom in closed form."""
    x = np.abs(d.mean(axis=1)) / (d.std(axis=1, ddof=1) / 5 ** 0.5)
    s = x / np.sqrt(4 + x * x)
    return 1 - 1.5 * (s - s ** 3 / 3)


def power(share, draw_sd, repeats, within):
    """Chance that Holm's procedure at 5 % calls the first figure different: pairs of 5 launches, where
    every figure is moved by log(1 + share) and the draws of both sides, and each by what the mean of
    `repeats` repeats leaves of its own. By simulation with a fixed seed."""
    random = np.random.default_rng(1)
    count = 100_000
    drawn = random.normal(np.log1p(share), draw_sd * 2 ** 0.5, (count, 5, 1))
    own = random.multivariate_normal(np.zeros(len(within)), within * 2 / repeats, (count, 5))
    p = p_of_t4(drawn + own)
    order = np.argsort(p, axis=1)
    tests = p.shape[1] - np.arange(p.shape[1])
    adjusted = np.maximum.accumulate(np.take_along_axis(p, order, axis=1) * tests, axis=1)
    return np.mean(np.take_along_axis(adjusted, np.argsort(order, axis=1), axis=1)[:, 0] <= 0.05)


def least_and_most(pairs, chance):
    """Between them a binomial number of hits lies in all but 1 in 100 series."""
    hits = np.random.default_rng(2).binomial(pairs, chance, 400_000)
    return np.quantile(hits, 0.005), np.quantile(hits, 0.995)


if PAIRS >= 40:
    def test_the_power_at_three_per_cent(inferbench, binary, tmp_path):
        """Five launches a side, each drawn with 1 %: differences have 1.41 %, and what repeats add."""
        found, tables = 0, []
        for seed in range(PAIRS):
            verdicts = compared(inferbench, binary, tmp_path, f"three-{seed}", 5, "1.03", tables)
            assert set(verdicts) == set(FIGURES)
            found += verdicts["tpot_mean_ms"] == "worse"
            print(f"found {found} of {seed + 1}, power {power(0.03, 0.01, 2, within_launches(tables)):.3f}",
                  flush=True)
        low, high = least_and_most(PAIRS, power(0.03, 0.01, 2, within_launches(tables)))
        assert 0.3 < low / PAIRS and high < PAIRS
        assert low <= found <= high
