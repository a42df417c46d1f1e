"""inferbench analyze: ratios, pictures, report, and files that hold less than hoped for."""

import csv
import json
import math
import re
import statistics
import struct
import subprocess
import xml.etree.ElementTree as ET
import zlib

import pytest

from e2e import published
from e2e.offline_run import NULL, files_of

SPEEDS = {"g5.xlarge": 1.0, "inf2.xlarge": 0.71}
PRICES = {"g5.xlarge": 1.006, "inf2.xlarge": 0.7582}
PNGS = ("tokens_per_sec_comparison", "time_per_token_comparison", "ttft_comparison",
        "itl_comparison", "cost_comparison", "prefix_caching_effect", "batch_size_scaling")
DONE = (0, 3)


def make_run(inferbench, folder, instance, *more, hardware="gpu"):
    done = inferbench(*NULL, "--test-prefix-caching", "--num-runs", "5", "--scenarios",
                      "short", "prefix_caching", "--instance-type", instance,
                      "--region", "us-east-1", "--hardware-type", hardware, "--output-dir", folder, *more)
    assert done.returncode in DONE, done.stderr
    return files_of(folder)


def real_looking(run, speed):
    """The null engine's rows with numbers of our own, as real hardware would give them."""
    data = run.data
    for row in data["results"]:
        wobble = 1 + 0.01 * ((row["repeat"] * 7 + row["batch_size"]) % 3 - 1)
        factor = speed * wobble
        if row["enable_prefix_caching"] and row["scenario"] == "prefix_caching":
            factor *= 1.5
        for name in ("time_per_token", "first_token_latency", "inter_token_latency",
                     "usd_per_million_output_tokens", "usd_per_million_tokens"):
            row[name] = row[name] and row[name] / factor
        row["tokens_per_second"] *= factor
        row["is_simulated"], row["weights"] = False, "real"
        if row["enable_prefix_caching"]:
            row["cache_hit_rate_expected"] = 0.9 if row["scenario"] == "prefix_caching" else 0.0
        if row["hardware_type"] == "neuron":
            row["max_num_seqs"] = row["batch_size"]
            row["max_num_batched_tokens"] = 131072
    run.results_path.write_text(json.dumps(data), encoding="utf-8")
    return data["results"]


@pytest.fixture
def two(inferbench, tmp_path):
    rows = {}
    for name, hardware in (("g5.xlarge", "gpu"), ("inf2.xlarge", "neuron")):
        run = make_run(inferbench, tmp_path / "results" / name, name, hardware=hardware)
        rows[name] = real_looking(run, SPEEDS[name])
    return rows


def mean_of(rows, cell, field):
    scenario, batch, caching = cell
    return geomean([row[field] for row in rows if not row["is_warmup"] and (
        row["scenario"], row["batch_size"], row["enable_prefix_caching"]) == cell])


def cells_of(rows):
    return sorted({(r["scenario"], r["batch_size"], r["enable_prefix_caching"])
                   for r in rows})


def geomean(values):
    return math.exp(statistics.fmean(map(math.log, values)))


def price_ratio(two):
    price = {name: rows[0]["price_usd_per_hour"] for name, rows in two.items()}
    return price["inf2.xlarge"] / price["g5.xlarge"]


def test_first_lines_answer_the_question(inferbench, two, tmp_path):
    done = inferbench("analyze", "results")
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "analysis/summary_report.txt").read_text(encoding="utf-8")
    g5, inf2 = two["g5.xlarge"], two["inf2.xlarge"]
    speed = geomean([mean_of(inf2, c, "tokens_per_second") / mean_of(g5, c, "tokens_per_second")
                     for c in cells_of(g5)])
    cost = geomean([mean_of(inf2, c, "usd_per_million_output_tokens") /
                    mean_of(g5, c, "usd_per_million_output_tokens") for c in cells_of(g5)])
    assert cost * speed == pytest.approx(price_ratio(two))
    lines = report.splitlines()[:2]
    assert done.stdout.splitlines()[:2] == lines
    interval = r"\((\d\.\d+)\.\.(\d\.\d+)(?:, cannot tell)?\)"
    bounds = re.fullmatch(
        rf"inf2\.xlarge / g5\.xlarge: {speed:.2f}x tokens/s {interval}, "
        rf"{cost:.2f}x \$/token {interval} \(8 matched cells, within one launch\)",
        " ".join(" ".join(lines).split()))
    assert bounds, lines
    low, high, cost_low, cost_high = map(float, bounds.groups())
    assert low < speed < high and cost_low < cost < cost_high
    assert cost_low * high == pytest.approx(cost * speed, rel=0.01)
    for line in report.splitlines():
        assert len(line) <= 80, line


