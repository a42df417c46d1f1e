"""What comes from outside (servers, files, names) steers nothing but the numbers: no terminal, no
path, no program."""

import json
import os
import re
import signal
import subprocess
import threading
import time

import pytest

from e2e.odd_server import OddServer, plain
from e2e.offline_run import NULL, files_of, start

SMALL = ["--no-mlflow", "--no-imds", "--num-runs", "2", "--concurrency", "2", "--num-prompts", "4",
         "--max-tokens", "8", "--request-timeout", "2s", "--ready-timeout", "4s",
         "--drain-timeout", "2s"]
BAD = ["\x1b]0;owned\x07\x1b[2J", "\x9b2J", "\x7f\b\b", "\u202eabc\u2066", "a\rb"]
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def is_clean(done):
    return not STEERS.search(done.stdout) and not STEERS.search(done.stderr)


@pytest.mark.parametrize("bad", BAD, ids=["osc", "c1", "del", "bidi", "cr"])
def test_words_of_a_server_steer_no_terminal(inferbench, bad):
    error = {"error": {"message": bad + "why", "type": bad, "code": bad}}
    servers = [OddServer(models=[bad + "m"]), OddServer(models=[bad, "b"]),
               OddServer(paths={"/version": plain(200, {"version": bad})}),
               OddServer(lambda sock, _: sock.sendall(plain(500, error))),
               OddServer(lambda sock, _: sock.sendall(plain(400, (bad + "text").encode())))]
    for server in servers:
        done = inferbench("online", "--base-url", f"http://127.0.0.1:{server.port}", *SMALL)
        assert is_clean(done), (done.stdout, done.stderr)
    server = OddServer(paths={"*": plain(400, {"error_code": "X" + bad, "message": bad})})
    done = inferbench("mlflow", "experiments", "--mlflow-uri", f"http://127.0.0.1:{server.port}")
    assert is_clean(done), (done.stdout, done.stderr)


@pytest.mark.parametrize("bad", BAD, ids=["osc", "c1", "del", "bidi", "cr"])
def test_words_of_files_steer_no_terminal(inferbench, tmp_path, bad):
    assert inferbench(*NULL, "--output-dir", "r").returncode in (0, 3)
    run = files_of(tmp_path / "r")
    for row in run.data["results"]:
        row["scenario"], row["instance_type"], row["label"] = bad + "s", bad + "i", bad
    run.results_path.write_text(json.dumps(run.data), encoding="utf-8")
    done = inferbench("analyze", "r", "--output-dir", "an", "--report", "all")
    assert is_clean(done), (done.stdout, done.stderr)
    for path in (tmp_path / "an").glob("*.[tmc]*"):
        assert not STEERS.search(path.read_text(encoding="utf-8", newline="")), path
    lines = run.journal_path.read_text().splitlines()
    head = json.loads(lines[0])
    head["fields"]["model_name"] = bad
    run.journal_path.write_text("\n".join([json.dumps(head), *lines[1:]]) + "\n")
    assert is_clean(inferbench("recover", run.raw_path))
    (tmp_path / f"x{bad}_results.json").write_text("{")
    assert is_clean(inferbench("merge", f"x{bad}_results.json", "-o", "m.json"))
    assert is_clean(inferbench("analyze", f"no{bad}where"))
    assert is_clean(inferbench(bad))
    assert is_clean(inferbench(*NULL, "--label", bad, "--dry-run"))


def test_files_hold_what_was_there(inferbench, tmp_path):
    """It is written out for a terminal only: the file says the very text."""
    assert inferbench(*NULL, "--label", "\x9b2J\u202e", "--output-dir", "r").returncode in (0, 3)
    assert files_of(tmp_path / "r").rows[0]["label"] == "\x9b2J\u202e"


STDLIB = ("json", "re", "os", "importlib", "difflib", "socket", "platform", "runpy", "vllm", "site",
          "sitecustomize", "usercustomize", "signal", "encodings")


