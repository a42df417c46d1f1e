"""--launches: engines that are opened again, in turn, and what rows, summary and compare make of it."""

import json

import pytest

from e2e.offline_run import NULL, files_of
from oracle import oracle

SMALL = ("--scenarios", "short", "prefix_caching", "--batch-sizes", "1", "4")


@pytest.fixture
def measured(inferbench, tmp_path):
    done = inferbench(*NULL, *SMALL, "--test-prefix-caching", "--launches", "3", "--num-runs", "4")
    assert done.returncode == 0, done.stderr
    run = files_of(tmp_path / "results")
    run.done = done
    return run


def test_turns(measured):
    """A B B A A B; the repeats of a cell have three launches, and those of a launch stand together."""
    turns = []
    for row in measured.rows:
        if not turns or turns[-1][0] != row["launch_id"]:
            turns.append((row["launch_id"], row["enable_prefix_caching"], row["setting_position"]))
    assert len({launch for launch, _, _ in turns}) == len(turns) == 6
    assert [position for _, _, position in turns] == [1, 2, 2, 1, 1, 2]
    first = turns[0][1]
    assert [on == first for _, on, _ in turns] == [True, False, False, True, True, False]
    assert len(measured.rows) == 6 * 4 * 4
    oracle.check_run(measured.folder)


def test_summary_has_each_cell_once(measured):
    cells = measured.summary["summary"]
    assert len(cells) == 8
    assert all(entry["count"] == 9 for entry in cells.values())
    text = measured.done.stdout
    assert "95 % interval over the launches of the engine" in text
    assert sum(line.startswith("    1 ") or line.startswith("    4 ") for line in text.splitlines()) == 8


def test_one_repeat_a_launch(inferbench):
    """The interval is over launches, though there are as many repeats."""
    done = inferbench(*NULL, *SMALL, "--launches", "3", "--num-runs", "2")
    assert done.returncode == 0, done.stderr
    assert "95 % interval over the launches of the engine" in done.stdout
    done = inferbench(*NULL, *SMALL, "--launches", "2", "--num-runs", "2")
    assert "spread unknown (2 launches); --launches 3 would show it" in done.stdout


def test_recovered(measured, inferbench, tmp_path):
    before = measured.results_path.read_bytes(), measured.summary_path.read_bytes()
    assert inferbench("recover", measured.raw_path).returncode == 0
    assert (measured.results_path.read_bytes(), measured.summary_path.read_bytes()) == before


def test_compared_in_pairs(measured, inferbench):
    done = inferbench("compare", measured.results_path, "--by", "enable_prefix_caching", "--json")
    got = json.loads(done.stdout)
    assert got["launches"] == {"a": 3, "b": 3, "unit": "launch", "interleaved": True,
                               "unknown": False, "shared": 0}


def test_on_a_server(inferbench, binary, tmp_path):
    """Each launch is a process of its own; speeds differ by nothing but chance."""
    done = inferbench("online", "--launch-command", f"{binary} serve --port {{port}} --ttft 5ms --itl 2ms",
                      "--launches", "3", "--num-runs", "3", "--num-prompts", "16", "--concurrency", "4",
                      "--max-tokens", "8", "--scenarios", "short", "--no-imds", "--accept-invalid")
    assert done.returncode == 0, done.stderr
    run = files_of(tmp_path / "results", "online")
    assert len(run.rows) == 9 and len({row["launch_id"] for row in run.rows}) == 3
    entry, = run.summary["summary"].values()
    assert entry["count"] == 6 and entry["tokens_per_second"]["ci95_low"] is not None
    oracle.check_run(run.folder)


def test_dry_run(inferbench):
    done = inferbench(*NULL, *SMALL, "--test-prefix-caching", "--launches", "3", "--dry-run")
    assert "launches: 3 of each setting: OFF ON, ON OFF, OFF ON\n" in done.stdout
    assert "8 cells x 3 launches x 3 repeats (repeat 0 is the warm-up):\n" in done.stdout
    assert done.stdout.count("prefix_caching     ") == 5  # once among the scenarios
    done = inferbench(*NULL, *SMALL, "--launches", "6", "--dry-run")
    assert "launches: 6\n" in done.stdout


def test_a_server_that_is_not_ours(inferbench):
    done = inferbench("online", "--launches", "2", "--dry-run")
    assert done.returncode == 2
    assert "--launches: a server that runs already is not ours to start again" in done.stderr


def test_a_launch_that_fails(inferbench, binary, tmp_path):
    """The second start fails: what was measured stays, and what is missing is said, by its name."""
    script = tmp_path / "server.sh"
    script.write_text(f"""#!/bin/sh
[ ! -e {tmp_path}/once ] || [ -e {tmp_path}/twice ] || {{ : > {tmp_path}/twice; exit 3; }}
: > {tmp_path}/once
exec {binary} serve --port $1 --ttft 5ms --itl 2ms
""")
    script.chmod(0o755)
    done = inferbench("online", "--launch-command", f"{script} {{port}}", "--launches", "3",
                      "--num-runs", "3", "--num-prompts", "16", "--concurrency", "4", "--max-tokens",
                      "8", "--input-len", "16", "--no-imds", "--ready-timeout", "20s")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "inferbench: --launch-command: the server ended (exit status 3) while starting" in done.stderr
    assert "vllm" not in done.stderr
    assert "exit 1: 1 of 3 launches of cells failed; first cause: " in done.stderr
    assert "1 of 3 launches of cells failed: the figures are of the others." in done.stdout
