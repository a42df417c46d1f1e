"""report.html: one page that opens offline, says what the report says, and runs no one else's script."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from e2e.offline_run import NULL, files_of

PRICES = ["--price-per-hour", "g5.xlarge=1.0", "inf2.xlarge=0.76"]
EVIL = ['<script>alert(1)</script>', '</script><img src=x onerror="alert(1)">', '"\'><b>&amp;', "a\u202eb"]
URL = re.compile(r"""(?:https?:)?//[a-z0-9]|(?<!Object)url\(|@import|\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon""", re.I)


class Page(HTMLParser):
    """Elements with their attributes, texts by element, and what stands in <script> and <style>."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts, self.open = [], [], []
        self.raw = {"script": [], "style": []}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in self.raw:
            self.raw[tag].append("")
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> within {self.open}"
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]][-1] += data
        elif data.strip():
            self.texts.append(data.strip())

    @property
    def data(self):
        return json.loads(self.raw["script"][0])


def rows_of(data):
    """The columns of the page as rows."""
    def value(column, i):
        if "one" in column:
            return column["one"]
        return column["all"][i] if "all" in column else column["texts"][column["at"][i]]
    return [{c["name"]: value(c, i) for c in data["rows"]["columns"]}
            for i in range(data["rows"]["count"])]


def make_two(inferbench, folder="results", *more):
    for label, speed in (("g5", "1"), ("inf2", "0.7")):
        done = inferbench(*NULL, "--test-prefix-caching", "--num-runs", "4", "--batch-sizes", "1", "4",
                          "--scenarios", "short", "prefix_caching", "--label", label,
                          "--instance-type", f"{label}.xlarge", "--engine-arg", f"speed={speed}",
                          "--output-dir", f"{folder}/{label}", *more)
        assert done.returncode in (0, 3), done.stderr
    return folder


@pytest.fixture
def page_of(inferbench, tmp_path):
    def analyze(*words):
        done = inferbench("analyze", *words, "--output-dir", "analysis", "--plots", "cost",
                          *PRICES)
        assert done.returncode == 0, done.stderr
        assert "analysis/report.html" in done.stdout
        return (tmp_path / "analysis/report.html").read_text(encoding="utf-8")
    return analyze


def test_whole_page(inferbench, tmp_path, page_of):
    """What the text report says stands in the page, and every row with all that it knows."""
    text = page_of(make_two(inferbench))
    page = Page(text)
    assert page.open == []
    flat = re.sub(r"\s+", " ", " ".join(page.texts))
    report = (tmp_path / "analysis/summary_report.txt").read_text(encoding="utf-8")
    for paragraph in re.split(r"\n(?=\S)|\n\n|\n  (?=\S)", report):
        line = re.sub(r"[\s\u00a0]+", " ", paragraph).strip()
        if line and set(line) != {"-"} and ".." not in line and "tok/s" not in line:
            assert line.replace(" ", "") in flat.replace(" ", ""), line

    truth = [row for label in ("g5", "inf2") for row in files_of(tmp_path / "results" / label).rows]
    rows = rows_of(page.data)
    assert len(rows) == len(truth)
    for got, want in zip(rows, truth):
        for name, value in want.items():
            if name in ("checks", "distributions", "timeline") or name.startswith(("usd_", "price_")):
                continue
            if isinstance(value, float):
                assert got[name] == pytest.approx(value, rel=1e-6), name
            else:
                assert got.get(name) == value, name
    charts = {chart["name"]: chart for chart in page.data["charts"]}
    assert {"ratios", "cost_ratios", "ttft_tradeoff", "batch_size_scaling", "prefix_caching_effect",
            "tokens_per_sec_comparison", "itl_shares", "tokens_timeline"} <= set(charts)
    ratios = charts["ratios"]["panels"][0]
    assert ratios["ticks"][-1] == "geometric mean of 8"
    assert ratios["series"][0]["points"][-1][1] == pytest.approx(0.7, rel=0.01)


def test_nothing_is_asked_for(inferbench, page_of):
    """The policy forbids every host, and allows the two texts that the page brings, by their digests."""
    text = page_of(make_two(inferbench))
    page = Page(text)
    policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    for kind, body in (("script", page.raw["script"][1]), ("style", page.raw["style"][0])):
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"; {kind}-src 'sha256-{digest}'" in policy
        assert not URL.search(body.replace("http://www.w3.org/2000/svg", "")), kind
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    for tag, attributes in page.elements:
        assert not {"style", "src", "srcset"} & set(attributes), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        assert attributes.get("href", "#").startswith(("#", "data:"))
    assert len(page.raw["script"]) == 2 and len(page.raw["style"]) == 1


@pytest.mark.parametrize("name", EVIL)
def test_names_stay_text(inferbench, tmp_path, page_of, name):
    """Whatever a model, a label, a scenario or an error is called."""
    folder = make_two(inferbench)
    for path in (tmp_path / folder).glob("*/offline_results_*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        for row in data["results"]:
            row["model_name"] = row["notes"] = name
            row["label"] += name
            row["metadata"] = {name: name}
            row["scenario"] += name
        data["results"][-1]["error"] = name
        path.write_text(json.dumps(data), encoding="utf-8")
    text = page_of(folder)
    page = Page(text)
    assert page.open == [] and len(page.raw["script"]) == 2
    assert not [tag for tag, _ in page.elements if tag in ("img", "iframe", "object")]
    assert "\u202e" not in text
    shown = name.replace("\u202e", "\\u202e")
    assert f"g5{shown}" in " ".join(page.texts)
    assert all(row["model_name"] == shown for row in rows_of(page.data))


def test_thousand_rows_are_small(inferbench, tmp_path, page_of):
    folder = make_two(inferbench)
    path = next((tmp_path / folder).glob("g5/offline_results_*.json"))
    data = json.loads(path.read_text(encoding="utf-8"))
    rows = data["results"]
    data["results"] = []
    for i in range(1000):
        row = dict(rows[i % len(rows)], row=i, repeat=i // len(rows))
        for key, value in row.items():
            if isinstance(value, float) and value:
                row[key] = value * (1 + 1e-3 * ((i * 7919 + len(key)) % 1009) / 1009)
        data["results"].append(row)
    path.write_text(json.dumps(data), encoding="utf-8")
    text = page_of(path)
    assert Page(text).data["rows"]["count"] == 1000
    assert len(text.encode()) < 2_000_000


def test_nothing_measured(inferbench, tmp_path, page_of):
    """All repeats failed: the page says so on top, names no machine, and has the errors."""
    folder = make_two(inferbench)
    for path in (tmp_path / folder).glob("*/offline_results_*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        for row in data["results"]:
            row.update({key: None for key, value in row.items() if isinstance(value, float)})
            row.update(error="out of memory", verdict=None, checks=None, reasons=None, warnings=None)
        path.write_text(json.dumps(data), encoding="utf-8")
    page = Page(page_of(folder))
    flat = " ".join(page.texts)
    assert "(null)" not in flat and "nothing measured" in flat
    assert "Nothing was measured : no repeat gave a result" in re.sub(r"\s*: ", " : ", flat)
    assert "out of memory" in flat and "failed" in page.texts and "Environment" not in page.texts
    assert all(row["error"] == "out of memory" for row in rows_of(page.data))


def test_cells_beyond_the_charts(inferbench, tmp_path, page_of):
    """Distributions of the first cells; the page says how many are in the table alone."""
    folder = make_two(inferbench)
    for path in (tmp_path / folder).glob("*/offline_results_*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        rows = data["results"]
        data["results"] = [dict(row, scenario=f"{row['scenario']}_{i}", run_id=row["run_id"][:30] + f"{i:02x}")
                           for i in range(4) for row in rows]
        path.write_text(json.dumps(data), encoding="utf-8")
    page = Page(page_of(folder))
    shares = next(chart for chart in page.data["charts"] if chart["name"] == "itl_shares")
    cells = len({(row["scenario"], row["batch_size"], row["enable_prefix_caching"]) for row in rows_of(page.data)})
    assert len(shares["panels"]) == 24 < cells
    assert f"the first 24 cells; {2 * (cells - 24)} more are in the table of rows alone" in page.texts


def test_format_chooses(inferbench, tmp_path):
    folder = make_two(inferbench)
    for words, files in ((["--format", "text"], {"summary_report.txt"}), (["--format", "html"], {"report.html"}),
                         ([], {"summary_report.txt", "report.html"})):
        out = "out" + "-".join(words)
        done = inferbench("analyze", folder, "--output-dir", out, "--plots", "cost", *words)
        assert done.returncode == 0, done.stderr
        assert {p.name for p in (tmp_path / out).iterdir() if p.suffix in (".txt", ".html", ".md", ".csv")} == files


def test_published_results(page_of, request):
    """Rows of the replaced tool, which know little."""
    page = Page(page_of(request.config.rootpath / "tests/data/published_results.json"))
    assert page.open == [] and page.data["rows"]["count"] > 0


def test_japanese(inferbench, tmp_path, page_of):
    """Headings, charts and fixed sentences; what the code says stays as it is written there."""
    folder = make_two(inferbench)
    page = Page(page_of(folder, "--lang", "ja"))
    assert next(a for tag, a in page.elements if tag == "html")["lang"] == "ja"
    assert {"結論", "判定", "図", "環境", "マシン", "すべての行", "マシンどうしの比較"} <= set(page.texts)
    assert page.data["words"]["Save CSV"] == "CSV を保存"
    report = (tmp_path / "analysis/summary_report.txt").read_text(encoding="utf-8")
    assert "\nマシン\n------\n" in report and "SIMULATED: これらの" in report
    flat = re.sub(r"[\s\u00a0]+", " ", " ".join(page.texts))
    assert re.search(r"0\.70x\s.*個の対応するセル", flat) and "64 行、" in flat
    assert "これらの 8 セルではどちらのトークン単価が低いか判定できない" in flat
    assert "SIMULATED(48 / 48 反復): 実際のハードウェアではない" in page.texts
    # every word that the script asks for is translated
    script = page.raw["script"][1]
    assert set(re.findall(r"\bT\('([^']+)'\)", script)) <= set(page.data["words"])
    assert "words" in Page(page_of(folder)).data and Page(page_of(folder)).data["words"] == {}
