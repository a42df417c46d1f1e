"""--target-ci: as many repeats as an interval of that width takes, in Stein's two stages."""

import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from e2e import published
from e2e.offline_run import NULL, files_of
from oracle import oracle, reference as ref

DRAWN = Path(__file__).with_name("drawn_server.py")
SMALL = ("--scenarios", "short", "--batch-sizes", "1", "4")


@pytest.fixture
def serve(binary):
    """A run on a server whose gaps vary, so that repeats do."""
    return ("online", "--launch-command", f"{binary} serve --port {{port}} --ttft 2ms --itl 2ms --jitter 0.6",
            "--num-prompts", "12", "--concurrency", "2", "3", "--max-tokens", "6", "--scenarios", "short",
            "--no-imds", "--no-mlflow", "--accept-invalid")


def by_cell(run):
    cells = {}
    for row in run.rows:
        cells.setdefault(row["batch_size"], []).append(row)
    return cells


def test_two_stages(inferbench, tmp_path, serve):
    """Each cell its own n, all first stages first, and the interval of s0."""
    done = inferbench(*serve, "--target-ci", "1%", "--max-runs", "60")
    assert done.returncode == 0, done.stderr
    run = files_of(tmp_path / "results", "online")
    oracle.check_run(run.folder, is_whole=False)
    first = [(row["batch_size"], row["repeat"]) for row in run.rows[:22]]
    assert first == [(cell, repeat) for cell in (2, 3) for repeat in range(11)]
    assert [row["batch_size"] for row in run.rows[22:]] == sorted(row["batch_size"] for row in run.rows[22:])
    assert len({row["launch_id"] for row in run.rows}) == 1
    assert re.search(r"tokens_per_second: \d+ more repeats for an interval of \+-1 %", done.stderr)
    assert "run 3/10" in done.stderr and f"[{len(run.rows)}/{len(run.rows)}]" in done.stderr
    for entry, rows in zip(run.summary["summary"].values(), by_cell(run).values()):
        y = np.log([row["window_tokens_per_second"] for row in rows if not row["is_warmup"]])
        s0 = y[:10].std(ddof=1)
        n = max(10, math.ceil((ref.t_quantile_975(9) * s0 / math.log(1.01)) ** 2))
        assert {(row["stein_n0"], row["stein_n"]) for row in rows} == {(10, n)}
        assert rows[0]["stein_s0"] == pytest.approx(s0, rel=1e-9)
        assert (rows[0]["target_ci"], rows[0]["target_metric"]) == (0.01, "tokens_per_second")
        assert len(y) == min(n, 60)
        half = ref.t_quantile_975(9) * s0 / math.sqrt(len(y))
        assert entry["tokens_per_second"]["ci95_high"] == pytest.approx(math.exp(y.mean() + half), rel=1e-9)
        assert ("TARGET_MISSED" in entry["warnings"]) == (n > 60)


def test_recovered(inferbench, tmp_path, serve):
    """What the run wrote comes back from its journal, and a part of it is a run with its warning."""
    assert inferbench(*serve, "--target-ci", "0.2%", "--max-runs", "12").returncode == 0
    run = files_of(tmp_path / "results", "online")
    before = run.results_path.read_bytes(), run.summary_path.read_bytes()
    assert inferbench("recover", run.raw_path).returncode == 0
    assert (run.results_path.read_bytes(), run.summary_path.read_bytes()) == before
    assert all("TARGET_MISSED" in cell["warnings"] for cell in run.summary["summary"].values())
    journal = run.raw_path / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    ends = [i for i, line in enumerate(lines) if b'"repeat_end"' in line]
    journal.write_bytes(b"".join(lines[:ends[14] + 1]))  # cell 2: four of its first stage
    assert inferbench("recover", run.raw_path).returncode == 0
    part = files_of(tmp_path / "results", "online")
    cells = by_cell(part)
    assert cells[2][0]["stein_n"] > 10 and cells[3][0]["stein_n"] is None
    assert all("TARGET_MISSED" in cell["warnings"] for cell in part.summary["summary"].values())


