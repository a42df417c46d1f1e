"""--setting: several settings in one run, taking turns, and what rows, files and compare make of them."""

import json

import pytest

from e2e.offline_run import NULL, files_of
from oracle import oracle

SMALL = ("--scenarios", "short", "--batch-sizes", "1", "4", "--num-runs", "3")
TWO = ("--setting", "old=--speed 0.9 --max-num-seqs 9", "--setting", "new=")
THREE = (*TWO, "--setting", "on=--enable-prefix-caching")


def turns_of(rows):
    """(label, setting_position, setting_number) of each start of an engine."""
    turns, before = [], None
    for row in rows:
        if row["launch_id"] != before:
            turns.append((row["label"], row["setting_position"], row["setting_number"]))
        before = row["launch_id"]
    return turns


@pytest.fixture
def measure(inferbench, tmp_path):
    def go(*words):
        done = inferbench(*NULL, *SMALL, *words)
        assert done.returncode == 0, done.stderr
        run = files_of(tmp_path / "results")
        run.done = done
        oracle.check_run(run.folder)
        return run
    return go


def test_two_take_turns(measure):
    run = measure(*TWO, "--launches", "4")
    turns = turns_of(run.rows)
    a, b = turns[0], turns[1]
    assert turns == [a, b, b, a, a, b, b, a]
    assert {a[0], b[0]} == {"old", "new"} and (a[1], b[1]) == (1, 2)
    assert {turn[0]: turn[2] for turn in turns} == {"old": 1, "new": 2}
    for row in run.rows:
        is_old = row["label"] == "old"
        assert ("speed=0.9" in row["engine_args"]) == ("max_num_seqs=9" in row["engine_args"]) == is_old
    assert len({(row["label"], row["settings_sha256"]) for row in run.rows}) == 2
    assert len({row["settings_sha256"] for row in run.rows}) == 2
    assert len({row["plan_sha256"] for row in run.rows}) == 2  # of the two batch sizes alone


def test_three_are_balanced(measure):
    """Each in each place, each behind each other one, equally often in six launches."""
    order = [turn[0] for turn in turns_of(measure(*THREE, "--launches", "6").rows)]
    launches = [order[i:i + 3] for i in range(0, 18, 3)]
    assert len({tuple(launch) for launch in launches}) == 6
    behind = [tuple(launch[i:i + 2]) for launch in launches for i in (0, 1)]
    assert all(behind.count(pair) == 2 for pair in behind)


def test_files_and_table(measure):
    run = measure(*THREE)
    keys = list(run.summary["summary"])
    assert sorted(keys) == sorted(
        f"unknown_offline_bs{batch}_in32_out128_cache{caching}_{name}" for batch in (1, 4)
        for name, caching in (("old", False), ("new", False), ("on", True)))
    for row in run.rows:
        assert row["enable_prefix_caching"] == (row["label"] == "on")
        assert row["experiment_id"].startswith(f"unknown_offline_short_{row['label']}_20")
    lines = run.done.stdout.splitlines()
    head = next(line for line in lines if line.startswith("batch"))
    assert "setting" in head and "cache" not in head
    at = [line.split()[:2] for line in lines if line.startswith("    ") and "simulated" in line]
    assert at == [[batch, name] for batch in "14" for name in ("old", "new", "on")]
    assert f"inferbench compare {run.results_path} old new\n" in run.done.stdout


@pytest.mark.parametrize("words", [TWO, (*TWO[2:], *TWO[:2])])
def test_compared_without_more_words(measure, inferbench, words):
    """In pairs; the setting given first is A, whichever ran first."""
    run = measure(*words, "--launches", "3")
    got = json.loads(inferbench("compare", run.results_path, "--json").stdout)
    names = [word.split("=")[0] for word in words[1::2]]
    assert (got["a"], got["b"]) == tuple(names)
    assert got["launches"] == {"a": 3, "b": 3, "unit": "launch", "interleaved": True, "unknown": False,
                               "shared": 0}
    assert {row["field"] for row in got["differs"]} == {"engine_args"}
    ratio = got["geomean"]["tokens_per_second"]
    assert ratio["verdict"] == ("better" if names[0] == "old" else "worse")
    assert f"inferbench compare {run.results_path}\n" in run.done.stdout


