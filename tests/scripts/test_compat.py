"""Command lines of the replaced tool reach inferbench unchanged."""

import os
import shutil
import subprocess
import sys

import pytest

OLD_LINES = [
    ("offline_benchmark.py", "offline",
     ["--model", "Qwen/Qwen3-0.6B", "--instance-type", "g5.xlarge", "--hardware-type", "gpu",
      "--test-prefix-caching", "--output-dir", "my results", "--no-mlflow"]),
    ("merge_results.py", "merge", ["a.json", "b.json", "--output", "merged.json"]),
    ("analyze_results.py", "analyze",
     ["--results-file", "merged.json", "--output-dir", "analysis"]),
]


def recorder(path):
    """A program that prints its arguments and ends with 3."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\nprintf "%s\\n" "$0" "$@"\nexit 3\n')
    path.chmod(0o755)
    return path


def run(script, args, **env):
    base = {key: value for key, value in os.environ.items() if key != "INFERBENCH"}
    return subprocess.run([sys.executable, script, *args], env={**base, **env},
                          capture_output=True, text=True)


@pytest.mark.parametrize("script,command,args", OLD_LINES, ids=[row[1] for row in OLD_LINES])
def test_arguments_and_exit_code_pass_through(script, command, args, root, tmp_path):
    program = recorder(tmp_path / "program")
    done = run(root / "scripts/compat" / script, args, INFERBENCH=str(program))
    assert done.stdout.splitlines() == [str(program), command, *args]
    assert done.returncode == 3


def test_order_of_search(root, tmp_path):
    shutil.copytree(root / "scripts/compat", tmp_path / "scripts/compat")
    script = tmp_path / "scripts/compat/merge_results.py"
    path = os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]])
    missing = run(script, [], PATH="/usr/bin:/bin")
    assert missing.returncode == 1 and "run `make`" in missing.stderr
    on_path = recorder(tmp_path / "bin/inferbench")
    assert run(script, [], PATH=path).stdout.splitlines()[0] == str(on_path)
    built = recorder(tmp_path / "build/inferbench")
    assert run(script, [], PATH=path).stdout.splitlines()[0] == str(built)
    named = recorder(tmp_path / "named")
    done = run(script, [], PATH=path, INFERBENCH=str(named))
    assert done.stdout.splitlines()[0] == str(named)
