"""The campaign: every behaviour of hostile.py against the plain build and the one with sanitizers.

None may make the program hang, crash, or hold more than 64 MB, no sanitizer has anything to
say, no control character of theirs reaches the screen, and no number is another than the one
that was sent: what failed is counted as failed, and what is unknown is null.
"""

import json
import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from conftest import ROOT
from e2e import hostile
from e2e import odd_server as odd
from e2e.odd_server import OddServer, Run, check_accounts, check_times
from e2e.offline_run import NULL, Spawner, files_of
from oracle import oracle

MINE = threading.local()
LIMIT_S = 60
WORKERS = 4
PEAK_KIB = 64 << 10
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
BUILDS = {"plain": os.environ.get("INFERBENCH_BIN") or ROOT / "build/inferbench",
          "asan": os.environ.get("INFERBENCH_ASAN_BIN") or ROOT / "build-asan/inferbench"}
SANITIZERS = {"ASAN_OPTIONS": "exitcode=86:allocator_may_return_null=1",
              "UBSAN_OPTIONS": "halt_on_error=1:exitcode=86"}


def let_loose(build, folder, words, codes):
    """Runs a command that has to end as documented; a Run, its files not looked at."""
    if not hasattr(MINE, "spawner"):
        MINE.spawner = Spawner()  # of this thread
    code, peak_kib, said, err = MINE.spawner.run([BUILDS[build], *words], folder,
                                                 odd.environment(**SANITIZERS), LIMIT_S)
    assert "Sanitizer" not in err and "runtime error:" not in err, err[-4000:]
    assert code in codes, (code, err[-2000:], said[-1000:])
    assert not STEERS.search(err + said), err + said
    assert build != "plain" or peak_kib <= PEAK_KIB, peak_kib
    return code, said, err


class Server(OddServer):
    """Request 1 that is measured gets the behaviour; others are answered well, and their truth kept."""

    def __init__(self, bad):
        super().__init__(self.judge)
        self.bad, self.truth = bad, {}

    def judge(self, sock, request):
        now = time.monotonic_ns()
        row = self.truth[request.number] = {"id": request.id, "arrival_ns": now,
                                            "sent_ns": [now, now]}
        if request.index == 1 and request.is_measured:
            return self.bad(sock, request)
        sock.sendall(odd.HEAD)
        stamps = []
        for i in range(8):
            time.sleep(0.001)
            stamps.append(time.monotonic_ns())
            sock.sendall(odd.token(f" {i}", "length" if i == 7 else None))
        row["sent_ns"] = [stamps[0], stamps[-1]]
        sock.sendall(odd.usage(odd.prompt_len(request), 8) + odd.END)
        return True


def load(port, *words):
    return ["online", *odd.small(1, 4), "--no-mlflow", "--port", port, *words]


def check_numbers(run, outcome):
    """Request 1 came to what the table says; the others have their 8 tokens."""
    check_accounts(run)
    for index, line in [*run.requests(0).items(), *run.requests(1).items()]:
        is_known = line.get("token_source") == "usage"
        fate = line.get("class") or (line["tokens_out"] if is_known else None)
        assert line["status"] == ("failed" if "class" in line else "ok"), line
        if index != 1 or line["repeat"] == 0:
            assert fate == 8 or fate == "timeout" and outcome in ("timeout", "any"), line
        else:
            assert fate == outcome or outcome == "any" and "class" in line, (fate, line)
    assert [sorted(run.requests(repeat)) for repeat in (0, 1)] == [[0, 1, 2, 3]] * 2


def of_answers(build, folder, name):
    answer, outcome = hostile.ANSWERS[name]
    limit = f"{1 if outcome == 'timeout' else 2 if outcome == 'any' else 20}s"
    with Server(answer) as server:
        _, said, err = let_loose(build, folder, load(server.port, "--request-timeout", limit), (0, 3))
    run = Run(0, folder / "results", said, err)
    check_numbers(run, outcome)
    check_times(run, server.truth)
    if build == "plain":
        oracle.check_run(run.files.folder, is_whole=False)
    assert len({one.id for one in server.seen}) == 8 and len(server.seen) <= 12


def of_pages(build, folder, name):
    path, page, outcome = hostile.PAGES[name]
    words = ["--ready-timeout", "1s" if outcome == "fails" else "20s"]
    words += [] if path == "/v1/models" else ["--dialect", "vllm"]
    with OddServer(pages={path: page}, paths={"/metrics": hostile.COUNTERS}) as server:
        code, said, err = let_loose(build, folder, load(server.port, *words),
                                    (1,) if outcome == "fails" else (0, 3))
    run = Run(code, folder / "results", said, err)
    if not run.rows:  # refused before there was anything to measure
        assert outcome == "fails" and not server.seen
        return
    check_accounts(run)
    for row in run.rows:
        if outcome == "fails":
            assert row["error"] and row["tokens_per_second"] is None and not server.seen
        else:
            assert (row["requests_ok"], row["actual_output_tokens"]) == (4, 32)


