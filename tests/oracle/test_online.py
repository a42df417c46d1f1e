"""Every field of online rows and summaries, recomputed from the journal."""

import json
import shutil

import pytest

from oracle import made_online, oracle

STAMP = "20260301_120000"


def recovered(inferbench, folder, write):
    raw = folder / f"raw_{STAMP}"
    raw.mkdir(parents=True)
    write(raw / "journal.jsonl", seed=7)
    done = inferbench("recover", raw)
    assert (folder / f"online_results_{STAMP}.json").exists(), done.stderr
    return folder


@pytest.fixture
def made(inferbench, tmp_path):
    return recovered(inferbench, tmp_path, made_online.write)


def rows_of(checked, **wanted):
    return [r for r in checked.rows if all(r[k] == v for k, v in wanted.items())]


def test_made_journal(made):
    checked, = oracle.check_run(made, is_whole=False)
    codes = {code for row in checked.rows for code in row["reasons"] + row["warnings"]}
    assert codes == {"ERRORS", "SHORT_OUTPUT", "CLIENT_LATE", "CLIENT_BUSY", "RATE_MISSED",
                     "OVERLOADED", "CACHE_UNEXPECTED", "TOKENS_ESTIMATED", "CACHE_UNKNOWN",
                     "RATE_CAPPED", "SHORT_RUN", "STAMPS_BOUNDED", "ANSWERS_BUFFERED",
                     "TOKENS_PER_EVENT_UNKNOWN", "TOKENS_UNDERCOUNTED", "PARTIAL_TTFT", "PARTIAL_ITL", "PARTIAL_TPOT"}
    for code, count in (("OVERLOADED", 1), ("CLIENT_BUSY", 1), ("CLIENT_LATE", 3),
                        ("RATE_MISSED", 1), ("RATE_CAPPED", 3)):
        found = [r for r in checked.rows if code in r["reasons"] + r["warnings"]]
        assert len(found) == count, (code, [r["notes"] for r in found])
    keys = list(checked.summary())
    assert sum("_rate" in key for key in keys) >= 4
    assert any(key.endswith("_rate4.5") for key in keys)
    assert any(key.endswith("_rateinf") for key in keys)


def test_clean_rows_are_valid(made):
    checked, = oracle.check_run(made, is_whole=False)
    clean = rows_of(checked, request_rate=20.0, max_output_tokens=24, is_warmup=False)
    assert [r["verdict"] for r in clean] == ["VALID"] * 3
    assert all(r["warnings"] == [] for r in clean)
    assert all(0 < r["window_s"] < r["total_time"] for r in clean)
    assert all(r["connections_new"] == 67 and r["tls_p50_s"] > r["connect_p50_s"] for r in clean)


def test_lines_that_are_not_there_or_there_twice(made):
    """Their repeat has an error; so has one of an older journal, whose end does not tell how
    many there were."""
    checked, = oracle.check_run(made, is_whole=False)
    rows = checked.rows[-14:-7] + checked.rows[-2:]
    assert [(r["error"] or "").split(" ", 3)[-1] for r in rows] == [
        "", "ends the repeat, but 29 of its 30 requests are there",
        "is damaged: a second line for its request",
        "ends the repeat, but 29 of its 30 requests are there", "",
        "", "ends the repeat, but not all of its requests are there",
        "", "ends the repeat, but not all of its requests are there"]
    assert all(r["requests_ok"] == 30 for r in rows[2:3])
    assert all(r["verdict"] is None and r["tokens_per_second"] is None
               for r in rows if r["error"])


def test_text_without_a_token(made):
    """Of counted events it is an arrival, and ends no gap."""
    checked, = oracle.check_run(made, is_whole=False)
    rows = checked.rows[-7:-3]
    assert [r["token_events"] for r in rows] == ["counted", "counted", None, "counted"]
    for row in rows[:2]:
        assert row["itl_share"] == 1 and 4 < row["itl_p50_ms"] < 7


