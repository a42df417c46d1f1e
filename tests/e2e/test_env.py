"""`inferbench env`: the machine as JSON and text, and a stand-in for EC2's metadata service."""

import http.server
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

CAPTURES = Path(__file__).resolve().parent.parent / "captures"
KEYS = ("timestamp platform cpu memory gpu neuron instance python_packages "
        "environment_variables benchmark_config client tool engine").split()
VALUES = {"instance-type": "g5.xlarge", "placement/region": "us-east-1",
          "placement/availability-zone": "us-east-1b", "ami-id": "ami-0123456789abcdef0",
          "instance-life-cycle": "spot"}


class Imds:
    """mode: ok, html, or a status that the PUT (or, behind "get ", each GET) answers."""

    def __init__(self, mode="ok"):
        self.requests = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def answer(self, status, text):
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def do_PUT(self):
                outer.requests.append(("PUT", self.path, dict(self.headers)))
                ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
                if mode.isdigit():
                    self.answer(int(mode), "no")
                elif mode == "html":
                    self.answer(200, "<html>welcome to another cloud</html>")
                elif self.path != "/latest/api/token" or not ttl.isdigit():
                    self.answer(400, "bad TTL")
                else:
                    self.answer(200, "a-token==")

            def do_GET(self):
                outer.requests.append(("GET", self.path, dict(self.headers)))
                if mode.startswith("get "):
                    self.answer(int(mode[4:]), "no")
                elif self.headers.get("X-aws-ec2-metadata-token") != "a-token==":
                    self.answer(401, "token")
                else:
                    value = VALUES.get(self.path.removeprefix("/latest/meta-data/"))
                    if mode == "html-value":
                        value = "<html>welcome</html>"
                    self.answer(200 if value else 404, value or "unknown key of a scenario")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def imds():
    servers = []

    def start(mode="ok"):
        servers.append(Imds(mode))
        return servers[-1]
    yield start
    for server in servers:
        server.close()


