"""`inferbench compare` over made rows of known launches; numpy recomputes what it says."""

import json
import math
import random
import re

import numpy as np
import pytest

from e2e import published
from oracle import reference as ref

FIGURES = {"tokens_per_second": 1, "ttft_p50_s": -1, "ttft_p99_s": -1, "tpot_mean_ms": -1}


def made(side, launches=3, repeats=4, speed=100.0, sd=0.01, seed=1, scenarios=("short",),
         batches=(4,), start=0, **more):
    """Rows of one side: each launch draws its own speed, each repeat its own around that."""
    draw = random.Random(f"{side}/{seed}")
    rows = []
    for launch in range(launches):
        own = draw.gauss(0, sd)
        for scenario in scenarios:
            for batch in batches:
                for repeat in range(1, repeats + 1):
                    x = speed * math.exp(own + draw.gauss(0, sd / 2))
                    minute = (start + launch) % 60
                    row = published.row(side, scenario, batch, False, repeat, x)
                    row.update(
                        run_id=f"{side}{launch}", launch_id=f"{side}{launch}",
                        launch_source="started", verdict="VALID", label=side,
                        repeat=repeat, is_simulated=False, is_warmup=False, scenario=scenario,
                        timestamp_utc=f"2026-11-01T10:{minute:02d}:{repeat:02d}.000Z",
                        ttft_p50_s=20 / x, ttft_p99_s=50 / x, tpot_mean_ms=1000 / x,
                        load_time_s=60.0, price_usd_per_hour=1.2, definitions=3,
                        input_length=32, **more)
                    rows.append(row)
    return rows


@pytest.fixture
def compare(inferbench, tmp_path):
    def run(a, b, *words, code=0):
        for name, rows in (("a", a), ("b", b)):
            (tmp_path / name).mkdir(exist_ok=True)
            published.write(tmp_path / name / "offline_results_1.json", rows)
        done = inferbench("compare", "a", "b", *words)
        assert done.returncode == code, done.stdout + done.stderr
        return done
    return run


def report(compare, a, b, *words, **more):
    return json.loads(compare(a, b, "--json", *words, **more).stdout)


def launch_means(rows, field):
    launches = {}
    for row in rows:
        launches.setdefault(row["launch_id"], []).append(math.log(row[field]))
    return np.array([np.mean(v) for v in launches.values()])


def tail(t, df):
    """P(T > t), by integration."""
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)
    return ref._tail(lambda x: scale * (1 + x * x / df) ** (-(df + 1) / 2), t)


def welch(a, b):
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    v = va + vb
    df = v * v / (va * va / (len(a) - 1) + vb * vb / (len(b) - 1))
    d = b.mean() - a.mean()
    half = ref.t_quantile_975(df) * math.sqrt(v)
    return d, half, 2 * tail(abs(d) / math.sqrt(v), df)


def holm(ps):
    order, highest, out = sorted(ps, key=ps.get), 0.0, {}
    for rank, key in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[key]))
        out[key] = highest
    return out


def test_numpy_agrees(compare):
    """Two cells, three launches a side, 8 % apart: all figures, intervals and p."""
    grid = {"scenarios": ("short", "long"), "sd": 0.02}
    a, b = made("a", **grid), made("b", speed=108, **grid)
    got = report(compare, a, b)
    assert got["launches"] == {"a": 3, "b": 3, "unit": "launch", "interleaved": False, "unknown": False,
                               "shared": 0}
    assert got["unmatched"] == [] and len(got["cells"]) == 2
    want, ps = {}, {}
    for cell in got["cells"]:
        scenario = cell["cell"].split()[0]
        for field in FIGURES:
            sides = [launch_means([r for r in rows if r["scenario"] == scenario], field)
                     for rows in (a, b)]
            want[scenario, field] = welch(*sides)
            ps[scenario, field] = want[scenario, field][2]
    adjusted = holm(ps)
    for cell in got["cells"]:
        scenario = cell["cell"].split()[0]
        for field, sign in FIGURES.items():
            d, half, _ = want[scenario, field]
            m = cell["metrics"][field]
            assert m["ratio"] == pytest.approx(math.exp(d), rel=1e-9)
            assert m["low"] == pytest.approx(math.exp(d - half), rel=1e-6)
            assert m["high"] == pytest.approx(math.exp(d + half), rel=1e-6)
            assert m["p"] == pytest.approx(adjusted[scenario, field], rel=1e-4)
            is_called = adjusted[scenario, field] <= 0.05
            assert m["verdict"] == ("better" if is_called and d * sign > 0 else "cannot tell")
        cost, speed = (cell["metrics"][name] for name in
                       ("usd_per_million_output_tokens", "tokens_per_second"))
        assert cost["ratio"] == pytest.approx(1 / speed["ratio"])
        assert cost["low"] == pytest.approx(1 / speed["high"])


