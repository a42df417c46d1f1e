"""`inferbench offline` on the null engine: files, plan, options, signals, terminal."""

import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from e2e.offline_run import NULL, files_of, journal_of, plain_env, repeats_done, start, wait_for

QUICK = [*NULL, "--scenarios", "short", "--batch-sizes", "1", "--max-tokens", "4"]


def ok(done, code=0):
    assert done.returncode == code, done.stdout + done.stderr
    return done


# ---- files


@pytest.fixture(scope="module")
def pair(binary, tmp_path_factory):
    """One OFF/ON run of two scenarios and two batch sizes."""
    folder = tmp_path_factory.mktemp("pair")
    done = subprocess.run(
        [str(binary), *NULL, "--test-prefix-caching", "--scenarios", "short",
         "prefix_caching", "--batch-sizes", "1", "4", "--instance-type", "g5.xlarge"],
        cwd=folder, env=plain_env(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    run = files_of(folder / "results")
    run.done = done
    return run


def test_names_share_one_stamp(pair):
    stamps = {re.fullmatch(r"(?:offline_results|offline_summary|env_info|raw)_(.*?)(?:\.json)?",
                           path.name).group(1) for path in pair.folder.iterdir()}
    assert len(stamps) == 1
    assert re.fullmatch(r"\d{8}_\d{6}", stamps.pop())
    assert len(list(pair.folder.iterdir())) == 4
    assert sorted(path.name for path in pair.raw_path.iterdir()) == ["journal.jsonl"]


def test_rows_are_the_plan(pair):
    cells = [(row["enable_prefix_caching"], row["scenario"], row["batch_size"], row["repeat"])
             for row in pair.rows]
    first = cells[0][0]  # OFF or ON: drawn from the run's id
    assert [row["setting_position"] for row in pair.rows] == [1] * 12 + [2] * 12
    assert cells == [(on, scenario, batch, repeat) for on in (first, not first)
                     for scenario in ("short", "prefix_caching") for batch in (1, 4)
                     for repeat in range(3)]
    assert pair.data["metadata"]["total_runs"] == 24
    assert pair.data["metadata"]["failed_rows"] == 0
    assert pair.data["metadata"]["complete"] is True
    assert len(pair.summary["summary"]) == 8
    assert "g5.xlarge_offline_bs4_in1088_out128_cacheTrue" in pair.summary["summary"]


def test_rows_keep_the_old_form(pair):
    for row in pair.rows:
        assert row["notes"] == (f"scenario={row['scenario']}, run={row['repeat']}, "
                                f"warmup={row['repeat'] == 0}")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", row["timestamp"])
        assert row["is_warmup"] is (row["repeat"] == 0)
        assert (row["verdict"] is None) is row["is_warmup"]
        assert re.fullmatch(rf"g5\.xlarge_offline_{row['scenario']}_\d{{8}}_\d{{6}}(_\d+)?",
                            row["experiment_id"])
    assert len({row["experiment_id"] for row in pair.rows}) == len(pair.rows)
    text = "".join(f"{result['tokens_per_second']:.2f}" for result in pair.data["results"])
    assert text


def test_off_and_on_get_the_same_prompts(pair):
    """Equal lengths, counts and made times: the plan does not know of the caching."""
    def shape(on):
        return [(row["actual_input_tokens"], row["actual_output_tokens"], row["total_time"])
                for row in pair.rows if row["enable_prefix_caching"] is on]
    assert shape(False) == shape(True)


def test_made_times_come_out_as_made(pair):
    """TTFT 1 ms a 100 prompt tokens, one token a millisecond."""
    for row in pair.rows:
        length = 32 if row["scenario"] == "short" else 1088
        assert row["input_length"] == length
        assert row["first_token_latency"] == pytest.approx(length * 1e-5, abs=1e-12)
        assert row["inter_token_latency"] == pytest.approx(1.0, abs=1e-12)
        assert row["total_time"] == pytest.approx(length * 1e-5 + 0.127, abs=1e-12)
        assert row["actual_output_tokens"] == 128 * row["batch_size"]


def test_env_file_has_the_old_keys(pair):
    assert {"timestamp", "platform", "cpu", "memory", "gpu", "neuron", "instance",
            "python_packages", "environment_variables", "benchmark_config", "client", "engine",
            "tool"} <= set(pair.env)
    assert pair.env["benchmark_config"]["batch-sizes"] == "1 4"
    settings = [s["enable_prefix_caching"] for s in pair.env["engine"]["settings"]]
    assert sorted(settings) == [False, True]


def test_the_table_shows_off_first(inferbench, tmp_path):
    """Whichever setting came first; over these runs both have (but for one time in 512)."""
    first = set()
    for number in range(10):
        done = inferbench(*NULL, "--test-prefix-caching", "--scenarios", "short", "medium",
                          "--batch-sizes", "1", "--num-runs", "2", "--output-dir", f"r{number}")
        assert done.returncode == 0, done.stderr
        first.add(files_of(tmp_path / f"r{number}").rows[0]["enable_prefix_caching"])
        shown = re.findall(r"^ +1 +(off|on) ", done.stdout, re.M)
        assert shown == ["off", "on"] * 2
    assert first == {False, True}


def test_a_dry_run_draws_no_order(inferbench):
    plans = {inferbench(*NULL, "--test-prefix-caching", "--dry-run").stdout for _ in range(6)}
    assert len(plans) == 1
    text = plans.pop()
    assert "order: which prefix-caching setting runs first is drawn at the start" in text
    assert re.findall(r"^short +1 +(off|on) ", text, re.M) == ["off", "on"]


def test_output_fits_80_columns(pair):
    for line in (pair.done.stdout + pair.done.stderr).splitlines():
        assert len(line) <= 80 or f"{pair.results_path.parent}" in line, line


def test_next_steps_are_there(pair):
    """They are right wherever the user stands, and each machine has a folder of its own."""
    folder, text = pair.results_path.parent, pair.done.stdout
    assert f"scp 'HOST:{folder}/offline_results_*.json' collected/HOST/\n" in text
    assert "inferbench merge collected/*/*.json -o merged_results.json" in text
    assert f"  plots   inferbench analyze {pair.results_path}\n" in text
    assert pair.done.stderr.splitlines()[-1] == "exit 0: done: 8 VALID (simulated)"


def test_two_runs_of_one_second_keep_both(binary, tmp_path):
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        runs = [subprocess.Popen([str(binary), *QUICK, "--quiet"], cwd=folder, env=plain_env(),
                                 stdout=subprocess.DEVNULL) for _ in range(3)]
        assert [run.wait(60) for run in runs] == [0, 0, 0]
        names = sorted(path.name for path in (folder / "results").glob("offline_results_*"))
        assert len(names) == 3
        assert len(list((folder / "results").glob("env_info_*"))) == 3
        assert len(list((folder / "results").iterdir())) == 12
        stamps = [re.fullmatch(r"offline_results_(\d{8}_\d{6})(-\d)?\.json", name).groups()
                  for name in names]
        if len({stamp for stamp, _ in stamps}) == 1:
            assert sorted(more or "" for _, more in stamps) == ["", "-2", "-3"]
            return
    pytest.fail("never started two runs within one second")


def test_no_gaps(inferbench, tmp_path):
    ok(inferbench(*QUICK, "--max-tokens", "100", "--no-gaps"))
    run = files_of(tmp_path / "results")
    assert "gaps_ns" not in run.journal_path.read_text()
    for row in run.rows:
        assert row["itl_p50_ms"] is None and row["itl_p90_ms"] is None
        assert row["inter_token_latency"] == pytest.approx(1.0)


def test_secrets_stay_out(inferbench, tmp_path):
    secret = "hf_S3cretS3cretS3cret"
    done = ok(inferbench(*QUICK, "--metadata", f"api_key={secret}", "--metadata", "team=a",
                         "--engine-arg", f"hf_token={secret}", "--verbose", "--",
                         "--hf-token", secret, f"--api-key={secret}",
                         env={"HF_TOKEN": secret, "VLLM_API_KEY": secret,
                              "HF_ENDPOINT": f"https://user:{secret}@hub.example"}))
    assert secret not in done.stdout + done.stderr
    for path in (tmp_path / "results").rglob("*"):
        assert path.is_dir() or secret not in path.read_text(), path
    assert files_of(tmp_path / "results").rows[0]["metadata"]["team"] == "a"


# ---- options


@pytest.mark.parametrize("words", [["--batch-sizes", "1", "4", "8"], ["--batch-sizes", "1,4,8"],
                                   ["--batch-sizes=1,4,8"],
                                   ["--batch-sizes", "1", "--batch-sizes", "4", "8"]])
def test_lists(inferbench, words):
    done = ok(inferbench(*NULL, "--dry-run", "--scenarios", "short", *words))
    assert re.findall(r"^short +(\d+) +off", done.stdout, re.M) == ["1", "4", "8"]


def test_dry_run_runs_nothing(inferbench, tmp_path):
    done = ok(inferbench(*NULL, "--dry-run"))
    assert "18 requests" not in done.stdout
    assert "6 cells x 3 repeats" in done.stdout
    assert "45 requests, at most 5760 output tokens" in done.stdout
    assert "time: unknown" in done.stdout
    assert "1088 (1024 shared)" in done.stdout
    assert not list(tmp_path.iterdir())


def test_dry_run_estimates_from_earlier_results(inferbench):
    ok(inferbench(*NULL, "--scenarios", "short", "--quiet"))
    done = ok(inferbench(*NULL, "--scenarios", "short", "--num-runs", "200", "--dry-run"))
    seconds = float(re.search(r"time: about (\d+) s", done.stdout).group(1))
    assert seconds == pytest.approx(2 * 200 * (0.127 + 0.00032), abs=1)
    done = ok(inferbench(*NULL, "--scenarios", "short", "medium", "--dry-run"))
    assert "time: unknown" in done.stdout
    done = ok(inferbench(*NULL, "--scenarios", "short", "--max-tokens", "5", "--dry-run"))
    assert "time: unknown" in done.stdout


def test_one_seed_one_plan(inferbench):
    def plan(*words):
        done = ok(inferbench(*NULL, "--dry-run", *words))
        return re.search(r"sha256 ([0-9a-f]{64})", done.stdout).group(1)
    assert plan() == plan() == plan("--output-dir", "else") == plan("--label", "x")
    assert plan() != plan("--seed", "1")
    assert plan() != plan("--batch-sizes", "1")


def test_config_file(inferbench, tmp_path):
    (tmp_path / "c.yaml").write_text(
        "engine: null_is_not_read_as_nothing\n".replace("null_is_not_read_as_nothing", '"null"') +
        "scenarios: [short]\nbatch_sizes: [2, 3]\nmax-tokens: 5\nnum-runs: 2\nlabel: from file\n"
        "metadata: {team: a, note: b c}\nno-imds: true\nprice-per-hour: ~\n")
    ok(inferbench("offline", "--config", "c.yaml", "--max-tokens", "7"))
    run = files_of(tmp_path / "results")
    assert {row["batch_size"] for row in run.rows} == {2, 3}
    assert {row["max_output_tokens"] for row in run.rows} == {7}
    assert {row["label"] for row in run.rows} == {"from file"}
    assert run.rows[0]["metadata"] == {"team": "a", "note": "b c"}
    assert len(run.rows) == 4


@pytest.mark.parametrize("name", ["quick", "full-comparison", "g5", "inf2"])
def test_ready_configs(inferbench, root, name):
    done = ok(inferbench("offline", "--engine", "null", "--dry-run", "--config",
                         root / f"configs/{name}.yaml"))
    assert "repeats" in done.stdout


def test_old_command_lines(inferbench, tmp_path):
    """As the README of the replaced tool wrote them."""
    done = ok(inferbench("offline", "--engine", "null", "--model", "Qwen/Qwen3-0.6B-Instruct",
                         "--scenarios", "short", "medium", "prefix_caching", "--batch-sizes",
                         "1", "4", "8", "--max-tokens", "128", "--temperature", "0.7",
                         "--top-p", "0.9", "--num-runs", "3", "--test-prefix-caching",
                         "--output-dir", "results", "--no-mlflow", "--max-model-len", "4096"))
    assert "does not exist on the hub" in done.stderr
    assert {row["model_name"] for row in files_of(tmp_path / "results").rows} == {
        "Qwen/Qwen3-0.6B"}


def test_nobody_at_the_mlflow_server(inferbench, tmp_path):
    done = ok(inferbench(*QUICK, "--mlflow-uri", "http://127.0.0.1:1"))
    assert "connection refused" in done.stderr
    assert "sent again at the end" in done.stderr
    assert "rows are not logged" in done.stderr
    assert f"Later: inferbench mlflow sync {tmp_path}/results/raw_" in done.stderr
    assert "MLflow" not in ok(inferbench(*QUICK, "--mlflow-uri", "http://127.0.0.1:1",
                                         "--no-mlflow")).stderr


def test_scenario_file(inferbench, tmp_path):
    (tmp_path / "s.yaml").write_text("- name: rag\n  prompt_tokens: 96\n"
                                     "  shared_prefix_tokens: 64\n  max_tokens: 3\n")
    ok(inferbench(*NULL, "--scenario-file", "s.yaml", "--batch-sizes", "2"))
    rows = files_of(tmp_path / "results").rows
    assert {(row["scenario"], row["input_length"], row["max_output_tokens"])
            for row in rows} == {("rag", 96, 3)}


def test_texts_need_a_tokenizer(inferbench, root):
    done = inferbench(*NULL, "--dataset", root / "data/prompts-en.jsonl")
    assert done.returncode == 1
    assert "tokenizer" in done.stderr


def test_quiet(inferbench):
    done = ok(inferbench(*QUICK, "--quiet"))
    assert done.stderr == ""
    assert "tokens/s" in done.stdout


def test_prices(inferbench, tmp_path):
    ok(inferbench(*QUICK, "--price-per-hour", "3.6"))
    row = files_of(tmp_path / "results").rows[1]
    assert row["price_usd_per_hour"] == 3.6 and row["price_source"] == "--price-per-hour"
    assert row["usd_per_million_output_tokens"] == pytest.approx(
        3.6 / 3600 / row["tokens_per_second"] * 1e6)


@pytest.mark.parametrize("words, usd, source", [
    ((), None, None),  # no region: no price is guessed
    (("--region", "ap-northeast-1"), 1.1672, "on demand, ap-northeast-1, collected 2026-01-21"),
    (("--region", "eu-west-1"), None, None),
    (("--price-file", "own.yaml"), 0.3, "spot, collected 2026-11, in own.yaml")])
def test_list_prices_take_a_region(inferbench, tmp_path, words, usd, source):
    (tmp_path / "own.yaml").write_text(
        "currency: USD\nlists: [{kind: spot, collected: 2026-11, source: us, "
        "prices: {g6.xlarge: 0.3}}]\n")
    done = ok(inferbench(*QUICK, "--instance-type", "g6.xlarge", *words))
    row = files_of(tmp_path / "results").rows[1]
    assert row["price_usd_per_hour"] == usd
    assert (row["price_source"] or "").startswith(source or "")
    if usd is None:
        assert row["price_source"] is None
        assert "note: no list price of g6.xlarge: " in done.stderr
    capped = inferbench(*QUICK, "--instance-type", "g6.xlarge", *words, "--target-ci", "5%",
                        "--max-cost", "0.01")
    assert (capped.returncode == 1) == (usd is None)
    assert usd is not None or "price of the machine is unknown: " in capped.stderr


# ---- exit codes


def test_invalid_is_3_and_can_be_accepted(inferbench):
    """A limit below 0 makes any row break the rule."""
    bad = [*QUICK, "--limit", "SHORT_OUTPUT=-1"]
    done = ok(inferbench(*bad), 3)
    assert done.stderr.splitlines()[-1].startswith("exit 3: ")
    assert "SHORT_OUTPUT" in done.stdout
    for accept in ("--accept-invalid", "--accept-invalid=SHORT_OUTPUT",
                   "--accept-invalid=ERRORS,SHORT_OUTPUT"):
        done = ok(inferbench(*bad, accept), 0)
        assert "accepted" in done.stderr.splitlines()[-1]
    ok(inferbench(*bad, "--accept-invalid=ERRORS"), 3)


def test_percentiles_and_limits_are_kept(inferbench, tmp_path):
    ok(inferbench(*QUICK, "--percentiles", "25,99.9", "--limit", "ERRORS=0.5"))
    run = files_of(tmp_path / "results")
    entry = next(iter(run.summary["summary"].values()))
    assert list(entry["ttft_s"]) == ["p25", "p25_low", "p25_high", "p99.9", "p99.9_low", "p99.9_high"]
    assert [check["limit"] for check in run.rows[1]["checks"]
            if check["code"] == "ERRORS"] == [0.5]


def test_output_folder_not_writable(inferbench, tmp_path):
    done = ok(inferbench(*QUICK, "--output-dir", "/proc/nothing"), 1)
    assert "/proc/nothing" in done.stderr and "folder" in done.stderr
    (tmp_path / "file").write_text("")
    done = ok(inferbench(*QUICK, "--output-dir", "file"), 1)
    assert "file" in done.stderr


def test_output_folder_without_permission(binary, tmp_path):
    """Root too is refused, once it has given up its right to pass over permissions."""
    (tmp_path / "locked").mkdir(mode=0o500)
    weak = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    done = subprocess.run([*(weak if os.geteuid() == 0 else []), str(binary), *QUICK,
                           "--output-dir", "locked/results"], cwd=tmp_path, env=plain_env(),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    assert "Permission denied" in done.stderr and "locked/results" in done.stderr


# ---- signals


MANY = [*NULL, "--scenarios", "long_generation", "--batch-sizes", "64", "--num-runs", "3000"]


def complete_up_to_there(folder):
    run = files_of(folder)
    ended = [line for line in journal_of(run.journal_path) if line["type"] == "repeat_end"]
    measured = [row for row in run.rows if row["error"] is None]
    assert len(measured) == sum(line["error"] is None for line in ended) > 0
    assert all(row["error"] == "interrupted" for row in run.rows[len(measured):])
    assert len(run.rows) - len(measured) <= 1
    assert run.data["metadata"]["complete"] is False
    return run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_completes_the_files(binary, tmp_path, number):
    run = start(binary, *MANY, cwd=tmp_path)
    wait_for(lambda: repeats_done(tmp_path / "results") > 1, "repeats")
    run.send_signal(number)
    assert run.wait(30) == 4
    complete_up_to_there(tmp_path / "results")
    last = (tmp_path / "stderr").read_text().splitlines()[-1]
    assert last.startswith(f"exit 4: stopped by signal {int(number)}")


def test_two_signals_end_at_once(binary, tmp_path):
    """The second one comes while the first is being served, or the files are there."""
    run = start(binary, *MANY, cwd=tmp_path)
    wait_for(lambda: repeats_done(tmp_path / "results") > 1, "repeats")
    while run.poll() is None:
        run.send_signal(signal.SIGINT)
    assert run.wait(30) == 4
    again = subprocess.run([str(binary), "recover", *map(str, (tmp_path / "results").glob("raw_*"))],
                           capture_output=True, text=True, timeout=60)
    assert again.returncode == 0, again.stderr
    complete_up_to_there(tmp_path / "results")


def test_hangup_does_not_stop_it(binary, tmp_path):
    """The terminal goes away: the run goes on, progress goes to the log beside the journal."""
    master, slave = pty.openpty()
    few = [*MANY[:-1], "40"]
    run = subprocess.Popen([str(binary), *few], cwd=tmp_path, env=plain_env(), stdin=slave,
                           stdout=slave, stderr=slave, start_new_session=True,
                           preexec_fn=lambda: __import__("fcntl").ioctl(0, 0x540E, 0))
    os.close(slave)
    wait_for(lambda: repeats_done(tmp_path / "results") > 1, "repeats")
    os.close(master)  # the kernel sends SIGHUP to the session
    assert run.wait(120) in (0, 1)
    found = files_of(tmp_path / "results")
    assert len(found.rows) == 40 and found.data["metadata"]["complete"] is True
    log = (found.raw_path / "progress.log").read_text()
    assert "run 39/39" in log


# ---- terminal


def on_terminal(argv, cwd, columns=80):
    """Everything a command writes to a terminal, and its exit code."""
    import fcntl
    import struct
    import termios
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    run = subprocess.Popen(argv, cwd=cwd, env=plain_env(), stdin=slave, stdout=slave,
                           stderr=slave)
    os.close(slave)
    text = b""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        ready, _, _ = select.select([master], [], [], 0.2)
        try:
            piece = os.read(master, 65536) if ready else b""
        except OSError:
            break
        text += piece
    os.close(master)
    return text.decode(), run.wait(10)


def test_live_line(binary, tmp_path):
    text, code = on_terminal([str(binary), *MANY[:-1], "60"], tmp_path)
    assert code == 0, text
    live = re.findall(r"\r([^\r\n\x1b]+)\x1b\[K", text)
    assert len(live) > 1
    assert all(len(line) < 80 for line in live)
    assert any("long_generation bs=64" in line and "/60]" in line for line in live)
    final = re.sub(r"\r[^\r\n]*\x1b\[K", "", text)
    assert "[1/60]" not in final  # nothing of it stays
    for line in final.replace("\r\n", "\n").splitlines():
        assert len(line) <= 80 or f"{tmp_path}" in line, line


def test_errors_fit_the_terminal(binary, tmp_path):
    text, code = on_terminal([str(binary), *NULL, "--scenarios", "shrot"], tmp_path)
    assert code == 2
    lines = text.replace("\r\n", "\n").splitlines()
    assert len(lines) > 1 and all(len(line) <= 80 for line in lines)


def test_pipe_gets_plain_lines(pair):
    assert "\x1b" not in pair.done.stderr + pair.done.stdout
    assert "\r" not in pair.done.stderr
    told = [line.split() for line in pair.done.stderr.splitlines() if line[:1] == "["]
    assert [words[0] for words in told] == [f"[{n + 1}/24]" for n in range(24)], \
        "a line per finished repeat"
    assert [words[-2:] for words in told] == [
        [f"{row['tokens_per_second']:.4g}", "tokens/s"] for row in pair.rows]
    assert pair.done.stderr.count("the null engine does no inference") == 1


def test_closed_pipe_is_no_failure_of_the_run(binary, tmp_path):
    read, write = os.pipe()
    os.close(read)
    run = start(binary, *QUICK, cwd=tmp_path, stdout=write)
    os.close(write)
    assert run.wait(60) == 0
    assert len(files_of(tmp_path / "results").rows) == 3


def test_journal_is_the_source(pair):
    lines = journal_of(pair.journal_path)
    assert [line["type"] for line in lines].count("repeat") == 24
    assert lines[0]["type"] == "run" and lines[-1]["type"] == "run_end"
    assert json.dumps(lines[0]["fields"]["run_id"])[1:-1] == pair.rows[0]["run_id"]


@pytest.mark.parametrize("args,wanted", [
    (["--hardware-type", "neuron"], {1: 1, 4: 4}),
    (["--hardware-type", "neuron", "--neuron-batch", "max"], {1: 4, 4: 4}),
    (["--hardware-type", "gpu"], {1: 256, 4: 256}),
])
def test_compiled_batch_is_part_of_the_setting_on_neuron(inferbench, tmp_path, args, wanted):
    done = inferbench(*NULL, "--scenarios", "short", "--batch-sizes", "1", "4",
                      "--output-dir", "r", *args)
    assert done.returncode == 0, done.stderr
    rows = files_of(tmp_path / "r").rows
    assert {row["batch_size"]: row["max_num_seqs"] for row in rows} == wanted


def test_next_step_can_be_pasted(inferbench, tmp_path):
    """From another folder, with blanks and quotes in the path."""
    folder = tmp_path / "it's mine"
    folder.mkdir()
    done = inferbench(*NULL, "--scenarios", "short", "--batch-sizes", "1", cwd=folder)
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("  plots "))
    words = shlex.split(line)[2:]
    assert inferbench(*words, "--plots", "ttft", cwd=tmp_path).returncode == 0


def test_next_after_failures_only(inferbench, tmp_path):
    """Nothing was measured: the cause, not a tour of merging."""
    done = inferbench("online", "--launch-command", "sh -c 'echo boom >&2; exit 3'", "--num-runs",
                      "2", "--num-prompts", "2", "--concurrency", "1", "--no-mlflow", "--no-imds",
                      "--label", "x")
    assert done.returncode == 1
    steps = done.stdout[done.stdout.index("\nNext\n"):]
    assert "Nothing was measured" in steps and re.search("  cause   .*the server ended", steps)
    log = re.search(r"  log     less (\S+)", steps)[1]
    assert Path(log).is_absolute() and "boom" in Path(log).read_text()
    assert "merge   " not in steps and "scp" not in steps and "analyze" not in steps
