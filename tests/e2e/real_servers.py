"""Real servers that are not vLLM: llama.cpp's (the wheel of xllamacpp holds its code), nginx, haproxy.

python real_servers.py llama MODEL.gguf PORT SLOTS   is llama.cpp's server, until it is killed
"""

import contextlib
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


if __name__ == "__main__":
    assert sys.argv[1] == "llama"
    serve_llama(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
