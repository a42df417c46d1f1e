"""What a person sees: a headless Chromium opens the printed link and the page of a run.

INFERBENCH_SCREENSHOT=docs/images/mlflow.png makes the picture of the pages in docs anew.
"""

import html
import os
import re
import shutil
import subprocess

import pytest

from e2e.offline_run import files_of
from track import rows
from track.real_server import link_in

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip("no Chromium: scripts/setup test installs it")
    profile = tmp_path_factory.mktemp("chromium")

    def run(link, *words, budget_ms=30000):
        return subprocess.run(
            [found, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--no-proxy-server",
             "--hide-scrollbars", "--window-size=1280,1000", f"--user-data-dir={profile}",
             f"--virtual-time-budget={budget_ms}", *words, link],
            capture_output=True, text=True, timeout=180)
    return run


def text_of(run, link, *wanted):
    """The text of a page once it shows what is wanted; a busy machine is given three tries."""
    text = ""
    for budget_ms in (15000, 30000, 60000):
        done = run(link, "--dump-dom", budget_ms=budget_ms)
        body = re.sub(r"<(script|style)\b.*?</\1>", " ", done.stdout, flags=re.S)
        text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))
        if all(word in text for word in wanted):
            return text
    missing = [word for word in wanted if word not in text]
    raise AssertionError(f"{link} does not show {missing}: {text[:2000]}")


@pytest.fixture
def logged(track, server, client, experiment):
    track.run(*rows.QUICK, "--batch-sizes", "1", "--instance-type", "g5.xlarge", "--output-dir",
              "results", "--no-mlflow")
    files = files_of(track.folder / "results")
    done = track.sync("results", server.uri, "browser " + experiment)
    runs = rows.by_row(client.runs(server.uri, "browser " + experiment))
    return files, link_in(done.stdout), runs


def number(value):
    """Digits of a number that any way to show it begins with."""
    return f"{value:.10f}".rstrip("0")[:5]


@pytest.mark.slow
def test_pages(logged, server, chromium):
    files, link, runs = logged
    measured = [row for row in files.rows if not row["is_warmup"]]
    text = text_of(chromium, link, *[row["experiment_id"] for row in measured])
    for row in files.rows:
        name = re.escape(row["experiment_id"]) + r"(?![\w-])"
        assert bool(re.search(name, text)) != row["is_warmup"], row["experiment_id"]

    run, row = runs[-1], files.rows[-1]
    page = f"{server.uri}/#/experiments/{run['experiment_id']}/runs/{run['run_id']}"
    mode = "?workflowType=machine_learning"
    text_of(chromium, page + mode, "tokens_per_second", number(row["tokens_per_second"]),
            "enable_prefix_caching", "batch_size", row["model_name"], row["verdict"])
    text_of(chromium, page + "/artifacts" + mode, "row.json", "environment",
            files.results_path.name)
    target = os.environ.get("INFERBENCH_SCREENSHOT")
    if target:
        chromium(page + mode, f"--screenshot={os.path.abspath(target)}")
        assert os.path.getsize(target) < 150_000
