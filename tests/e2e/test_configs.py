"""The ready configuration files and the sample prompts."""

import json
import re

import pytest
import yaml

from e2e.offline_run import files_of

MACHINES = ["g5", "g6", "g6e", "inf2", "trn1"]
CONFIGS = ["quick", "full-comparison", *MACHINES]
SCENARIOS = ["short", "medium", "long", "long_generation", "prefix_caching"]
SAMPLES = ["prompts-en", "prompts-ja"]


@pytest.fixture(scope="module")
def configs(root):
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
            for path in (root / "configs").glob("*.yaml")}


def test_all_are_known(configs):
    assert sorted(configs) == sorted(CONFIGS)


@pytest.mark.parametrize("name", CONFIGS)
def test_plan(name, configs, root, inferbench):
    """--dry-run plans the cells that the file asks for."""
    done = inferbench("offline", "--config", root / f"configs/{name}.yaml", "--dry-run")
    assert done.returncode == 0, done.stderr
    config = configs[name]
    cells = 2 * len(config["scenarios"]) * len(config["batch-sizes"])
    launches = f"{config['launches']} launches x " if "launches" in config else ""
    assert f"{cells} cells x {launches}{config['num-runs']} repeats" in done.stdout
    for scenario in config["scenarios"]:
        assert re.search(rf"^{scenario} ", done.stdout, re.M)


@pytest.mark.parametrize("name", CONFIGS)
def test_run(name, configs, root, inferbench, tmp_path):
    """Each file runs whole on the null engine, and its options reach the results."""
    done = inferbench("offline", "--config", root / f"configs/{name}.yaml", "--engine", "null",
                      "--no-imds", "--quiet")
    assert done.returncode == 0, done.stderr
    config = configs[name]
    rows = files_of(tmp_path / config["output-dir"]).rows
    asked = {(scenario, batch, caching) for scenario in config["scenarios"]
             for batch in config["batch-sizes"] for caching in (False, True)}
    assert {row["scenario"] for row in rows} == {scenario for scenario, _, _ in asked}
    assert len(rows) == len(asked) * config["num-runs"] * config.get("launches", 1)
    assert all(row["error"] is None for row in rows)
    if "label" in config:
        assert {row["label"] for row in rows} == {config["label"]}


def test_machines_do_the_same_work(configs, root, inferbench):
    """Machines agree in all that decides the work, or their cells would not match."""
    g5 = configs["g5"]
    for other in (configs[name] for name in MACHINES):
        for key in ("dtype", "max-model-len", "scenarios", "batch-sizes", "launches",
                    "num-runs", "seed", "test-prefix-caching"):
            assert g5[key] == other[key], key
        assert g5["model"] == other.get("model-name", other["model"])
    hashes = set()
    for name in (*MACHINES, "full-comparison"):
        done = inferbench("offline", "--config", root / f"configs/{name}.yaml", "--dry-run")
        hashes.add(re.search(r"sha256 (\w{64})", done.stdout)[1])
    assert len(hashes) == 1


G5 = {"engine": "vllm", "engine_version": "0.32.0", "engine_mode": "mp", "weights": "real",
      "hardware_type": "gpu", "dtype": "bfloat16", "tensor_parallel_size": 1, "devices": 1,
      "max_num_seqs": 256, "max_num_batched_tokens": 8192, "block_size": 16,
      "enforce_eager": False, "is_simulated": False, "instance_type": "g5.xlarge",
      "machine_sha256": "a" * 64, "client_machine_sha256": "a" * 64, "definitions": 2,
      "driver_version": "580.95.05", "model_fingerprint": "c" * 64}
INF2 = {**G5, "engine_version": "0.13.0", "hardware_type": "neuron", "tensor_parallel_size": 2,
        "devices": 2, "max_num_batched_tokens": 131072, "instance_type": "inf2.xlarge",
        "machine_sha256": "b" * 64, "client_machine_sha256": "b" * 64,
        "driver_version": "2.25.4.0"}


