#!/usr/bin/env python3
"""tally.py [--no-skip] [--quick] [--times] FOLDER MUST-RUN: adds up what scripts/test left in FOLDER.

Reads `stages` (name, exit code, seconds), meson's test logs, the report of scripts/check and the
JUnit file of each part of pytest. Prints each skip and failure with its reason, under --times the
stages and the slowest twenty tests, then one closing line.
MUST-RUN lists beginnings of test ids, one a line; with --no-skip each must have run and
passed. A beginning that no test has is a failure, but under --quick, which leaves tests out.
"""

import argparse
import glob
import json
import os
import re
import sys
import xml.etree.ElementTree as xml
from collections import namedtuple

# seconds: None where nobody measured this one alone
Outcome = namedtuple("Outcome", "id status message seconds", defaults=[None])
Stage = namedtuple("Stage", "name code seconds")

CASE = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] (\w+)$", re.M)
CASE_STATUS = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}
# Exit codes by which a stage says "tests failed", which are counted one by one. 5: a part of pytest
# has none of the tests that were asked for.
TESTS_FAILED = {"unit": range(1, 125), "asan": range(1, 125), "check": [1], "pytest": [1, 5]}
SLOWEST = 20


def read_stages(folder):
    with open(os.path.join(folder, "stages"), encoding="utf-8") as file:
        return [Stage(name, int(code), int(seconds))
                for name, code, seconds in map(str.split, file)]


def from_stages(stages):
    """A build counts as one test; other stages only where they broke down."""
    for stage in stages:
        kind = stage.name.split("-")[0]
        if kind == "build":
            status = "failed" if stage.code else "passed"
            yield Outcome(stage.name.replace("-", "::", 1), status, f"exit code {stage.code}",
                          stage.seconds)
        elif stage.code != 0 and stage.code not in TESTS_FAILED[kind]:
            yield Outcome(f"{stage.name}::stage", "failed", f"exit code {stage.code}")


def from_program(prefix, entry):
    """The cases of one unit test program, and one more where it ended badly besides."""
    output = entry.get("stdout", "") + "\n" + entry.get("stderr", "")
    name = f"{prefix}::{entry['name'].split()[-1]}"
    cases = {case: CASE_STATUS[word] for word, case in CASE.findall(output)}
    for case, status in cases.items():
        yield Outcome(f"{name}::{case}", status, "see its log")
    if entry["result"] == "SKIP" and not cases:
        yield Outcome(name, "skipped", output.strip()[-300:])
    elif entry["result"] != "OK" and "failed" not in cases.values():
        yield Outcome(name, "failed", f"{entry['result']}: {output.strip()[-1500:]}")
    elif not cases:
        yield Outcome(name, "passed", "")


def read_programs(path):
    """One entry a unit test program."""
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return list(map(json.loads, file))


def from_meson(prefix, path):
    entries = read_programs(path)
    if entries is None:
        return [Outcome(f"{prefix}::stage", "failed", "left no log of tests")]
    return [outcome for entry in entries for outcome in from_program(prefix, entry)]


def from_check(path):
    if not os.path.exists(path):
        return [Outcome("check::stage", "failed", "left no report")]
    with open(path, encoding="utf-8") as file:
        return [Outcome(row["id"], row["status"], row["message"], row["seconds"])
                for row in json.load(file)]


def from_junit(path):
    outcomes = {}
    for case in xml.parse(path).getroot().iter("testcase"):
        name = f"{case.get('file', case.get('classname'))}::{case.get('name')}"
        seconds = float(case.get("time", 0))
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        skip = case.find("skipped")
        if bad is not None:
            outcomes[name] = Outcome(name, "failed", bad.get("message", ""), seconds)
        elif name not in outcomes:  # an error at its end makes a second entry of one test
            outcomes[name] = Outcome(name, "passed" if skip is None else "skipped",
                                     "" if skip is None else skip.get("message", ""), seconds)
    return list(outcomes.values())


def from_pytest(folder, stages):
    """Every part leaves a report, and one of them at least has tests."""
    outcomes, parts = [], [s.name for s in stages if s.name.split("-")[0] == "pytest"]
    for part in parts:
        path = os.path.join(folder, f"{part}.xml")
        outcomes += from_junit(path) if os.path.exists(path) else [
            Outcome(f"{part}::stage", "failed", "left no report")]
    return outcomes or [Outcome("pytest::stage", "failed", "no test was run")]


def collect(folder):
    def within(name):
        return os.path.join(folder, name)

    stages = read_stages(folder)
    outcomes = list(from_stages(stages))
    for name in ("unit", "asan"):
        if name in {stage.name for stage in stages}:
            outcomes += from_meson(name, within(f"{name}.testlog"))
    return outcomes + from_check(within("check.json")) + from_pytest(folder, stages)


def print_times(folder, outcomes):
    """Stages in the order in which they ended, then the slowest tests of all of them: programs of
    unit tests, checks, tests of pytest."""
    tests = [(one.seconds, one.id) for one in outcomes
             if one.seconds is not None and not one.id.startswith("build::")]
    for path in sorted(glob.glob(os.path.join(folder, "*.testlog"))):
        prefix = os.path.basename(path).split(".")[0]
        tests += [(entry["duration"], f"{prefix}::{entry['name'].split()[-1]}")
                  for entry in read_programs(path)]
    print("stages:")
    for stage in read_stages(folder):
        print(f"{stage.seconds:8d} s  {stage.name}")
    print("slowest tests:")
    for seconds, name in sorted(tests, reverse=True)[:SLOWEST]:
        print(f"{seconds:8.1f} s  {name}")


def read_list(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.split("#")[0].strip() for line in file]
    return [line for line in lines if line]


def must_run(outcomes, entries, no_skip, quick):
    """Failures against the list of tests that must run."""
    for entry in entries:
        matching = [outcome for outcome in outcomes if outcome.id.startswith(entry)]
        if not matching and not quick:
            yield Outcome(f"must-run::{entry}", "failed", "no test has an id that begins so")
        for outcome in matching:
            if no_skip and outcome.status == "skipped":
                yield Outcome(f"must-run::{outcome.id}", "failed",
                              f"it must run, and was skipped: {outcome.message}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-skip", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--times", action="store_true")
    parser.add_argument("folder")
    parser.add_argument("must_run")
    args = parser.parse_args()

    outcomes = collect(args.folder)
    outcomes += must_run(outcomes, read_list(args.must_run), args.no_skip, args.quick)
    print()
    for status in ("skipped", "failed"):
        for outcome in outcomes:
            if outcome.status == status:
                lines = outcome.message.strip().splitlines() or [""]
                more = lines[1:] if status == "failed" else []
                print(f"{status}: {outcome.id}: {lines[0]}")
                for line in more[:40]:
                    print(f"    {line}")
    if args.times:
        print_times(args.folder, outcomes)
    counts = {status: sum(outcome.status == status for outcome in outcomes)
              for status in ("passed", "failed", "skipped")}
    print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
