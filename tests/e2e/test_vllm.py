"""`inferbench offline` on a real vLLM with the tiny model: one run, many looks at it."""

import json
import os
import re
import subprocess
from types import SimpleNamespace

import pytest

from e2e.offline_run import files_of, journal_of, plain_env
from e2e.test_ab import check_compared, check_order
from oracle import oracle
from oracle.settled import told

SHARED, PROMPT, TOKENS = 1024, 1088, 8


@pytest.fixture(scope="module")
def vllm_run(binary, tiny_model, vllm_interpreter, tmp_path_factory):
    """Runs inferbench on the tiny model, one engine at a time on this machine."""
    import fcntl

    from conftest import HOME

    def run(folder, *words, code=0, limit_s=240):
        path = os.environ.get("INFERBENCH_TEST_LOCK") or HOME / ".engine.lock"
        with open(path, "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = subprocess.run(
                [str(binary), "offline", "--python", str(vllm_interpreter), "--model",
                 str(tiny_model), "--load-format", "dummy", "--no-imds", *map(str, words)],
                cwd=folder, env=plain_env(), stdin=subprocess.DEVNULL, capture_output=True,
                text=True, timeout=limit_s)
        assert done.returncode == code, done.stdout + done.stderr
        return done
    return run


@pytest.fixture(scope="module")
def pair(vllm_run, tmp_path_factory):
    """Two scenarios x two batch sizes x OFF and ON, vLLM's own option behind `--`."""
    folder = tmp_path_factory.mktemp("pair")
    done = vllm_run(folder, "--engine-mode", "inproc", "--max-model-len", "2048",
                    "--test-prefix-caching", "--scenarios", "short", "prefix_caching",
                    "--batch-sizes", "1", "3", "--max-tokens", TOKENS, "--instance-type",
                    "g5.xlarge", "--", "--max-num-seqs", "6")
    run = files_of(folder / "results")
    run.done = done
    return run


def test_cells_and_counts(pair):
    cells = {(row["enable_prefix_caching"], row["scenario"], row["batch_size"])
             for row in pair.rows}
    assert len(cells) == 8 and len(pair.rows) == 24
    for row in pair.rows:
        assert row["error"] is None, row["error"]
        length = PROMPT if row["scenario"] == "prefix_caching" else 32
        assert row["input_length"] == length
        assert row["actual_input_tokens"] == length * row["batch_size"]
        assert row["actual_output_tokens"] == TOKENS * row["batch_size"]
        assert row["requests_ok"] == row["requests_planned"] == row["batch_size"]
        assert row["token_source"] in (None, "engine")


