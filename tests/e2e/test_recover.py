"""`recover`: killed at any moment, a run's files come back as it would have written them."""

import json
import os
import random
import shutil
import signal
import subprocess

import pytest

from e2e.offline_run import NULL, files_of, journal_of, plain_env, repeats_done, start, wait_for

OUTPUTS = ("results_path", "summary_path", "env_path")


def recover(binary, raw, cwd, code=0):
    done = subprocess.run([str(binary), "recover", str(raw)], cwd=cwd, env=plain_env(),
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def whole(binary, tmp_path_factory):
    """A run that ended well: two settings, two scenarios, two batch sizes, 3 repeats."""
    folder = tmp_path_factory.mktemp("whole")
    done = subprocess.run(
        [str(binary), *NULL, "--test-prefix-caching", "--scenarios", "short", "prefix_caching",
         "--batch-sizes", "1", "3", "--max-tokens", "9", "--metadata", "who=\u3042\"",
         "--price-per-hour", "1.006"], cwd=folder, env=plain_env(), capture_output=True,
        text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return files_of(folder / "results")


def test_complete_run_byte_for_byte(binary, whole):
    before = {name: getattr(whole, name).read_bytes() for name in OUTPUTS}
    for name in OUTPUTS:
        getattr(whole, name).unlink()
    done = recover(binary, whole.raw_path, "/")
    for name in OUTPUTS:
        assert getattr(whole, name).read_bytes() == before[name], name
    assert "Rebuilt from 24 repeats" in done.stdout


def test_other_folder_and_trailing_slash(binary, whole, tmp_path):
    subprocess.run([str(binary), "recover", f"{whole.raw_path}/", "--output-dir", "a/b"],
                   cwd=tmp_path, check=True, capture_output=True)
    assert files_of_three(tmp_path / "a/b") == files_of_three(whole.folder)


def files_of_three(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


def test_cut_at_every_line(binary, whole, tmp_path):
    """The rows of what was there are those of the whole run; the repeat under way is one
    row more, interrupted."""
    lines = whole.journal_path.read_bytes().splitlines(keepends=True)
    raw = tmp_path / whole.raw_path.name
    raw.mkdir()
    for count in range(1, len(lines) + 1):
        (raw / "journal.jsonl").write_bytes(b"".join(lines[:count]))
        recover(binary, raw, tmp_path)
        run = files_of(tmp_path)
        types = [json.loads(line)["type"] for line in lines[:count]]
        ended, begun = types.count("repeat_end"), types.count("repeat")
        assert len(run.rows) == begun
        assert run.rows[:ended] == whole.rows[:ended]
        assert run.data["metadata"]["complete"] is (count == len(lines))
        assert run.data["metadata"]["failed_rows"] == begun - ended
        for row in run.rows[ended:]:
            assert row["error"] == "interrupted"
            assert row["verdict"] is None
        assert sum(entry["count"] for entry in run.summary["summary"].values()) == sum(
            not row["is_warmup"] for row in run.rows[:ended])


def test_cut_inside_a_line(binary, whole, tmp_path):
    """As a crash leaves it: that line is left out, with a warning."""
    text = whole.journal_path.read_bytes()
    raw = tmp_path / whole.raw_path.name
    raw.mkdir()
    draw = random.Random(7)
    header = text.index(b"\n") + 1
    for _ in range(40):
        size = draw.randrange(header, len(text))
        size -= text[size - 1:size] == b"\n"
        (raw / "journal.jsonl").write_bytes(text[:size])
        done = recover(binary, raw, tmp_path)
        assert "cut by a crash" in done.stderr
        ended = text[:size].count(b'"type":"repeat_end"')
        ended -= text[:size].rfind(b'"type":"repeat_end"') > text[:size].rfind(b"\n")
        assert files_of(tmp_path).rows[:ended] == whole.rows[:ended]


def test_damaged_line_is_named(binary, whole, tmp_path):
    lines = whole.journal_path.read_text().splitlines(keepends=True)
    raw = tmp_path / "raw_x"
    raw.mkdir()
    lines[9] = lines[9][:30] + "\n"
    (raw / "journal.jsonl").write_text("".join(lines))
    done = recover(binary, raw, tmp_path, 1)
    assert "raw_x/journal.jsonl:10: " in done.stderr
    assert not list(tmp_path.glob("*.json"))


def test_not_a_journal(binary, tmp_path):
    raw = tmp_path / "raw_y"
    raw.mkdir()
    assert "no such file" in recover(binary, raw, tmp_path, 1).stderr
    for text in ("", "{}\n", "[1]\n", "hello\n", '{"type":"cell"}\n'):
        (raw / "journal.jsonl").write_text(text)
        done = recover(binary, raw, tmp_path, 1)
        assert "raw_y/journal.jsonl" in done.stderr, text


@pytest.mark.parametrize("words", [[], ["a", "b"]])
def test_usage(binary, tmp_path, words):
    done = subprocess.run([str(binary), "recover", *words], cwd=tmp_path, capture_output=True,
                          text=True)
    assert done.returncode == 2 and "RAW_DIR" in done.stderr


def test_kill_at_many_moments(binary, tmp_path):
    """kill -9 of a run under way; what the journal holds comes back, and the files that the
    run had written by then are the ones that recover writes."""
    draw = random.Random(11)
    many = [*NULL, "--scenarios", "short", "medium", "--batch-sizes", "1", "16",
            "--max-tokens", "400", "--num-runs", "60", "--quiet", "--test-prefix-caching"]
    cut_short = 0
    for moment in range(20):
        folder = tmp_path / str(moment)
        folder.mkdir()
        run = start(binary, *many, cwd=folder)
        target = draw.randrange(0, 470)
        wait_for(lambda: repeats_done(folder / "results") >= target or run.poll() is not None,
                 "repeats")
        run.send_signal(signal.SIGKILL)
        run.wait(30)
        raws = list((folder / "results").glob("raw_*"))
        if not raws or not (raws[0] / "journal.jsonl").read_bytes().count(b"\n"):
            continue
        lines = journal_of(raws[0] / "journal.jsonl")
        cut_short += lines[-1]["type"] != "run_end"
        written = files_of_three(folder / "results")
        recover(binary, raws[0], folder)
        found = files_of(folder / "results")
        ended = [line for line in lines if line["type"] == "repeat_end"]
        begun = [line for line in lines if line["type"] == "repeat"]
        assert len(found.rows) == len(begun) and len(begun) - len(ended) in (0, 1)
        assert all(row["error"] is None for row in found.rows[:len(ended)])
        for name, content in written.items():
            assert (folder / "results" / name).read_bytes() == content, name
        shutil.rmtree(folder)
    assert cut_short >= 10


def test_rows_do_not_depend_on_the_machine(binary, whole, tmp_path):
    """Another time zone and folder, same bytes: nothing but the journal goes in."""
    raw = tmp_path / whole.raw_path.name
    shutil.copytree(whole.raw_path, raw)
    subprocess.run([str(binary), "recover", str(raw)], cwd="/", check=True, capture_output=True,
                   env={**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C"})
    assert files_of_three(tmp_path) == files_of_three(whole.folder)
