"""scripts/test runs each test once, and its closing line counts every kind of outcome."""

import itertools
import json
import re
import subprocess
import sys

import pytest

JUNIT = """<testsuites><testsuite>
<testcase file="tests/e2e/test_run.py" name="test_good" time="7.25"/>
<testcase file="tests/e2e/test_run.py" name="test_bad"><failure message="1 is not 2"/></testcase>
<testcase file="tests/e2e/test_run.py" name="test_off"><skipped message="no vLLM"/></testcase>
</testsuite></testsuites>"""
GOOD_JUNIT = re.sub(r"<testcase [^>]*test_(bad|off).*?</testcase>", "", JUNIT, flags=re.S)


EMPTY_JUNIT = "<testsuites><testsuite></testsuite></testsuites>"


def program(name, result, *cases, stderr=""):
    stdout = "".join(f"[{word:>10} ] {case}\n" for word, case in cases)
    return json.dumps({"name": f"inferbench:unit / {name}", "result": result,
                       "duration": 0.5, "stdout": stdout, "stderr": stderr})


@pytest.fixture
def tally(root, tmp_path):
    def run(*options, stages="build-gcc 0 1\nunit 0 1\ncheck 0 1\npytest-rest 0 1\n",
            unit=(program("test_hist", "OK", ("OK", "one")),), check="passed",
            junit=GOOD_JUNIT, alone=None, must=""):
        (tmp_path / "stages").write_text(stages)
        (tmp_path / "unit.testlog").write_text("\n".join(unit) + "\n")
        (tmp_path / "check.json").write_text(json.dumps(
            [{"id": "check::levels", "status": check, "message": "why", "seconds": 1.5}]))
        for part, text in (("rest", junit), ("alone", alone)):
            (tmp_path / f"pytest-{part}.xml").unlink(missing_ok=True)
            if text:
                (tmp_path / f"pytest-{part}.xml").write_text(text)
        (tmp_path / "must").write_text(must)
        done = subprocess.run([sys.executable, root / "scripts/tally.py", *options, tmp_path,
                               tmp_path / "must"], capture_output=True, text=True)
        assert not done.stderr
        return done.returncode, done.stdout.strip().splitlines()[-1], done.stdout
    return run


def test_all_good(tally):
    assert tally()[:2] == (0, "4 passed, 0 failed, 0 skipped")


def test_pytest_failure_and_skip(tally):
    code, line, text = tally(junit=JUNIT, stages="build-gcc 0 1\nunit 0 1\npytest-rest 1 1\n")
    assert (code, line) == (1, "4 passed, 1 failed, 1 skipped")
    assert "failed: tests/e2e/test_run.py::test_bad: 1 is not 2" in text
    assert "skipped: tests/e2e/test_run.py::test_off: no vLLM" in text


@pytest.mark.parametrize("stages,failed", [
    ("build-gcc 2 1\nunit 0 1\npytest-rest 0 1\n", "build::gcc"),
    ("build-gcc 0 1\nunit 0 1\npytest-rest 4 1\n", "pytest-rest::stage"),
    ("build-gcc 0 1\nunit 0 1\nasan 0 1\npytest-rest 0 1\n", "asan::stage"),
    ("build-gcc 0 1\nunit 0 1\ncheck 2 1\npytest-rest 0 1\n", "check::stage"),
])
def test_a_stage_that_breaks_down_is_a_failure(tally, stages, failed):
    code, _, text = tally(stages=stages)
    assert code == 1 and f"failed: {failed}" in text


def test_pytest_without_report(tally):
    code, _, text = tally(junit=None)
    assert code == 1 and "failed: pytest-rest::stage" in text


def test_parts_of_pytest_are_added_up(tally):
    stages = "build-gcc 0 1\nunit 0 1\npytest-rest 0 1\npytest-alone 1 1\n"
    bad = JUNIT.replace("test_run", "test_clock")
    code, line, text = tally(stages=stages, alone=bad)
    assert (code, line) == (1, "5 passed, 1 failed, 1 skipped")
    assert "failed: tests/e2e/test_clock.py::test_bad" in text
    code, _, text = tally(stages=stages)
    assert code == 1 and "failed: pytest-alone::stage: left no report" in text


