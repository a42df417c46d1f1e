"""report.html in a headless Chromium: it sorts, filters, shows values, prints, is dark and light, fits a phone,
says nothing on the console, asks for nothing, and axe-core finds nothing serious."""

import csv
import json
import re

import pytest

from conftest import HOME
from e2e import browser
from e2e.test_page import EVIL, make_two

AXE = max((HOME / "axe").glob("*/axe.min.js"), default=None)
WIDTHS = (390, 1280, 1920)


@pytest.fixture
def page(inferbench, tmp_path):
    """The page of two machines, opened."""
    if not browser.find():
        pytest.skip("no Chromium: scripts/setup test installs it")
    made = inferbench("analyze", make_two(inferbench), "--output-dir", "analysis", "--plots", "cost")
    assert made.returncode == 0, made.stderr
    b = browser.Browser(tmp_path)
    try:
        b.path = tmp_path / "analysis/report.html"
        b.open(b.path)
        yield b
        assert b.logged == []
        assert [url for url in b.asked if not url.startswith(("data:", "blob:"))] == [b.path.as_uri()]
    finally:
        b.close()


HEAD = """[...document.querySelectorAll('#rows thead button')].map((b) => b.dataset.column)"""
BODY = """[...document.querySelectorAll('#rows tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))"""


def column(page, name):
    at = page.value(HEAD).index(name)
    return [row[at] for row in page.value(BODY)]


def test_sorts_and_filters(page):
    count = len(page.value(BODY))
    assert count == 50 and "/ 64" in page.value("document.querySelector('.pager').textContent")
    page.click("[data-column=tokens_per_second]")
    fast = [float(text.replace(",", "")) for text in column(page, "tokens_per_second")]
    assert fast == sorted(fast, reverse=True)
    assert page.value("document.activeElement.dataset.column") == "tokens_per_second"
    sort = "document.querySelector('[data-column=tokens_per_second]').closest('th').ariaSort"
    assert page.value(sort) == "descending"
    page.key("Enter")
    page.click("[data-column=tokens_per_second]")
    assert page.value(sort) in ("ascending", "descending")
    page.click(".pager button:last-child")
    assert len(page.value(BODY)) == 14

    page.click("#filter")
    page.type("inf2")
    assert set(column(page, "label")) == {"inf2"} and "1–32 / 32" in page.value(
        "document.querySelector('.pager').textContent")
    page.type(" none such")
    assert page.value(BODY) == []


def test_shows_values(page):
    """On hover, and on focus: one stop for Tab in a picture, arrows within."""
    assert page.value("document.getElementById('tip').hidden")
    page.hover("[data-chart='0'] .mark .hit")
    page.wait_until("!document.getElementById('tip').hidden")
    assert re.search(r"inf2: 0\.70x", page.value("document.getElementById('tip').textContent"))
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    page.wait_until("document.getElementById('tip').hidden")

    stops = "document.querySelectorAll('[data-chart=\"0\"] .mark[tabindex=\"0\"]').length"
    assert page.value(stops) == page.value("document.querySelectorAll('[data-chart=\"0\"] svg[role=group]').length")
    page.value("document.querySelector('[data-chart=\"0\"] .mark').focus()")
    first = page.value("document.activeElement.getAttribute('aria-label')")
    assert first in page.value("document.getElementById('tip').textContent.replace(/\\n/g, ', ')")
    page.key("ArrowDown")
    assert page.value("document.activeElement.getAttribute('aria-label')") != first
    page.key("Escape")
    assert page.value("document.getElementById('tip').hidden")


def test_each_chart_is_a_table_too(page):
    for at in range(page.value("document.querySelectorAll('figure').length")):
        page.click(f"[data-chart='{at}'] summary")
        rows = f"document.querySelectorAll('[data-chart=\"{at}\"] tbody tr').length"
        page.wait_until(rows)
        assert page.value(rows) == page.value(f"document.querySelectorAll('[data-chart=\"{at}\"] .mark').length")


def test_saves(page, tmp_path):
    page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.click("#filter")
    page.type("inf2")
    page.click("#save-csv")
    page.click("#save-json")

    def saved(name):
        path = tmp_path / name
        while not path.exists() or path.stat().st_size == 0:
            page.value("new Promise((done) => setTimeout(done, 100))")
        return path.read_text(encoding="utf-8")
    of_json = json.loads(saved("rows.json"))
    of_csv = list(csv.DictReader(saved("rows.csv").splitlines()))
    assert len(of_json) == len(of_csv) == 32
    for a, b in zip(of_json, of_csv):
        assert a["label"] == b["label"] == "inf2"
        assert a["tokens_per_second"] == float(b["tokens_per_second"])


def test_dark_and_light(page):
    paper = "getComputedStyle(document.body).backgroundColor"
    page.media(prefers_color_scheme="light")
    light = page.value(paper)
    page.media(prefers_color_scheme="dark")
    dark = page.value(paper)
    assert light != dark and page.value("document.getElementById('theme').textContent") == "Light"
    page.click("#theme")
    assert page.value(paper) == light
    page.media(prefers_color_scheme="light")
    page.click("#theme")
    assert page.value(paper) == dark


def test_prints(page):
    page.click("#theme")
    pdf = page.pdf()
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", pdf)) > 1
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("width", WIDTHS)
def test_fits(page, width):
    """Nothing but a region that scrolls is wider than the page; no text of a picture lies on another."""
    page.size(width)
    page.wait_until(f"document.querySelector('figure svg[role=group]').clientWidth < {width}")
    page.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.value("document.documentElement.scrollWidth") <= width
    assert page.value("""[...document.querySelectorAll('figure svg[role=group]')].flatMap((picture) => {
        const boxes = [...picture.querySelectorAll('text')].map((t) => [t.textContent, t.getBoundingClientRect()]);
        const frame = document.documentElement.clientWidth, found = [];
        boxes.forEach(([text, a], i) => {
            if (a.left < -1 || a.right > frame + 1) found.push('outside: ' + text);
            for (const [other, b] of boxes.slice(i + 1))
                if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 &&
                    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4) found.push(text + ' on ' + other);
        });
        return found; })""") == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe(page, theme):
    if AXE is None:
        pytest.skip("no axe-core: scripts/setup test installs it")
    page.media(prefers_color_scheme=theme)
    for at in range(page.value("document.querySelectorAll('details').length")):
        page.value(f"document.querySelectorAll('details')[{at}].open = true")
    page.value("new Promise((done) => setTimeout(done, 200))")
    page.value(AXE.read_text(encoding="utf-8") + ";0")
    found = page.value("axe.run().then((r) => r.violations.map((v) => [v.id, v.impact, v.nodes.length, "
                       "v.nodes[0].html.slice(0, 200), v.nodes[0].failureSummary]))")
    assert [v for v in found if v[1] in ("serious", "critical")] == []


def test_names_stay_text(page, inferbench, tmp_path):
    """Whatever they contain, nothing of theirs runs."""
    for path in (tmp_path / "results").glob("*/offline_results_*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        for row in data["results"]:
            row["model_name"] = EVIL[0]
            row["label"] += EVIL[1]
            row["scenario"] += EVIL[2]
        path.write_text(json.dumps(data), encoding="utf-8")
    done = inferbench("analyze", "results", "--output-dir", "analysis", "--plots", "cost")
    assert done.returncode == 0, done.stderr
    page.open(page.path)
    assert page.value("document.querySelectorAll('img, iframe, main script').length") == 0
    page.hover("[data-chart='0'] .mark .hit")
    assert EVIL[1] in page.value("document.body.textContent")