def test_geometric_mean_of_launches(compare):
    """Cells are averaged inside each launch: what a launch drew counts once, not once a cell.
    The four means are a family of their own."""
    grid = {"scenarios": ("short", "long", "medium"), "sd": 0.03}
    a, b = made("a", **grid), made("b", speed=103, **grid)
    got = report(compare, a, b)["geomean"]
    want = {field: welch(launch_means(a, field), launch_means(b, field)) for field in FIGURES}
    adjusted = holm({field: p for field, (_, _, p) in want.items()})
    for field in FIGURES:
        d, half, _ = want[field]
        assert got[field]["ratio"] == pytest.approx(math.exp(d), rel=1e-9)
        assert got[field]["low"] == pytest.approx(math.exp(d - half), rel=1e-6)
        assert got[field]["p"] == pytest.approx(adjusted[field], rel=1e-4)


def test_geometric_mean_of_campaigns(compare):
    """Cells that were measured in launches of their own are averaged inside these, and the
    launches of each campaign are independent: mean and variance by the cells of each."""
    runs = {"short": ("short", "medium"), "long": ("long",)}
    a, b = ([row for i, (seed, scenarios) in enumerate(runs.items())
             for row in renamed(made(side, launches=4, sd=0.02, seed=seed, scenarios=scenarios,
                                     speed=speed, start=20 * i), seed)]
            for side, speed in (("a", 100), ("b", 104)))
    got = report(compare, a, b)
    assert len(got["cells"]) == 3
    for field in FIGURES:
        means, variances, squares = [], [], []
        for rows in (a, b):
            shares = []
            for scenarios in runs.values():
                y = launch_means([r for r in rows if r["scenario"] in scenarios], field)
                shares.append((len(scenarios) / 3, y.mean(), y.var(ddof=1) / len(y), len(y) - 1))
            means.append(sum(w * m for w, m, _, _ in shares))
            variances += [w * w * v for w, _, v, _ in shares]
            squares += [(w * w * v) ** 2 / n for w, _, v, n in shares]
        v = sum(variances)
        side_v = [sum(variances[:2]), sum(variances[2:])]
        side_f = [side_v[i] ** 2 / sum(squares[2 * i:2 * i + 2]) for i in (0, 1)]
        df = v * v / sum(side_v[i] ** 2 / side_f[i] for i in (0, 1))
        half = ref.t_quantile_975(df) * math.sqrt(v)
        m = got["geomean"][field]
        assert m["ratio"] == pytest.approx(math.exp(means[1] - means[0]), rel=1e-9)
        assert m["high"] == pytest.approx(math.exp(means[1] - means[0] + half), rel=1e-6)
        assert not m["within_launch"]


def renamed(rows, name):
    return [dict(row, launch_id=row["launch_id"] + name, run_id=row["run_id"] + name)
            for row in rows]


def test_geometric_mean_of_single_launches(compare):
    """Each cell in a run of its own, with one launch: within these, and it says so."""
    def rows(side, speed):
        return [row for i, scenario in enumerate(("short", "long"))
                for row in renamed(made(side, launches=1, seed=scenario, scenarios=(scenario,),
                                        speed=speed, start=i), scenario)]
    got = report(compare, rows("a", 100), rows("b", 104))
    m = got["geomean"]["tokens_per_second"]
    assert m["within_launch"] and m["verdict"] == "cannot tell" and m["p"] is None
    assert m["low"] < m["ratio"] < m["high"]


