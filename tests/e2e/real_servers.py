"""Real servers that are not vLLM's Python one: llama.cpp's (the wheel of xllamacpp holds its code), nginx,
haproxy; and, where `scripts/setup servers` put them, LiteLLM, vllm-router, transformers serve.

python real_servers.py llama MODEL.gguf PORT SLOTS   is llama.cpp's server, until it is killed
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HIDDEN, FEED, LAYERS, HEADS, KV_HEADS, VOCABULARY = 512, 1536, 4, 4, 2, 512


def tiny_gguf(path):
    """A model of llama's shape with random weights and a tokenizer of single bytes."""
    import gguf
    import numpy as np
    random = np.random.default_rng(1)
    out = gguf.GGUFWriter(str(path), "llama")
    out.add_name("tiny")
    out.add_context_length(4096)
    out.add_embedding_length(HIDDEN)
    out.add_feed_forward_length(FEED)
    out.add_block_count(LAYERS)
    out.add_head_count(HEADS)
    out.add_head_count_kv(KV_HEADS)
    out.add_rope_dimension_count(HIDDEN // HEADS)
    out.add_layer_norm_rms_eps(1e-6)
    out.add_vocab_size(VOCABULARY)
    kinds = gguf.TokenType
    tokens = [(b"<unk>", kinds.UNKNOWN), (b"<s>", kinds.CONTROL), (b"</s>", kinds.CONTROL),
              *((b"<0x%02X>" % byte, kinds.BYTE) for byte in range(256))]
    tokens += [(b"\xe2\x96\x81w%d" % i, kinds.NORMAL) for i in range(len(tokens), VOCABULARY)]
    out.add_tokenizer_model("llama")
    out.add_token_list([text for text, _ in tokens])
    out.add_token_scores([0.0] * VOCABULARY)
    out.add_token_types([kind for _, kind in tokens])
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_unk_token_id(0)
    out.add_add_bos_token(False)
    out.add_chat_template("{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:")
    weights = {"token_embd": (VOCABULARY, HIDDEN), "output": (VOCABULARY, HIDDEN), "output_norm": (HIDDEN,)}
    kv = KV_HEADS * HIDDEN // HEADS
    for i in range(LAYERS):
        weights.update({f"blk.{i}.{name}": shape for name, shape in (
            ("attn_norm", (HIDDEN,)), ("ffn_norm", (HIDDEN,)), ("attn_q", (HIDDEN, HIDDEN)),
            ("attn_k", (kv, HIDDEN)), ("attn_v", (kv, HIDDEN)), ("attn_output", (HIDDEN, HIDDEN)),
            ("ffn_gate", (FEED, HIDDEN)), ("ffn_up", (FEED, HIDDEN)), ("ffn_down", (HIDDEN, FEED)))})
    for name, shape in weights.items():
        values = np.ones(shape) if len(shape) == 1 else 0.05 * random.standard_normal(shape)
        out.add_tensor(f"{name}.weight", values.astype(np.float32))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def serve_llama(model, port, slots):
    import xllamacpp
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_parallel = slots
    params.n_ctx = 1024 * slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = False
    server = xllamacpp.Server(params)
    while server is not None:
        time.sleep(3600)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(words, folder, url, **more):
    """The process of these words, once `url` answers."""
    log = Path(folder) / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen([str(word) for word in words], stdout=out, stderr=out, cwd=folder,
                                   start_new_session=True, **more)
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
                break
            time.sleep(0.1)
        else:
            raise AssertionError(log.read_text(errors="replace")[-2000:])
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def clean_env(**more):
    """Nothing is looked up elsewhere, and one thread is enough: two spin against the client."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", **more}


@contextlib.contextmanager
def llama(folder, slots=4):
    """Its URL."""
    model, port = Path(folder) / "tiny.gguf", free_port()
    tiny_gguf(model)
    url = f"http://127.0.0.1:{port}"
    with running([sys.executable, __file__, "llama", model, port, slots], folder, f"{url}/v1/models"):
        yield url


NGINX = """
worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}; keepalive_requests 5;
    location /llm/ {{
      proxy_pass http://127.0.0.1:{upstream}/; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""
HAPROXY = """
defaults
  mode http
  {option}
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend here
  bind 127.0.0.1:{port}
  default_backend there
backend there
  server one 127.0.0.1:{upstream}
"""


@contextlib.contextmanager
def nginx(folder, upstream):
    """Its URL, below /llm; it closes each connection after five requests."""
    port = free_port()
    config = Path(folder) / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, upstream=upstream))
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    with running([program, "-c", config], folder, f"http://127.0.0.1:{port}/llm/v1/models"):
        yield f"http://127.0.0.1:{port}/llm"


