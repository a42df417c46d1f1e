"""`selftest --floor`: what launches of the same settings differ by, and compare that uses it."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from e2e import published
from e2e.offline_run import NULL
from e2e.test_compare import made
from oracle import reference as ref

RUN = ("--scenarios", "short", "--batch-sizes", "1", "4")
WHERE = dict(machine_sha256="m" * 64, client_machine_sha256="m" * 64, engine="vllm",
             engine_version="0.32.0", settings_sha256="s" * 64, hardware_type="cpu",
             serving_mode="offline", driver_version=None, max_output_tokens=128,
             model_name="m", temperature=0.7, top_p=0.9)
FIELDS = ("tokens_per_second", "ttft_p50_s", "ttft_p99_s", "tpot_mean_ms")


@pytest.fixture
def home(tmp_path):
    """A data folder of the user that is this test's alone."""
    (tmp_path / "home/floors").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def run(inferbench, home):
    def call(*words, code=0):
        done = inferbench(*words, env={"INFERBENCH_HOME": str(home)})
        assert done.returncode == code, done.stdout + done.stderr
        return done
    return call


def sides(tmp_path, a, b):
    for name, rows in (("a", a), ("b", b)):
        (tmp_path / name).mkdir(exist_ok=True)
        published.write(tmp_path / name / "offline_results_1.json", rows)


def one_launch(side, repeats=4, speed=100.0, **more):
    return made(side, launches=1, repeats=repeats, speed=speed, scenarios=("short", "long"),
                **{**WHERE, **more})


def a_floor(rows, launches=10, repeats=4, sd=0.01, seed=5, **fields):
    """A file as `selftest --floor` writes it, of launches that numpy draws."""
    draw = np.random.default_rng(seed)
    cells = []
    for scenario in sorted({row["scenario"] for row in rows}):
        row = next(row for row in rows if row["scenario"] == scenario)
        metrics = {field: {"launch_means": np.exp(draw.normal(0, sd, launches)).tolist(),
                           "repeat_sd": sd / 2} for field in FIELDS}
        cells.append({"cell": scenario, "launches": launches, "repeats": repeats,
                      "fields": {**row, **fields}, "metrics": metrics})
    return {"floor": 1, "run_id": "f" * 32, "created": "2026-11-01T00:00:00.000Z", "cells": cells}


def keep(home, floor, name="f.json"):
    (home / "floors" / name).write_text(json.dumps(floor))


def report(run, code=0):
    return json.loads(run("compare", "a", "b", "--json", code=code).stdout)


def test_measured_and_kept(run, home, tmp_path):
    """Seven launches of the null engine: the file has each launch's means, in both places."""
    done = run("selftest", "--floor", "--launches", "7", "--num-runs", "3", "--", *NULL, *RUN)
    beside, = (tmp_path / "results").glob("offline_floor_*.json")
    user, = (home / "floors").glob("*.json")
    assert beside.read_bytes() == user.read_bytes()
    floor = json.loads(user.read_text())
    rows = json.loads(next((tmp_path / "results").glob("offline_results_*.json")).read_text())["results"]
    assert user.stem == floor["run_id"] == rows[0]["run_id"]
    assert "cannot be seen here" in done.stdout and str(user) in done.stdout.replace("\n  ", " ")
    assert "SIMULATED" in done.stdout.split("The floor")[1]
    assert len(floor["cells"]) == 2
    for cell in floor["cells"]:
        own = [row for row in rows if row["batch_size"] == cell["fields"]["batch_size"]
               and not row["is_warmup"]]
        assert (cell["launches"], cell["repeats"]) == (7, 2)
        assert cell["fields"]["settings_sha256"] == own[0]["settings_sha256"]
        assert cell["fields"]["machine_sha256"] == own[0]["machine_sha256"]
        launches = {}
        for row in own:
            launches.setdefault(row["launch_id"], []).append(math.log(row["tokens_per_second"]))
        means = sorted(np.mean(v) for v in launches.values())
        got = cell["metrics"]["tokens_per_second"]
        assert sorted(np.log(got["launch_means"])) == pytest.approx(means, rel=1e-12)
        assert got["launch_sd"] == pytest.approx(np.std(means, ddof=1), abs=1e-12)


def test_used_by_compare(run, tmp_path):
    """One launch a side: `same`, for which a floor is needed."""
    run("selftest", "--floor", "--quiet", "--", *NULL, *RUN)
    for name in "ab":
        run(*NULL, *RUN, "--num-runs", "3", "--output-dir", name)
    got = report(run)
    assert all(f["floor"] and f["verdict"] == "same" for c in got["cells"] for f in c["metrics"].values())
    assert got["cells"][0]["floors"]["a"]["launches"] == 10
    assert "floor" in run("compare", "a", "b").stdout
    said = " ".join(run("analyze", "a", "b", "--plots", "ttft").stdout.split())
    assert re.search(r"x tokens/s \([^)]+, same\) \(\d matched cells?\)", said)