def test_worse_is_an_exit_code(compare):
    a, b = made("a", sd=0.002), made("b", speed=90, sd=0.002)
    done = compare(a, b, "--fail-if-worse", code=3)
    assert re.search(r"output tokens/s +\d+\.?\d* +\d+\.?\d* +0\.90x .* worse", done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "b / a: 1.11x output tokens/s" in compare(b, a, "--fail-if-worse").stdout
    # what nobody could judge is not "not worse"
    bad = [dict(row, verdict="INVALID") for row in b]
    done = compare(a, bad, "--fail-if-worse", code=3)
    assert "no claim" in done.stdout and "not counted: the other cell is INVALID" in done.stdout
    bad = [dict(row, reasons=["CLIENT_LATE", "RATE_MISSED"]) for row in bad]
    assert "the other cell is INVALID (CLIENT_LATE, RATE_MISSED)" in " ".join(compare(a, bad).stdout.split())


def test_same_and_cannot_tell(compare):
    got = report(compare, made("a", launches=5, sd=0.002), made("b", launches=5, sd=0.002))
    # cost too: at one price it is the same question as tokens/s
    assert {m["verdict"] for m in got["cells"][0]["metrics"].values()} == {"same"}
    noisy = compare(made("a", sd=0.05, seed=3), made("b", sd=0.05, seed=3)).stdout
    assert "cannot tell" in noisy
    got = report(compare, made("a", launches=5, sd=0.002), made("b", launches=5, sd=0.002),
                 "--margin", "0.01%")
    assert "same" not in {m["verdict"] for m in got["cells"][0]["metrics"].values()}


def test_one_launch(compare):
    """10 % within one launch a side is nothing to rely on; 70 % is called, and says why."""
    one = {"launches": 1, "sd": 0.002}
    done = compare(made("a", **one), made("b", speed=110, **one))
    assert "cannot tell" in done.stdout and "worse" not in done.stdout
    assert "within these launches" in done.stdout
    assert "it takes at least 2 more launches a side" in " ".join(done.stdout.split())
    assert re.search(r"about \d+:\d\d, \d+\.\d\d USD", " ".join(done.stdout.split()))
    got = report(compare, made("a", **one), made("b", speed=170, **one))
    m = got["cells"][0]["metrics"]["tokens_per_second"]
    assert m["verdict"] == "better" and m["assumed"] and m["within_launch"] and m["p"] is None
    assert "better (assumed)" in compare(made("a", **one), made("b", speed=170, **one)).stdout


def test_runs_that_took_turns_are_pairs(compare, inferbench, tmp_path):
    """OFF and ON of three runs: a drift from run to run hits both, and is taken out."""
    rows = []
    for side, gain in (("off", 1.0), ("on", 1.05)):
        for row in made("m", sd=0.001, seed=side):
            launch = int(row["run_id"][-1])
            drift = gain * (1 + 0.2 * launch)
            row.update(enable_prefix_caching=side == "on", launch_id=f"{side}{launch}",
                       cache_hit_rate_expected=0.5, cache_hit_rate=0.5 if side == "on" else 0,
                       **{field: row[field] * drift ** sign for field, sign in FIGURES.items()})
            rows.append(row)
    published.write(tmp_path / "all_results.json", rows)
    done = inferbench("compare", "all_results.json", "--by", "enable_prefix_caching", "--json")
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert (got["a"], got["b"], got["launches"]["interleaved"]) == ("OFF", "ON", True)
    off, on = ([r for r in rows if r["enable_prefix_caching"] is is_on] for is_on in (False, True))
    d = launch_means(on, "ttft_p50_s") - launch_means(off, "ttft_p50_s")
    half = ref.t_quantile_975(2) * d.std(ddof=1) / math.sqrt(3)
    m = got["cells"][0]["metrics"]["ttft_p50_s"]
    assert m["ratio"] == pytest.approx(math.exp(d.mean()))
    assert m["low"] == pytest.approx(math.exp(d.mean() - half), rel=1e-6)
    assert m["verdict"] == "better"


def test_what_differs_is_named_first(compare):
    a = made("a", max_num_seqs=256, dtype="float16")
    b = made("b", max_num_seqs=128, dtype="float16", scenarios=("short", "long"))
    got = report(compare, a, b)
    assert {"field": "max_num_seqs", "a": "256", "b": "128"} in got["differs"]
    assert [(x["cell"], x["side"]) for x in got["unmatched"]] == [("long bs=4 cache=off", "b")]
    lines = compare(a, b).stdout.splitlines()
    assert lines[0].startswith("differs: ") and any(line.startswith("b / a: ") for line in lines)
    assert "max_num_seqs 256 / 128" in " ".join(" ".join(lines).split())


def test_simulated_is_said(compare):
    """On every page that made numbers reach."""
    a, b = ([dict(row, is_simulated=True) for row in made(side)] for side in "ab")
    assert "SIMULATED: these numbers do not come from real hardware." in compare(a, b).stdout
    assert report(compare, a, b)["simulated"] is True
    assert "SIMULATED" not in compare(made("a"), made("b")).stdout
    assert report(compare, made("a"), made("b"))["simulated"] is False


def test_real_against_simulated_is_refused(compare):
    simulated = [dict(row, is_simulated=True) for row in made("b")]
    done = compare(made("a"), simulated, code=1)
    assert "no cell of a has a partner" in done.stderr and "is_simulated" in done.stderr


def test_labels_of_a_merged_file(compare, inferbench, tmp_path):
    compare(made("g5"), made("inf2", speed=80))
    assert inferbench("merge", "a", "b", "-o", "merged_results.json").returncode == 0
    done = inferbench("compare", "merged_results.json", "g5", "inf2", "--json")
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert (got["a"], got["b"]) == ("g5", "inf2")
    assert got["cells"][0]["metrics"]["tokens_per_second"]["verdict"] == "worse"
    by = inferbench("compare", "merged_results.json", "--by", "label", "--json")
    assert json.loads(by.stdout)["cells"] == got["cells"]
    none = inferbench("compare", "merged_results.json", "g5", "p4d")
    assert none.returncode == 1 and "no such label" in none.stderr and "g5, inf2" in none.stderr


@pytest.mark.parametrize("words,said", [
    ([], "expected two results"),
    (["nowhere"], "no such file or folder"),
    (["a", "--margin", "much"], "no percentage"),
    (["a"], "only one side"),
    (["a", "b", "--by", "speed"], "--by"),
    (["a", "b", "--margin", "100"], "no percentage"),
    (["a", "b", "--margin=-1%"], "no percentage"),
    (["a", "a"], "both sides are the same"),
    (["a", "./a/"], "both sides are the same"),
    (["a", "nowhere", "b"], "no such file, and no such label"),
    (["nowhere", "a", "b"], "no such file or folder"),
])
def test_misuse(compare, inferbench, words, said):
    compare(made("a"), made("b"))
    done = inferbench("compare", *words)
    assert done.returncode in (1, 2) and said in done.stderr


def test_markdown(compare):
    done = compare(made("a"), made("b"), "--markdown")
    assert re.search(r"^\| short bs=4 cache=off \|", done.stdout, re.M)


def test_margin_is_per_cent(compare):
    """With the sign and without."""
    one = {"launches": 5, "sd": 0.002}
    a, b = made("a", **one), made("b", **one)
    for text, share in (("2", 0.02), ("2%", 0.02), ("0.5", 0.005), ("0.5%", 0.005)):
        assert report(compare, a, b, "--margin", text)["margin"] == pytest.approx(share)


def test_a_worse_mean_is_an_exit_code(compare):
    """20 cells, each too noisy to call: their mean is not, and it is what one reads first."""
    grid = {"launches": 4, "repeats": 2, "scenarios": ("short", "long"),
            "batches": tuple(range(1, 11))}
    a = [wobble(row, 0.05) for row in made("a", sd=0.001, **grid)]
    b = [wobble(row, 0.05) for row in made("b", sd=0.001, speed=94, **grid)]
    done = compare(a, b, "--fail-if-worse", "--json", code=3)
    got = json.loads(done.stdout)
    assert got["geomean"]["tokens_per_second"]["verdict"] == "worse"
    calls = {m["verdict"] for cell in got["cells"] for m in cell["metrics"].values()}
    assert calls == {"cannot tell"}


def wobble(row, share):
    """Noise of a launch and a cell alone, the same on both figures and all repeats."""
    draw = random.Random(f'{row["launch_id"]}/{row["scenario"]}/{row["batch_size"]}')
    factor = math.exp(draw.gauss(0, share))
    return dict(row, **{field: row[field] * factor ** sign for field, sign in FIGURES.items()})


def test_the_same_launches_are_noted(compare):
    """A copy is no second measurement."""
    a = made("a")
    done = compare(a, a)
    said = " ".join(done.stdout.split())
    assert "the same launch on both sides: 3 of 3 of b are also of a" in said
    assert report(compare, a, a)["launches"]["shared"] == 3
    assert report(compare, a, a[:4] + made("b", start=9))["launches"]["shared"] == 1
    assert "the same launch" not in compare(a, made("b")).stdout


def test_one_launch_of_a_cell_is_marked(compare):
    """Two cells of three launches, and one that a side has in one of them alone."""
    grid = {"scenarios": ("short", "long", "medium"), "sd": 0.002}
    a, b = made("a", **grid), made("b", speed=90, **grid)
    b = [row for row in b if row["scenario"] != "long" or row["launch_id"] == "b0"]
    lines = compare(a, b).stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("long"))
    assert lines[at + 1].endswith("cannot tell (one launch)")
    assert sum("(one launch)" in line for line in lines) == 6  # four figures and two costs
    assert "(2 of 3 matched cells, 3 launches a side)" in " ".join(" ".join(lines).split())