def test_hits_are_exactly_those_computed(pair):
    for row in pair.rows:
        block = row["block_size"]
        expected = 0
        if row["enable_prefix_caching"] and row["scenario"] == "prefix_caching":
            expected = (row["batch_size"] - 1) * (min(SHARED, PROMPT - 1) // block * block)
        assert row["cached_input_tokens"] == expected, row["notes"]
        rate = expected / row["actual_input_tokens"]
        assert row["cache_hit_rate"] == pytest.approx(rate)
        assert row["cache_hit_rate_expected"] == pytest.approx(rate)
        if not row["is_warmup"]:
            assert "CACHE_UNEXPECTED" not in row["reasons"]
    assert any(row["cached_input_tokens"] > 0 for row in pair.rows)


def test_every_m_field_is_there(pair):
    fields = oracle.field_list()
    must = {name for name, (_, must) in fields.items()
            if oracle.is_required(name, must, False, "vllm") and name not in oracle.floored()}
    assert len(must) > 60
    for row in pair.rows:
        assert set(fields) <= set(row)
        missing = [name for name in sorted(must) if row[name] is None]
        assert not missing, f"{row['notes']}: {missing}"


def test_oracle_agrees(pair, texts):
    """numpy recomputes every number of results and summary from the journal."""
    oracle.check_run(pair.folder)
    oracle.check_run(texts.run.folder)


def test_settings_are_read_back(pair):
    for row in pair.rows:
        assert row["max_num_seqs"] == 6
        assert row["max_model_len"] == 2048
        assert row["engine_mode"] == "inproc"
        assert row["weights"] == "dummy" and "DUMMY_WEIGHTS" in row["warnings"] + (
            ["DUMMY_WEIGHTS"] if row["is_warmup"] else [])
        assert row["hardware_type"] == "cpu" and row["dtype"] == "float32"
        assert row["is_simulated"] is False
        assert re.fullmatch(r"\d+\.\d+\.\d+.*", row["engine_version"])
        assert re.fullmatch(r"[0-9a-f]{64}", row["model_fingerprint"])
    assert pair.env["python_packages"]["vllm"]


def test_times_are_in_order(pair):
    for line in told(journal_of(pair.journal_path)):
        if line["type"] != "request":
            continue
        assert line["due_ns"] <= line["sent_ns"] < line["first_ns"] < line["last_ns"]
        assert line["last_ns"] <= line["done_ns"]
        assert len(line["token_ns"]) == TOKENS and line["counted"]
        assert sum(line["gaps_ns"]) == line["last_ns"] - line["first_ns"]
        assert 0 < line["prefill_ns"] <= line["first_ns"] - line["due_ns"]


def test_off_and_on_differ_in_the_setting_alone(pair):
    def journal_cells(on):
        return [(line["fields"]["scenario"], line["fields"]["batch_size"],
                 line["longest_prompt_tokens"]) for line in journal_of(pair.journal_path)
                if line["type"] == "cell" and line["fields"]["enable_prefix_caching"] is on]
    assert journal_cells(False) == journal_cells(True)


def test_recover_gives_the_same_bytes(pair, binary):
    paths = (pair.results_path, pair.summary_path, pair.env_path)
    before = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink()
    subprocess.run([str(binary), "recover", str(pair.raw_path)], check=True,
                   capture_output=True)
    assert [path.read_bytes() for path in paths] == before


def test_engine_log_and_screen(pair):
    assert (pair.raw_path / "engine.log").stat().st_size > 0
    told = [line.split()[0] for line in pair.done.stderr.splitlines() if line[:1] == "["]
    assert len(told) == len(set(told)) == len(pair.rows), "a line per finished repeat"
    assert "vLLM" in pair.done.stderr and "Dummy weights" in pair.done.stdout
    for line in pair.done.stdout.splitlines():
        assert len(line) <= 80 or f"{pair.results_path.parent}" in line, line


@pytest.fixture(scope="module")
def texts(vllm_run, root, tmp_path_factory):
    """Core in a process of its own (vLLM's default); prompts as texts of two kinds."""
    folder = tmp_path_factory.mktemp("texts")
    (folder / "own.yaml").write_text("- name: faq\n  prompts: [one two three, four five]\n"
                                     "  max_tokens: 4\n")
    (folder / "set.jsonl").write_text('{"prompt": "a b c", "max_tokens": 3}\n'
                                      '{"prompt": "a longer prompt of more words"}\n')
    vllm_run(folder, "--max-model-len", "2048", "--scenario-file", "own.yaml", "--dataset",
             "set.jsonl", "--batch-sizes", "2", "--num-runs", "2", "--enable-prefix-caching",
             "--", "--enforce-eager")  # compiled code is the other run's
    return SimpleNamespace(run=files_of(folder / "results"))


def test_texts_through_the_tokenizer(texts):
    rows = texts.run.rows
    assert [row["scenario"] for row in rows] == ["faq", "faq", "set", "set"]
    for row in rows:
        assert row["error"] is None, row["error"]
        assert row["engine_mode"] == "mp" and row["enable_prefix_caching"] is True
        assert row["actual_input_tokens"] > row["batch_size"]
        assert row["input_length"] < row["actual_input_tokens"]
    lines = [line for line in journal_of(texts.run.journal_path) if line["type"] == "request"]
    assert [line["tokens_out"] for line in lines[:4]] == [4] * 4
    assert [line["tokens_out"] for line in lines[4::2]] == [3, 3]
    assert json.dumps(texts.run.data["metadata"]["options"]["dataset"]) == '"set.jsonl"'
    assert rows[2]["dataset"] == "set.jsonl"


def test_arms_in_one_engine(vllm_run, tmp_path, binary):
    """Salts keep the requests of arm OFF apart: no hit; arm ON hits as forecast; compare takes the
    blocks in pairs."""
    vllm_run(tmp_path, "--engine-mode", "inproc", "--max-model-len", "2048", "--ab", "interleaved",
             "--scenarios", "prefix_caching", "--batch-sizes", "3", "--max-tokens", "2", "--no-mlflow",
             "--", "--enforce-eager", "--max-num-seqs", "3")
    run = files_of(tmp_path / "results")
    assert len(run.rows) == 28
    check_order(run.rows)
    for row in run.rows:
        assert row["error"] is None
        hits = 2 * SHARED // row["block_size"] * row["block_size"] if row["cache_arm"] == "on" else 0
        assert row["cached_input_tokens"] == hits
        assert "CACHE_UNEXPECTED" not in row["reasons"]
    oracle.check_run(run.folder)
    done = subprocess.run([str(binary), "compare", str(run.results_path), "--json"], text=True,
                          env=plain_env(), capture_output=True, check=True)
    check_compared(json.loads(done.stdout), run.rows)


def take_turns(vllm_run, binary, folder, *words):
    """A run of settings by name, and what compare says of its file."""
    done = vllm_run(folder, "--engine-mode", "inproc", "--max-model-len", "2048", "--scenarios",
                    "short", "--batch-sizes", "8", "--num-runs", "4", "--max-tokens", "32",
                    "--accept-invalid", *words, "--", "--enforce-eager", limit_s=500)
    run = files_of(folder / "results")
    told = subprocess.run([str(binary), "compare", str(run.results_path), "--json"], check=True,
                          capture_output=True, text=True)
    return run, json.loads(told.stdout), done


def test_settings_take_turns(vllm_run, binary, tmp_path):
    run, told, done = take_turns(vllm_run, binary, tmp_path, "--setting",
                                 "fast=--max-num-seqs 8", "--setting", "slow=--max-num-seqs 1")
    for row in run.rows:
        most = {"fast": 8, "slow": 1}[row["label"]]
        assert row["error"] is None and row["max_num_seqs"] == most
        assert {"enforce_eager=true", f"max_num_seqs={most}"} <= set(row["engine_args"])
    assert len({row["settings_sha256"] for row in run.rows}) == 2
    oracle.check_run(tmp_path / "results")
    assert (told["a"], told["b"]) == ("fast", "slow")
    assert "max_num_seqs" in [row["field"] for row in told["differs"]]
    assert "tokens_per_second" in told["cells"][0]["metrics"]  # what it is, other work decides, too
    assert "fast short bs=8" in done.stderr and "setting" in done.stdout


def test_the_same_twice_differs_in_nothing(vllm_run, binary, tmp_path):
    """A/A over three launches a side: not better, not worse. Chance says otherwise in one run of
    20; twice in a row in one of 400."""
    for turn in ("first", "second"):
        folder = tmp_path / turn
        folder.mkdir()
        run, told, _ = take_turns(vllm_run, binary, folder, "--setting", "one=", "--setting", "two=",
                                  "--launches", "3")
        assert len({row["settings_sha256"] for row in run.rows}) == 1
        assert len({row["launch_id"] for row in run.rows}) == 6 and told["differs"] == []
        assert told["launches"] == {"a": 3, "b": 3, "unit": "launch", "interleaved": True,
                                     "unknown": False, "shared": 0}
        verdicts = {figure["verdict"] for cell in [*told["cells"], {"metrics": told["geomean"]}]
                    for figure in cell["metrics"].values()}
        if verdicts <= {"same", "cannot tell", None}:
            return
    raise AssertionError(verdicts)
