"""inferbench merge: several results files into one (FORMAT.md 4)."""

import gzip
import hashlib
import json
import re
import shlex
import shutil

import pytest

from e2e import published
from e2e.offline_run import NULL, files_of

SAMPLE = "tests/data/published_results.json"


def merged(folder, name="merged_results.json"):
    return json.loads((folder / name).read_text(encoding="utf-8"))


@pytest.fixture
def own(inferbench, tmp_path):
    """A results file of our own, made by the null engine."""
    done = inferbench(*NULL, "--scenarios", "short", "--batch-sizes", "1", "--num-runs", "2",
                      "--output-dir", "own", "--instance-type", "inf2.xlarge")
    assert done.returncode in (0, 3), done.stderr
    return files_of(tmp_path / "own").results_path


def test_rows_are_copied_whole(inferbench, tmp_path, own):
    data = json.loads(own.read_text())
    data["results"][0]["my_field"] = {"nested": [1, 2.50, "é\\u00e9\n"], "empty": {}}
    own.write_text(json.dumps(data), encoding="utf-8")
    rows = published.grid("g5.xlarge", 100.0)
    published.write(tmp_path / "old.json", rows)
    done = inferbench("merge", own, "old.json", "--output", "m.json")
    assert done.returncode == 0, done.stderr
    out = merged(tmp_path, "m.json")
    assert out["results"] == data["results"] + rows
    meta = out["metadata"]
    assert meta["total_runs"] == len(out["results"])
    assert meta["format"] == 2 and meta["skipped"] == []
    assert meta["source_files"] == [str(own), "old.json"]
    assert [s["sha256"] for s in meta["sources"]] == [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (own, tmp_path / "old.json")]
    assert meta["sources"][0]["metadata"] == data["metadata"]
    assert "merged_at" in meta
    for result in out["results"]:
        assert f"{result['tokens_per_second']:.2f}"


def test_next_is_right_in_any_folder(inferbench, tmp_path, own):
    """Absolute, and quoted: it works wherever it is typed."""
    elsewhere = tmp_path / "my results"
    elsewhere.mkdir()
    done = inferbench("merge", own, "-o", "all of it.json", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("Next: "))
    words = shlex.split(line)[2:]
    assert words[-1] == f"{elsewhere}/all of it.json"
    assert inferbench(*words, "--plots", "ttft", cwd=tmp_path).returncode == 0


def test_output_is_indented_by_two(inferbench, tmp_path):
    rows = published.grid("g5.xlarge", 100.0)
    (tmp_path / "compact.json").write_text(json.dumps(rows, separators=(",", ":")))
    assert inferbench("merge", "compact.json").returncode == 0
    text = (tmp_path / "merged_results.json").read_text()
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


def test_the_hand_made_sample_of_the_published_tool(inferbench, tmp_path, root):
    done = inferbench("merge", root / SAMPLE, "-o", "m.json")
    assert done.returncode == 0, done.stderr
    assert merged(tmp_path, "m.json")["results"] == json.loads((root / SAMPLE).read_text())["results"]


def test_duplicates_are_kept_once_and_counted(inferbench, tmp_path, own):
    rows = published.grid("g5.xlarge", 100.0)
    published.write(tmp_path / "a.json", rows)
    published.write(tmp_path / "b.json", rows[3:] + [published.row("g5.xlarge", run=9)], bare=True)
    shutil.copy(own, tmp_path / "copy.json")
    done = inferbench("merge", "a.json", "b.json", own, "copy.json")
    assert done.returncode == 0, done.stderr
    out = merged(tmp_path)
    assert len(out["results"]) == len(rows) + 1 + 2
    assert out["metadata"]["duplicates"] == len(rows) - 3 + 2
    assert re.search(r"skipped \d+ duplicates", done.stdout)


@pytest.mark.parametrize("field,value,rows", [
    ("timestamp", "2025-06-01T10:01:01.001", 2), ("timestamp", "2025-06-01T10:01:01.000400", 1),
    ("notes", "scenario=short, run=2, warmup=False", 2), ("instance_type", "p4d", 2),
    ("batch_size", 2, 2), ("enable_prefix_caching", True, 2), ("error", "died", 2),
    ("total_time", 1.28 + 1e-9, 1)])
def test_rows_of_the_published_tool_are_told_apart(inferbench, tmp_path, field, value, rows):
    """By when and how they were measured; what a notebook rounds is no other row, and is said."""
    first = published.row(run=1)
    assert first[field] != value
    published.write(tmp_path / "a.json", [first])
    published.write(tmp_path / "b.json", [{**first, field: value}])
    done = inferbench("merge", "a.json", "b.json")
    assert done.returncode == 0
    assert merged(tmp_path)["results"] == [first, {**first, field: value}][:rows]
    assert ("1 duplicate rows differ from the rows kept" in done.stderr) == (rows == 1)