def test_across_launches(inferbench, binary, tmp_path):
    """The unit is a launch: whole launches, until the cell that takes most has its number; files come back
    from the journal, and compare goes by the s0 of the first ten."""
    done = inferbench("online", "--launch-command", f"{sys.executable} {DRAWN} {binary} {{port}} 7",
                      "--num-prompts", "8", "--concurrency", "2", "3", "--max-tokens", "8", "--scenarios", "short",
                      "--num-runs", "3", "--target-ci", "0.6%", "--across-launches", "--max-runs", "14",
                      "--no-imds", "--no-mlflow", "--accept-invalid")
    assert done.returncode == 0, done.stderr
    run = files_of(tmp_path / "results", "online")
    oracle.check_run(run.folder, is_whole=False)
    launches = list(dict.fromkeys(row["launch_id"] for row in run.rows))
    turns = [(row["launch_id"], row["batch_size"], row["repeat"]) for row in run.rows]
    assert turns == [(launch, cell, repeat) for launch in launches for cell in (2, 3) for repeat in range(3)]
    needed = []
    for entry, rows in zip(run.summary["summary"].values(), by_cell(run).values()):
        y = np.array([np.mean([math.log(row["window_tokens_per_second"]) for row in rows
                               if row["launch_id"] == launch and not row["is_warmup"]]) for launch in launches])
        s0 = y[:10].std(ddof=1)
        needed.append(max(10, math.ceil((ref.t_quantile_975(9) * s0 / math.log(1.006)) ** 2)))
        assert {(row["target_unit"], row["stein_n0"], row["stein_n"]) for row in rows} == {("launch", 10, needed[-1])}
        assert rows[0]["stein_s0"] == pytest.approx(s0, rel=1e-9)
        half = ref.t_quantile_975(9) * s0 / math.sqrt(len(launches))
        assert entry["tokens_per_second"]["ci95_low"] == pytest.approx(math.exp(y.mean() - half), rel=1e-9)
        assert ("TARGET_MISSED" in entry["warnings"]) == (needed[-1] > len(launches))
    assert len(launches) == min(14, max(needed))
    more = re.search(r"tokens_per_second: (\d+) more launches? for an interval of", done.stderr)
    assert int(more[1]) == len(launches) - 10
    before = run.results_path.read_bytes(), run.summary_path.read_bytes()
    assert inferbench("recover", run.raw_path).returncode == 0
    assert (run.results_path.read_bytes(), run.summary_path.read_bytes()) == before
    other = [dict(row, run_id="b", launch_id="b" + row["launch_id"], verdict="VALID", reasons=[],
                  window_tokens_per_second=row["window_tokens_per_second"] * 1.05) for row in run.rows]
    published.write(tmp_path / "a.json", [dict(row, verdict="VALID", reasons=[]) for row in run.rows])
    published.write(tmp_path / "b.json", other)
    got = json.loads(inferbench("compare", "a.json", "b.json", "--json").stdout)
    for cell, rows in zip(got["cells"], by_cell(run).values()):
        half = ref.t_quantile_975(18) * rows[0]["stein_s0"] * math.sqrt(2 / len(launches))
        figure = cell["metrics"]["window_tokens_per_second"]
        assert figure["high"] == pytest.approx(1.05 * math.exp(half), rel=1e-9)
    assert not got["geomean"]["window_tokens_per_second"]["within_launch"]


def test_nothing_varies_across_launches(inferbench, tmp_path):
    """Ten launches, and no more; a run that ends before them has no interval of a target."""
    words = (*NULL, *SMALL, "--target-ci", "2%", "--across-launches", "--num-runs", "2")
    assert inferbench(*words).returncode == 0
    run = files_of(tmp_path / "results")
    assert len(run.rows) == 40 and {(row["stein_n"], row["target_unit"]) for row in run.rows} == {(10, "launch")}
    oracle.check_run(run.folder)
    journal = run.raw_path / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    ends = [i for i, line in enumerate(lines) if b'"repeat_end"' in line]
    journal.write_bytes(b"".join(lines[:ends[37] + 1]))  # of bs=1 ten launches, of bs=4 nine
    assert inferbench("recover", run.raw_path).returncode == 0
    part = files_of(tmp_path / "results")
    assert [by_cell(part)[size][0]["stein_n"] for size in (1, 4)] == [10, None]
    oracle.check_run(part.folder, is_whole=False)