@pytest.mark.parametrize("value", [0, -3.5])
def test_what_has_no_logarithm(compare, value):
    """One repeat of nothing is no reason to forget it: the figure is unknown, and says why."""
    a, b = made("a", scenarios=("short", "long")), made("b", scenarios=("short", "long"))
    b[0]["tokens_per_second"] = value
    got = report(compare, a, b)
    m = next(c for c in got["cells"] if c["cell"].startswith(b[0]["scenario"]))["metrics"]
    assert m["tokens_per_second"]["ratio"] is None and m["tokens_per_second"]["verdict"] is None
    assert m["tokens_per_second"]["not_positive"] and not m["ttft_p50_s"]["not_positive"]
    text = compare(a, b).stdout
    assert "a repeat has 0 or less, of which there is no ratio" in text
    assert re.search(r"x output tokens/s \([^)]+, 1 cell\)", text)


def test_launch_unknown_is_said(compare):
    """Rows that name no launch: each run stands for one."""
    old = [{k: v for k, v in row.items() if not k.startswith("launch_")} for row in made("a")]
    done = compare(old, made("b"))
    assert "launch unknown" in done.stdout
    assert report(compare, old, made("b"))["launches"] == {
        "a": 3, "b": 3, "unit": "launch", "interleaved": False, "unknown": True, "shared": 0}


