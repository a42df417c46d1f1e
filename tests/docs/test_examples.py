"""Every command in README and docs is run, planned or at least parsed.

A comment before a code block says how:  <!-- test: KIND -->
    run      executed as it stands; must exit 0
    dry      `inferbench offline` and `online` lines are run with --dry-run, other lines of
             inferbench as they stand; all lines must be shell
    parse    needs another machine, or installs: must be shell
    python   executed after the `run` blocks of the same file
    mlflow   executed against a real MLflow server, by tests/track/test_docs.py
"""

import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT
from e2e.offline_run import plain_env

PAGES = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/*.md")])
BLOCK = re.compile(r"(?:<!-- test: (\w+) -->\n)?^```(sh|python)\n(.*?)^```", re.S | re.M)


def blocks():
    for page in PAGES:
        for match in BLOCK.finditer(page.read_text(encoding="utf-8")):
            yield page.relative_to(ROOT).as_posix(), match[1], match[3]


def cases(*kinds):
    return [pytest.param(page, text, id=f"{page}:{text.splitlines()[0][:40]}")
            for page, kind, text in blocks() if kind in kinds]


def commands(text):
    """Words of each line, continued lines joined, comments gone."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words


def run(words, folder, binary):
    env = plain_env(PATH=f"{binary.parent}:{os.environ['PATH']}", INFERBENCH=str(binary))
    return subprocess.run(words, cwd=folder, env=env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=240)


def place(folder):
    """What a checkout offers to the examples."""
    for name in ("configs", "data", "scripts"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def planned(words):
    """The command as it can be tried anywhere; None: not at all."""
    if words[:2] in (["inferbench", "offline"], ["inferbench", "online"]):
        at = words.index("--") if "--" in words else len(words)
        return words[:at] + ["--dry-run"] + words[at:]
    if words[0] == "python3" and words[-1] == "--dry-run":
        return [sys.executable, *words[1:]]
    return words if words[0] == "inferbench" else None


def test_every_block_says_how():
    unmarked = [f"{page}: {text}" for page, kind, text in blocks()
                if kind not in ("run", "dry", "parse", "python", "mlflow")]
    assert not unmarked


@pytest.mark.parametrize("page, text", cases("dry", "parse", "run", "mlflow"))
def test_is_shell(page, text):
    done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page, text", cases("dry"))
def test_dry(page, text, binary, tmp_path):
    place(tmp_path)
    tried = [words for words in map(planned, commands(text)) if words]
    assert tried
    for words in tried:
        done = run(words, tmp_path, binary)
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def ran(binary, tmp_path_factory):
    """Runs all `run` blocks of a page in one folder, once."""
    folders = {}

    def run_page(page):
        if page not in folders:
            folder = place(tmp_path_factory.mktemp("page"))
            for name, kind, text in blocks():
                if name == page and kind == "run":
                    done = run(["sh", "-euc", text], folder, binary)
                    assert done.returncode == 0, text + done.stdout + done.stderr
            folders[page] = folder
        return folders[page]
    return run_page


@pytest.mark.parametrize("page", sorted({page for page, kind, _ in blocks() if kind == "run"}))
def test_run(page, ran):
    ran(page)


OUTPUT = re.compile(r"<!-- output: (.*?) -->\n```\n(.*?)^```", re.S | re.M)


@pytest.mark.parametrize("page, command, text", [
    (page.relative_to(ROOT).as_posix(), *found) for page in PAGES
    for found in OUTPUT.findall(page.read_text(encoding="utf-8"))])
def test_output(page, command, text, ran, binary):
    """What a page shows is what the program prints."""
    done = run(["sh", "-euc", command], ran(page), binary)
    assert done.returncode == 0, done.stderr
    assert done.stdout == text


@pytest.mark.parametrize("page, text", cases("python"))
def test_python(page, text, ran, binary):
    done = run([sys.executable, "-c", text], ran(page), binary)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"(\S+ \d+ \d+\.\d\d\n)+", done.stdout)


@pytest.mark.parametrize("page", [page.relative_to(ROOT).as_posix() for page in PAGES])
def test_links(page):
    """Links inside the tree lead somewhere, to headings too."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), target
        if anchor:
            heads = [re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-")
                     for head in re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.M)]
            assert anchor in heads, target


def test_messages_are_the_program_s():
    """What docs/troubleshooting.md quotes as a message stands in the source."""
    source = "".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("src/*/*"))
                     if path.suffix in (".c", ".h", ".py"))
    source = re.sub(r'"\s*(?:PRId64)?\s*f?"', "", source)
    text = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    quoted = [message for first in re.findall(r"^\| (.*?) \|", text, re.M)
              for message in re.findall(r"`([^`]+)`", first)]
    assert len(quoted) > 40
    missing = [message for message in quoted for part in message.split("...")
               if part.strip() not in source]
    assert not missing


