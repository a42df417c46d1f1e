"""Journals of format 1 give the rows and summaries that the program gave that wrote them, whatever
has changed since: tests/data/format1 holds both, kept from then."""

import json
import shutil

import pytest

STAMP = "20260301_120000"
UNORDERED = ("reasons", "warnings")


@pytest.fixture(params=["offline", "online"])
def rebuilt(request, root, inferbench, tmp_path):
    """(what it was, what it is), each of results and summary."""
    mode, kept = request.param, root / "tests/data/format1" / request.param
    raw = tmp_path / f"raw_{STAMP}"
    raw.mkdir()
    shutil.copy(kept / "journal.jsonl", raw)
    inferbench("recover", raw)
    return [(json.loads((kept / f"{name}.json").read_text()),
             json.loads((tmp_path / f"{mode}_{name}_{STAMP}.json").read_text()))
            for name in ("results", "summary")]


def plain(check):
    return {k: v for k, v in check.items() if k != "text"}


def differences(was, now, where):
    """Members of `was` that `now` has otherwise; what is new in `now` is no difference."""
    if isinstance(was, dict):
        return [d for key in was
                for d in differences(was[key], now.get(key, "missing"), f"{where}.{key}")]
    if where.endswith(UNORDERED):
        was, now = sorted(was), sorted(now)
    if where.endswith("checks"):
        was, now = (sorted((plain(c) for c in checks), key=json.dumps) for checks in (was, now))
    return [] if was == now else [f"{where}: was {was!r}, is {now!r}"]


def test_rows_are_what_they_were(rebuilt):
    (was, now), _ = rebuilt
    assert len(was["results"]) == len(now["results"]) > 10
    found = [d for i, (a, b) in enumerate(zip(was["results"], now["results"]))
             for d in differences(a, b, f"results[{i}]")]
    assert found == []
    assert all(row["definitions"] == 1 for row in now["results"])
    assert {row["verdict"] for row in now["results"]} <= {None, "VALID", "INVALID"}


def test_summaries_are_what_they_were(rebuilt):
    _, (was, now) = rebuilt
    assert list(was["summary"]) == list(now["summary"])
    assert differences(was["summary"], now["summary"], "summary") == []


def test_a_difference_is_seen():
    assert differences({"a": {"b": 1}}, {"a": {"b": 2}, "c": 3}, "") == [".a.b: was 1, is 2"]
    assert differences({"reasons": ["X", "Y"]}, {"reasons": ["Y", "X"]}, "") == []
    assert differences({"x": 1}, {}, "") != []
