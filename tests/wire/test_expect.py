"""What is expected of each recording is what Python reads in it."""

from pathlib import Path

import pytest

from wire.expect import expect

FOLDER = Path(__file__).parent
RECORDED = sorted(p for p in FOLDER.glob("*.txt") if not p.name.startswith("made_"))
# Made, but so that a plain reader understands them.
PLAIN = ["utf8_cut", "several_events", "tokens_an_event", "comments", "data_lines",
         "error_midstream", "abort", "no_done", "done_only", "no_end", "cut_chunk",
         "interim", "in_a_row", "chat_role_each", "chat_cached"]


@pytest.mark.parametrize("path", RECORDED + [FOLDER / f"made_{name}.txt" for name in PLAIN],
                         ids=lambda path: path.stem)
def test_expected_is_what_python_reads(path):
    text = path.read_text(encoding="utf-8")
    assert expect(text) == path.with_suffix(".expect").read_text(encoding="utf-8")


def test_recordings_are_there():
    assert len(RECORDED) > 40