@pytest.fixture
def trapped(tmp_path):
    """A current folder of somebody else: whatever is imported or started from it says so."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    mark = tmp_path / "PWNED"
    for name in STDLIB:
        (folder / f"{name}.py").write_text(f"open({str(mark)!r}, 'a').write(__file__)\n")
    for name in ("python3", "gnuplot", "nvidia-smi", "neuron-ls", "neuron-monitor", "git", "lscpu"):
        (folder / name).write_text(f"#!/bin/sh\necho $0 >>'{mark}'\n")
        (folder / name).chmod(0o755)
    (folder / ".gnuplot").write_text(f"set print '{mark}'\nprint 'x'\n")
    return folder, mark


@pytest.mark.parametrize("path", ["{}", ".::{}:"])
def test_nothing_of_the_current_folder_is_run(inferbench, trapped, path):
    folder, mark = trapped
    env = {"PATH": path.format("/usr/local/bin:/usr/bin:/bin"), "PYTHONPATH": ":."}
    for words in (["env", "--engines"], ["env", "--check", "--no-imds"], ["env", "--no-imds"],
                  ["offline", "--no-imds", "--model", "no/such", "--output-dir", "o"],
                  ["online", "--no-imds", "--model", "no/such", "--output-dir", "o", "--launch"],
                  [*NULL, "--output-dir", "r"], ["analyze", "r"]):
        inferbench(*words, cwd=folder, env=env)
        assert not mark.exists(), (words, mark.read_text())


def test_a_worker_starts_beside_traps(inferbench, trapped, tiny_model, vllm_python):
    folder, mark = trapped
    done = inferbench("offline", "--no-imds", "--model", tiny_model, "--python", vllm_python,
                      "--load-format", "dummy", "--scenarios", "short", "--batch-sizes", "1", "--num-runs", "2",
                      "--max-tokens", "4", "--output-dir", "o", "--no-mlflow", cwd=folder)
    assert done.returncode in (0, 3), done.stderr
    assert not mark.exists(), mark.read_text()


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path)],
                         ids=["pipe", "device"])
def test_a_pipe_or_device_is_no_file(inferbench, tmp_path, make):
    """Named and passed over: nothing is waited for."""
    assert inferbench(*NULL, "--output-dir", "c").returncode in (0, 3)
    make(tmp_path / "c/z_results.json")
    (tmp_path / "raw_x").mkdir()
    make(tmp_path / "raw_x/journal.jsonl")
    for words, code in ((["analyze", "c", "--output-dir", "an"], 1),
                        (["merge", "c/z_results.json", "-o", "m.json"], 1),
                        (["recover", "raw_x"], 1),
                        (["mlflow", "sync", "c/z_results.json", "--mlflow-uri", "http://127.0.0.1:9"], 1),
                        ([*NULL, "--dataset", "c/z_results.json", "--dry-run"], 2)):
        done = inferbench(*words, timeout=10)
        assert done.returncode == code, (words, done.stderr)
        assert "pipe or device, not a file" in done.stdout + done.stderr, words
    done = inferbench("merge", *(tmp_path / "c").glob("offline_results_*"), "-o", "c/z_results.json")
    assert done.returncode == 1 and "pipe or device, not a file" in done.stderr
    assert not (tmp_path / "c/z_results.json").is_file()


def test_keys_and_configurations_may_come_out_of_a_pipe(binary, tmp_path):
    """As in --config <(...); one that nobody writes to is given up."""
    script = (f'"{binary}" offline --engine null --no-imds --config <(sleep 0.5; echo "scenarios: [medium]") '
              '--dry-run')
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True,
                          timeout=20)
    assert "medium" in done.stdout and "long_generation" not in done.stdout, done.stderr
    server = OddServer()
    script = (f'"{binary}" online --base-url http://127.0.0.1:{server.port} --api-key-file '
              f'<(echo sk-of-a-pipe) {" ".join(SMALL)} --output-dir o')
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True,
                          timeout=60)
    assert server.seen and server.seen[0].header("authorization") == "Bearer sk-of-a-pipe", done.stderr
    os.mkfifo(tmp_path / "p")
    for words in (["--config", "p"], ["--scenario-file", "p"]):
        done = subprocess.run([binary, "offline", "--engine", "null", *words, "--dry-run"], text=True,
                              cwd=tmp_path, capture_output=True, timeout=8)
        assert done.returncode == 2 and "did not end within 5 s" in done.stderr


def test_certificates_out_of_a_pipe_are_refused(binary, tmp_path, certificates):
    """Libraries open them by name, several times, and would wait for whoever writes."""
    os.mkfifo(tmp_path / "p")
    pem = certificates["folder"] / "localhost.pem"
    for words, env in ((["online", "--base-url", "https://localhost:1", "--ca-cert", "p"], {}),
                       (["serve", "--port", "0", "--tls-cert", "p", "--tls-key", pem], {}),
                       (["serve", "--port", "0", "--tls-cert", pem, "--tls-key", "p"], {}),
                       (["analyze", "--mlflow-uri", "https://localhost:1"],
                        {"MLFLOW_TRACKING_SERVER_CERT_PATH": "p"}),
                       (["analyze", "--mlflow-uri", "https://localhost:1"],
                        {"MLFLOW_TRACKING_CLIENT_CERT_PATH": "p"})):
        done = subprocess.run([binary, *words], cwd=tmp_path, capture_output=True, text=True, timeout=30,
                              stdin=subprocess.DEVNULL, env={**os.environ, **env})
        assert done.returncode in (1, 2), done.stderr
        assert "p: is a pipe or device, not a file" in done.stderr, (words, env, done.stderr)
        assert "Write it to a file first" in done.stderr


EXPERIMENT = plain(200, {"experiment": {"experiment_id": "1", "lifecycle_stage": "active"}})
BY_NAME = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=vllm-offline-benchmark"
SEARCH = "/api/2.0/mlflow/runs/search"


def more_pages(kind):
    """A search whose pages never end."""
    count = iter(range(10**9))
    if kind == "same":
        return lambda: plain(200, {"runs": [], "next_page_token": "again"})
    if kind == "two":
        return lambda: plain(200, {"runs": [], "next_page_token": str(next(count) % 2)})
    return lambda: plain(200, {"runs": [{}], "next_page_token": str(next(count))})


@pytest.mark.parametrize("kind", ["same", "two", "new"])
def test_lists_of_runs_end(inferbench, tmp_path, kind):
    assert inferbench(*NULL, "--output-dir", "off", "--no-mlflow").returncode in (0, 3)
    server = OddServer(paths={BY_NAME: EXPERIMENT, SEARCH: more_pages(kind)})
    done = inferbench("mlflow", "sync", "off", "--mlflow-uri", f"http://127.0.0.1:{server.port}",
                      timeout=60)
    assert done.returncode == 1 and "its list of runs does not end" in done.stderr


def test_a_search_can_be_stopped(binary, inferbench, tmp_path):
    assert inferbench(*NULL, "--output-dir", "off", "--no-mlflow").returncode in (0, 3)
    asked = threading.Event()

    def hang():
        asked.set()
        time.sleep(20)
        return plain(200, {"runs": []})
    server = OddServer(paths={BY_NAME: EXPERIMENT, SEARCH: hang})
    sync = start(binary, "mlflow", "sync", "off", "--mlflow-uri", f"http://127.0.0.1:{server.port}",
                 cwd=tmp_path)
    assert asked.wait(20)
    sync.send_signal(signal.SIGINT)
    assert sync.wait(5) == 4


def test_a_password_follows_no_redirect(inferbench, tmp_path):
    assert inferbench(*NULL, "--output-dir", "off", "--no-mlflow").returncode in (0, 3)
    other = OddServer()
    heads = []
    other.serve_one = lambda sock, file: heads.append(file.readline())
    moved = plain(302, b"", f"location: http://localhost:{other.port}/", reason="Found")
    for name in ("127.0.0.1", "localhost"):
        server = OddServer(paths={"*": moved, "/health": moved})
        done = inferbench("mlflow", "sync", "off", "--mlflow-uri", f"http://{name}:{server.port}",
                          env={"MLFLOW_TRACKING_TOKEN": "secret-of-mine"})
        assert done.returncode == 1 and "secret-of-mine" not in done.stdout + done.stderr
    assert heads == []


@pytest.mark.parametrize("depth", [1, 6, 9, 40, 64, 150, 5000])
def test_a_small_file_makes_no_large_one(inferbench, tmp_path, depth):
    """However its values are nested: blanks before each are capped, and the depth is."""
    ones = "[" * depth + ",".join(["1"] * 100000) + "]" * depth
    for row, metadata in ((f'{{"a":{ones}}}', "{}"), ("{}", f'{{"a":{ones}}}')):
        path = tmp_path / "d_results.json"
        path.write_text(f'{{"metadata":{metadata},"results":[{row}]}}')
        done = inferbench("merge", path.name, "-o", "m.json")
        if (tmp_path / "m.json").exists():
            assert (tmp_path / "m.json").stat().st_size < 12 * path.stat().st_size
            (tmp_path / "m.json").unlink()
        else:
            assert "nested more than 64 deep" in done.stderr


def test_merged_files_may_be_merged_for_ever(inferbench, tmp_path):
    assert inferbench(*NULL, "--output-dir", "r").returncode in (0, 3)
    files_of(tmp_path / "r").results_path.rename(tmp_path / "m0.json")
    for i in range(30):
        done = inferbench("merge", f"m{i}.json", "-o", f"m{i + 1}.json")
        assert done.returncode == 0, done.stderr
    rows = [json.loads((tmp_path / name).read_text())["results"] for name in ("m0.json", "m30.json")]
    assert rows[0] == rows[1]


def test_what_a_killed_run_left_is_cleared(inferbench, tmp_path):
    """The folder with the worker: a power cut leaves it, the next run clears it."""
    python = tmp_path / "env/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\ncase $1 in -c) echo '{\"vllm\": \"0.32.0\", \"python\": \"3.11\", "
                      "\"cpu\": true, \"neuron\": null}' ;; *) exit 7 ;; esac\n")
    python.chmod(0o755)
    tmp = tmp_path / "tmp"
    left, others = tmp / "inferbench-worker-abcdef", tmp / "inferbench-worker-stranger"
    for folder in (left, others):
        folder.mkdir(parents=True)
        (folder / ("vllm_worker.py" if folder == left else "thesis.txt")).write_text("x")
        os.utime(folder, (1e9, 1e9))
    done = inferbench("offline", "--model", "m", "--python", python.parent.parent, "--no-imds",
                      "--no-mlflow", "--max-model-len", "4096", env={"TMPDIR": str(tmp)})
    assert done.returncode == 1, done.stderr
    assert os.listdir(tmp) == [others.name]
    assert (others / "thesis.txt").exists()