@pytest.fixture
def env_json(inferbench):
    """The environment as `env --json` tells it; python3 is the interpreter, for speed."""
    def run(*args, root=None, env=None):
        env = dict(env or {})
        if root:
            env["INFERBENCH_PROBE_ROOT"] = str(root)
        done = inferbench("env", "--json", "--python", "python3", *args, env=env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    return run


def test_keys_of_the_contract(env_json):
    env = env_json()
    assert set(KEYS) <= set(env)
    assert env["cpu"]["threads"] >= 1
    assert env["memory"]["total_mb"] > 100
    assert env["tool"].startswith("inferbench ")


def test_text_fits_80_columns(inferbench):
    done = inferbench("env", "--python", "python3")
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "CPU" in done.stdout


def test_secrets_never_show(inferbench, tmp_path):
    secret = "verysecret0123456789"
    env = {"VLLM_API_KEY": secret, "HF_TOKEN": "hf_" + secret, "VLLM_X": f"http://u:{secret}@h",
           "VLLM_Y": f"hf_{secret}", "VLLM_Z": json.dumps({"api_key": secret}),
           "HF_ENDPOINT": f"https://{secret}@hub"}
    for args in ((), ("--json",), ("--output", "e.json"), ("--check",), ("--engines",)):
        done = inferbench("env", "--python", "python3", *args, env=env)
        assert secret not in done.stdout + done.stderr
    assert secret not in (tmp_path / "e.json").read_text()
    kept = json.loads((tmp_path / "e.json").read_text())["environment_variables"]
    assert kept["VLLM_API_KEY"] == "***"
    assert kept["VLLM_X"] == "http://***@h"


def test_imds_tells_the_instance(env_json, imds):
    server = imds()
    env = env_json(root=CAPTURES / "inf2.xlarge",
                   env={"AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url + "/"})
    assert env["instance"] == {
        "type": "g5.xlarge", "region": "us-east-1", "availability_zone": "us-east-1b",
        "ami_id": "ami-0123456789abcdef0", "life_cycle": "spot", "source": "imds",
        "problem": None}
    method, path, headers = server.requests[0]
    assert (method, path) == ("PUT", "/latest/api/token")
    assert headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600"
    assert headers["Content-Length"] == "0"
    assert sum(method == "PUT" for method, _, _ in server.requests) == 1


@pytest.mark.parametrize("mode", ["400", "401", "403", "404", "500", "html", "html-value",
                                  "get 401", "get 403", "get 404"])
def test_imds_refusals_leave_dmi(env_json, imds, mode):
    server = imds(mode)
    instance = env_json(root=CAPTURES / "g5.xlarge",
                        env={"AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url})["instance"]
    assert server.requests
    assert instance["type"] == "g5.xlarge"
    assert instance["source"] == "dmi"
    assert instance["region"] is None
    assert instance["problem"]


def test_imds_goes_through_no_proxy(env_json, imds):
    server = imds()
    dead = "http://127.0.0.1:9"
    env = env_json(root=CAPTURES / "g5.xlarge", env={
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url, "http_proxy": dead, "ALL_PROXY": dead,
        "all_proxy": dead, "HTTP_PROXY": dead, "no_proxy": "", "NO_PROXY": ""})
    assert env["instance"]["source"] == "imds"


def test_imds_is_not_asked_where_it_should_not_be(env_json, imds):
    server = imds()
    endpoint = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url}
    assert env_json(env=endpoint, root="/nowhere")["instance"] is None  # DMI names no Amazon
    root = CAPTURES / "g5.xlarge"
    assert env_json("--no-imds", root=root, env=endpoint)["instance"]["source"] == "dmi"
    off = {**endpoint, "AWS_EC2_METADATA_DISABLED": "true"}
    assert env_json(root=root, env=off)["instance"]["source"] == "dmi"
    assert server.requests == []


def test_imds_that_never_answers_costs_one_second(env_json):
    """Within a container whose hop limit is 1, the token's PUT hangs without an error."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        ask = {"root": CAPTURES / "g5.xlarge", "env": {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url}}
        env = env_json("--no-imds", **ask)
        assert env["instance"]["type"] == "g5.xlarge"
        with pytest.raises(BlockingIOError):  # nobody has asked
            silent.accept()
        started = time.monotonic()
        env = env_json(**ask)
        took_s = time.monotonic() - started
        assert env["instance"]["type"] == "g5.xlarge"
        silent.accept()[0].close()
    assert 0.8 < took_s < 10


def test_gpu_through_nvml_and_nvidia_smi(env_json, tmp_path):
    compiler = shutil.which("cc") or pytest.skip("no C compiler")
    library = tmp_path / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, CAPTURES / "fake_nvml.c"],
                   check=True)
    gpu = env_json(env={"LD_LIBRARY_PATH": str(tmp_path)})["gpu"]
    assert (gpu["name"], gpu["source"], gpu["cuda_version"]) == ("NVIDIA A10G", "nvml", "12.8")
    assert [device["index"] for device in gpu["devices"]] == [0, 1]

    tools = tmp_path / "bin"
    tools.mkdir()
    smi = tools / "nvidia-smi"
    smi.write_text(f"#!/bin/sh\ncat {CAPTURES}/nvidia-smi.g5.csv\n")
    smi.chmod(0o755)
    gpu = env_json(env={"PATH": f"{tools}:{os.environ['PATH']}"})["gpu"]
    assert (gpu["name"], gpu["source"]) == ("NVIDIA A10G", "nvidia-smi")
    assert gpu["memory_total_mb"] == pytest.approx(23028 * 1048576 / 1e6)


def test_neuron_through_neuron_ls(env_json, tmp_path):
    tool = tmp_path / "neuron-ls"
    tool.write_text(f"#!/bin/sh\n[ \"$1\" = -j ] && cat {CAPTURES}/neuron-ls.trn1.json\n")
    tool.chmod(0o755)
    neuron = env_json(env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})["neuron"]
    assert (neuron["device_count"], neuron["core_count"]) == (1, 2)
    assert neuron["source"] == "neuron-ls"


def test_check_names_what_falls_short(inferbench, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    done = inferbench("env", "--check", "--python", str(python))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "SHORT ENGINE" in done.stdout
    done = inferbench("env", "--check", "--json", "--python", str(python),
                      env={"INFERBENCH_PROBE_ROOT": "/nowhere"})
    short = {check["code"] for check in json.loads(done.stdout) if check["is_short"]}
    assert done.returncode == 3
    assert {"ENGINE", "PROC", "MEMORY"} <= short


def test_wrong_usage(inferbench):
    for args in (("extra",), ("--jsn",), ("--output",)):
        assert inferbench("env", *args).returncode == 2
    assert inferbench("env", "--python", "python3", "--output", "/nowhere/x").returncode == 1


def test_version_loads_no_libcurl(binary):
    """The start stays quick because libcurl is opened only where it is needed."""
    done = subprocess.run(["ldd", str(binary)], capture_output=True, text=True)
    assert done.returncode == 0
    assert "libcurl" not in done.stdout


def test_packages_of_a_real_vllm(inferbench, vllm_python):
    env = json.loads(inferbench("env", "--json", "--python", str(vllm_python)).stdout)
    assert env["python_packages"]["vllm"]
    assert env["python_packages"]["torch"]
    listed = json.loads(inferbench("env", "--engines", "--json", "--python",
                                   str(vllm_python)).stdout)
    assert any(engine["vllm"] for engine in listed)


def test_check_passes_on_what_nvidia_smi_said(inferbench, tmp_path):
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho 'Failed to initialize NVML: Driver/library version mismatch'\nexit 18\n")
    smi.chmod(0o755)
    done = inferbench("env", "--check", "--no-imds", "--python", "python3",
                      env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    gpu = " ".join(done.stdout.split("SHORT GPU")[1].split())
    assert done.returncode == 3
    assert gpu.startswith("Failed to initialize NVML: Driver/library version mismatch")
    assert "reboot" in gpu


def test_check_names_who_holds_the_neuron_cores(inferbench, tmp_path):
    tool = tmp_path / "neuron-ls"
    tool.write_text("#!/bin/sh\necho '" + json.dumps([{
        "neuron_device": 0, "nc_count": 4, "neuroncore_ids": [0, 1, 2, 3], "memory_size": 1,
        "instance_type": "trn2.48xlarge", "neuron_processes": [{"pid": 71}, {"pid": 72}]}]) + "'\n")
    tool.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = inferbench("env", "--check", "--no-imds", "--python", "python3", env=env)
    neuron = " ".join(done.stdout.split("SHORT NEURON")[1].split())
    assert neuron.startswith("NeuronCores in use by process 71, 72 (device 0)")
    instance = json.loads(inferbench("env", "--json", "--no-imds", "--python", "python3",
                                     env={**env, "INFERBENCH_PROBE_ROOT": "/nowhere"}).stdout)["instance"]
    assert (instance["type"], instance["source"]) == ("trn2.48xlarge", "neuron-ls")


def test_imds_is_asked_on_xen(env_json, imds, tmp_path):
    server = imds()
    folder = tmp_path / "sys/hypervisor"
    folder.mkdir(parents=True)
    (folder / "uuid").write_text("ec2e1916-9099-7caf-fd21-012345abcdef\n")
    env = env_json(root=tmp_path, env={"AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url})
    assert (env["instance"]["type"], env["instance"]["source"]) == ("g5.xlarge", "imds")
