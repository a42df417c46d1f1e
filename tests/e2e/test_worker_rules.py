"""Rules inside src/engines/vllm_worker.py that need no vLLM: Neuron, CPU memory, fingerprints."""

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def worker():
    path = Path(__file__).resolve().parents[2] / "src/engines/vllm_worker.py"
    spec = importlib.util.spec_from_file_location("vllm_worker", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def adjust(worker, monkeypatch, args, plugin="0.4.1", device="Inferentia2", given=()):
    monkeypatch.setattr(worker, "plugin_version", lambda: plugin)
    monkeypatch.setattr(worker, "neuron_device_name", lambda: device)
    compat = worker.Compat.__new__(worker.Compat)
    compat.device, compat.notes, compat.version = "neuron", [], "0.13.0"
    args = {"max_model_len": 4096, "max_num_seqs": 4, "max_num_batched_tokens": 8192, **args}
    compat.adjust(args, set(args), set(given), {"config": {}})
    return args, compat.notes


def test_neuron_without_prefix_caching_has_one_block_a_sequence(worker, monkeypatch):
    args, _ = adjust(worker, monkeypatch, {"enable_prefix_caching": False})
    assert (args["block_size"], args["num_gpu_blocks_override"]) == (4096, 4)
    assert args["tensor_parallel_size"] == 2 and "additional_config" not in args
    assert "max_num_batched_tokens" not in args, "the plugin's own"


def test_neuron_with_prefix_caching_tells_the_plugin(worker, monkeypatch):
    args, notes = adjust(worker, monkeypatch, {"enable_prefix_caching": True, "additional_config": {
        "override_neuron_config": {"skip_warmup": True, "pa_num_blocks": 600}}})
    assert (args["block_size"], args["num_gpu_blocks_override"]) == (32, 512)
    assert args["additional_config"]["override_neuron_config"] == {
        "is_prefix_caching": True, "is_block_kv_layout": True, "pa_block_size": 32,
        "pa_num_blocks": 600, "skip_warmup": True}, "the user's own wins"
    assert notes == ["vllm-neuron 0.4.1", "tensor_parallel_size 2 of 2 NeuronCores"]
    _, notes = adjust(worker, monkeypatch, {"enable_prefix_caching": True, "max_num_seqs": 1})
    assert "wrong results" in notes[-1]


@pytest.mark.parametrize("plugin, device, is_fine", [
    ("0.4.1", "Inferentia2", True), ("0.5.0", "Inferentia2", True), (None, "Inferentia2", True),
    ("0.24.0.1.1.0", "Inferentia2", False), ("0.24.0.1.1.0", "Trainium2", True)])
def test_plugins_too_new_for_inferentia2(worker, monkeypatch, plugin, device, is_fine):
    if is_fine:
        adjust(worker, monkeypatch, {}, plugin, device)
    else:
        with pytest.raises(worker.BadArgument, match="too new for Inferentia2"):
            adjust(worker, monkeypatch, {}, plugin, device)


def neuron_tree(worker, monkeypatch, tmp_path, devices, cores, name, opened=()):
    """Sysfs of so many devices; `opened`: numbers of those in /dev, none where it is empty."""
    root = "/sys/devices/virtual/neuron_device"
    for i in range(devices):
        folder = tmp_path / f"sys/neuron{i}/info/architecture"
        folder.mkdir(parents=True)
        (folder.parent.parent / "core_count").write_text(f"{cores}\n")
        (folder / "device_name").write_text(f"{name}\n")
    (tmp_path / "dev").mkdir()
    for i in opened:
        (tmp_path / f"dev/neuron{i}").touch()
    real = worker.glob.glob
    monkeypatch.setattr(worker.glob, "glob", lambda pattern: real(
        pattern.replace(root, f"{tmp_path}/sys").replace("/dev/neuron", f"{tmp_path}/dev/neuron")))
    for variable in ("NEURON_RT_VISIBLE_CORES", "NEURON_RT_NUM_CORES", "NEURON_LOGICAL_NC_CONFIG",
                     "NEURON_RT_VIRTUAL_CORE_SIZE"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("machine, variables, heads, kv_heads, wanted", [
    ((1, 2, "Inferentia2"), {}, 16, 8, 2),
    ((6, 2, "Inferentia2"), {}, 16, 8, 8),                      # 12 cores
    ((12, 2, "Inferentia2"), {}, 32, 8, 16),                    # 24 cores
    ((6, 2, "Inferentia2"), {"NEURON_RT_VISIBLE_CORES": "0-1"}, 16, 8, 2),
    ((6, 2, "Inferentia2"), {"NEURON_RT_VISIBLE_CORES": "0,2,4-7"}, 12, 4, 4),
    ((6, 2, "Inferentia2"), {"NEURON_RT_NUM_CORES": "4"}, 16, 8, 4),
    ((6, 2, "Inferentia2"), {"NEURON_RT_VISIBLE_CORES": "0-99"}, 16, 8, 8),
    ((6, 2, "Inferentia2"), {"NEURON_RT_VISIBLE_CORES": "all"}, 16, 8, 8),
    ((6, 2, "Inferentia2"), {}, None, None, 12),
    ((1, 2, "Inferentia2"), {}, 7, 7, 1),
    ((6, 2, "Inferentia2", (3,)), {}, 16, 8, 2),                # a container with one device
    ((16, 8, "Trainium2", (0,)), {}, 64, 8, 4),                 # logical cores of two
    ((16, 8, "Trainium2", (0,)), {"NEURON_LOGICAL_NC_CONFIG": "1"}, 64, 8, 8),
    ((16, 8, "Trainium2"), {"NEURON_LOGICAL_NC_CONFIG": "2",
                            "NEURON_RT_VISIBLE_CORES": "0-3"}, 16, 8, 4),
])
def test_neuron_split(worker, monkeypatch, tmp_path, machine, variables, heads, kv_heads, wanted):
    neuron_tree(worker, monkeypatch, tmp_path, *machine)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    config = {"num_attention_heads": heads, "num_key_value_heads": kv_heads}
    assert worker.neuron_split(config) == wanted
    assert worker.neuron_split({"text_config": config}) == wanted


def cpu_args(worker, args, config, given=()):
    compat = worker.Compat.__new__(worker.Compat)
    compat.device, compat.notes, compat.version, compat.own_dtype = "cpu", [], "0.32.0", None
    compat.adjust(args, {"dtype"}, set(given), {"config": config, "engine_mode": "inproc"})
    return args, compat


def test_float32_on_a_cpu_is_ours_and_taken_back(worker, capsys):
    args, compat = cpu_args(worker, {}, {})
    assert (args["dtype"], compat.own_dtype) == ("float32", "float32")
    assert cpu_args(worker, {}, {"quantization_config": {"quant_method": "awq"}})[0]["dtype"] == "auto"
    assert cpu_args(worker, {"dtype": "bfloat16"}, {}, ["dtype"])[0]["dtype"] == "bfloat16"

    def make(error):
        engine = worker.Engine.__new__(worker.Engine)
        engine.compat, engine.args, tried = compat, {"dtype": "float32"}, []

        def llm(**given):
            tried.append(given["dtype"])
            if len(tried) == 1:
                raise ValueError(error)
            return "llm"
        return engine, llm, tried
    engine, llm, tried = make("torch.float32 is not supported for quantization method awq.")
    assert engine._make(llm) == "llm" and tried == ["float32", "auto"]
    assert "--dtype" in compat.notes[-1] and "--dtype" in capsys.readouterr().err
    for other in ("no such thing", "too long [type=value_error, input_value={'dtype': 'float32'}]"):
        engine, llm, tried = make(other)
        with pytest.raises(ValueError):
            engine._make(llm)
        assert tried == ["float32"]


def test_a_folder_without_a_tokenizer_is_named(worker, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match="tokenizer files are missing"):
        worker.check_tokenizer(str(tmp_path), {})
    worker.check_tokenizer(str(tmp_path), {"tokenizer": "other"})
    worker.check_tokenizer(None, {})
    for name in ("tokenizer.json", "vocab.json", "spiece.model", "tekken.json", "qwen.tiktoken"):
        (tmp_path / name).touch()
        worker.check_tokenizer(str(tmp_path), {})
        (tmp_path / name).unlink()


def test_neuron_has_no_dummy_weights(worker, monkeypatch):
    with pytest.raises(worker.BadArgument, match="no dummy weights"):
        adjust(worker, monkeypatch, {"load_format": "dummy"})


def test_kv_cache_on_a_cpu_is_what_the_work_needs(worker, monkeypatch):
    config = {"num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8,
              "head_dim": 128, "hidden_size": 1024}
    token = 2 * 28 * 8 * 128 * 4
    args = {"max_model_len": 4096, "max_num_seqs": 4, "dtype": "float32"}
    monkeypatch.setattr(worker, "memory_available", lambda: 64 << 30)
    assert worker.cpu_kv_bytes(args, {"config": config}) == (4 * 4096 + 128 * 6) * token
    need = {"config": config, "kv_tokens": 1000}
    assert worker.cpu_kv_bytes(args, need) == (4096 + 256) * token, "one sequence at least"
    monkeypatch.setattr(worker, "memory_available", lambda: 4 << 30)
    assert worker.cpu_kv_bytes(args, {"config": config}) == 1 << 30, "a quarter of what is free"


def test_fingerprint(worker, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    bare = worker.fingerprint(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"x" * 10)
    single = worker.fingerprint(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"x" * 11)
    longer = worker.fingerprint(str(tmp_path))
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    assert len({bare, single, longer, worker.fingerprint(str(tmp_path))}) == 4
    assert worker.fingerprint(None) is None


def test_ids_that_end_an_answer(worker, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"eos_token_id": 7}))
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [9, 7]}))
    assert worker.stop_ids(str(tmp_path)) == [7, 9]


