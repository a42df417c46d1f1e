"""scripts/demo-lengths: what the demo measures on machines of different speed."""

import runpy
import shlex
import subprocess
import sys

import pytest

SPEEDS = {"quick": (2000, 0.02), "two_cores": (160, 0.165), "slow": (29, 0.9), "crawling": (4, 6)}


def told(root, folder, speed):
    done = subprocess.run([sys.executable, root / "scripts/demo-lengths", folder, "--speed",
                           ",".join(map(str, speed))], capture_output=True, text=True, check=True)
    return dict(word.split("=", 1) for word in shlex.split(done.stdout))


@pytest.mark.parametrize("speed", SPEEDS.values(), ids=SPEEDS)
def test_words_and_scenarios(root, tmp_path, inferbench, speed):
    words = told(root, tmp_path, speed)
    assert words["SCENARIOS"] == str(tmp_path / "scenarios.yaml")
    done = inferbench("offline", "--engine", "null", "--scenario-file", words["SCENARIOS"], "--batch-sizes",
                      *words["BATCHES"].split(), "--max-tokens", words["TOKENS"], "--test-prefix-caching",
                      "--max-model-len", "2048", "--dry-run", "--output-dir", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert int(words["PROMPTS"]) >= 6


def test_time_is_kept(root):
    """A slower machine gets less to do, and no more than 150 s of it while anything shorter is left."""
    lengths = runpy.run_path(str(root / "scripts/demo-lengths"))
    times = [lengths["predicted_s"](level, (160, 0.165)) for level in lengths["LEVELS"]]
    assert times == sorted(times, reverse=True)
    for speed in list(SPEEDS.values())[:3]:
        assert lengths["predicted_s"](lengths["chosen"](speed), speed) <= lengths["MOST_S"]
    assert lengths["chosen"](SPEEDS["quick"]) == lengths["LEVELS"][0]
    assert lengths["chosen"](SPEEDS["crawling"]) == lengths["LEVELS"][-1]
