"""Drives src/engines/vllm_worker.py as inferbench does; used by tests and to capture dialogues."""

import json
import mmap
import os
import signal
import socket
import subprocess
from pathlib import Path

WORKER = Path(__file__).resolve().parents[2] / "src/engines/vllm_worker.py"


class Worker:
    """One worker process. `dialogue` collects every line both ways."""

    def __init__(self, python, log, env=None, worker=WORKER, timeout_s=600):
        ours, theirs = socket.socketpair()
        beat_fd = os.memfd_create("beat")
        os.ftruncate(beat_fd, 4096)
        self.beat = memoryview(mmap.mmap(beat_fd, 4096)).cast("Q")
        self.dialogue = []
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                [str(python), str(worker)], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                pass_fds=(theirs.fileno(), beat_fd), start_new_session=True,
                env={**os.environ, **(env or {}), "INFERBENCH_FD": str(theirs.fileno()),
                     "INFERBENCH_BEAT_FD": str(beat_fd)})
        theirs.close()
        os.close(beat_fd)
        ours.settimeout(timeout_s)
        self.sock = ours
        self.lines = ours.makefile("rb")

    def send(self, op, **fields):
        message = {"op": op, **fields}
        self.dialogue.append((">", message))
        self.sock.sendall(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def read(self):
        line = self.lines.readline()
        if not line:
            return None
        message = json.loads(line)
        self.dialogue.append(("<", message))
        return message

    def until(self, *names):
        """Events up to and with the first of `names` (or the end: then None is last)."""
        seen = []
        while True:
            event = self.read()
            seen.append(event)
            if event is None or event["ev"] in names:
                return seen

    def open(self, model, mode="mp", **more):
        settings = {"load_format": "dummy", "max_model_len": 1024, "max_num_seqs": 8,
                    "max_num_batched_tokens": 2048, "enforce_eager": True, "seed": 0,
                    "enable_prefix_caching": True, "gpu_memory_utilization": 0.9}
        settings.update(more.pop("settings", {}))
        self.send("open", model=str(model), engine_mode=mode, settings=settings, **more)
        return self.until("ready", "error")[-1]

    def batch(self, prompts, max_tokens=8, want_gaps=True, salts=None, **sampling):
        sampling = {"temperature": 0.7, "top_p": 0.9, "ignore_eos": True, **sampling}
        requests = [{"index": i, "ids": ids, "max_tokens": max_tokens}
                    for i, ids in enumerate(prompts)]
        for request, salt in zip(requests, salts or []):
            request["salt"] = salt
        self.send("batch", sampling=sampling, want_gaps=want_gaps, requests=requests)
        events = self.until("batch_end", "error")
        return events[-1], {e["index"]: e for e in events[:-1] if e and e["ev"] == "request"}, events

    def close(self):
        self.send("close")
        self.until("bye", "error")
        self.sock.close()
        return self.process.wait(60)

    def kill(self):
        """Ends whatever is left of the worker's session."""
        self.sock.close()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


def capture(python, model, mode, path, log):
    """Writes one dialogue as lines {"to": ...} and {"from": ...}, for tests/transcripts/vllm."""
    worker = Worker(python, log, env={"HF_HUB_OFFLINE": "1"})
    worker.until("hello")
    worker.open(model, mode, need_tokenizer=True, engine_args={}, cli_args=[])
    shared = [16 + i * 7919 % 480 for i in range(300)]
    for _ in range(2):
        worker.batch([shared, shared[:256], shared[:257]], max_tokens=4)
    worker.send("reset")
    worker.until("reset")
    worker.batch([shared, shared * 4], max_tokens=3)
    worker.send("tokenize", texts=["ab", "hello"])
    worker.until("tokens")
    worker.close()
    with open(path, "w", encoding="utf-8") as out:
        for way, message in worker.dialogue:
            if message.get("op") == "open":
                message["model"] = "tiny"
            line = {"to" if way == ">" else "from": message}
            out.write(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    import sys
    capture(*sys.argv[1:6])
