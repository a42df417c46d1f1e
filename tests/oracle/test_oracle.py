"""Every field of rows and summary, recomputed from the journal."""

import json
import shutil

import pytest

from oracle import made_journal, oracle, reference

RUNS = {
    "plain": ["--scenarios", "short,medium", "--batch-sizes", "1", "4"],
    "caching": ["--scenarios", "short", "prefix_caching", "--batch-sizes", "4",
                "--test-prefix-caching", "--prefix-reuse", "warm"],
    "six repeats": ["--scenarios", "short", "--batch-sizes", "2", "--num-runs", "7",
                    "--max-tokens", "9"],
    "many requests": ["--scenarios", "short", "--batch-sizes", "700", "--max-tokens", "2"],
    "one token": ["--scenarios", "short", "--batch-sizes", "3", "--max-tokens", "1"],
    "no gaps": ["--scenarios", "short", "--batch-sizes", "12", "--no-gaps"],
    "prices and limits": ["--scenarios", "short", "--batch-sizes", "1", "--price-per-hour",
                          "1.006", "--limit", "FEW_REPEATS=1", "--percentiles", "50,99.9",
                          "--instance-type", "g5.xlarge", "--label", "mine",
                          "--metadata", "team=a"],
}


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS.keys())
def test_run_on_the_null_engine(inferbench, tmp_path, options):
    done = inferbench("offline", "--engine", "null", "--output-dir", tmp_path / "out", *options)
    assert done.returncode in (0, 3), done.stderr
    oracle.check_run(tmp_path / "out")


@pytest.fixture
def made(inferbench, tmp_path):
    raw = tmp_path / "raw_20260301_120000"
    raw.mkdir()
    made_journal.write(raw / "journal.jsonl", seed=11)
    done = inferbench("recover", raw)
    assert (tmp_path / "offline_results_20260301_120000.json").exists(), done.stderr
    return tmp_path


def test_made_journal(made):
    checked, = oracle.check_run(made, is_whole=False)
    codes = {code for row in checked.rows for code in row["reasons"] + row["warnings"]}
    codes |= {code for entry in checked.summary().values() for code in entry["warnings"]}
    assert codes == {"ERRORS", "SHORT_OUTPUT", "CACHE_UNEXPECTED", "TOKENS_ESTIMATED",
                     "CACHE_EVICTED", "CACHE_UNKNOWN", "MACHINE_NOISY", "PREEMPTED",
                     "SIMULATED", "DUMMY_WEIGHTS", "TREND", "FEW_REPEATS", "FEW_SAMPLES",
                     "PARTIAL_ITL", "PARTIAL_TPOT"}
    single = [row for row in checked.rows if row["scenario"] == "single"]
    assert single[1]["ttft_p99_s"] is not None
    assert single[2]["experiment_id"].endswith("_2")
    assert single[3]["error"] == "interrupted"
    assert sum(key.endswith("_2") for key in checked.summary()) == 1


def every_number(value, path=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from every_number(item, path + (key,))
    elif isinstance(value, list):
        for key, item in enumerate(value):
            yield from every_number(item, path + (key,))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path


def test_oracle_sees_each_wrong_number(made, tmp_path):
    """The comparison can fail: a number changed by a millionth is seen, wherever it stands."""
    checked, = oracle.check_run(made, is_whole=False)
    rows = json.loads((made / "offline_results_20260301_120000.json").read_text())["results"]
    seen = 0
    for path in every_number(rows[2]):
        changed = json.loads(json.dumps(rows[2]))
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = place[path[-1]] * (1 + 1e-6) + 1e-6
        assert oracle.differences(changed, checked.rows[2]), path
        seen += 1
    assert seen > 60


def test_a_missing_required_field_is_seen(made):
    checked, = oracle.check_run(made, is_whole=False)
    row = dict(checked.rows[2])
    assert oracle.missing_fields(row, checked.fields) == []
    for name in ("tokens_per_second", "kv_cache_tokens", "itl_mean_ms", "steal_ratio"):
        assert oracle.missing_fields({**row, name: None}, checked.fields) == [name]


def test_field_list_is_read_whole(made):
    rows = json.loads((made / "offline_results_20260301_120000.json").read_text())["results"]
    assert list(rows[0]) == list(oracle.field_list())
    assert len(oracle.field_list()) > 130


def test_recovered_prefixes_agree(inferbench, made, tmp_path):
    """The journal cut at many lines: what is rebuilt still agrees with the oracle."""
    lines = (made / "raw_20260301_120000/journal.jsonl").read_text().splitlines(True)
    for cut in (4, 30, 137, 200, 700, len(lines) - 3):
        folder = tmp_path / f"cut{cut}"
        raw = folder / "raw_20260301_120000"
        raw.mkdir(parents=True)
        (raw / "journal.jsonl").write_text("".join(lines[:cut]))
        inferbench("recover", raw)
        oracle.check_run(folder, is_whole=False)
        shutil.rmtree(folder)


def test_reference_values():
    """The oracle's own mathematics, against tables."""
    assert [reference.floor(p) for p in (50, 90, 95, 99)] == [11, 64, 130, 662]
    assert reference.t_quantile_975(2) == pytest.approx(4.302652729749462, rel=1e-9)
    assert reference.t_quantile_975(29) == pytest.approx(2.045229642132703, rel=1e-9)
    assert reference.chi2_quantile_90(2) == pytest.approx(4.605170185988092, rel=1e-9)
    assert reference.chi2_quantile_90(5) == pytest.approx(9.236356899781123, rel=1e-9)
    assert reference.mann_kendall_p([1, 2, 3, 4, 5, 6]) == pytest.approx(2 / 720)
