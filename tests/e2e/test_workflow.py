"""The workflow of two machines: a run on each, collected, merged, analysed."""

import json
import shutil

import pytest

from e2e.offline_run import NULL, files_of


@pytest.fixture
def collected(inferbench, tmp_path):
    """Results of a g5 and of an inf2, in the folder that the end of a run speaks of."""
    folder = tmp_path / "collected"
    folder.mkdir()
    for instance, price in (("g5.xlarge", "1.006"), ("inf2.xlarge", "0.7582")):
        (tmp_path / instance).mkdir()
        done = inferbench(*NULL, "--test-prefix-caching", "--scenarios", "short",
                          "prefix_caching", "--instance-type", instance, "--price-per-hour",
                          price, cwd=tmp_path / instance)
        assert done.returncode == 0, done.stderr
        run = files_of(tmp_path / instance / "results")
        assert "inferbench merge collected/*/*.json -o merged_results.json" in done.stdout
        shutil.copy(run.results_path, folder / f"{instance}_{run.results_path.name}")
    return folder


def test_merge_keeps_every_row(inferbench, collected, tmp_path):
    done = inferbench("merge", *sorted(collected.iterdir()), "-o", "merged_results.json")
    assert done.returncode == 0, done.stderr
    merged = json.loads((tmp_path / "merged_results.json").read_text())
    rows = [row for path in sorted(collected.iterdir())
            for row in json.loads(path.read_text())["results"]]
    assert merged["results"] == rows
    assert merged["metadata"]["total_runs"] == len(rows) == 48
    assert {row["instance_type"] for row in merged["results"]} == {"g5.xlarge", "inf2.xlarge"}
    assert "".join(f"{result['tokens_per_second']:.2f}" for result in merged["results"])


def test_analysis_of_the_merged_file(inferbench, collected, tmp_path):
    assert inferbench("merge", *sorted(collected.iterdir())).returncode == 0
    done = inferbench("analyze", "merged_results.json")
    assert done.returncode == 0, done.stderr
    first = " ".join(done.stdout.split())
    assert first.startswith("inf2.xlarge / g5.xlarge: 1.00x tokens/s, 0.75x $/token (8 matched "
                            "cells, spread unknown, within one launch)")
    assert (tmp_path / "analysis/summary_report.txt").exists()
    assert len(list((tmp_path / "analysis").glob("*.png"))) == 7
