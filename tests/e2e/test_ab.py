"""--ab interleaved: two arms in one engine, block by block, and what compare makes of them."""

import json
from math import exp, log, sqrt

import pytest

from e2e.offline_run import NULL, files_of
from oracle import oracle

AB = (*NULL, "--ab", "interleaved", "--scenarios", "prefix_caching", "--batch-sizes", "4",
      "--max-tokens", "8")
T_975_5 = 2.570581835636314  # of five degrees of freedom


def differences(rows, field):
    """ON - OFF of each block, of means of logarithms."""
    blocks = {}
    for row in rows:
        if row["ab_block"] is not None:
            arms = blocks.setdefault(row["ab_block"], {"off": [], "on": []})
            arms[row["cache_arm"]].append(log(row[field]))
    assert all(len(arm) == 2 for arms in blocks.values() for arm in arms.values())
    return [sum(arms["on"]) / 2 - sum(arms["off"]) / 2 for _, arms in sorted(blocks.items())]


def check_order(rows):
    """Two warm-ups an arm, then blocks OFF ON ON OFF or ON OFF OFF ON, all in one launch."""
    arms = [row["cache_arm"] for row in rows]
    assert arms[:4] == ["off", "on", "on", "off"]
    assert [row["is_warmup"] for row in rows] == [True] * 4 + [False] * (len(rows) - 4)
    for at in range(4, len(rows), 4):
        assert arms[at] == arms[at + 3] != arms[at + 1] == arms[at + 2]
        assert {row["ab_block"] for row in rows[at:at + 4]} == {(at - 4) // 4}
    assert len({row["launch_id"] for row in rows}) == 1
    assert all(row["enable_prefix_caching"] is True for row in rows)


def check_compared(got, rows, field="tokens_per_second"):
    d = differences(rows, field)
    mean = sum(d) / len(d)
    half = T_975_5 * sqrt(sum((x - mean) ** 2 for x in d) / (len(d) - 1) / len(d))
    figure = got["cells"][0]["metrics"][field]
    assert figure["ratio"] == pytest.approx(exp(mean))
    assert figure["low"] == pytest.approx(exp(mean - half))
    assert figure["high"] == pytest.approx(exp(mean + half))


@pytest.fixture
def measured(inferbench, tmp_path):
    done = inferbench(*AB)
    assert done.returncode == 0, done.stderr
    run = files_of(tmp_path / "results")
    run.done = done
    return run


def test_blocks(measured, inferbench):
    assert len(measured.rows) == 28
    check_order(measured.rows)
    oracle.check_run(measured.folder)
    by_repeat = {}
    for row in measured.rows:
        by_repeat.setdefault(row["repeat"], []).append(row["plan_sha256"])
    assert all(len(both) == 2 and both[0] == both[1] for both in by_repeat.values())
    text = measured.done.stdout
    assert "what hits are worth in it, not what the feature costs;" in " ".join(text.split())
    assert "95 % interval over the blocks" in text
    got = json.loads(inferbench("compare", measured.results_path, "--json").stdout)
    assert (got["a"], got["b"]) == ("OFF", "ON")
    assert got["launches"] == {"a": 6, "b": 6, "unit": "block", "interleaved": True, "unknown": False,
                               "shared": 0}
    text = inferbench("compare", measured.results_path).stdout
    assert "6 blocks a side" in text and "launch" not in text
    report = inferbench("analyze", measured.results_path, "--output-dir", "report").stdout
    assert "prefix hits in one engine ON / OFF" in report


def test_recovered(measured, inferbench):
    before = measured.results_path.read_bytes(), measured.summary_path.read_bytes()
    assert inferbench("recover", measured.raw_path).returncode == 0
    assert (measured.results_path.read_bytes(), measured.summary_path.read_bytes()) == before


def test_never_with_engines_of_their_own(measured, inferbench, tmp_path):
    """An arm is no engine with its cache off: they are not one side."""
    done = inferbench(*NULL, "--test-prefix-caching", "--scenarios", "prefix_caching", "--batch-sizes",
                      "4", "--max-tokens", "8", "--num-runs", "4", "--output-dir", "engines")
    assert done.returncode == 0, done.stderr
    done = inferbench("compare", measured.results_path, "engines", "--by", "enable_prefix_caching", "--json")
    cells = json.loads(done.stdout)["cells"]
    assert len(cells) == 2 and len({cell["cell"] for cell in cells}) == 2


def test_dry_run(inferbench):
    text = inferbench(*AB, "--ab-blocks", "10", "--dry-run").stdout
    assert "  arm=off       22 " in text and "   arm=on       22 " in text
    assert "2 cells x 22 repeats (2 warm-ups, two in each of 10 blocks):" in text
    assert "OFF ON ON OFF or ON OFF OFF ON" in text


@pytest.mark.parametrize("words, why", [
    (("--test-prefix-caching",), "which measures OFF and ON in two engines"),
    (("--num-runs", "5"), "which follows from --ab-blocks"),
    (("--launches", "3"), "and --ab measures inside one"),
    (("--prefix-reuse", "warm"), "new prompts in each repeat"),
    (("--ab-blocks", "1"), "--ab-blocks"),
])
def test_what_does_not_go_together(inferbench, words, why):
    done = inferbench(*AB, *words)
    assert done.returncode == 2 and why in done.stderr
    done = inferbench(*NULL, "--ab-blocks", "4")
    assert done.returncode == 2 and "--ab-blocks: given without --ab" in done.stderr


def test_a_server_without_salts(inferbench, binary, tmp_path):
    done = inferbench("online", "--launch-command", f"{binary} serve --port {{port}} --dialect llamacpp",
                      "--ab", "interleaved", "--concurrency", "1", "--num-prompts", "8", "--max-tokens",
                      "4", "--no-imds")
    assert done.returncode != 0
    assert "cache_salt" in done.stderr and "inferbench compare" in done.stderr


SWEEP = (*AB, "--ab-blocks", "2", "--hit-rates", "0", "25", "95", "--prefixes", "2")


def test_sweep_of_hit_rates(inferbench, tmp_path):
    """Lengths stay, the shared part grows; prefixes are taken in turn; a curve shows OFF and ON."""
    text = inferbench(*SWEEP, "--dry-run").stdout
    assert "prefix_caching@25  1088 (272 of 2 shared) " in text
    assert inferbench(*SWEEP).returncode == 0
    run = files_of(tmp_path / "results")
    shares = {row["scenario"]: row["prefix_share"] for row in run.rows}
    assert shares == {"prefix_caching@0": 0, "prefix_caching@25": 0.25,
                      "prefix_caching@95": pytest.approx(1034 / 1088)}
    assert {row["input_length"] for row in run.rows} == {1088}
    oracle.check_run(run.folder)
    assert inferbench("analyze", run.results_path, "--output-dir", "report").returncode == 0
    picture = (tmp_path / "report/source/hit_rate_curve.svg").read_text()
    for words in ("shared part of a prompt, %", "this machine, prefix_caching bs=4", "OFF", "ON"):
        assert words in picture


def test_sweep_refused(inferbench, tmp_path):
    done = inferbench(*AB, "--prefixes", "2")
    assert done.returncode == 2 and "--prefixes: given without --hit-rates" in done.stderr
    (tmp_path / "own.jsonl").write_text('{"prompt": "hello"}\n')
    done = inferbench(*NULL, "--dataset", "own.jsonl", "--hit-rates", "50")
    assert done.returncode == 2 and "own has texts of its own" in done.stderr
    assert inferbench(*AB, "--hit-rates", "100").returncode == 2
