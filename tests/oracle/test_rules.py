"""docs/verdicts.md says what the rule table does."""

import re

import pytest


def rules_of_code(root):
    text = (root / "src/stats/verdict_list.h").read_text()
    row = r"\bX\((\w+), (\w+), (ROW|CELL), \w+, ([\w.]+),"
    return {code: (kind.lower(), scope.lower(), None if limit == "NAN" else float(limit))
            for code, kind, scope, limit in re.findall(row, text)}


def rules_of_docs(root):
    rules = {}
    for line in (root / "docs/verdicts.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and re.fullmatch(r"[A-Z_]+", cells[0]):
            rules[cells[0]] = (cells[1], cells[2],
                               None if cells[3] == "-" else float(cells[3]))
    return rules


def test_docs_agree_with_the_table(root):
    code, docs = rules_of_code(root), rules_of_docs(root)
    rows = (root / "src/stats/verdict_list.h").read_text().count("\n    X(")
    assert len(code) == rows > 0, "each row is read, and its code is its own"
    assert list(docs.items()) == list(code.items())


def test_fields_named_in_the_docs_exist(root):
    from oracle import oracle
    known = set(oracle.field_list()) | {"ttft_s", "itl_ms", "e2e_s", "count", "checks"}
    rows = [line for line in (root / "docs/verdicts.md").read_text().splitlines()
            if line.startswith("| ") and len(line.split("|")) == 8]
    named = {name for line in rows for name in re.findall(r"`([a-z_0-9]+)`",
                                                           line.split("|")[5])}
    assert len(named) > 20
    assert named - known - {"inf", "dummy", "estimated"} == set()


@pytest.mark.parametrize("text", ["no rule", "| A | b |"])
def test_lines_that_are_no_rule(tmp_path, text):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/verdicts.md").write_text(text)
    assert rules_of_docs(tmp_path) == {}