class Greeter(OddServer):
    def __init__(self, greet):
        super().__init__()
        self.greet = greet

    def serve(self, sock):
        try:
            self.greet(sock, None)
        except OSError:
            pass
        sock.close()


def of_greetings(build, folder, name):
    """Before a request is made, of http and of https."""
    for scheme in ("http", "https"):
        with Greeter(hostile.GREETINGS[name]) as server:
            words = ["--base-url", f"{scheme}://127.0.0.1:{server.port}", "--ready-timeout", "1s",
                     "--output-dir", scheme]
            code, said, err = let_loose(build, folder, load(1)[:-2] + words, (1,))
        row, = Run(code, folder / scheme, said, err).rows
        assert row["error"] and row["tokens_per_second"] is None and not row["requests_ok"]


def of_trackers(build, folder, name):
    """The run is measured all the same; `mlflow sync` says that it failed."""
    run = [*NULL, "--scenarios", "short", "--batch-sizes", "1", "--num-runs", "2", "--max-tokens",
           "8", "--output-dir", "r"]
    with OddServer(pages={"*": hostile.TRACKERS[name]}) as server:
        uri = ["--mlflow-uri", f"http://127.0.0.1:{server.port}"]
        let_loose(build, folder, [*run, *uri], (0, 1, 3))
        rows = files_of(folder / "r").rows
        assert len(rows) == 2 and not any(row["error"] for row in rows)
        if name in hostile.FINAL:
            let_loose(build, folder, ["mlflow", "sync", "r", *uri], (1,))


TRUE = {"dataset": b'{"prompt": "short words", "max_tokens": 4}\n{"prompt": "more"}\n' * 20,
        "options": b"scenarios: [short]\nbatch_sizes: [1, 2]\nmax_tokens: 8\nseed: 3\n"}


@lru_cache(None)
def true_file(kind):
    """The bytes of such a file as they should be."""
    if kind in TRUE:
        return TRUE[kind]
    with TemporaryDirectory() as name:
        let_loose("plain", Path(name), [*NULL, "--no-mlflow", "--scenarios", "short", "--num-runs", "3",
                                        "--output-dir", "r"], (0, 3))
        files = files_of(Path(name) / "r")
        return (files.results_path if kind == "results" else files.journal_path).read_bytes()


def check_json(path):
    """Written by us: strict JSON, and no number in it that is none."""
    def refuse(text):
        raise AssertionError(f"{path}: {text}")
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def of_files(build, folder, name):
    kind, change = hostile.FILES[name]
    commands = hostile.KINDS[kind][0]
    path = folder / "h/journal.jsonl" if kind == "journal" else folder / "h_results.json"
    path.parent.mkdir(exist_ok=True)
    if change in (hostile.sparse, hostile.loop, hostile.folder):
        change(path)
    else:
        path.write_bytes(change(true_file(kind)))
    for words in commands:
        words = [word.replace("{}", str(path)).replace("{/}", str(path.parent)) for word in words]
        let_loose(build, folder, words, (0, 1, 2, 3))
    for made in [*folder.glob("m.json"), *folder.glob("again/*.json"), *folder.glob("results/*.json")]:
        check_json(made)
    assert not list(folder.rglob("PWNED"))


FAMILIES = {"answer": (of_answers, hostile.ANSWERS), "page": (of_pages, hostile.PAGES),
            "greeting": (of_greetings, hostile.GREETINGS),
            "tracker": (of_trackers, hostile.TRACKERS), "file": (of_files, hostile.FILES)}
CASES = [f"{family} {name}" for family, (_, table) in FAMILIES.items() for name in table]


@pytest.fixture(scope="module")
def campaign(request, tmp_path_factory):
    """{test id: what is known of its end in the future}: three at a time."""
    wanted = [item.callspec.params for item in request.session.items
              if item.fspath == request.node.fspath and hasattr(item, "callspec")]

    base = tmp_path_factory.mktemp("hostile")

    def one(build, case):
        family, name = case.split(" ", 1)
        folder = base / f"{build}{CASES.index(case)}"
        folder.mkdir()
        FAMILIES[family][0](build, folder, name)
    with ThreadPoolExecutor(WORKERS) as pool:
        yield {(p["build"], p["case"]): pool.submit(one, p["build"], p["case"]) for p in wanted
               if Path(BUILDS[p["build"]]).exists()}
        pool.shutdown(cancel_futures=True)


def builds_of(number, case):
    """Each case is tried in one of the builds, by turns, to save half of the time; INFERBENCH_TEST_ALL: in
    all. Answers of some kinds are what others try without sanitizers."""
    if re.match("answer (odd|sound|flood): ", case):
        return ["asan"]
    return list(BUILDS) if os.environ.get("INFERBENCH_TEST_ALL") else [list(BUILDS)[number % len(BUILDS)]]


@pytest.mark.parametrize("build,case", [
    (build, case) for number, case in enumerate(CASES) for build in builds_of(number, case)])
def test_hostile(campaign, build, case):
    if (build, case) not in campaign:
        pytest.skip("no build with sanitizers here: make asan")
    campaign[build, case].result()


def test_the_table_is_long():
    assert len(set(CASES)) >= 100