def test_the_report_has_other_forms(inferbench, two, tmp_path):
    assert inferbench("analyze", "results", "--format", "markdown", "csv").returncode == 0
    folder = tmp_path / "analysis"
    assert not (folder / "summary_report.txt").exists()
    page = (folder / "summary_report.md").read_text(encoding="utf-8")
    assert page.startswith("- inf2.xlarge / g5.xlarge: ")
    pictures = re.findall(r"^!\[.*\]\(<(.*)>\)$", page, re.M)
    assert len(pictures) == 7 and all((folder / name).exists() for name in pictures)
    tables = re.findall(r"(?:^\|.*\|\n)+", page, re.M)
    assert len(tables) == 3
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    with open(folder / "summary_report.csv", newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["section"] == "inf2.xlarge / g5.xlarge"]
    mean = rows.pop()
    assert mean["matched cell"] == "geometric mean of 8" and len(rows) == 8
    assert float(mean["tokens/s (ratio)"]) == pytest.approx(
        geomean([float(row["tokens/s (ratio)"]) for row in rows]))
    for row in rows:
        assert float(row["95 % of tokens/s low"]) < float(row["tokens/s (ratio)"])


def test_caching_compares_on_with_off(inferbench, two, tmp_path):
    assert inferbench("analyze", "results").returncode == 0
    report = (tmp_path / "analysis/summary_report.txt").read_text(encoding="utf-8")
    for name, rows in two.items():
        ratios = [mean_of(rows, ("prefix_caching", b, True), "tokens_per_second") /
                  mean_of(rows, ("prefix_caching", b, False), "tokens_per_second")
                  for b in (1, 4)]
        assert (f"prefix caching ON / OFF, {name}: {geomean(ratios):.2f}x tokens/s"
                in report)
    assert "the prompts share no prefix" in report


def test_compiled_batch_is_said_and_no_obstacle(inferbench, two, tmp_path):
    assert inferbench("analyze", "results").returncode == 0
    report = " ".join((tmp_path / "analysis/summary_report.txt").read_text().split())
    assert "also different: max_num_seqs 256 / 1" in report
    assert "no partner" not in report


def changed(tmp_path, machine, **values):
    """Other values in all rows of a machine."""
    path = next((tmp_path / "results" / machine).glob("offline_results_*"))
    data = json.loads(path.read_text())
    for row in data["results"]:
        row.update(values)
    path.write_text(json.dumps(data))


def test_other_settings_hinder_and_are_listed(inferbench, two, tmp_path):
    changed(tmp_path, "inf2.xlarge", hardware_type="gpu", dtype="float16")
    done = inferbench("analyze", "results")
    assert done.returncode == 0, done.stderr
    assert "No two machines share a cell" in done.stdout
    report = (tmp_path / "analysis/summary_report.txt").read_text()
    assert "differs in dtype" in " ".join(report.split())


def test_types_of_two_kinds_of_device_are_said(inferbench, two, tmp_path):
    changed(tmp_path, "inf2.xlarge", dtype="float16")
    done = inferbench("analyze", "results")
    assert "(8 matched cells" in done.stdout
    report = " ".join((tmp_path / "analysis/summary_report.txt").read_text().split())
    assert "dtype none / float16" in report and "no partner" not in report


@pytest.mark.parametrize("value", [True, None])
def test_simulated_is_not_compared_with_real(inferbench, two, tmp_path, value):
    changed(tmp_path, "inf2.xlarge", is_simulated=value)
    done = inferbench("analyze", "results")
    assert "No two machines share a cell" in done.stdout
    report = " ".join((tmp_path / "analysis/summary_report.txt").read_text().split())
    assert f"differs in is_simulated (off, there {'on' if value else 'unknown'})" in report


@pytest.mark.parametrize("field,value", [
    ("enforce_eager", False), ("block_size", 32), ("kv_cache_tokens", 9999), ("devices", 2),
    ("seed", 7), ("engine_args", ["kv_cache_dtype=fp8"]), ("num_prompts", 7),
    ("stop_at_eos", True), ("extra_body", {"top_k": 1}), ("burstiness", 0.5)])
