"""What is expected of each conversation is what Python reads in it."""

import re
from pathlib import Path

import pytest

from wire.expect import classes, expect

FOLDER = Path(__file__).parent
ALL = sorted(FOLDER.glob("*.txt"))
# Ours sees more than Python's plain reader: faults of HTTP, Retry-After, gzip.
BY_HAND = {f"made_{name}" for name in (
    "bare_lf", "busy", "chat_reasoning", "classes_chat", "cut_head", "garbage", "gzip",
    "huge_chunk", "negative_chunk", "two_framings", "wrong_chunk")}
CLASSES_BY_HAND = {"made_bare_lf", "made_cut_head", "made_garbage", "made_two_framings"}


def all_but(names):
    paths = [path for path in ALL if path.stem not in names]
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def read(path, ending=".txt"):
    return path.with_suffix(ending).read_text(encoding="utf-8")


@all_but(BY_HAND)
def test_expected_is_what_python_reads(path):
    assert expect(read(path)) == read(path, ".expect")


@all_but(CLASSES_BY_HAND)
def test_classes_are_what_python_reads(path):
    assert classes(read(path)) == read(path, ".classes")


@all_but(())
def test_every_event_has_a_class(path):
    """As many as are expected, of each answer."""
    *answers, _ = read(path, ".expect").splitlines()
    counts = [int((re.search(r" events=(\d+)", line) or [0, 0])[1]) for line in answers]
    rows = [re.findall(r"\b(done|error|unknown|nothing|[TERFU])(?:\*(\d+))?(?= |$)", line)
            for line in read(path, ".classes").splitlines()]
    assert [sum(int(times or 1) for _, times in row) for row in rows] == counts


def test_recordings_are_there():
    assert len([path for path in ALL if not path.name.startswith("made_")]) > 55