def test_a_part_may_be_empty_but_not_all_of_them(tally):
    stages = "build-gcc 0 1\nunit 0 1\npytest-rest {} 1\npytest-alone 5 1\n"
    assert tally(stages=stages.format(0), alone=EMPTY_JUNIT)[:2] == (
        0, "4 passed, 0 failed, 0 skipped")
    code, _, text = tally(stages=stages.format(5), junit=EMPTY_JUNIT, alone=EMPTY_JUNIT)
    assert code == 1 and "failed: pytest::stage: no test was run" in text


def test_times(tally):
    """Builds are stages only; the list goes over all kinds of tests, the slowest first."""
    assert "slowest" not in tally()[2]
    many = tuple(program(f"test_{i}", "OK", ("OK", "one")) for i in range(40))
    text = tally("--times", unit=many, stages="build-gcc 0 31\nunit 0 9\npytest-rest 0 80\n")[2]
    stages, tests = text.split("stages:\n")[1].split("slowest tests:\n")
    assert [line.split() for line in stages.splitlines()] == [
        ["31", "s", "build-gcc"], ["9", "s", "unit"], ["80", "s", "pytest-rest"]]
    lines = tests.splitlines()[:-1]
    assert len(lines) == 20
    assert [line.split() for line in lines[:2]] == [
        ["7.2", "s", "tests/e2e/test_run.py::test_good"], ["1.5", "s", "check::levels"]]
    assert all(re.fullmatch(r" +0\.5 s  unit::test_\d+", line) for line in lines[2:])


def test_each_test_is_in_one_part_of_pytest(root):
    """Of the examples of the docs and the oracle, as of all others."""
    text = (root / "scripts/test").read_text()
    aside = re.search(r"^aside='(.+)'$", text, re.M).group(1)
    parts = re.findall(r"""^ *part \w+ ('[^']+'|\w+) ("[^"]+"|\w+)""", text, re.M)
    assert len(parts) == 4
    for is_aside in (True, False):
        chosen = [marks.strip("'") for marks, where in parts if "tests" in where and not is_aside or
                  where == '"$aside"' and is_aside or where == "tests" and is_aside]
        for marks in itertools.product((True, False), repeat=3):
            names = dict(zip(("vllm", "mlflow", "alone"), marks))
            assert sum(eval(part, {}, names) for part in chosen) == 1, (is_aside, names)
    rest = next(where for marks, where in parts if "ignore" in where)
    assert rest.strip('"').split() == ["tests", *(f"--ignore={folder}" for folder in aside.split())]


def test_cases_of_a_program_are_counted(tally):
    unit = program("test_hist", "FAIL", ("OK", "one"), ("FAILED", "two"), ("SKIPPED", "three"))
    code, line, text = tally(unit=(unit,))
    assert (code, line) == (1, "4 passed, 1 failed, 1 skipped")
    assert "failed: unit::test_hist::two" in text


@pytest.mark.parametrize("result", ["FAIL", "TIMEOUT", "ERROR"])
def test_a_program_that_dies_after_good_cases_fails(tally, result):
    unit = program("test_hist", result, ("OK", "one"), stderr="heap-use-after-free")
    code, line, text = tally(unit=(unit,))
    assert (code, line) == (1, "4 passed, 1 failed, 0 skipped")
    assert "heap-use-after-free" in text


def test_failed_check(tally):
    code, _, text = tally(check="failed")
    assert code == 1 and "failed: check::levels: why" in text


def test_must_run_fails_on_a_skip_only_when_asked(tally):
    must = "tests/e2e/test_run.py::test_off\n"
    good = JUNIT.replace('<failure message="1 is not 2"/>', "")
    assert tally(junit=good, must=must)[0] == 0
    code, _, text = tally("--no-skip", junit=good, must=must)
    assert code == 1 and "must run, and was skipped: no vLLM" in text


def test_must_run_entry_that_matches_nothing(tally):
    must = "# reasons\ntests/e2e/test_gone.py\n"
    assert tally(must=must)[0] == 1
    assert tally("--quick", must=must)[0] == 0
