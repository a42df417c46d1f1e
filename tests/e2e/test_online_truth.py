"""Is what the client calls exact true? Against a server that shares no code with it.

truth_server.py, plain Python, stamps every send. Each event of the journal is matched with its send
by request id and position; where the client was stopped on purpose the kernel's stamp is all that
knows when an event came.
"""

import os
import signal
import statistics
import time
from types import SimpleNamespace

import pytest

from e2e.offline_run import files_of, journal_of, start
from e2e.truth_server import serving
from oracle.settled import told

pytestmark = pytest.mark.alone

GAP_NS = 10_000_000
SLACK_NS = GAP_NS // 100  # of turning wall clock into monotonic clock
STOP_S = 0.05
TOKENS = 40
STREAMS = 8

EAGER = ("--no-keepalive", "--drain-interval", "0")

CASES = {
    "reused connections": SimpleNamespace(server=(), client=(), late=False),
    "fresh connections": SimpleNamespace(server=(), client=("--no-keepalive",), late=False),
    "bursts": SimpleNamespace(server=("--burst", 4), client=EAGER, late=False),
    "joined": SimpleNamespace(server=("--joined", 3), client=(), late=False),
    "late reader": SimpleNamespace(server=(), client=(), late=True),
    "late reader with fresh connections":
        SimpleNamespace(server=(), client=("--no-keepalive",), late=True),
    "late reader with bursts":
        SimpleNamespace(server=("--burst", 4), client=EAGER, late=True),
    "late reader with joined":
        SimpleNamespace(server=("--joined", 3), client=("--no-keepalive",), late=True),
    "every event read at once":
        SimpleNamespace(server=("--joined", 3), client=("--drain-interval", "0"), late=False),
}


def late_on_purpose(process):
    """Stops the client again and again; [(stopped, went on)] in ns of the monotonic clock."""
    stops = []
    while process.poll() is None:
        time.sleep(0.15)
        os.kill(process.pid, signal.SIGSTOP)
        begin = time.monotonic_ns()
        time.sleep(STOP_S)
        stops.append((begin, time.monotonic_ns()))
        os.kill(process.pid, signal.SIGCONT)
    return stops


def run_case(binary, folder, case):
    """The journal's lines, the server's by request id, when the client was stopped."""
    with serving(folder / "truth.jsonl", "--gap-ms", GAP_NS // 1_000_000, *case.server) as server:
        process = start(binary, "online", "--port", server.port, "--concurrency", STREAMS,
                        "--num-prompts", 5 * STREAMS, "--num-runs", 2, "--input-len", 16,
                        "--max-tokens", TOKENS, "--no-imds", "--accept-invalid", *case.client,
                        cwd=folder)
        stops = late_on_purpose(process) if case.late else []
        assert process.wait(120) == 0, (folder / "stderr").read_text()
    truth = {line["id"]: line for line in server.lines}
    assert len(truth) == 2 * 5 * STREAMS
    lines = told(journal_of(files_of(folder / "results", "online").journal_path))
    return lines, truth, stops


def match(lines, truth):
    """One entry for each request: what the client has, what the server knows."""
    assert lines[0]["type"] == "run"
    zero, run_id = lines[0]["start_monotonic_ns"], lines[0]["fields"]["run_id"]
    out = []
    for line in lines:
        if line["type"] == "request":
            assert line["status"] == "ok"
            server = truth.pop(f"{run_id}-c{line['cell']}-r{line['repeat']}-{line['index']}")
            counts = line["answer"].count_stamps()
            out.append(SimpleNamespace(
                at=[zero + t for t in line["token_ns"]], own=line["own"], sent=server["sent_ns"], send=server["send"],
                asked_ns=zero + line["sent_ns"], arrival_ns=server["arrival_ns"],
                stamps={"exact": counts["x"], "tail": counts["t"], "bounded": counts["b"]}))
    assert not truth, "requests that the journal lacks"
    return out


def errors(requests):
    """Arrival after send, ns, of events that are called their own."""
    return [at - sent for r in requests
            for at, sent, own in zip(r.at, r.sent, r.own) if own]


@pytest.fixture(scope="module", params=CASES, ids=[name.replace(" ", "-") for name in CASES])
def measured(request, binary, tmp_path_factory):
    case = CASES[request.param]
    lines, truth, stops = run_case(binary, tmp_path_factory.mktemp("truth"), case)
    return SimpleNamespace(case=case, requests=match(lines, truth), stops=stops)


def test_no_event_came_before_it_was_sent(measured):
    """Exact or not: a stamp that is only a bound is late, never early."""
    for r in measured.requests:
        assert all(at >= sent - SLACK_NS for at, sent in zip(r.at, r.sent))


def test_what_is_called_exact_is_close_to_its_send(measured):
    found = errors(measured.requests)
    assert len(found) > 10 * STREAMS
    assert statistics.median(found) < GAP_NS / 10


def test_no_exact_stamp_is_that_of_a_later_event(measured):
    """Merged with a later segment, an event has a stamp after that segment's send."""
    for r in measured.requests:
        for i in range(TOKENS - 1):
            assert not r.own[i] or r.send[i] == r.send[i + 1] or r.at[i] < r.sent[i + 1] + SLACK_NS


def test_two_events_of_one_send_are_not_both_exact(measured):
    """So no gap between them is booked, and one of each pair counts as bounded at least."""
    pairs = 0
    for r in measured.requests:
        joined = [i for i in range(1, TOKENS) if r.send[i] == r.send[i - 1]]
        assert not any(r.own[i - 1] and r.own[i] for i in joined)
        assert r.stamps["bounded"] >= len(joined)
        pairs += len(joined)
    assert (pairs > 0) == ("--joined" in measured.case.server)


def test_every_event_has_one_class(measured):
    for r in measured.requests:
        assert sum(r.stamps.values()) == TOKENS
        assert r.stamps["exact"] + r.stamps["tail"] >= sum(r.own)


def test_gaps_are_those_of_the_server(measured):
    wrong = [abs((r.at[i] - r.at[i - 1]) - (r.sent[i] - r.sent[i - 1]))
             for r in measured.requests for i in range(1, TOKENS) if r.own[i - 1] and r.own[i]]
    assert statistics.median(wrong) < GAP_NS / 10


def test_requests_arrive_after_they_are_stamped_as_sent(measured):
    """The server's kernel says when a request came: the send stamp is before it, and near."""
    lags = [r.arrival_ns - r.asked_ns for r in measured.requests]
    assert min(lags) >= -SLACK_NS
    assert statistics.median(lags) < GAP_NS / 10


def test_the_reader_was_late_where_it_should_be(measured):
    """While it stood still, events came; the last of each read is exact, others are bounded.

    In bursts the journal does not tell which one is exact: both its gaps are excluded.
    """
    late = [(r.at[i], r.own[i]) for r in measured.requests for i, sent in enumerate(r.sent)
            if any(begin <= sent <= end for begin, end in measured.stops)]
    assert bool(late) == measured.case.late
    if late:
        assert len(measured.stops) >= 3
        assert "--burst" in measured.case.server or any(
            begin <= at <= end for at, own in late if own for begin, end in measured.stops)
        assert sum(r.stamps["bounded"] for r in measured.requests) > 0