def as_on(machine, row):
    """A row of the null engine as vLLM on that machine would have given it."""
    row = {**row, **machine}
    row["kv_cache_tokens"] = 150_000 + row["row"] % 2 * 700  # each launch finds other room
    if machine is INF2:  # compiled for the batch; caching decides the block
        row["max_num_seqs"] = row["batch_size"]
        row["block_size"] = 32 if row["enable_prefix_caching"] else 4096
        row["kv_cache_tokens"] = 4096 * row["batch_size"]
    if row["enable_prefix_caching"]:
        row["cache_hit_rate_expected"] = 0.9 if row["scenario"] == "prefix_caching" else 0.0
    return row


def test_g5_against_inf2(configs, root, inferbench, tmp_path):
    """The comparison of README: every cell finds its partner, and ON its OFF."""
    for name, machine in (("g5", G5), ("inf2", INF2)):
        done = inferbench("offline", "--config", root / f"configs/{name}.yaml", "--engine",
                          "null", "--no-imds", "--quiet",
                          env={"INFERBENCH_PROBE_ROOT": root / f"tests/captures/{name}.xlarge"})
        assert done.returncode == 0, done.stderr
        run = files_of(tmp_path / "results" / name)
        run.data["results"] = [as_on(machine, row) for row in run.rows]
        run.results_path.write_text(json.dumps(run.data))
    done = inferbench("analyze", "results", "--plots", "ttft")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("inf2 / g5: ") and "(30 matched cells" in done.stdout
    assert re.search(r"inf2 / g5: 1\.00x tokens/s \([^)]*, same\)", " ".join(done.stdout.split()))
    report = " ".join((tmp_path / "analysis/summary_report.txt").read_text().split())
    assert "no partner" not in report
    for name in ("g5", "inf2"):
        assert f"prefix caching ON / OFF, {name}: 1.00x tokens/s" in report
    assert ("also different: driver_version 580.95.05 / 2.25.4.0, engine_version 0.32.0 / 0.13.0, "
            in report)
    assert "max_num_seqs 256 / 1, 256 / 4, 256 / 8" in report


def test_full_comparison(configs):
    assert configs["full-comparison"]["scenarios"] == SCENARIOS
    for name in ("full-comparison", *MACHINES):  # compare needs launches, and repeats of each
        assert (configs[name]["launches"], configs[name]["num-runs"]) == (3, 4)


def test_scenario_file(root, inferbench):
    path = root / "data/scenarios-example.yaml"
    done = inferbench("offline", "--scenario-file", path, "--dry-run")
    assert done.returncode == 0, done.stderr
    for item in yaml.safe_load(path.read_text(encoding="utf-8")):
        assert re.search(rf"^{item['name']} ", done.stdout, re.M)
    done = inferbench("offline", "--scenario-file", path, "--scenarios", "rag", "classify",
                      "--engine", "null", "--no-imds")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", SAMPLES)
def test_samples(name, root):
    """Varied, no two alike, all kinds there."""
    lines = (root / f"data/{name}.jsonl").read_text(encoding="utf-8").splitlines()
    items = [json.loads(line) for line in lines]
    assert 12 <= len(items) <= 20
    assert len({item["prompt"] for item in items}) == len(items)
    assert {item["kind"] for item in items} == {"chat", "summary", "writing"}
    japanese = [re.search("[\u3040-\u30ff\u4e00-\u9fff]", item["prompt"]) for item in items]
    assert all(japanese) if name == "prompts-ja" else not any(japanese)


def test_samples_on_vllm(root, inferbench, vllm_python, tiny_model, tmp_path):
    """Both data sets and the texts of the scenario file, through a real tokenizer."""
    done = inferbench("offline", "--python", vllm_python, "--model", tiny_model, "--load-format",
                      "dummy", "--engine-mode", "inproc", "--no-imds", "--dataset",
                      *(root / f"data/{name}.jsonl" for name in SAMPLES), "--scenario-file",
                      root / "data/scenarios-example.yaml", "--scenarios", "faq",
                      "--batch-sizes", 16, "--max-tokens", 4, "--num-runs", 2,
                      "--enable-prefix-caching")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = files_of(tmp_path / "results").rows
    assert {row["scenario"] for row in rows} == {"faq", *SAMPLES}
    for row in rows:
        assert row["error"] is None and row["requests_ok"] == 16
        if row["scenario"] in SAMPLES:
            assert row["dataset"].endswith(row["scenario"] + ".jsonl")
        else:  # four texts four times: the repeated ones are hits where they fill a block
            assert row["cache_hit_rate_expected"] == pytest.approx(row["cache_hit_rate"])