def test_json_is_the_file(run, home):
    done = run("selftest", "--floor", "--json", "--launches", "3", "--num-runs", "2", "--", *NULL, *RUN)
    user, = (home / "floors").glob("*.json")
    assert done.stdout == user.read_text()


def test_intervals(run, home, tmp_path):
    """2 S^2 with R - 1 degrees; of fewer repeats s^2 (1/m - 1/r) a side more, by Satterthwaite."""
    for repeats in (4, 2):
        a, b = one_launch("a", repeats), one_launch("b", repeats, 103.0)
        sides(tmp_path, a, b)
        floor = a_floor(a)
        keep(home, floor)
        got = report(run)
        within = 2 * 0.005 ** 2 * (1 / repeats - 1 / 4)
        tops = []
        for cell, own in zip(sorted(got["cells"], key=lambda c: c["cell"]), floor["cells"]):
            for field in FIELDS:
                y = np.log(own["metrics"][field]["launch_means"])
                v = 2 * y.var(ddof=1) + within
                f = v * v / ((2 * y.var(ddof=1)) ** 2 / 9 + within ** 2 / 30)
                d = np.mean([math.log(r[field]) for r in b if r["scenario"] == own["cell"]]) - \
                    np.mean([math.log(r[field]) for r in a if r["scenario"] == own["cell"]])
                half = ref.t_quantile_975(f) * math.sqrt(v)
                figure = cell["metrics"][field]
                assert figure["floor"] and not figure["within_launch"]
                assert figure["ratio"] == pytest.approx(math.exp(d), rel=1e-9)
                assert figure["low"] == pytest.approx(math.exp(d - half), rel=1e-7)
                assert figure["high"] == pytest.approx(math.exp(d + half), rel=1e-7)
                tops.append((field, d, y))
        for field in FIELDS:  # cells averaged inside a launch of the floor
            d = np.mean([d for name, d, _ in tops if name == field])
            z = np.mean([y for name, _, y in tops if name == field], axis=0)
            v, more = 2 * z.var(ddof=1), within / 2
            f = (v + more) ** 2 / (v * v / 9 + more * more / 30)
            half = ref.t_quantile_975(f) * math.sqrt(v + more)
            assert got["geomean"][field]["low"] == pytest.approx(math.exp(d - half), rel=1e-7)
            assert got["geomean"][field]["floor"]


def test_two_floors(run, home, tmp_path):
    """Each side its own settings: S of each, and Satterthwaite's degrees."""
    a, b = one_launch("a"), one_launch("b", settings_sha256="t" * 64, enforce_eager=True)
    sides(tmp_path, a, b)
    floors = [a_floor(a), a_floor(b, launches=5, sd=0.03, seed=6) | {"run_id": "e" * 32}]
    for i, floor in enumerate(floors):
        keep(home, floor, f"{i}.json")
    got = report(run)
    cell = next(c for c in got["cells"] if c["cell"].startswith("short"))
    v = [np.log(f["cells"][1]["metrics"]["tpot_mean_ms"]["launch_means"]).var(ddof=1) for f in floors]
    f = sum(v) ** 2 / (v[0] ** 2 / 9 + v[1] ** 2 / 4)
    figure = cell["metrics"]["tpot_mean_ms"]
    half = ref.t_quantile_975(f) * math.sqrt(sum(v))
    assert figure["high"] / figure["ratio"] == pytest.approx(math.exp(half), rel=1e-7)
    assert [cell["floors"][side]["launches"] for side in "ab"] == [10, 5]


def test_stands_for_other_settings(run, home, tmp_path):
    a = one_launch("a")
    sides(tmp_path, a, one_launch("b", speed=110.0, settings_sha256="t" * 64, enforce_eager=True))
    keep(home, a_floor(a))
    text = " ".join(run("compare", "a", "b").stdout.split())
    assert "how launches of both sides differ is taken from the floor" in text
    assert "those of other settings are taken to differ alike, here b" in text
    assert "better" in text


def test_beside_the_results(run, tmp_path):
    a = one_launch("a")
    sides(tmp_path, a, one_launch("b"))
    (tmp_path / "a/offline_floor_1.json").write_text(json.dumps(a_floor(a)))
    assert report(run)["cells"][0]["floors"]["b"]["file"].endswith("a/offline_floor_1.json")