@pytest.mark.parametrize("page", ["docs/architecture.md", "README.ja.md"])
def test_tour_of_the_code(page):
    """Every folder of the source is visited, and each file that is named is there."""
    text = (ROOT / page).read_text(encoding="utf-8")
    places = set(re.findall(r"`(?:src/)?((?:\w+/)?\w+\.(?:c|h|py))`", text))
    there = {path.relative_to(ROOT / "src").as_posix() for path in ROOT.glob("src/*/*")}
    names = {path.split("/")[1] for path in there}
    assert not {place for place in places
                if place not in (there if "/" in place else names)
                and not (ROOT / "scripts/compat" / place).exists()}
    assert {place.split("/")[0] for place in places if "/" in place} == {
        path.split("/")[0] for path in there}


def test_generated_parts(binary):
    done = subprocess.run([sys.executable, ROOT / "scripts/make-docs", "--check", binary],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_japanese_options_are_all_there(binary):
    """The tables are written by hand: the program's options, and no others."""
    text = (ROOT / "docs/options.ja.md").read_text(encoding="utf-8")
    usage = run([str(binary), "--help"], ROOT, binary).stdout.split("Usage:")[1]
    for name in re.findall(r"^  (\w+) {2,}\S", usage, re.M):
        help_text = run([str(binary), name, "--help"], ROOT, binary).stdout
        have = set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", help_text, re.M))
        section = re.search(rf"\*\*`inferbench {name}`\*\*\n(.*?)(?=\n\*\*`|\n## |\Z)", text, re.S)
        assert section, name
        told = set(re.findall(r"^\| `(?:-\w, )?(--[\w-]+)", section[1], re.M))
        assert told == have, name


def test_field_table_is_complete(binary, tmp_path):
    """Every field that a row fills stands in docs/files.md."""
    done = run(["inferbench", "offline", "--engine", "null", "--no-imds", "--quiet"], tmp_path,
               binary)
    assert done.returncode == 0, done.stderr
    known = set()
    text = (ROOT / "docs/files.md").read_text(encoding="utf-8")
    for name in re.findall(r"^\| `([\w{},]+)` \|", text, re.M):
        group = re.match(r"(.*)\{(.*)\}(.*)", name)
        known |= {group[1] + part + group[3] for part in group[2].split(",")} if group else {name}
    with open(glob.glob(str(tmp_path / "results/offline_results_*.json"))[0]) as file:
        rows = json.load(file)["results"]
    told = {key for row in rows for key, value in row.items() if value is not None}
    assert told <= known, sorted(told - known)


@pytest.mark.skipif(shutil.which("man") is None, reason="no man")
def test_man_page(binary):
    done = subprocess.run(["man", "--warnings", "-l", str(ROOT / "docs/inferbench.1")],
                          capture_output=True, text=True,
                          env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0 and not done.stderr, done.stderr
    text = re.sub(".\b", "", done.stdout)
    usage = run([str(binary), "--help"], ROOT, binary).stdout.split("Usage:")[1]
    for word in ("--test-prefix-caching", "--engine-timeout", "EXIT STATUS",
                 *(f"inferbench {name}" for name in re.findall(r"^  (\w+) {2,}\S", usage, re.M))):
        assert word in text


def test_mlflow_s_variables_are_listed(root):
    """The table of docs/mlflow.md is what the program reads, no more and no less."""
    read = set(re.findall(r'"(MLFLOW_[A-Z_]+)"', (root / "src/track/account.c").read_text()))
    page = (root / "docs/mlflow.md").read_text()
    table = page[page.index("## MLflow's own variables"):page.index("No other is taken.")]
    listed = set(re.findall(r"`(MLFLOW_[A-Z_]+)`", table))
    assert listed == read