def test_caching_is_a_setting(measure, inferbench):
    run = measure("--setting", "off=--no-enable-prefix-caching", "--setting",
                  "on=--enable-prefix-caching", "--launches", "2", "--enable-prefix-caching")
    got = json.loads(inferbench("compare", run.results_path, "--json").stdout)
    assert (got["a"], got["b"]) == ("off", "on") and len(got["cells"]) == 2
    assert [row["field"] for row in got["differs"]] == ["enable_prefix_caching"]


def test_the_same_twice_is_the_same(measure, inferbench):
    run = measure("--setting", "one=", "--setting", "two=", "--launches", "3")
    assert len({row["settings_sha256"] for row in run.rows}) == 1
    got = json.loads(inferbench("compare", run.results_path, "--json").stdout)
    assert got["geomean"]["tokens_per_second"]["verdict"] == "same" and got["differs"] == []


def test_recovered(measure, inferbench):
    run = measure(*TWO, "--launches", "2")
    before = run.results_path.read_bytes(), run.summary_path.read_bytes()
    assert inferbench("recover", run.raw_path).returncode == 0
    assert (run.results_path.read_bytes(), run.summary_path.read_bytes()) == before


def test_from_a_file(inferbench, tmp_path):
    (tmp_path / "bench.yaml").write_text("setting:\n  fast: --max-num-seqs 64\n  slow: --max-num-seqs 1\n"
                                         "launches: 3\n")
    done = inferbench(*NULL, *SMALL, "--config", "bench.yaml", "--dry-run")
    assert "setting fast: --max-num-seqs 64, prefix caching off\n" in done.stdout
    assert "launches: 3 of each setting: fast slow, slow fast, fast slow\n" in done.stdout
    assert "order: which setting runs first is drawn at the start\n" in done.stdout
    assert "4 cells x 3 launches x 3 repeats" in done.stdout


def test_on_a_server(inferbench, binary, tmp_path):
    """The words come behind the command; {port} is filled in, and is no part of the setting."""
    done = inferbench("online", "--launch-command", f"{binary} serve --port {{port}} --ttft 5ms",
                      "--setting", "quick=--itl 2ms", "--setting", "slow=--itl '4ms'", "--launches", "2",
                      "--num-runs", "3", "--num-prompts", "16", "--concurrency", "4", "--max-tokens", "8",
                      "--scenarios", "short", "--no-imds", "--accept-invalid")
    assert done.returncode == 0, done.stderr
    run = files_of(tmp_path / "results", "online")
    oracle.check_run(run.folder)
    a, b = turns_of(run.rows)[:2]
    assert turns_of(run.rows) == [a, b, b, a]
    for row in run.rows:
        itl = "2ms" if row["label"] == "quick" else "4ms"
        assert row["engine_args"] == ["command=inferbench serve", f"itl={itl}", "ttft=5ms"]
    got = json.loads(inferbench("compare", run.results_path, "--json").stdout)
    assert (got["a"], got["b"]) == ("quick", "slow")
    assert got["cells"][0]["metrics"]["tpot_mean_ms"]["ratio"] == pytest.approx(2, rel=0.2)


@pytest.mark.parametrize("words, where, what", [
    (["--setting", "a=", "--setting", "a=--x"], "--setting", "\"a\" is the name of two settings"),
    (["--setting", "a="], "--label", "given with --setting"),
    (["--setting", "a='"], "--setting", "a quote is not closed"),
    (["--setting", "a\x1b[1m="], "--setting", "holds what cannot be shown"),
    (["--setting", " a="], "--setting", "begins or ends as no name does"),
    (["--setting", "a" * 65 + "="], "--setting", "is too long for a name"),
    (["--setting", "=x"], "--setting", "is not key=value"),
    (["--setting", "a=--model x"], "model", "is set by inferbench"),
    (["--setting", "a=", "--test-prefix-caching"], "--test-prefix-caching", "given with --setting"),
])
def test_refused(inferbench, words, where, what):
    more = ["--label", "x"] if where == "--label" else []
    done = inferbench(*NULL, *words, *more, "--dry-run")
    assert done.returncode == 2
    assert f"inferbench: {where}: " in done.stderr and what in done.stderr


def test_a_server_that_is_not_ours(inferbench):
    done = inferbench("online", "--setting", "a=--x", "--dry-run")
    assert done.returncode == 2
    assert "--setting: a server that runs already has its settings. Use --launch" in done.stderr
