"""Rows that went through a notebook: values of other JSON types than inferbench writes."""

import datetime
import json

import pytest

from e2e import published
from e2e.offline_run import NULL

TIMES = {"timestamp": datetime.timezone.utc, "timestamp_utc": None}


def through_pandas(value, key):
    """What read_json and to_json (pandas 2.3 and 3.1) make of a value whose column has a gap,
    or whose name begins with "timestamp"."""
    if isinstance(value, (bool, int)):
        return float(value)
    if key in TIMES and value is not None:
        at = datetime.datetime.fromisoformat(value)
        return int((at if at.tzinfo else at.replace(tzinfo=TIMES[key])).timestamp() * 1000)
    return None if value == "inf" else value


def through_csv(value, key):
    """to_csv and read_csv: lists as Python writes them."""
    return str(value) if isinstance(value, (list, dict)) else value


@pytest.fixture
def merged(inferbench, tmp_path):
    for machine in ("g5.xlarge", "inf2.xlarge"):
        done = inferbench(*NULL, "--instance-type", machine, "--scenarios", "prefix_caching",
                          "--batch-sizes", "2", "--test-prefix-caching", "--num-runs", "4",
                          "--metadata", "team=infra", "--output-dir", f"in/{machine}")
        assert done.returncode == 0, done.stderr
    published.write(tmp_path / "in/old_results.json", published.grid("p4d", 100))
    assert inferbench("merge", "in", "-o", "merged.json").returncode == 0
    return json.loads((tmp_path / "merged.json").read_text())["results"]


def report_of(inferbench, tmp_path, name):
    done = inferbench("analyze", name, "--output-dir", f"out-{name}", "--plots", "ttft")
    assert done.returncode == 0, done.stderr
    return (tmp_path / f"out-{name}/summary_report.txt").read_text()


@pytest.mark.parametrize("turn", [through_pandas, through_csv])
def test_a_notebook_changes_nothing(inferbench, merged, tmp_path, turn):
    columns = {key for row in merged for key in row}
    rows = [{key: turn(row.get(key), key) for key in columns} for row in merged]
    (tmp_path / "notebook.json").write_text(json.dumps(rows))
    first = report_of(inferbench, tmp_path, "merged.json")
    second = report_of(inferbench, tmp_path, "notebook.json")
    drop = "versions:"  # a bare list of rows states no machine
    assert [line for line in second.splitlines() if drop not in line] == \
        [line for line in first.splitlines() if drop not in line]
    assert "SIMULATED" in second and "prefix caching ON / OFF, g5.xlarge" in second


def through_texts(value, key):
    """csv.DictReader: all are texts."""
    return None if value is None else str(value)


def through_to_json(value, key):
    """to_json keeps ten decimals."""
    return round(value, 10) if isinstance(value, float) else value


@pytest.mark.parametrize("turn", [through_pandas, through_csv, through_texts, through_to_json])
def test_rows_of_a_notebook_are_the_same_rows(inferbench, merged, tmp_path, turn):
    """Those of the replaced tool too, which have no id."""
    rows = [{key: turn(value, key) for key, value in row.items()} for row in merged]
    (tmp_path / "notebook.json").write_text(json.dumps(rows))
    done = inferbench("analyze", "merged.json", "notebook.json", "--plots", "ttft")
    assert done.returncode == 0, done.stderr
    assert "differ" not in done.stderr
    report = (tmp_path / "analysis/summary_report.txt").read_text()
    assert f"{len(rows)} rows that are in two files" in report
    done = inferbench("merge", "merged.json", "notebook.json", "-o", "both.json")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "both.json").read_text())["results"] == merged


def test_what_cannot_be_read_is_named(inferbench, merged, tmp_path):
    ours = [at for at, row in enumerate(merged) if row.get("run_id")]
    merged[ours[2]]["enable_prefix_caching"] = "perhaps"
    merged[ours[5]]["reasons"] = 3
    (tmp_path / "notebook.json").write_text(json.dumps(merged))
    done = inferbench("analyze", "notebook.json", "--plots", "ttft")
    assert done.returncode == 1
    report = " ".join((tmp_path / "analysis/summary_report.txt").read_text().split())
    for text in (report, done.stderr):
        assert (f'notebook.json: row {ours[2]}: enable_prefix_caching is "perhaps", not true '
                "or false") in text
        assert f"notebook.json: row {ours[5]}: reasons is 3, not a list or an object" in text
    assert f"{len(merged) - 2} rows of 1 file" in done.stdout
