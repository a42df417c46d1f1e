#!/usr/bin/env python3
"""tally.py [--no-skip] [--quick] FOLDER MUST-RUN: adds up what scripts/test left in FOLDER.

Reads `stages` (name, exit code, seconds), meson's test logs, the report of scripts/check and
pytest's JUnit file. Prints each skip and failure with its reason, then one closing line.
MUST-RUN lists beginnings of test ids, one a line; with --no-skip each must have run and
passed. A beginning that no test has is a failure, but under --quick, which leaves tests out.
"""

import argparse
import json
import os
import re
import sys
import xml.etree.ElementTree as xml
from collections import namedtuple

Outcome = namedtuple("Outcome", "id status message")

CASE = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] (\w+)$", re.M)
CASE_STATUS = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}
# Exit codes by which a stage says "tests failed", which are counted one by one.
TESTS_FAILED = {"unit": range(1, 125), "asan": range(1, 125), "check": [1], "pytest": [1]}


def from_stages(path):
    """A build counts as one test; other stages only where they broke down."""
    with open(path, encoding="utf-8") as file:
        for name, code, _ in map(str.split, file):
            if name.startswith("build-"):
                status = "passed" if code == "0" else "failed"
                yield Outcome(name.replace("-", "::", 1), status, f"exit code {code}")
            elif code != "0" and int(code) not in TESTS_FAILED[name]:
                yield Outcome(f"{name}::stage", "failed", f"exit code {code}")


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


def from_meson(prefix, path):
    if not os.path.exists(path):
        return [Outcome(f"{prefix}::stage", "failed", "left no log of tests")]
    with open(path, encoding="utf-8") as file:
        return [outcome for line in file for outcome in from_program(prefix, json.loads(line))]


def from_check(path):
    if not os.path.exists(path):
        return [Outcome("check::stage", "failed", "left no report")]
    with open(path, encoding="utf-8") as file:
        return [Outcome(row["id"], row["status"], row["message"]) for row in json.load(file)]


def from_junit(path):
    if not os.path.exists(path):
        return [Outcome("pytest::stage", "failed", "left no report")]
    outcomes = {}
    for case in xml.parse(path).getroot().iter("testcase"):
        name = f"{case.get('file', case.get('classname'))}::{case.get('name')}"
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        skip = case.find("skipped")
        if bad is not None:
            outcomes[name] = Outcome(name, "failed", bad.get("message", ""))
        elif name not in outcomes:  # an error at its end makes a second entry of one test
            outcomes[name] = Outcome(name, "passed" if skip is None else "skipped",
                                     "" if skip is None else skip.get("message", ""))
    return list(outcomes.values())


def collect(folder):
    def within(name):
        return os.path.join(folder, name)

    outcomes = list(from_stages(within("stages")))
    stages = {line.split()[0] for line in open(within("stages"), encoding="utf-8")}
    for name in ("unit", "asan"):
        if name in stages:
            outcomes += from_meson(name, within(f"{name}.testlog"))
    return outcomes + from_check(within("check.json")) + from_junit(within("pytest.xml"))


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
    counts = {status: sum(outcome.status == status for outcome in outcomes)
              for status in ("passed", "failed", "skipped")}
    print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
