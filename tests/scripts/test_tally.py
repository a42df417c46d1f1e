"""The closing line of scripts/test counts every kind of outcome, and nothing is lost."""

import json
import re
import subprocess
import sys

import pytest

JUNIT = """<testsuites><testsuite>
<testcase file="tests/e2e/test_run.py" name="test_good"/>
<testcase file="tests/e2e/test_run.py" name="test_bad"><failure message="1 is not 2"/></testcase>
<testcase file="tests/e2e/test_run.py" name="test_off"><skipped message="no vLLM"/></testcase>
</testsuite></testsuites>"""
GOOD_JUNIT = re.sub(r"<testcase [^>]*test_(bad|off).*?</testcase>", "", JUNIT, flags=re.S)


def program(name, result, *cases, stderr=""):
    stdout = "".join(f"[{word:>10} ] {case}\n" for word, case in cases)
    return json.dumps({"name": f"inferbench:unit / {name}", "result": result,
                       "stdout": stdout, "stderr": stderr})


@pytest.fixture
def tally(root, tmp_path):
    def run(*options, stages="build-gcc 0 1\nunit 0 1\ncheck 0 1\npytest 0 1\n",
            unit=(program("test_hist", "OK", ("OK", "one")),), check="passed",
            junit=GOOD_JUNIT, must=""):
        (tmp_path / "stages").write_text(stages)
        (tmp_path / "unit.testlog").write_text("\n".join(unit) + "\n")
        (tmp_path / "check.json").write_text(json.dumps(
            [{"id": "check::levels", "status": check, "message": "why"}]))
        if junit:
            (tmp_path / "pytest.xml").write_text(junit)
        (tmp_path / "must").write_text(must)
        done = subprocess.run([sys.executable, root / "scripts/tally.py", *options, tmp_path,
                               tmp_path / "must"], capture_output=True, text=True)
        assert not done.stderr
        return done.returncode, done.stdout.strip().splitlines()[-1], done.stdout
    return run


def test_all_good(tally):
    assert tally()[:2] == (0, "4 passed, 0 failed, 0 skipped")


def test_pytest_failure_and_skip(tally):
    code, line, text = tally(junit=JUNIT, stages="build-gcc 0 1\nunit 0 1\npytest 1 1\n")
    assert (code, line) == (1, "4 passed, 1 failed, 1 skipped")
    assert "failed: tests/e2e/test_run.py::test_bad: 1 is not 2" in text
    assert "skipped: tests/e2e/test_run.py::test_off: no vLLM" in text


@pytest.mark.parametrize("stages,failed", [
    ("build-gcc 2 1\nunit 0 1\npytest 0 1\n", "build::gcc"),
    ("build-gcc 0 1\nunit 0 1\npytest 4 1\n", "pytest::stage"),
    ("build-gcc 0 1\nunit 0 1\nasan 0 1\npytest 0 1\n", "asan::stage"),
    ("build-gcc 0 1\nunit 0 1\ncheck 2 1\npytest 0 1\n", "check::stage"),
])
def test_a_stage_that_breaks_down_is_a_failure(tally, stages, failed):
    code, _, text = tally(stages=stages)
    assert code == 1 and f"failed: {failed}" in text


def test_pytest_without_report(tally):
    code, _, text = tally(junit=None)
    assert code == 1 and "failed: pytest::stage" in text


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
