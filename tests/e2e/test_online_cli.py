"""`inferbench online` from its command line: options, secrets, plan and files."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from e2e.offline_run import files_of, journal_of, plain_env, start, wait_for
from e2e.serve_client import Server

FAST = ("--ttft", "2ms", "--itl", "1ms")
KEY = "sk-verysecret123"
BAD = [
    (["--duration", "60"], '--duration: "60" is not a time with its unit (ns, us, ms, s, min, h). '
                           "Write e.g. 0.001s."),
    (["--duration", "0"], "--duration: 0 is out of range. Write 1ms to 1000000s."),
    (["--request-rate", "4", "--concurrency", "2"],
     "--request-rate: given with --concurrency. A load is open (a rate) or closed "),
    (["--burstiness", "0.5", "--request-rate", "4"],
     "--burstiness: is for --arrival gamma only. Add --arrival gamma."),
    (["--arrival", "constant"], "--arrival: a closed load has no arrivals"),
    (["--launch", "--base-url", "http://x"],
     "--launch: given with --base-url, which starts its own server on a free port."),
    (["--test-prefix-caching"],
     "--test-prefix-caching: is only for a vLLM server started by inferbench. Add --launch"),
    (["--", "--enforce-eager"], "--: vLLM server options need --launch."),
    (["--launch", "--", "--port", "1"], "port: is set by inferbench"),
    (["--base-url", "http://user:" + KEY + "@x"], "--base-url: user and password in an address are not accepted"),
    (["--header", "Host=x"], "--header: Host is set by inferbench."),
    (["--extra-body", '{"max_tokens": 3}'],
     '--extra-body: "max_tokens" is set by inferbench. Use --max-tokens.'),
    (["--goodput", "ttft:500"],
     '--goodput: "ttft:500" needs a time with a unit after the colon. Write e.g. ttft:500ms.'),
    (["--num-prompts", "4", "--concurrency", "8"],
     "--num-prompts: 4 requests cannot fill 8 slots. Use 8 or more"),
    (["--request-rate", "inf", "--duration", "5s"],
     "--request-rate: inf sends all requests at once: --duration does not limit them. Set their number"),
    (["--request-rates", "4"], "--request-rates: unknown option. Did you mean --request-rate?"),
    (["--api-key-file", "/nowhere"], "/nowhere: "),
]


@pytest.fixture
def server(binary, tmp_path):
    """Of a simulated server that asks for a key."""
    (tmp_path / "key").write_text(KEY + "\n")
    one = Server(binary, tmp_path, *FAST, "--api-key-file", tmp_path / "key")
    yield one
    one.stop()


def online(server, *words):
    """Verdicts are not judged here: the machine may be busy."""
    return ["online", "--port", server.port, "--no-imds", "--num-runs", 2, "--max-tokens", 4,
            "--accept-invalid", *words]


def run(inferbench, server, *words, code=0, **more):
    done = inferbench(*map(str, online(server, *words)), **more)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.mark.parametrize("words,message", BAD, ids=[" ".join(words) for words, _ in BAD])
def test_bad_option(inferbench, tmp_path, words, message):
    done = inferbench("online", *words)
    assert done.stderr.startswith(f"inferbench: {message}"), done.stderr
    assert KEY not in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert done.returncode == 2
    assert not list(tmp_path.iterdir())


def test_dry_run_sends_nothing(inferbench, tmp_path, server):
    done = inferbench("online", "--port", str(server.port), "--request-rate", "10", "--arrival",
                      "constant", "--num-prompts", "21", "--num-runs", "2", "--dry-run")
    assert done.returncode == 0
    assert "open, constant, 10 requests/s on average,\n          21 requests a repeat" in done.stdout
    assert "42 requests, at most 5376 output tokens" in done.stdout
    assert "time: about 4 s" in done.stdout
    assert not (tmp_path / "results").exists()
    assert server.stop()[0] == 0
    assert server.log()[1] == {}


def test_no_request_but_the_plans(inferbench, tmp_path, server):
    """Closed: 2 cells x 2 repeats x 17 and 18, and 3 warm-up requests before each repeat."""
    run(inferbench, server, "--concurrency", 1, 2, "--warmup-requests", 3, "--api-key-file", "key",
        "--model-name", "mine", "--label", "here", "--goodput", "ttft:500ms", "e2e:9s")
    found = files_of(tmp_path / "results", "online")
    assert [row["requests_planned"] for row in found.rows] == [17, 17, 18, 18]
    assert [row["requests_ok"] for row in found.rows] == [17, 17, 18, 18]
    assert {row["model_name"] for row in found.rows} == {"mine"}
    assert {row["label"] for row in found.rows} == {"here"}
    assert [row["batch_size"] for row in found.rows] == [1, 1, 2, 2]
    assert found.rows[1]["slo"] == {"ttft_ms": 500.0, "e2e_ms": 9000.0}
    assert found.rows[1]["goodput_rps"] > 0
    server.stop()
    assert len(server.log()[1]) == 17 + 17 + 18 + 18 + 4 * 3


def test_secrets_are_in_no_file_and_no_output(inferbench, tmp_path, server):
    (tmp_path / "key").unlink()
    done = run(inferbench, server, "--concurrency", 1, "--api-key", KEY, "--header",
               "X-Other=" + KEY, "--header=X-Third=" + KEY, env={"OPENAI_API_KEY": KEY + "x"})
    assert KEY not in done.stdout + done.stderr
    files = [path for path in Path(tmp_path).rglob("*") if path.is_file()]
    assert len(files) >= 4
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path
    found = files_of(tmp_path / "results", "online")
    command = found.data["metadata"]["command"]
    assert command[-5:] == ["--api-key", "***", "--header", "***", "--header=***"]
    assert found.data["metadata"]["options"]["api-key"] == "***"


def test_a_key_of_the_environment(inferbench, tmp_path, server):
    run(inferbench, server, "--concurrency", 1, env={"OPENAI_API_KEY": KEY})
    assert files_of(tmp_path / "results", "online").rows[1]["requests_ok"] == 17


def test_a_key_is_not_in_the_process_list(binary, tmp_path, server):
    process = start(binary, *online(server, "--duration", "30s", "--concurrency", 1, "--api-key", KEY),
                    cwd=tmp_path, env=plain_env())
    try:
        wait_for(lambda: list(tmp_path.glob("results/raw_*/journal.jsonl")), "a journal")
        line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert b"--api-key" in line
        assert KEY.encode() not in line
    finally:
        process.terminate()
        assert process.wait(60) == 4


def test_a_key_in_the_body_is_nowhere(inferbench, binary, tmp_path, server):
    body = json.dumps({"top_k": 5, "api_key": KEY})
    process = start(binary, *online(server, "--duration", "30s", "--concurrency", 1, "--api-key-file",
                                    "key", "--extra-body", body), cwd=tmp_path, env=plain_env())
    try:
        wait_for(lambda: list(tmp_path.glob("results/raw_*/journal.jsonl")), "a journal")
        line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert b"--extra-body" in line and KEY.encode() not in line
    finally:
        process.terminate()
        assert process.wait(60) == 4
    for path in (tmp_path / "results").rglob("*"):
        assert path.is_dir() or KEY.encode() not in path.read_bytes(), path
    row = files_of(tmp_path / "results", "online").rows[0]
    assert row["extra_body"]["top_k"] == 5 and row["extra_body"]["api_key"] == "***"
    for bad in ('{"api_key": "%s"x}', '["%s"]', '{"api_key": %s}', '{"max_tokens": "%s"}'):
        done = inferbench(*online(server, "--extra-body", bad % KEY))
        assert done.returncode == 2 and KEY not in done.stderr, done.stderr


def test_a_password_of_an_address_is_not_shown(binary, tmp_path, server):
    for words in (["--base-url", f"http://ann:{KEY}@127.0.0.1:1"],
                  ["--mlflow-uri", f"http://ann:{KEY}@127.0.0.1:1/x y"]):
        done = subprocess.run([binary, "online", "--no-imds", *words], cwd=tmp_path, text=True,
                              capture_output=True, timeout=60, env=plain_env())
        assert KEY not in done.stdout + done.stderr


def due_times(folder):
    """Due times of each repeat, ns from its first one."""
    repeats = {}
    for line in journal_of(files_of(folder, "online").journal_path):
        if line["type"] == "request":
            repeats.setdefault(line["repeat"], []).append(line["due_ns"])
    return {key: [due - min(times) for due in sorted(times)] for key, times in repeats.items()}


def test_arrivals_are_drawn_before_the_start(inferbench, tmp_path, server):
    """The same due times again, whatever the endpoint; others in another repeat or seed."""
    times = []
    for i, words in enumerate((("--seed", 3), ("--seed", 3, "--endpoint", "chat"), ("--seed", 4))):
        run(inferbench, server, "--request-rate", 200, "--num-prompts", 30, "--api-key-file", "key",
            "--output-dir", f"r{i}", *words)
        times.append(due_times(tmp_path / f"r{i}"))
    assert len(times[0]) == 2 and len(times[0][1]) == 30
    assert times[0] == times[1]
    assert times[0][0] != times[0][1]
    assert times[0] != times[2]


def test_a_time_ends_a_closed_load(inferbench, tmp_path, server):
    started = time.monotonic()
    run(inferbench, server, "--duration", "500ms", "--concurrency", 2, "--api-key-file", "key")
    assert time.monotonic() - started > 1.0
    rows = files_of(tmp_path / "results", "online").rows
    assert all(row["requests_ok"] > 2 and row["requests_failed"] == 0 for row in rows)
    for row in rows:
        assert row["requests_planned"] == row["requests_ok"] + row["requests_cancelled"]


def test_max_concurrency_alone_is_a_closed_load(inferbench, tmp_path, server):
    done = run(inferbench, server, "--max-concurrency", 2, "--api-key-file", "key")
    assert "means --concurrency 2" in done.stderr
    assert files_of(tmp_path / "results", "online").rows[1]["batch_size"] == 2


def test_the_servers_models_are_listed(inferbench, server):
    done = run(inferbench, server, "--model", "nope", "--api-key-file", "key", code=1)
    assert 'does not serve "nope". It serves: simulated.' in done.stderr


def test_recover_gives_the_same_files(inferbench, tmp_path, server):
    run(inferbench, server, "--concurrency", 2, "--api-key-file", "key")
    found = files_of(tmp_path / "results", "online")
    done = inferbench("recover", str(found.raw_path), "--output-dir", "again")
    assert done.returncode == 0, done.stderr
    for path in found.results_path, found.summary_path, found.env_path:
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("words", [("--concurrency", 7), ("--client-threads", 2, "--concurrency", 8),
                                   ("--request-rate", "inf", "--num-prompts", 40, "--max-concurrency", 5)],
                         ids=lambda words: " ".join(map(str, words)))
def test_servers_take_turns(binary, inferbench, tmp_path, words):
    """One of them far slower, so that its requests pile up; no connection is missing. As many
    as there are slots stand, shared by both; the slower one needs some of the other's share."""
    servers = []
    for name, ttft in ("one", "1ms"), ("two", "30ms"):
        (tmp_path / name).mkdir()
        servers.append(Server(binary, tmp_path / name, "--ttft", ttft, "--itl", "1ms"))
    urls = [f"http://127.0.0.1:{server.port}" for server in servers]
    done = inferbench("online", "--no-imds", "--num-runs", "2", "--max-tokens", "4", "--accept-invalid",
                      "--base-url", *urls, *map(str, words))
    for server in servers:
        server.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    rows = files_of(tmp_path / "results", "online").rows
    assert all(row["requests_failed"] == 0 for row in rows)
    assert rows[1]["connections_new"] <= words[-1]
    counts = [len(server.log()[1]) for server in servers]
    assert sum(counts) == sum(row["requests_planned"] for row in rows)
    assert abs(counts[0] - counts[1]) <= len(rows)  # one more each time where they are odd


def test_no_load_at_all(inferbench, tmp_path):
    (tmp_path / "c.yaml").write_text("concurrency: []\n")
    done = inferbench("online", "--dry-run", "--config", "c.yaml")
    assert done.returncode == 2
    assert done.stderr == "inferbench: --concurrency: none given.\n"