def test_engine_args_as_words(worker):
    assert worker.as_words("enforce_eager", "true") == ["--enforce-eager"]
    assert worker.as_words("enable_prefix_caching", "False") == ["--no-enable-prefix-caching"]
    assert worker.as_words("max_num_seqs", 4) == ["--max-num-seqs", "4"]
    assert worker.as_words("hf_overrides", {"a": 1}) == ["--hf-overrides", '{"a": 1}']


def test_processes_are_found_while_threads_end(worker, monkeypatch):
    """A thread that is gone between two looks does not end the watch over vLLM's processes."""
    looks = []

    def glob(pattern):
        looks.append(pattern)
        gone = [pattern.replace("*", "1")] if len(looks) == 1 else []
        return gone + real(pattern)
    real = worker.glob.glob
    child = subprocess.Popen(["VLLM::EngineCore", "60"], executable="/bin/sleep")
    try:
        monkeypatch.setattr(worker.glob, "glob", glob)
        assert child.pid in worker.vllm_processes()
        assert len(looks) > 1
    finally:
        child.kill()
        child.wait()


def test_versions_tried_are_one_list(worker, root):
    page = (root / "docs/worker-protocol.md").read_text(encoding="utf-8")
    rows = dict(line.strip("| ").split(" | ") for line in page.splitlines()
                if line.startswith("| 0."))
    assert rows == worker.Compat.TRIED
    print("\n".join(f"vLLM {version}: {what}" for version, what in worker.Compat.TRIED.items()))