@pytest.mark.parametrize("change, why", [
    (dict(driver_version="580.1"), "driver_version is 580.1 there, unknown here"),
    (dict(engine_version="0.13.0", settings_sha256="t" * 64), "engine_version is 0.13.0 there, 0.32.0 here"),
    (dict(machine_sha256="n" * 64), "machine_sha256 is nnnnnnnn there, mmmmmmmm here"),
    (dict(repeats=3), "its launches have 3 repeats, the run 4"),
])
def test_refused(run, home, tmp_path, change, why):
    a = one_launch("a")
    sides(tmp_path, a, one_launch("b"))
    keep(home, a_floor(a, **change))
    text = " ".join(run("compare", "a", "b").stdout.split())
    assert "a floor is not used:" in text and why in text
    assert "intervals are within these launches" in text
    assert report(run)["cells"][0]["floors"] is None


@pytest.mark.parametrize("change", [
    dict(max_output_tokens=64), dict(scenario="other"), dict(settings_sha256="u" * 64, dtype="x",
                                                            machine_sha256="n" * 64)])
def test_of_another_cell(run, home, tmp_path, change):
    a = one_launch("a")
    sides(tmp_path, a, one_launch("b"))
    keep(home, a_floor(a, **change))
    assert "floor" not in run("compare", "a", "b").stdout


def test_launches_know_better(run, home, tmp_path):
    """With launches of their own, no side needs a floor."""
    a = made("a", scenarios=("short", "long"), **WHERE)
    sides(tmp_path, a, made("b", scenarios=("short", "long"), **WHERE))
    keep(home, a_floor(a))
    assert "floor" not in run("compare", "a", "b").stdout


def broken(floor, path, value):
    at = floor
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return floor


MEANS = ("cells", 0, "metrics", "tpot_mean_ms", "launch_means")


@pytest.mark.parametrize("path, value", [
    (("floor",), 0), (("floor",), 2), (("floor",), "1"), (("run_id",), None), (("run_id",), "x" * 5000),
    (("created",), 5), (("cells",), {}), (("cells", 0), []), (("cells", 0, "cell"), 1),
    (("cells", 0, "launches"), 2), (("cells", 0, "launches"), 10 ** 12), (("cells", 0, "launches"), -1),
    (("cells", 0, "launches"), 9), (("cells", 0, "repeats"), 0), (("cells", 0, "repeats"), 1e300),
    (("cells", 0, "fields"), []), (("cells", 0, "metrics"), None), (MEANS, []), (MEANS, [1] * 9 + [0]),
    (MEANS, [1] * 9 + [-1]), (MEANS, [1] * 9 + ["x"]), (MEANS, [1] * 9 + [None]), (MEANS, 3),
    (MEANS[:-1] + ("repeat_sd",), -1), (MEANS[:-1] + ("repeat_sd",), None),
    (MEANS[:-1] + ("repeat_sd",), 1e308), (MEANS[:-1], 7),
])
def test_hostile(run, home, tmp_path, path, value):
    """A file that no run can have written is named and left out; the comparison goes on."""
    a = one_launch("a")
    sides(tmp_path, a, one_launch("b"))
    keep(home, broken(a_floor(a), path, value))
    done = run("compare", "a", "b")
    assert "f.json" in done.stderr and "floor" in done.stderr
    assert "intervals are within these launches" in " ".join(done.stdout.split())


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\0" * 100, "[" * 100000, "{\"floor\": 1}"])
def test_hostile_text(run, home, tmp_path, text):
    sides(tmp_path, one_launch("a"), one_launch("b"))
    (home / "floors/f.json").write_text(text)
    assert "f.json" in run("compare", "a", "b").stderr


def test_strange_fields(run, home, tmp_path):
    """Values of another kind than their field's are unknown, and names are shown as text."""
    a = one_launch("a")
    sides(tmp_path, a, one_launch("b"))
    floor = a_floor(a, batch_size={"x": 1}, scenario=[1], reasons=7, engine_args="\x1b[31m")
    floor["cells"][0]["cell"] = "\x1b[31m"
    keep(home, floor)
    assert "\x1b" not in run("compare", "a", "b").stdout


@pytest.mark.parametrize("words, what", [
    (("--floor",), "no run behind --"),
    (("--floor", "--", "merge"), "neither offline nor online: merge"),
    (("--floor", "--launches", "2", "--", "offline"), "--launches"),
    (("--floor", "--", "offline", "--nonsense"), "--nonsense"),
    (("--floor", "--", "online", "--base-url", "http://127.0.0.1:1"), "--launches"),
])
def test_usage(run, words, what):
    assert what in run("selftest", *words, code=2).stderr


def test_dry_run(run, tmp_path):
    """How long it takes, once results of these cells are there."""
    words = ("selftest", "--floor", "--dry-run", "--launches", "4", "--", *NULL, *RUN)
    assert "time: unknown" in run(*words).stdout
    run(*NULL, *RUN)
    out = run(*words).stdout
    assert "2 cells x 4 launches x 5 repeats" in out
    assert re.search(r"time: about \d+ s plus loading", out)
    assert not list(Path(tmp_path).rglob("*floor*.json"))