def test_merged_files_merge_again(inferbench, tmp_path, own):
    published.write(tmp_path / "a.json", published.grid("g5.xlarge", 100.0))
    assert inferbench("merge", "a.json", own, "-o", "one.json").returncode == 0
    assert inferbench("merge", "one.json", "a.json", "-o", "two.json").returncode == 0
    one, two = merged(tmp_path, "one.json"), merged(tmp_path, "two.json")
    assert one["results"] == two["results"]
    assert two["metadata"]["sources"][0]["metadata"] == one["metadata"]


def test_an_instance_type_is_given_to_unknown_rows_only(inferbench, tmp_path):
    rows = [published.row("unknown", run=1), published.row("g4dn.xlarge", run=2),
            published.row("unknown", run=3, label="unknown")]
    del rows[2]["instance_type"]
    published.write(tmp_path / "a.json", rows)
    done = inferbench("merge", "g5.xlarge=a.json")
    assert done.returncode == 0, done.stderr
    out = merged(tmp_path)["results"]
    assert [r["instance_type"] for r in out] == ["g5.xlarge", "g4dn.xlarge", "g5.xlarge"]
    assert out[2]["label"] == "g5.xlarge"
    assert {**out[0], "instance_type": "unknown"} == rows[0]
    assert "1 rows keep their own instance type" in done.stderr


@pytest.mark.parametrize("content, why", [
    (b'{"results": [{"a": 1}', "cut short"),
    (b'{"results": [{"a": 01}]}', "not valid JSON"),
    (b'{"results": [{"a": 1},]}', "not valid JSON"),
    (b'{"results": [{"a": "\xff"}]}', "not UTF-8"),
    (b'{"results": [1]}', "row 0 is not an object"),
    (b'{"results": []} {}', "the end of the file"),
    (b'{"hello": 1}', 'has no "results"'),
    (b'', "is empty"),
    (b'{"metadata": {"format": 3}, "results": []}', "newer inferbench"),
    (b'{"type":"run"}\n{"type":"cell"}\n', "journal"),
    (gzip.compress(b'{"results": []}'), "gzip -dc FILE > NEW"),
    ('{"results": []}'.encode("utf-16"), "iconv -f UTF-16 -t UTF-8 FILE > NEW"),
])
def test_a_broken_file_is_named_skipped_and_makes_it_fail(inferbench, tmp_path, content, why):
    (tmp_path / "bad.json").write_bytes(content)
    rows = published.grid("g5.xlarge", 100.0)
    published.write(tmp_path / "a.json", rows)
    done = inferbench("merge", "bad.json", "a.json")
    assert done.returncode == 1
    assert "bad.json" in done.stderr and why in done.stderr
    out = merged(tmp_path)
    assert out["results"] == rows
    assert out["metadata"]["skipped"][0]["file"] == "bad.json"
    assert why in out["metadata"]["skipped"][0]["why"]
    again = inferbench("merge", "bad.json", "a.json", "--skip-bad")
    assert again.returncode == 0 and why in again.stderr


def test_a_missing_file_is_named(inferbench, tmp_path):
    published.write(tmp_path / "a.json", published.grid("g5.xlarge", 100.0))
    done = inferbench("merge", "none.json", "a.json")
    assert done.returncode == 1 and "none.json: no such file" in done.stderr


def test_nothing_to_merge_writes_nothing(inferbench, tmp_path):
    (tmp_path / "bad.json").write_text("{")
    done = inferbench("merge", "bad.json", "--skip-bad")
    assert done.returncode == 1
    assert not (tmp_path / "merged_results.json").exists()
    assert inferbench("merge").returncode == 2


def test_nan_of_python_becomes_null(inferbench, tmp_path):
    published.write(tmp_path / "a.json", [published.row(cache_hit_rate=float("nan"))])
    assert "NaN" in (tmp_path / "a.json").read_text()
    assert inferbench("merge", "a.json").returncode == 0
    assert merged(tmp_path)["results"][0]["cache_hit_rate"] is None
    assert "NaN" not in (tmp_path / "merged_results.json").read_text()


def test_an_input_is_never_overwritten(inferbench, tmp_path):
    path = published.write(tmp_path / "a.json", published.grid("g5.xlarge", 100.0))
    before = path.read_bytes()
    (tmp_path / "link.json").symlink_to("a.json")
    for output in ("a.json", "./a.json", "link.json"):
        done = inferbench("merge", "a.json", "--output", output)
        assert done.returncode == 2 and "is also an input" in done.stderr
    assert path.read_bytes() == before


def test_folders_and_files_that_hold_no_results(inferbench, tmp_path, own):
    done = inferbench("merge", "own")
    assert done.returncode == 0, done.stderr
    assert len(merged(tmp_path)["results"]) == 2
    everything = sorted(str(path) for path in (tmp_path / "own").glob("*.json"))
    done = inferbench("merge", *everything, "-o", "m.json")
    assert done.returncode == 0, done.stderr
    assert "a summary, not results" in done.stderr
    assert "an environment file, not results" in done.stderr
    (tmp_path / "empty").mkdir()
    assert inferbench("merge", "empty").returncode == 1