def test_labels_that_are_called_as_paths(compare, inferbench, tmp_path):
    compare(made("g5"), made("inf2", speed=80))
    assert inferbench("merge", "a", "b", "-o", "merged_results.json").returncode == 0
    (tmp_path / "g5").mkdir()
    want = inferbench("compare", "merged_results.json", "inf2", "g5", "--json")
    assert want.returncode == 0, want.stderr
    (tmp_path / "inf2").mkdir()
    got = inferbench("compare", "merged_results.json", "inf2", "g5", "--json")
    assert got.returncode == 0, got.stderr
    assert got.stdout == want.stdout and json.loads(got.stdout)["a"] == "inf2"


def test_prices_that_differ_are_named(compare):
    a, b = made("a"), [dict(row, price_usd_per_hour=2.4) for row in made("b")]
    assert "price_usd_per_hour 1.2 / 2.4" in compare(a, b).stdout.splitlines()[0]
    got = report(compare, a, b)
    assert {"field": "price_usd_per_hour", "a": "1.2", "b": "2.4"} in got["differs"]
    # another question than that of tokens/s, which nobody tested
    assert got["geomean"]["usd_per_million_output_tokens"]["verdict"] is None
    assert "price" not in compare(a, made("b")).stdout.splitlines()[0]


@pytest.mark.parametrize("speed,call", [(90, "worse"), (101, "cannot tell"), (100, "same")])
def test_analyze_says_the_same(compare, inferbench, tmp_path, speed, call):
    """One truth: ratio, interval and verdict of analyze are those of compare."""
    grid = {"launches": 5, "scenarios": ("short", "long"), "sd": {90: 0.01, 101: 0.04, 100: 0.001}[speed]}
    a, b = made("a", **grid), made("b", speed=speed, **grid)
    got = report(compare, a, b)
    mean = got["geomean"]["tokens_per_second"]
    assert mean["verdict"] == call
    done = inferbench("analyze", "a", "b", "--plots", "ttft")
    assert done.returncode == 0, done.stderr
    said = re.search(r"b / a: (\S+)x tokens/s \((\S+)\.\.([^,]+), ([a-z ]+)\)",
                     " ".join(done.stdout.split()))
    assert said and said[4] == call
    for text, key in zip(said.groups(), ("ratio", "low", "high")):
        assert float(text) == pytest.approx(mean[key], rel=0.006)
    calls = [cell["metrics"]["tokens_per_second"]["verdict"] for cell in got["cells"]]
    text = (tmp_path / "analysis/summary_report.txt").read_text(encoding="utf-8")
    told = re.search(r"tokens/s by cell: (.*)", text)[1]
    assert sorted(told.split(", ")) == sorted(f"{calls.count(c)} {c}" for c in set(calls))


def test_wide_names_and_numbers(compare, inferbench, tmp_path):
    a, b = made("a"), made("b", speed=108)
    for row in b:
        row.update(ttft_p50_s=1e300, ttft_p99_s=1e308, tpot_mean_ms=3e12)
    compare(a, b)
    long = "results_of_a_machine_with_a_name_that_is_far_too_long_for_any_line_of_eighty"
    (tmp_path / "b").rename(tmp_path / long)
    done = inferbench("compare", "a", long)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert re.search(r"^metric +baseline +other +ratio", done.stdout, re.M)
    assert re.search(r"TTFT p50, ms +\S+ +1e\+303|TTFT p50, ms +\S+ +1.000e\+303", done.stdout)
