"""Killed at any moment, programs and servers: a sync afterwards makes exactly the runs of an
undisturbed one."""

import errno
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from e2e.offline_run import files_of
from track import rows
from track.real_server import counted, same
from track.relay import Answer, Lost, Relay

SMALL = ["offline", "--engine", "null", "--no-imds", "--scenarios", "short", "--batch-sizes", "1",
         "--max-tokens", "8", "--num-runs", "3", "--quiet", "--output-dir", "results"]


def make_small(track):
    track.run(*SMALL, "--no-mlflow")
    return files_of(track.folder / "results")


def check_same(held, wanted, when):
    """Asserts that nothing does."""
    assert [run["name"] for run, _ in held] == [run["name"] for run, _ in wanted], when
    for (run, files), (other, others) in zip(held, wanted):
        wrong = {key: (run[key], other[key]) for key in other if run[key] != other[key]}
        assert not wrong, (when, run["name"], wrong)
        assert files == others, (when, run["name"], sorted(files), sorted(others))


class Undisturbed:
    """How many requests one sync makes, and what it leaves."""

    def __init__(self, track, server, experiment):
        self.track, self.server = track, server
        self.files = make_small(track)
        with Relay(server.port) as relay:
            track.sync("results", relay.uri, experiment)
            self.requests = len(relay.seen)
        self.runs = self.held(experiment)
        rows.check_all(track.client, server.uri, experiment, self.files.rows)
        self.forget()

    def forget(self):
        for path in self.files.folder.rglob("*mlflow.json"):
            path.unlink()

    def held(self, experiment, server=None):
        client, uri = self.track.client, (server or self.server).uri
        return [(same(run), client.files(uri, run["run_id"]))
                for run in rows.by_row(client.runs(uri, experiment))]


@pytest.mark.slow
def test_program_killed(track, server, experiment):
    """Before each request of a sync in turn."""
    plain = Undisturbed(track, server, experiment)
    assert plain.requests > 3 * len(plain.files.rows)
    for at in range(1, plain.requests + 1):
        name = f"{experiment} {at}"
        killed = threading.Event()

        def kill(request):
            if request.number == at:
                process.kill()
                killed.set()
                raise Lost()
            return None
        with Relay(server.port, before=kill) as relay:
            process = track.start("mlflow", "sync", "results", "--mlflow-uri", relay.uri,
                                  "--mlflow-experiment", name)
            process.communicate(timeout=60)
            assert killed.is_set() and process.returncode == -signal.SIGKILL
        track.sync("results", server.uri, name)
        check_same(plain.held(name), plain.runs, f"killed before request {at}: {relay.seen[at - 1].path}")
        plain.forget()


@pytest.mark.slow
def test_answer_lost(track, server, experiment):
    """The server did what was asked and its answer never came: of each request in turn."""
    plain = Undisturbed(track, server, experiment)
    for at in range(1, plain.requests + 1):
        name = f"{experiment} {at}"

        def lose(request, _):
            if request.number == at:
                raise Lost()
        with Relay(server.port, after=lose) as relay:
            track.sync("results", relay.uri, name, code=None)
        track.sync("results", server.uri, name)
        check_same(plain.held(name), plain.runs, f"answer {at} lost: {relay.seen[at - 1].path}")
        plain.forget()


@pytest.mark.parametrize("at", [1, 3, 7, 12])
def test_killed_at_end_of_run(track, server, experiment, at):
    """`offline` itself, while it logs: the files are whole, a sync sends the rest."""
    logging = []

    def kill(request):
        if list((track.folder / "results").glob("offline_results_*.json")):
            logging.append(request)
        if len(logging) == at:
            process.kill()
            raise Lost()
    with Relay(server.port, before=kill) as relay:
        process = track.start(*SMALL, "--mlflow-uri", relay.uri, "--mlflow-experiment", experiment)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    files = files_of(track.folder / "results")
    track.sync("results", server.uri, experiment)
    rows.check_all(track.client, server.uri, experiment, files.rows)


@pytest.mark.slow
def test_server_killed(track, server, start_server, experiment):
    """SIGKILL to the server while it works at a request; it comes back with its data."""
    plain = Undisturbed(track, server, experiment)
    weak = start_server()
    for share, wait_s in [(0.15, 0), (0.4, 0.004), (0.6, 0.012), (0.8, 0.002)]:
        name = f"{experiment} {share}"

        def kill(request):
            if request.number == int(plain.requests * share):
                threading.Timer(wait_s, weak.kill).start()
        with Relay(weak.port, before=kill) as relay:
            done = track.sync("results", relay.uri, name, code=1)
            assert "Nothing is lost" in done.stderr
        weak.start()
        track.sync("results", weak.uri, name)
        check_same(plain.held(name, weak), plain.runs, f"server killed at {share}")
        plain.forget()