def test_answers_without_a_token(made):
    """They have no time between tokens to give, and take none from the others."""
    checked, = oracle.check_run(made, is_whole=False)
    row = checked.rows[-3]
    assert row["itl_share"] == row["tpot_share"] == 1 and row["tpot_requests"] < row["requests_ok"]
    assert row["itl_p50_ms"] is not None and row["tpot_mean_ms"] is not None


def test_failures_of_each_class(made):
    checked, = oracle.check_run(made, is_whole=False)
    row = next(r for r in rows_of(checked, arrival="gamma", repeat=1))
    assert row["failed_by_class"] == {**dict.fromkeys(made_online.CLASSES, 1), "other": 1}
    assert (row["requests_planned"], row["requests_failed"], row["requests_unanswered"],
            row["requests_cancelled"]) == (92, 7, 2, 4)
    assert row["ttft_mean_s"] is None and row["e2e_mean_s"] is None and row["ttft_p50_s"]
    gone = next(r for r in rows_of(checked, arrival="gamma", repeat=5))
    assert gone["error"] == "the server is gone" and gone["window_s"] is None


def test_where_the_window_is_the_whole(made):
    checked, = oracle.check_run(made, is_whole=False)
    whole = rows_of(checked, request_rate="inf") + rows_of(checked, batch_size=16) + \
        rows_of(checked, request_rate=5.0)
    assert len(whole) == 6
    assert all(r["window_s"] == r["total_time"] for r in whole)
    assert all(r["window_tokens_per_second"] == r["tokens_per_second"] for r in whole)
    parts = rows_of(checked, batch_size=8)
    assert all(r["window_s"] < r["total_time"] for r in parts)


def is_wholly_known(row):
    is_odd = row["request_rate"] == 4.5 and row["repeat"] in (3, 9)  # in one piece, read late
    return row["error"] is None and row["actual_output_tokens"] is not None and not is_odd


def test_required_fields(made, inferbench, tmp_path):
    """The M fields of docs/files.md for our own server and for any other."""
    local, = oracle.check_run(made, is_whole=False)
    remote, = oracle.check_run(recovered(inferbench, tmp_path / "r", made_online.write_remote),
                               is_whole=False)
    files = [(made, "server", local), (tmp_path / "r", "other", remote)]
    for folder, engine, checked in files:
        rows = json.loads((folder / f"online_results_{STAMP}.json").read_text())["results"]
        judged = [r for r in rows if is_wholly_known(r)]
        assert len(judged) >= 4
        for row in judged:
            assert oracle.missing_fields(row, checked.fields, engine) == [], row["notes"]
        for name in ("window_s", "send_late_share", "inflight_last", "connect_max_s",
                     "loop_lag_p99_s", "drain_interval_us", "stamps_exact", "arrival"):
            assert oracle.missing_fields({**judged[0], name: None}, checked.fields,
                                         engine) == [name]


def every_number(value, path=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from every_number(item, path + (key,))
    elif isinstance(value, list):
        for key, item in enumerate(value):
            yield from every_number(item, path + (key,))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path


def test_oracle_sees_each_wrong_number(made):
    checked, = oracle.check_run(made, is_whole=False)
    rows = json.loads((made / f"online_results_{STAMP}.json").read_text())["results"]
    seen = 0
    for path in every_number(rows[1]):
        changed = json.loads(json.dumps(rows[1]))
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = place[path[-1]] * (1 + 1e-6) + 1e-6
        assert oracle.differences(changed, checked.rows[1]), path
        seen += 1
    assert seen > 90


def test_recovered_prefixes_agree(inferbench, made, tmp_path):
    """The journal cut at many lines: what is rebuilt still agrees with the oracle."""
    lines = (made / f"raw_{STAMP}/journal.jsonl").read_text().splitlines(True)
    for cut in (5, 150, 207, 420, 1300, len(lines) - 3):
        folder = tmp_path / f"cut{cut}"
        raw = folder / f"raw_{STAMP}"
        raw.mkdir(parents=True)
        (raw / "journal.jsonl").write_text("".join(lines[:cut]))
        inferbench("recover", raw)
        oracle.check_run(folder, is_whole=False)
        shutil.rmtree(folder)
