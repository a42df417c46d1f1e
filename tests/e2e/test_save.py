"""`--save-every`: files of the rows so far, between the cells of a run."""

import json
import signal
import subprocess

from e2e.offline_run import NULL, files_of, plain_env, start, wait_for
from e2e.serve_client import Server


def cells_in(results):
    """Cells of the files so far; the summary is written last."""
    found = list(results.glob("online_summary_*.json"))
    return len(json.loads(found[0].read_text())["summary"]) if found else 0


def go_online(binary, load, folder, *words):
    return start(binary, "online", "--port", load.port, "--no-imds", "--no-mlflow", "--num-runs",
                 "2", "--max-tokens", "20", "--concurrency", "1", "2", "4", "--num-prompts", "4",
                 "--output-dir", folder, *words, cwd=folder.parent)


def test_killed_in_a_later_cell(binary, tmp_path):
    """On the disk are the rows of the finished cells, as the journal gives them."""
    results = tmp_path / "results"
    load = Server(binary, tmp_path, "--ttft", "2ms", "--itl", "20ms")
    try:
        process = go_online(binary, load, results, "--save-every", "0s")
        wait_for(lambda: cells_in(results) == 2, "rows of two cells")
        process.kill()
        assert process.wait(30) == -signal.SIGKILL
    finally:
        load.stop()
    early = files_of(results, "online")
    assert early.data["metadata"]["complete"] is False
    assert [row["batch_size"] for row in early.rows] == [1, 1, 2, 2]
    assert all(row["error"] is None for row in early.rows)
    assert len(early.summary["summary"]) == 2
    subprocess.run([str(binary), "analyze", str(early.results_path), "--output-dir",
                    str(tmp_path / "early")], check=True, capture_output=True)
    report = " ".join((tmp_path / "early/summary_report.txt").read_text().split())
    assert "4 rows of a run that had not finished" in report
    done = subprocess.run([str(binary), "recover", str(early.raw_path)], env=plain_env(),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert files_of(results, "online").rows[:4] == early.rows


def test_a_minute_has_not_passed(binary, tmp_path):
    """The default writes nothing in so short a run before its end."""
    results = tmp_path / "results"
    load = Server(binary, tmp_path, "--ttft", "2ms", "--itl", "2ms")
    try:
        process = go_online(binary, load, results)
        early = wait_for(lambda: list(results.glob("raw_*/journal.jsonl")), "a journal")
        wait_for(lambda: early[0].read_bytes().count(b'"type":"cell"') == 3, "the third cell")
        if b'"type":"run_end"' not in early[0].read_bytes():
            assert cells_in(results) in (0, 3)
        assert process.wait(60) in (0, 3)
    finally:
        load.stop()
    assert cells_in(results) == 3


def test_the_end_replaces_it(binary, tmp_path):
    """Saved after each cell, a run ends with the files that recover makes of it."""
    done = subprocess.run([str(binary), *NULL, "--scenarios", "short", "--batch-sizes", "1", "2",
                           "3", "--max-tokens", "9", "--save-every", "0", "--output-dir",
                           str(tmp_path)], cwd=tmp_path, env=plain_env(), capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    run = files_of(tmp_path)
    assert run.data["metadata"]["complete"] is True and len(run.rows) == 9
    written = run.results_path.read_bytes()
    subprocess.run([str(binary), "recover", str(run.raw_path)], check=True, capture_output=True)
    assert run.results_path.read_bytes() == written
