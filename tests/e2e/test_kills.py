"""kill -9 at any moment of an online run: no finished request is lost. 50 times, or as often as
`scripts/test --kills N` says."""

import json
import os
import random
import shutil
import signal
import subprocess
import time

import pytest

from e2e import odd_server as odd
from e2e.odd_server import OddServer
from e2e.offline_run import journal_of, plain_env

pytestmark = [pytest.mark.alone, pytest.mark.timeout(0)]
KILLS = int(os.environ.get("INFERBENCH_TEST_KILLS", "50"))
MARGIN_S = 1.0  # from the server's last byte to the line in the journal, on a busy machine


def test_random_kills(binary, tmp_path):
    draw, ended = random.Random(12), {}

    def answer(sock, request):
        keep = odd.good(sock, request, gap_s=0.002)
        ended[request.id] = time.monotonic()
        return keep

    cut_short = held = 0
    with OddServer(answer) as server:
        for kill in range(KILLS):
            folder = tmp_path / str(kill)
            folder.mkdir()
            ended.clear()
            run = subprocess.Popen(
                [str(binary), "online", "--port", str(server.port), "--no-imds", "--no-mlflow", "--quiet",
                 "--num-runs", "4", "--max-tokens", "8", "--num-prompts", "40", "--concurrency", "2",
                 "--accept-invalid"], cwd=folder, env=plain_env(), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(draw.uniform(0, 2.4))
            killed = time.monotonic()
            run.send_signal(signal.SIGKILL)
            run.wait(30)
            sure = {name for name, at in list(ended.items()) if at < killed - MARGIN_S}
            raws = list((folder / "results").glob("raw_*"))
            journal = raws[0] / "journal.jsonl" if raws else None
            lines = journal_of(journal) if journal and journal.exists() else []
            if not lines:  # killed before its first line: nothing was measured
                assert not sure
                shutil.rmtree(folder)
                continue
            there = [line for line in lines if line["type"] == "request"]
            names = {f"-c{line['cell']}-r{line['repeat']}-{line['index']}": line for line in there}
            for name in sure:
                line = names[name[name.index("-c"):]]
                assert line["status"] == "ok" and line["tokens_out"] == 8
            held += len(sure)
            cut_short += lines[-1]["type"] != "run_end"
            done = subprocess.run([str(binary), "recover", str(raws[0]), "--output-dir", str(folder)],
                                  cwd=folder, capture_output=True, text=True)
            begun = sum(line["type"] == "repeat" for line in lines)
            assert done.returncode == 0, done.stderr
            found, = folder.glob("online_results_*.json")
            rows = json.loads(found.read_text(encoding="utf-8"))["results"]
            assert len(rows) == begun
            over = {(line["cell"], line["repeat"]) for line in lines if line["type"] == "repeat_end"}
            assert sum(row["error"] is None for row in rows) == len(over)
            shutil.rmtree(folder)
    assert KILLS < 20 or (cut_short > KILLS / 3 and held > KILLS)