def test_nothing_varies(inferbench, tmp_path):
    """The null engine: the first 10 are enough."""
    done = inferbench(*NULL, *SMALL, "--target-ci", "2")
    assert done.returncode == 0, done.stderr
    run = files_of(tmp_path / "results")
    assert len(run.rows) == 22 and {row["stein_n"] for row in run.rows} == {10}
    assert {row["target_ci"] for row in run.rows} == {0.02}
    assert "TARGET_MISSED" not in done.stdout
    oracle.check_run(run.folder)


@pytest.mark.parametrize("cap", [("--max-time", "0.01s"), ("--max-cost", "0.000001", "--price-per-hour", "10")])
def test_caps(inferbench, tmp_path, serve, cap):
    """The first stage is measured in any case."""
    done = inferbench(*serve, "--target-ci", "0.1%", *cap)
    assert done.returncode == 0, done.stderr
    run = files_of(tmp_path / "results", "online")
    assert len(run.rows) == 22
    assert "TARGET_MISSED" in done.stdout


def test_without_a_target(inferbench, tmp_path):
    assert inferbench(*NULL, *SMALL).returncode == 0
    row = files_of(tmp_path / "results").rows[1]
    assert [row[f] for f in ("target_ci", "target_metric", "target_unit", "stein_n0", "stein_s0",
                             "stein_n")] == [None] * 6


def test_dry_run(inferbench):
    out = inferbench(*NULL, *SMALL, "--target-ci", "2%", "--max-runs", "40", "--dry-run").stdout
    assert "target: +-2 % of tokens_per_second: 10 measured repeats of each cell" in out
    assert "40 at most; all numbers here are of the most" in " ".join(out.split())
    assert "2 cells x 41 repeats" in out
    out = inferbench(*NULL, *SMALL, "--target-ci", "2%", "--across-launches", "--max-runs", "40",
                     "--dry-run").stdout
    assert "10 launches with all cells, then as many as that takes, 40 at most" in " ".join(out.split())
    assert "2 cells x 40 launches x 3 repeats" in out


@pytest.mark.parametrize("words, what", [
    (("--target-ci", "0"), "no percentage"), (("--target-ci", "x"), "no percentage"),
    (("--target-ci", "100%"), "no percentage"), (("--target-ci", "nan"), "no percentage"),
    (("--target-ci", "2%", "--num-runs", "5"), "not together with --target-ci"),
    (("--target-ci", "2%", "--launches", "2"), "Give --across-launches in its place"),
    (("--target-ci", "2%", "--launches", "2", "--across-launches"), "--max-runs how many at most"),
    (("--target-ci", "2%", "--across-launches", "--max-runs", "1001"), "more than 1000 launches"),
    (("--across-launches",), "nothing without --target-ci"),
    (("--target-ci", "2%", "--across-launches", "--ab", "interleaved"), "not with several settings or --ab"),
    (("--target-ci", "2%", "--test-prefix-caching"), "not with several settings"),
    (("--target-ci", "2%", "--target-metric", "x"), "--target-metric"),
    (("--target-ci", "2%", "--max-runs", "9"), "--max-runs"),
    (("--max-runs", "20"), "--max-runs: nothing without --target-ci"), (("--max-time", "5s"), "nothing without --target-ci"),
    (("--target-metric", "tokens_per_second"), "nothing without --target-ci"),
])
def test_usage(inferbench, words, what):
    done = inferbench(*NULL, *SMALL, *words)
    assert done.returncode == 2 and what in done.stderr


def test_cost_needs_a_price(inferbench):
    done = inferbench(*NULL, *SMALL, "--target-ci", "2%", "--max-cost", "1")
    assert done.returncode == 1 and "the price of the machine is unknown" in done.stderr