def test_repeats_of_other_settings_are_other_cells(inferbench, two, tmp_path, field, value):
    """Two runs of a machine that differ in what no list of ours held once."""
    rows = [dict(row, definitions=2) for row in two["g5.xlarge"]]
    other = [dict(row, run_id="0" * 32, **{field: value}) for row in rows]
    (tmp_path / "g5.json").write_text(json.dumps(rows + other))
    done = inferbench("analyze", "g5.json", "--plots", "ttft")
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "analysis/summary_report.txt").read_text()
    assert "g5.xlarge: 16 cells, 64 measured repeats" in report
    assert f"bs=1 cache=off {field}=" in " ".join(report.split())


def pixels(path):
    """Distinct rows of a PNG's raw scan lines: a blank picture has very few."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    at, packed = 8, b""
    while at < len(data):
        size, = struct.unpack(">I", data[at:at + 4])
        if data[at + 4:at + 8] == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += size + 12
    raw = zlib.decompress(packed)
    stride = len(raw) // height
    return width, len({raw[i * stride:(i + 1) * stride] for i in range(height)})


def svg_text(path):
    return " ".join("".join(node.itertext()).strip() for node in
                    ET.parse(path).iter("{http://www.w3.org/2000/svg}text"))


def test_pictures_show_what_they_name(inferbench, two, tmp_path):
    done = inferbench("analyze", "results", "--output-dir", "out")
    assert done.returncode == 0, done.stderr
    for name in PNGS:
        width, distinct = pixels(tmp_path / "out" / f"{name}.png")
        assert width >= 800 and distinct > 40, name
        assert (tmp_path / "out/source" / f"{name}.gp").exists()
        assert (tmp_path / "out/source" / f"{name}.dat").exists()
        text = svg_text(tmp_path / "out/source" / f"{name}.svg")
        wanted = ["95 %"]
        if name == "prefix_caching_effect":
            wanted += ["g5.xlarge", "inf2.xlarge", "short bs=1", "prefix_caching bs=4",
                       "prefix caching ON", "prefix caching OFF", "1.50x"]
        elif name == "batch_size_scaling":
            wanted += ["g5.xlarge, caching OFF", "inf2.xlarge, caching ON", "batch size"]
        else:
            wanted += ["g5.xlarge", "inf2.xlarge", "short", "prefix_caching",
                       "bs=1 cache=off", "bs=4 cache=on"]
        for word in wanted:
            assert word in text, (name, word)
        assert str(tmp_path / "out") in done.stdout or f"out/{name}.png" in done.stdout


def test_every_label_of_a_large_picture_is_there(inferbench, tmp_path):
    names = ["g5.xlarge", "機械 二号", "a'quote", "inf2.8xlarge-with-a-very-long-label-indeed"]
    for i, name in enumerate(names):
        run = make_run(inferbench, tmp_path / f"r{i}", "m", "--label", name,
                       "--batch-sizes", "1", "2", "4", "8", "16")
        real_looking(run, 1 + i / 10)
    done = inferbench("analyze", "r0", "r1", "r2", "r3")
    assert done.returncode == 0, done.stderr
    text = svg_text(tmp_path / "analysis/source/tokens_per_sec_comparison.svg")
    for word in names + [f"bs={b} cache={c}" for b in (1, 2, 4, 8, 16) for c in ("off", "on")]:
        assert word in text, word


def test_chosen_plots_only(inferbench, two, tmp_path):
    done = inferbench("analyze", "results", "--plots", "ttft", "itl")
    assert done.returncode == 0
    assert sorted(p.name for p in (tmp_path / "analysis").glob("*.png")) == [
        "itl_comparison.png", "ttft_comparison.png"]


def test_simulated_is_said_everywhere(inferbench, tmp_path):
    make_run(inferbench, tmp_path / "r", "g5.xlarge")
    done = inferbench("analyze", "r")
    assert done.returncode == 0, done.stderr
    assert "SIMULATED" in done.stdout
    assert "SIMULATED" in (tmp_path / "analysis/summary_report.txt").read_text()
    for path in (tmp_path / "analysis/source").glob("*.svg"):
        assert "SIMULATED" in svg_text(path), path.name


def test_merged_file_and_its_sources_count_once(inferbench, two, tmp_path):
    files = sorted((tmp_path / "results").glob("*/offline_results_*.json"))
    assert inferbench("merge", *files, "-o", "results/merged_results.json").returncode == 0
    done = inferbench("analyze", "results")
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "analysis/summary_report.txt").read_text()
    assert "80 rows that are in two files" in report
    assert "differ" not in done.stderr
    assert "(8 matched cells" in report


def test_files_that_disagree_on_rows_are_named(inferbench, two, tmp_path):
    rows = [dict(row) for row in two["g5.xlarge"]]
    rows[3]["tokens_per_second"] *= 2
    (tmp_path / "results/z_results.json").write_text(json.dumps(rows))
    done = inferbench("analyze", "results", "--plots", "ttft")
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "analysis/summary_report.txt").read_text()
    for text in (" ".join(report.split()), done.stderr):
        assert re.search(r"results/z_results\.json: 1 row differs from results/g5.xlarge/\S+, "
                         r"which was read first and counts: row 3 of run \w{8}: "
                         r"tokens_per_second is ", text), text


def test_old_command_line_with_a_file_of_the_published_tool(inferbench, tmp_path):
    rows = published.grid("g5.xlarge", 100.0) + published.grid("inf2.xlarge", 50.0)
    published.write(tmp_path / "old.json", rows)
    done = inferbench("analyze", "--results-file", "old.json", "--output-dir", "analysis",
                      "--plots", "tokens_per_sec", "prefix_caching")
    assert done.returncode == 0, done.stderr
    first = done.stdout.splitlines()[0]
    assert re.match(r"inf2\.xlarge / g5\.xlarge: 0\.50x tokens/s, 0\.3\dx|.*0\.50x", first), first
    assert (tmp_path / "analysis/tokens_per_sec_comparison.png").exists()


def test_captured_file_of_the_published_tool(inferbench, root, tmp_path):
    path = root / "tests/data/published_results.json"
    data = json.loads(path.read_text())
    done = inferbench("analyze", "--results-file", path)
    assert done.returncode == 0, done.stderr
    rows = [row for row in data["results"] if "warmup=False" in row["notes"] and not row["error"]]
    cells = {(row["notes"].split(",")[0], row["batch_size"]) for row in rows}

    def mean(cell, caching):
        return geomean([
            row["tokens_per_second"] for row in rows
            if (row["notes"].split(",")[0], row["batch_size"]) == cell
            and row["enable_prefix_caching"] is caching])
    ratio = geomean([mean(cell, True) / mean(cell, False) for cell in cells])
    assert f"ON / OFF, g5.xlarge: {ratio:.2f}x tokens/s" in done.stdout
    assert f"({len(cells)} matched cells, " in done.stdout
    report = " ".join((tmp_path / "analysis/summary_report.txt").read_text().split())
    assert "1 failed repeat: CUDA out of memory. Tried to allocate 2.00 GiB" in report
    assert "37 of 37 rows were written by another tool" in report


def test_snippet_of_the_replaced_tool_reads_our_files(inferbench, two, tmp_path):
    files = sorted((tmp_path / "results").glob("*/offline_results_*.json"))
    assert inferbench("merge", *files, "-o", "merged_results.json").returncode == 0
    for path in [*files, tmp_path / "merged_results.json"]:
        data = json.loads(path.read_text())
        for result in data['results']:
            assert f"{result['tokens_per_second']:.2f}"


def test_price_of_the_user_wins(inferbench, two, tmp_path):
    done = inferbench("analyze", "results", "--price-per-hour", "g5.xlarge=2",
                      "inf2.xlarge=2")
    assert done.returncode == 0, done.stderr
    ratio = re.search(r"([\d.]+)x tokens/s \(.*\),\s+([\d.]+)x \$/token", done.stdout)
    assert float(ratio[2]) == pytest.approx(1 / float(ratio[1]), abs=0.02)
    report = (tmp_path / "analysis/summary_report.txt").read_text()
    assert "2.000 USD an hour, --price-per-hour" in report or "price: 2" in report
    assert "no row has this" not in done.stderr
    odd = inferbench("analyze", "results", "--price-per-hour", "g6.xlarge=2", "--plots", "ttft")
    assert odd.returncode == 0, odd.stderr
    assert ("--price-per-hour g6.xlarge=2: no row has this label or instance type. "
            "There are: g5.xlarge, inf2.xlarge") in odd.stderr
    bad = inferbench("analyze", "results", "--price-per-hour", "cheap")
    assert bad.returncode == 2 and '"cheap" is not a price' in bad.stderr


def test_prices_follow_the_region_also_in_a_merged_file(inferbench, two, tmp_path):
    for name, region in (("g5.xlarge", "ap-northeast-1"), ("inf2.xlarge", "us-east-1")):
        path = next((tmp_path / "results" / name).glob("offline_results_*"))
        data = json.loads(path.read_text())
        data["metadata"]["env"]["instance"] = {"region": region}
        data["metadata"]["options"]["region"] = ""
        for row in data["results"]:
            row["price_usd_per_hour"] = row["usd_per_million_output_tokens"] = None
            row["usd_per_million_tokens"] = None
        path.write_text(json.dumps(data))
    files = sorted((tmp_path / "results").glob("*/offline_results_*.json"))
    assert inferbench("merge", *files, "-o", "merged_results.json").returncode == 0
    for given in ("results", "merged_results.json"):
        assert inferbench("analyze", given).returncode == 0
        report = " ".join((tmp_path / "analysis/summary_report.txt").read_text().split())
        assert "1.459 USD an hour, on demand, ap-northeast-1, collected" in report
        assert "0.7582 USD an hour, on demand, us-east-1, collected" in report


def test_no_price_is_guessed_for_an_unknown_region(inferbench, two, tmp_path):
    """The region that --region gave a run is kept; without one there is no price."""
    for name in two:
        path = next((tmp_path / "results" / name).glob("offline_results_*"))
        data = json.loads(path.read_text())
        for row in data["results"]:
            row["price_usd_per_hour"] = row["usd_per_million_output_tokens"] = None
            row["usd_per_million_tokens"] = None
        path.write_text(json.dumps(data))
    assert "x $/token" in inferbench("analyze", "results", "--plots", "ttft").stdout
    for path in (tmp_path / "results").glob("*/offline_results_*"):
        path.write_text(path.read_text().replace('"region": "us-east-1"', '"region": ""'))
    done = inferbench("analyze", "results", "--plots", "ttft")
    said = " ".join(done.stdout.split())
    assert "x $/token" not in said
    assert "No $/token of g5.xlarge (its region is unknown: --region), inf2.xlarge" in said
    done = inferbench("analyze", "results", "--plots", "ttft", "--region", "us-east-1")
    assert "x $/token" in done.stdout


def test_money_of_the_report(inferbench, two, tmp_path):
    """Costs by all tokens, break-even with an API, another currency: against the rows."""
    done = inferbench("analyze", "results", "--api-price", "0.02:0.08", "--currency", "JPY",
                      "--fx", "155", "--plots", "ttft")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert re.search(r"Cannot tell which costs less a token in these \d+ cells: inf2.xlarge costs "
                     r"1\.06 \[1\.06, 1\.07\] of g5.xlarge, within one launch\.", said)
    report = " ".join((tmp_path / "analysis/summary_report.txt").read_text().split())
    for name, rows in two.items():
        cells = {}
        for row in rows:
            if not row["is_warmup"]:
                key = row["scenario"], row["batch_size"], row["enable_prefix_caching"]
                cells.setdefault(key, []).append(row)
        best = min(cells.values(), key=lambda c: geomean(
            [row["usd_per_million_output_tokens"] for row in c]))
        cost = geomean([row["usd_per_million_output_tokens"] for row in best])
        whole = geomean([row["usd_per_million_tokens"] for row in best])
        tokens = best[0]["actual_input_tokens"] / best[0]["actual_output_tokens"]
        even = 100 * cost / (0.02 * tokens + 0.08)
        part = report[re.search(rf"{name}: \d+ cells, \d+ measured", report).start():]
        found = re.search(r"cheapest ([\d.]+) USD \(([\d.]+) JPY\) per million output tokens", part)
        assert float(found[1]) == pytest.approx(cost, rel=0.002)
        assert float(found[2]) == pytest.approx(cost * 155, rel=0.001)
        found = re.search(r"([\d.]+) USD \([\d.]+ JPY\) per million input \+ output tokens", part)
        assert float(found[1]) == pytest.approx(whole, rel=0.01)
        found = re.search(r"break-even with an API at 0.02:0.08 USD per million: (?:at|never, at "
                          r"full use it costs) ([\d.]+) %", part)
        assert float(found[1]) == pytest.approx(even, rel=0.01)


@pytest.mark.parametrize("words, says", [
    (("--api-price", "cheap"), '--api-price: "cheap" is not two prices'),
    (("--api-price", "1:-1"), "is not two prices"),
    (("--api-price", "0:0"), "is not two prices"),
    (("--currency", "yen", "--fx", "155"), '--currency: "yen" is not a currency'),
    (("--currency", "JPY"), "--currency: needs the other"),
    (("--fx", "155"), "--fx: needs the other")])
def test_money_that_is_not_understood(inferbench, words, says):
    done = inferbench("analyze", "nothing", *words)
    assert done.returncode == 2 and says in done.stderr


def test_prices_of_a_file_of_the_user(inferbench, two, tmp_path):
    (tmp_path / "spot.yaml").write_text(
        "currency: USD\nlists:\n  - kind: spot\n    collected: 2026-11-20\n    source: bill\n"
        "    prices: {g5.xlarge: 0.5, inf2.xlarge: 0.25}\n")
    done = inferbench("analyze", "results", "--price-file", "spot.yaml", "--plots", "ttft")
    assert done.returncode == 0, done.stderr
    report = " ".join((tmp_path / "analysis/summary_report.txt").read_text().split())
    assert "price: 0.5000 USD an hour, spot, collected 2026-11-20" in report
    got = inferbench("compare", "results/g5.xlarge", "results/inf2.xlarge", "--price-file",
                     "spot.yaml")
    assert "price_usd_per_hour 0.5 / 0.25" in " ".join(got.stdout.split())
    (tmp_path / "spot.yaml").write_text("currency: USD\nlists:\n  - kind: free\n")
    bad = inferbench("analyze", "results", "--price-file", "spot.yaml")
    assert bad.returncode == 1 and "spot.yaml:3: kind must be on demand, spot" in bad.stderr


def test_failed_rows_nulls_and_warmups(inferbench, two, tmp_path):
    path = next((tmp_path / "results/g5.xlarge").glob("offline_results_*"))
    data = json.loads(path.read_text())
    for row in data["results"]:
        if row["scenario"] == "short" and row["batch_size"] == 1 and not row["is_warmup"]:
            row["error"] = "out of memory"
            row["tokens_per_second"] = None
        if row["scenario"] == "short" and row["batch_size"] == 4:
            row["inter_token_latency"] = None
    path.write_text(json.dumps(data))
    done = inferbench("analyze", "results")
    assert done.returncode == 0, done.stderr
    report = " ".join((tmp_path / "analysis/summary_report.txt").read_text().split())
    assert "(6 matched cells" in done.stdout
    assert "short bs=1 cache=off: 4 failed repeats, nothing measured: out of memory" in report
    assert "TPOT is unknown in some repeats (cells: 2)" in report
    assert "16 warm-up repeats" in report


def test_invalid_is_marked_counted_out_and_explained(inferbench, two, tmp_path):
    path = next((tmp_path / "results/g5.xlarge").glob("offline_results_*"))
    data = json.loads(path.read_text())
    bad = [row for row in data["results"] if not row["is_warmup"] and row["batch_size"] == 4
           and row["scenario"] == "prefix_caching"]
    for row in bad:
        if row["repeat"] == 3:  # not the first of its cell
            row["verdict"], row["reasons"] = "INVALID", ["CACHE_UNEXPECTED"]
            row["checks"] = [{"code": "CACHE_UNEXPECTED", "field": "cache_hit_rate",
                              "value": 0.31, "limit": 0.9}]
    path.write_text(json.dumps(data))
    done = inferbench("analyze", "results")
    assert done.returncode == 0, done.stderr
    assert "(6 matched cells" in done.stdout
    report = " ".join((tmp_path / "analysis/summary_report.txt").read_text().split())
    assert ("g5.xlarge, prefix_caching bs=4 cache=on: 1 of 4 INVALID: CACHE_UNEXPECTED: "
            "cache_hit_rate 0.31, limit 0.9") in report
    assert "best of prefix_caching: " in report
    assert "not VALID: summary_report.txt says why" in svg_text(
        tmp_path / "analysis/source/tokens_per_sec_comparison.svg")
    effect = (tmp_path / "analysis/source/prefix_caching_effect.dat").read_text()
    assert len(re.findall(r'"[\d.]+x"', effect)) == 3  # two of inf2, one of g5
    assert len(re.findall(r'"!"', effect)) == 2


def test_what_differs_is_compared(inferbench, two, tmp_path):
    """One machine, two models: without --by the models are compared."""
    path = next((tmp_path / "results/g5.xlarge").glob("offline_results_*"))
    data = json.loads(path.read_text())
    rows = data["results"]
    data["results"] = rows + [
        {**row, "row": row["row"] + len(rows), "model_name": "B",
         "tokens_per_second": row["tokens_per_second"] * 2} for row in rows]
    (tmp_path / "m.json").write_text(json.dumps(data))
    done = inferbench("analyze", "m.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("B / Qwen/Qwen3-0.6B: 2.00x tokens/s")


def test_names_of_any_kind(inferbench, two, tmp_path):
    path = next((tmp_path / "results/g5.xlarge").glob("offline_results_*"))
    text = path.read_text().replace('"g5.xlarge"', json.dumps("a'b\"%s\n\x1b[31m<&>{x}_^`$(y)"))
    path.write_text(text.replace('"short"', '"50 % off <b>"'))
    done = inferbench("analyze", "results")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout and "\x1b" not in (tmp_path / "analysis/summary_report.txt").read_text()
    for name in PNGS:
        assert (tmp_path / "analysis" / f"{name}.png").exists()
        text = svg_text(tmp_path / "analysis/source" / f"{name}.svg")
        assert "a'b\"%s\\n\\x1b[31m<&>{x}_^`$(y)" in text, name
        assert "50 % off <b>" in text, name


@pytest.mark.parametrize("label", ["'24 run", "a''b", "'", "it's `id` \\ @x $y {z #!", "%d '%%'"])
def test_labels_with_quotes_are_drawn(inferbench, tmp_path, label):
    assert inferbench(*NULL, "--label", label, "--output-dir", "r").returncode in DONE
    done = inferbench("analyze", "r", "--plots", "tokens_per_sec")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "analysis/tokens_per_sec_comparison.png").exists()
    assert label in svg_text(tmp_path / "analysis/source/tokens_per_sec_comparison.svg")


def test_pictures_grow_with_long_names(inferbench, two, tmp_path):
    long = "summaries_of_contracts_" * 5
    path = next((tmp_path / "results/g5.xlarge").glob("offline_results_*"))
    path.write_text(path.read_text().replace('"short"', f'"{long}"'))
    assert inferbench("analyze", "results").returncode == 0
    for name in ("tokens_per_sec_comparison", "batch_size_scaling"):
        width, _ = pixels(tmp_path / "analysis" / f"{name}.png")
        assert width > 7 * len(long), name
        assert long in svg_text(tmp_path / "analysis/source" / f"{name}.svg")


def test_gnuplot_that_fails_is_named(inferbench, two, tmp_path):
    """The report is written, older pictures do not stay, and the exit code says so."""
    assert inferbench("analyze", "results").returncode == 0
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin/gnuplot"
    fake.write_text("#!/bin/sh\nexit 3\n")
    fake.chmod(0o755)
    done = inferbench("analyze", "results", env={"PATH": f"{fake.parent}:/usr/bin:/bin"})
    assert done.returncode == 1
    assert "not drawn: ttft_comparison" in done.stdout and "exited with 3" in done.stdout
    assert "(8 matched cells" in done.stdout
    assert not list((tmp_path / "analysis").glob("*.png"))


def test_nothing_to_analyse(inferbench, tmp_path):
    (tmp_path / "empty_results.json").write_text('{"metadata": {"format": 1}, "results": []}')
    done = inferbench("analyze", "empty_results.json")
    assert done.returncode == 1 and "no rows to analyze" in done.stderr
    assert not (tmp_path / "analysis").exists()


def test_nothing_but_warmups(inferbench, two, tmp_path):
    path = next((tmp_path / "results/g5.xlarge").glob("offline_results_*"))
    data = json.loads(path.read_text())
    data["results"] = [row for row in data["results"] if row["is_warmup"]]
    (tmp_path / "w.json").write_text(json.dumps(data))
    done = inferbench("analyze", "w.json")
    assert done.returncode == 0, done.stderr
    assert "not drawn" in done.stdout
    assert "8 warm-up repeats" in (tmp_path / "analysis/summary_report.txt").read_text()


def test_broken_file_is_named_and_the_rest_analysed(inferbench, two, tmp_path):
    (tmp_path / "results/broken_results.json").write_text('{"results": [')
    done = inferbench("analyze", "results")
    assert done.returncode == 1
    assert "broken_results.json" in done.stderr
    assert "(8 matched cells" in done.stdout


def test_rows_of_a_broken_file_are_taken_from_a_sound_one(inferbench, two, tmp_path):
    """The copy that was cut short is read first: its rows must not count as read."""
    sound = sorted((tmp_path / "results").glob("*/offline_results_*.json"))
    text = sound[0].read_text()
    (tmp_path / "cut.json").write_text(text[:len(text) * 2 // 3])
    done = inferbench("analyze", "cut.json", *sound)
    assert done.returncode == 1 and "cut.json" in done.stderr
    assert "(8 matched cells" in done.stdout
    assert "80 rows of 2 files" in done.stdout
    assert "two files" not in (tmp_path / "analysis/summary_report.txt").read_text()


@pytest.mark.parametrize("args,code,message", [
    (["analyze"], 2, "no results files or folders given"),
    (["analyze", "none.json"], 1, "none.json"),
    (["analyze", "results", "--by", "colour"], 2, "--by"),
    (["analyze", "results", "--plots", "pie"], 2, "--plots"),
    (["analyze", "results", "--baseline", "g6"], 2, 'no label "g6"'),
])
def test_errors(inferbench, two, args, code, message):
    done = inferbench(*args)
    assert done.returncode == code, done.stderr
    assert message in done.stderr


def test_without_gnuplot_scripts_and_data_are_left(inferbench, two, tmp_path):
    empty = tmp_path / "bin"
    empty.mkdir()
    done = inferbench("analyze", "results", env={"PATH": str(empty)})
    assert done.returncode == 0, done.stderr
    assert "No gnuplot here" in done.stdout
    assert not list((tmp_path / "analysis").glob("*.png"))
    assert len(list((tmp_path / "analysis/source").glob("*.gp"))) == len(PNGS)


def test_scripts_draw_again_by_hand(inferbench, two, tmp_path):
    assert inferbench("analyze", "results").returncode == 0
    for path in (tmp_path / "analysis").glob("*.png"):
        path.unlink()
    for script in sorted((tmp_path / "analysis/source").glob("*.gp")):
        subprocess.run(["gnuplot", script.name], cwd=script.parent, check=True, timeout=60)
    assert len(list((tmp_path / "analysis").glob("*.png"))) == len(PNGS)


def test_words_of_the_engine_are_said(inferbench, tmp_path):
    """Runs that differ in what no field but engine_args holds."""
    words = {"plain": [], "fp8": ["--kv-cache-dtype", "fp8"],
             "spec": ["--speculative-config", '{"num_speculative_tokens": 4, "method": "ngram"}']}
    for label, rest in words.items():
        done = inferbench(*NULL, "--scenarios", "short", "--batch-sizes", "1", "--num-runs", "4",
                          "--label", label, "--output-dir", f"in/{label}", "--", *rest)
        assert done.returncode == 0, done.stderr
    assert inferbench("analyze", "in", "--plots", "ttft", "--baseline", "plain").returncode == 0
    report = " ".join((tmp_path / "analysis/summary_report.txt").read_text().split())
    assert "also different: engine_args not set / kv_cache_dtype=fp8" in report
    assert ('also different: engine_args not set / speculative_config='
            '{"method":"ngram","num_speculative_tokens":4}') in report


def test_one_label_of_two_kinds_of_words(inferbench, tmp_path):
    """Nothing is averaged over them."""
    for folder, rest in (("a", []), ("b", ["--kv-cache-dtype", "fp8"])):
        done = inferbench(*NULL, "--scenarios", "short", "--batch-sizes", "1", "--num-runs", "4",
                          "--label", "mine", "--output-dir", f"in/{folder}", "--", *rest)
        assert done.returncode == 0, done.stderr
    assert inferbench("analyze", "in", "--plots", "ttft").returncode == 0
    assert "mine: 2 cells, 6 measured" in (tmp_path / "analysis/summary_report.txt").read_text()


def test_unknown_machines_of_a_merged_file(inferbench, tmp_path):
    """Nobody named them; what tells them apart does."""
    for name in ("a", "b"):
        (tmp_path / name / "etc").mkdir(parents=True)
        (tmp_path / name / "etc/machine-id").write_text(name * 32 + "\n")
        done = inferbench(*NULL, "--scenarios", "short", "--batch-sizes", "1", "--num-runs", "4",
                          "--output-dir", f"in/{name}",
                          env={"INFERBENCH_PROBE_ROOT": tmp_path / name})
        assert done.returncode == 0, done.stderr
    assert inferbench("merge", "in", "-o", "merged.json").returncode == 0
    rows = json.loads((tmp_path / "merged.json").read_text())["results"]
    machines = list(dict.fromkeys(row["machine_sha256"] for row in rows))
    assert len(machines) == 2 and {row["instance_type"] for row in rows} == {"unknown"}
    done = inferbench("analyze", "merged.json", "--plots", "ttft")
    assert done.returncode == 0, done.stderr
    first, second = (f"? {machine[:8]}" for machine in machines)
    assert done.stdout.startswith(f"{second} / {first}: 1.00x tokens/s")


@pytest.mark.parametrize("first,second", [
    ("run.1.results.json", "run.2.results.json"), ("g5/results.json", "inf2/results.json")])
def test_files_of_unknown_machines_are_not_averaged(inferbench, tmp_path, first, second):
    """Whatever their names have in common."""
    for speed, name in ((100.0, first), (200.0, second)):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        published.write(path, published.grid("unknown", speed))
    done = inferbench("analyze", "in", "--plots", "ttft")
    assert done.returncode == 0, done.stderr
    old, new = (f"? {name.removesuffix('.json')}" for name in (first, second))
    assert done.stdout.startswith(f"{new} / {old}: 2.00x tokens/s"), done.stdout
