"""Command lines of the replaced tool reach inferbench unchanged."""

import json
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
    by_name = run(script, [], PATH=path, INFERBENCH="inferbench")
    assert by_name.stdout.splitlines()[0] == str(on_path)
    gone = run(script, [], PATH=path, INFERBENCH=str(tmp_path / "gone"))
    assert gone.returncode == 1 and "gone is no program" in gone.stderr


def test_old_lines_do_the_old_work(root, binary, tmp_path):
    """Benchmark on two machines, merge, analyze, and what users did with the files."""
    scripts = root / "scripts/compat"
    program = {"INFERBENCH": str(binary)}

    def do(script, *args):
        done = run(scripts / script, list(map(str, args)), **program)
        assert done.returncode == 0, done.stderr
        return done

    for instance in ("g5.xlarge", "inf2.xlarge"):
        do("offline_benchmark.py", "--model", "Qwen/Qwen3-0.6B-Instruct", "--instance-type",
           instance, "--hardware-type", "gpu" if instance[0] == "g" else "neuron",
           "--scenarios", "short", "prefix_caching", "--batch-sizes", "1", "4", "--num-runs", "2",
           "--max-tokens", "4", "--max-model-len", "2048", "--test-prefix-caching",
           "--output-dir", tmp_path / instance, "--no-mlflow", "--engine", "null", "--no-imds",
           "--", "--enforce-eager")
    files = [str(next((tmp_path / i).glob("offline_results_*.json")))
             for i in ("g5.xlarge", "inf2.xlarge")]
    merged = tmp_path / "merged_results.json"
    do("merge_results.py", *files, "--output", merged)
    data = json.loads(merged.read_text())
    assert len(data["results"]) == 2 * 2 * 2 * 2 * 2
    for result in data["results"]:
        assert float(f"{result['tokens_per_second']:.2f}") > 0
    do("analyze_results.py", "--results-file", merged, "--output-dir", tmp_path / "analysis")
    report = (tmp_path / "analysis/summary_report.txt").read_text()
    assert report.startswith("inf2.xlarge / g5.xlarge: 1.00x tokens/s")
