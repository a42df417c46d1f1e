"""Percentiles of a queue and their intervals, against a long simulation of the same queue."""

import json

import numpy as np
import pytest

from e2e.odd_server import online
from e2e.serve_client import Server
from oracle import oracle

pytestmark = pytest.mark.alone

MEAN_S = 0.010  # of a service, which is uniform from 0 to twice that


def percentiles_of_queue(rate):
    """Times in a queue of one server, of 2 million arrivals (Lindley 1952)."""
    draw = np.random.default_rng(1)
    service = draw.uniform(0, 2 * MEAN_S, 2_000_000)
    steps = np.cumsum(service[:-1] - draw.exponential(1 / rate, len(service) - 1))
    steps = np.concatenate([[0.0], steps])
    return np.quantile(steps - np.minimum.accumulate(steps) + service, (0.5, 0.9))


@pytest.fixture
def queue(binary, tmp_path):
    one = Server(binary, tmp_path, "--serial-prefill", "--ttft", f"{MEAN_S * 1e3:g}ms", "--jitter", "1",
                 "--seed", "5")
    yield one
    one.stop()


def measured(binary, folder, queue, rate, prompts):
    shape = "--no-imds --num-runs 3 --input-len 16 --max-tokens 1 --seed 3".split()
    run = online(binary, folder, "--port", queue.port, "--request-rate", rate, "--num-prompts", prompts,
                 "--percentiles", "50,90,99", load=shape)
    oracle.check_run(run.files.folder, is_whole=False)
    entry, = run.files.summary["summary"].values()
    return run, entry


def test_intervals_hold_the_truth(binary, tmp_path, queue):
    """At 0.7 load; 1,000 answers are too few for a p99, and are worth far fewer."""
    run, entry = measured(binary, tmp_path, queue, 70, 500)
    pool, truth = entry["ttft_s"], percentiles_of_queue(70)
    for p, true in zip((50, 90), truth):
        if pool[f"p{p}_low"] is not None:
            assert pool[f"p{p}_low"] < pool[f"p{p}"] < pool[f"p{p}_high"]
            assert pool[f"p{p}_low"] < true < pool[f"p{p}_high"], json.dumps(pool)
    assert pool["p50"] is not None and pool["p99"] is None and pool["p99_low"] is None
    few, = (c for c in entry["checks"] if c["code"] == "FEW_SAMPLES" and c["field"] == "ttft_s")
    assert few["limit"] == 662 and few["value"] < 500
    assert "95 % intervals of these percentiles:" in run.out
    for row in run.rows[1:]:
        assert row["ttft_p50_low_s"] is None or row["ttft_p50_low_s"] < row["ttft_p50_s"]


def test_near_saturation_little_is_said(binary, tmp_path, queue):
    """At 0.92 load 300 answers are worth a handful: a median without an interval, and nothing else."""
    _, entry = measured(binary, tmp_path, queue, 92, 150)
    shown = {key for key, value in entry["ttft_s"].items() if value is not None}
    assert shown == {"p50"}