def test_server_comes_back(track, server, experiment):
    """Away for a moment: the same sync goes on by itself."""
    plain = Undisturbed(track, server, experiment)
    away = range(plain.requests // 2, plain.requests // 2 + 2)

    def refuse(request):
        if request.number in away:
            raise Lost()
    name = experiment + " away"
    with Relay(server.port, before=refuse) as relay:
        track.sync("results", relay.uri, name)
        assert len(relay.seen) > plain.requests
    check_same(plain.held(name), plain.runs, "")


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(track, server, experiment, status):
    """The server says when: not a moment earlier."""
    plain = Undisturbed(track, server, experiment)
    at = plain.requests // 2

    def busy(request):
        if request.number == at:
            return Answer(status, [("Retry-After", "2")], b"later")
        return None
    name = experiment + " busy"
    with Relay(server.port, before=busy) as relay:
        track.sync("results", relay.uri, name)
        first, again = relay.seen[at - 1:at + 1]
        assert again.time - first.time >= 2
    check_same(plain.held(name), plain.runs, "")


def test_always_busy(track, server, experiment):
    make_small(track)
    with Relay(server.port, before=lambda _: Answer(503, [("Retry-After", "0")], b"busy")) as relay:
        done = track.sync("results", relay.uri, experiment, code=1)
    assert "503" in done.stderr
    track.sync("results", server.uri, experiment)
    assert len(track.client.runs(server.uri, experiment)) == 3


def test_deleted_experiment(track, server, client, experiment):
    """Restored, with what it held."""
    files = make_small(track)
    track.sync("results", server.uri, experiment)
    client.ask(server.uri, "delete_experiment", experiment=experiment)
    track.run(*SMALL[:-1], "second", "--mlflow-uri", server.uri, "--mlflow-experiment", experiment)
    assert client.ask(server.uri, "experiment", experiment=experiment)["stage"] == "active"
    held = client.runs(server.uri, experiment)
    second = files_of(track.folder / "second")
    assert {run["tags"]["run_id"] for run in held} == {files.rows[0]["run_id"],
                                                       second.rows[0]["run_id"]}
    assert len(held) == 6


def test_deleted_run(track, server, client, experiment):
    """What a person deleted stays deleted, and is said."""
    make_small(track)
    track.sync("results", server.uri, experiment)
    gone = rows.by_row(client.runs(server.uri, experiment))[1]
    client.ask(server.uri, "delete_run", run_id=gone["run_id"])
    done = track.sync("results", server.uri, experiment)
    assert "deleted" in done.stdout + done.stderr
    stages = [run["stage"] for run in rows.by_row(client.runs(server.uri, experiment))]
    assert stages == ["active", "deleted", "active"]


class Disk:
    """A small file system that one server alone sees, and its filling."""

    SCRIPT = 'mount -t tmpfs -o size=24m none "$0" || exit 77; exec "$@"'

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        root = [] if os.geteuid() == 0 else ["--map-root-user"]
        self.within = ["unshare", "--mount", *root, "sh", "-c", self.SCRIPT, str(folder)]

    def fill(self, pid, leave_bytes):
        path = Path(f"/proc/{pid}/root{self.folder}/filler")
        with open(path, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError as error:
                assert error.errno == errno.ENOSPC
            file.truncate(max(0, file.tell() - leave_bytes))
        return path


@pytest.mark.slow
def test_server_disk_full(track, server, start_server, experiment, tmp_path):
    plain = Undisturbed(track, server, experiment)
    disk = Disk(tmp_path / "disk")
    try:
        full = start_server("--artifacts-destination", f"{disk.folder}/artifacts",
                            within=disk.within,
                            env={"MLFLOW_BACKEND_STORE": f"sqlite:///{disk.folder}/mlflow.db"})
    except AssertionError as error:
        if os.geteuid() != 0 or "unshare" in str(error):
            pytest.skip("no file system of our own may be mounted here")
        raise
    track.sync("results", full.uri, experiment + " before")
    filler = disk.fill(full.pid, 8 << 10)
    done = track.sync("results", full.uri, experiment, code=1)
    assert "inferbench: " in done.stderr
    filler.unlink()
    track.sync("results", full.uri, experiment)
    check_same(plain.held(experiment, full), plain.runs, "")


def test_lists_are_lost(track, server, experiment):
    """A broken list of what was sent costs a look at the server, nothing else."""
    plain = Undisturbed(track, server, experiment)
    kept = plain.files.raw_path / "mlflow.json"
    for text in ("", "{", "[]", '{"format": 1, "servers": [{"uri": 3}]}'):
        kept.write_text(text)
        done = track.sync("results", server.uri, experiment)
        assert counted(done) == (3, 0, 3)
    check_same(plain.held(experiment), plain.runs, "")


def test_slow_server_costs_little(track, server, experiment):
    """A server that hardly answers: the run ends all the same, and says how to go on."""
    stop = threading.Event()

    def dawdle(request):
        if request.number > 1:
            stop.wait(600)
            raise Lost()
    with Relay(server.port, before=dawdle) as relay:
        started = time.monotonic()
        done = track.run(*SMALL, "--mlflow-uri", relay.uri, "--mlflow-experiment", experiment,
                         timeout=200)
        took_s = time.monotonic() - started
        stop.set()
    assert took_s < 150  # far from the 600 s that the server would take
    assert "inferbench mlflow sync" in done.stdout + done.stderr
    track.sync("results", server.uri, experiment)
    assert len(track.client.runs(server.uri, experiment)) == 3


LONG = ["offline", "--engine", "null", "--no-imds", "--scenarios", "short", "--batch-sizes", "1",
        "2", "3", "--max-tokens", "8", "--num-runs", "2", "--output-dir", "results",
        "--save-every", "0"]


def test_rows_so_far(track, server, experiment):
    """Saved after each cell: in the end every row is there once, the files of the run lie with
    the last row alone."""
    done = track.run(*LONG, "--mlflow-uri", server.uri, "--mlflow-experiment", experiment)
    assert "MLflow: partial rows at http" in done.stderr
    files = files_of(track.folder / "results")
    rows.check_all(track.client, server.uri, experiment, files.rows)
    held = rows.by_row(track.client.runs(server.uri, experiment))
    stored = [track.client.files(server.uri, run["run_id"]) for run in held]
    with_results = [files.results_path.name in one for one in stored]
    assert with_results == [False] * (len(held) - 1) + [True]
    assert stored[-1][files.results_path.name] == files.results_path.read_bytes()
    assert counted(track.sync("results", server.uri, experiment))[1:] == (0, len(files.rows))


def test_killed_in_mid_run(track, server, experiment):
    """The rows of the cell before are with the server; recover and sync bring the rest, and the
    files of the run, although the last row was there already."""
    asked = []

    def kill(request):
        asked.append(request)
        if "runs/search" in request.path and sum("runs/search" in r.path for r in asked) == 3:
            process.kill()
            raise Lost()
    with Relay(server.port, before=kill) as relay:
        process = track.start(*LONG, "--mlflow-uri", relay.uri, "--mlflow-experiment", experiment)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    assert len(track.client.runs(server.uri, experiment)) == 4
    files = files_of(track.folder / "results")
    cut = files.journal_path.read_bytes().splitlines(keepends=True)
    ends = [at for at, line in enumerate(cut) if b'"type":"repeat_end"' in line]
    files.journal_path.write_bytes(b"".join(cut[:ends[3] + 1]))  # the third cell never was
    track.run("recover", files.raw_path)
    assert counted(track.sync("results", server.uri, experiment)) == (4, 1, 3)
    files = files_of(track.folder / "results")
    rows.check_all(track.client, server.uri, experiment, files.rows)
    last = rows.by_row(track.client.runs(server.uri, experiment))[-1]
    stored = track.client.files(server.uri, last["run_id"])
    assert stored[files.results_path.name] == files.results_path.read_bytes()


@pytest.mark.parametrize("what", ["all", "all/[g5]", "file", "raw"])
def test_killed_after_rows_so_far_were_saved(track, server, experiment, what):
    """sync finds the rows that only the journal has, whatever is named."""
    track.run(*LONG[:-4], "--save-every", "0", "--no-mlflow", "--output-dir", "all/[g5]")
    files = files_of(track.folder / "all/[g5]")
    lines = files.journal_path.read_bytes().splitlines(keepends=True)
    ends = [at for at, line in enumerate(lines) if b'"type":"repeat_end"' in line]
    files.journal_path.write_bytes(b"".join(lines[:ends[1] + 1]))
    track.run("recover", files.raw_path)  # the files as they were after the first cell
    files.journal_path.write_bytes(b"".join(lines[:ends[3] + 1]))
    early = files_of(files.folder)
    assert early.data["metadata"]["complete"] is False and len(early.rows) == 2
    named = {"file": files.results_path, "raw": files.raw_path}.get(what, what)
    done = track.sync(named, server.uri, experiment)
    assert counted(done) == (4, 4, 0)
    assert "rebuilt from the journal" in done.stderr
    late = files_of(files.folder)
    assert late.rows[:2] == early.rows
    rows.check_all(track.client, server.uri, experiment, late.rows)
    done = track.sync(named, server.uri, experiment)
    assert counted(done) == (4, 0, 4) and "rebuilt" not in done.stderr


def test_server_gone_in_mid_run(track, server, experiment):
    """Told once, left alone, and made good at the end."""
    lost = []

    def fail(request):
        journal = list((track.folder / "results").glob("raw_*/journal.jsonl"))
        if journal and b'"type":"run_end"' not in journal[0].read_bytes():
            lost.append(request.path)
            raise Lost()
    with Relay(server.port, before=fail) as relay:
        done = track.run(*LONG, "--mlflow-uri", relay.uri, "--mlflow-experiment", experiment)
    assert done.stderr.count("The rows are sent again at the end") == 1
    assert lost and len(set(lost)) == 1, "after a failure nothing more was asked"
    files = files_of(track.folder / "results")
    rows.check_all(track.client, server.uri, experiment, files.rows)