@contextlib.contextmanager
def haproxy(folder, upstream, option="option http-no-delay"):
    port = free_port()
    config = Path(folder) / "haproxy.cfg"
    config.write_text(HAPROXY.format(port=port, upstream=upstream, option=option))
    program = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
    with running([program, "-f", config, "-db"], folder, f"http://127.0.0.1:{port}/v1/models"):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def litellm(venv, folder, key, models):
    """Its URL. `models`: {alias: (model as LiteLLM names it, URL)}; the key is `key`."""
    port = free_port()
    config = Path(folder) / "litellm.yaml"
    config.write_text(json.dumps({  # JSON is YAML
        "model_list": [{"model_name": alias, "litellm_params": {
            "model": model, "api_base": f"{url}/v1", "api_key": "none"}} for alias, (model, url) in models.items()],
        "litellm_settings": {"telemetry": False}}))
    url = f"http://127.0.0.1:{port}"
    with running([venv / "bin/litellm", "--config", config, "--port", port, "--host", "127.0.0.1",
                  "--telemetry", "False"], folder, f"{url}/health/liveliness",
                 env=clean_env(LITELLM_MASTER_KEY=key, LITELLM_LOCAL_MODEL_COST_MAP="True")):
        yield url


@contextlib.contextmanager
def vllm_router(venv, folder, *workers):
    """Its URL; it takes the servers in turn."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running([venv / "bin/vllm-router", "--worker-urls", *workers, "--host", "127.0.0.1", "--port", port,
                  "--policy", "round_robin", "--prometheus-port", free_port()],
                 folder, f"{url}/v1/models", env=clean_env()):
        yield url


def fill_weights(model, scale=0.05):
    """Random weights for a folder of scripts/make-tiny-model, as safetensors."""
    import numpy as np
    c = json.loads((model / "config.json").read_text())
    hidden, feed, random = c["hidden_size"], c["intermediate_size"], np.random.default_rng(1)
    heads, kv = (c[name] * c["head_dim"] for name in ("num_attention_heads", "num_key_value_heads"))
    shapes = {"embed_tokens": (c["vocab_size"], hidden), "norm": (hidden,)}
    for i in range(c["num_hidden_layers"]):
        shapes.update({f"layers.{i}.{name}": shape for name, shape in (
            ("input_layernorm", (hidden,)), ("post_attention_layernorm", (hidden,)),
            ("self_attn.q_proj", (heads, hidden)), ("self_attn.k_proj", (kv, hidden)),
            ("self_attn.v_proj", (kv, hidden)), ("self_attn.o_proj", (hidden, heads)),
            ("self_attn.q_norm", (c["head_dim"],)), ("self_attn.k_norm", (c["head_dim"],)),
            ("mlp.gate_proj", (feed, hidden)), ("mlp.up_proj", (feed, hidden)),
            ("mlp.down_proj", (hidden, feed)))})
    head, data = {}, b""
    for name, shape in shapes.items():
        values = np.ones(shape) if len(shape) == 1 else scale * random.standard_normal(shape)
        piece = values.astype("<f4").tobytes()
        head[f"model.{name}.weight"] = {"dtype": "F32", "shape": shape,
                                        "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece
    text = json.dumps(head).encode()
    (model / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)


def hub_cache(model, home):
    """A cache of the model hub that holds `model` as local/tiny."""
    revision, folder = "0" * 40, home / "hub/models--local--tiny"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs/main").write_text(revision)
    shutil.copytree(model, folder / "snapshots" / revision)


@contextlib.contextmanager
def transformers(venv, folder, model):
    """Its URL; the model is local/tiny."""
    folder, port = Path(folder), free_port()
    shutil.copytree(model, folder / "model")
    fill_weights(folder / "model")
    hub_cache(folder / "model", folder / "hf")
    url = f"http://127.0.0.1:{port}"
    with running([venv / "bin/transformers", "serve", "--device", "cpu", "--dtype", "float32", "--port", port],
                 folder, f"{url}/v1/models", env=clean_env(HF_HOME=str(folder / "hf"))):
        yield url


if __name__ == "__main__":
    assert sys.argv[1] == "llama"
    serve_llama(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
