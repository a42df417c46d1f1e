"""The examples of the docs that need an MLflow server, run as they stand."""

import os
import re
import subprocess

import pytest

from conftest import ROOT
from track.real_server import clean_env

PAGES = ["README.md", "README.ja.md", "docs/mlflow.md"]
BLOCK = re.compile(r"<!-- test: mlflow -->\n```sh\n(.*?)^```", re.S | re.M)


@pytest.mark.parametrize("page", PAGES)
def test_examples(page, server, client, binary, tmp_path):
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert blocks
    env = clean_env(PATH=f"{binary.parent}:{os.environ['PATH']}", HOME=tmp_path,
                    MLFLOW_TRACKING_URI=server.uri)
    for text in blocks:
        done = subprocess.run(["sh", "-euc", text], cwd=tmp_path, env=env, capture_output=True,
                              stdin=subprocess.DEVNULL, text=True, timeout=240)
        assert done.returncode == 0, text + done.stdout + done.stderr
    assert client.runs(server.uri, "vllm-offline-benchmark")
