"""The worker of inferbench's vllm engine: one Python process that owns one vLLM.

inferbench (C) starts it, sends one JSON object a line ("op") over a private socket and reads one
JSON object a line ("ev") back; docs/worker-protocol.md describes every message. stdout and stderr
are the engine's log: vLLM and its libraries print there as they like.

Rules: every instant is CLOCK_MONOTONIC in ns. While a batch runs nothing is written: stamps stay
in memory, and three counters go to a shared page that the parent may look at. Any exception out of
vLLM's step() is the death of this process. End of file on the socket: die at once, with the group.
"""

import sys

if sys.path and sys.path[0] == "":
    sys.path.pop(0)  # run with -c: a file json.py in the current folder is not ours

import difflib
import glob
import hashlib
import json
import mmap
import os
import queue
import re
import select
import signal
import socket
import threading
import time
import traceback

now_ns = time.monotonic_ns
TEXT_MAX = 8000  # of an error


# ---- the line to the parent -----------------------------------------------------------------


class Link:
    """JSON lines both ways on one socket, read by a thread of its own."""

    def __init__(self, fd):
        os.set_inheritable(fd, False)
        os.register_at_fork(after_in_child=lambda: os.close(fd))  # vLLM may fork without exec
        self.sock = socket.socket(fileno=fd)
        self.sock.setblocking(True)
        self.lock = threading.Lock()
        self.dying = threading.Lock()  # taken once, never released
        self.where = "start"
        self.ops = queue.Queue()
        self.cancelled = []  # indices of requests to abort
        threading.Thread(target=self._read, daemon=True, name="link").start()

    def send(self, ev, **fields):
        data = json.dumps({"ev": ev, **fields}, separators=(",", ":"), default=str)
        with self.lock:
            self.sock.sendall(data.encode() + b"\n")

    def _read(self):
        try:
            for line in self.sock.makefile("rb"):
                op = json.loads(line)
                if op["op"] == "cancel":
                    self.cancelled.append(op["index"])
                    continue
                if op["op"] == "batch":
                    self.cancelled = []  # what still came for the one before
                self.ops.put(op)
        except OSError:
            pass
        os.killpg(os.getpgrp(), signal.SIGKILL)  # the parent is gone: leave nothing on the device


class Beat:
    """The shared page: u64 steps, tokens, finished requests of the batch that runs."""

    def __init__(self, fd_text):
        if fd_text:
            self.page = mmap.mmap(int(fd_text), 4096)
            os.close(int(fd_text))
        else:
            self.page = bytearray(64)
        self.words = memoryview(self.page).cast("Q")


# ---- what the engine's log tells --------------------------------------------------------------


class Log:
    """Reads our own stderr (a file) back: stages of loading, and figures vLLM only logs."""

    STAGES = (
        (r"Compiling and saving|Compiling a graph|Start compiling|Dynamo bytecode"
         r"|Warming up model for the compilation|neuronx-cc compile", "compiling"),
        (r"Capturing CUDA graphs|Graph capturing", "capturing graphs"),
        (r"Available KV cache memory|[GC]PU KV cache size", "making the KV cache"),
        (r"Starting to load model|Loading weights|Loading safetensors", "loading"),
    )

    def __init__(self):
        try:
            self.file = open("/proc/self/fd/2", "rb")
            self.file.seek(0, os.SEEK_END)
        except OSError:
            self.file = None
        self.text = ""

    def read(self):
        if self.file:
            self.text = (self.text + self.file.read().decode("utf-8", "replace"))[-1 << 20:]
        return self.text

    def stage(self):
        """The latest stage that the log speaks of, or None."""
        found = [(m.start(), name) for rx, name in self.STAGES for m in re.finditer(rx, self.text)]
        return max(found)[1] if found else None

    def number(self, pattern):
        found = re.findall(pattern, self.read())
        return float(found[-1]) if found else None


def watch_stages(log, link, stop, is_eager):
    """Thread: reports stages while LLM() blocks. An eager engine compiles nothing."""
    last = "loading"
    while not stop.wait(0.25):
        log.read()
        stage = log.stage()
        if stage and stage != last and not (is_eager and stage == "compiling"):
            last = stage
            link.send("stage", name=stage)


class EngineDead(RuntimeError):
    """A process of vLLM has ended by itself."""


def vllm_processes():
    """Pids below this process that vLLM has given a title: core and workers. Threads and
    processes end while one looks, and what they had goes to others: then it looks again."""
    while True:
        found, todo = [], [os.getpid()]
        try:
            while todo:
                for path in glob.glob(f"/proc/{todo.pop()}/task/*/children"):
                    with open(path) as file:
                        todo += (pids := [int(pid) for pid in file.read().split()])
                    for pid in pids:
                        with open(f"/proc/{pid}/cmdline") as file:
                            found += [pid] * ("VLLM::" in file.read())
            return found
        except (FileNotFoundError, ProcessLookupError):
            time.sleep(0.01)


def watch_processes(link):
    """Thread: step() may wait for ever for a core that was killed (seen with 0.32). It sleeps in
    poll until one of vLLM's processes has ended, then gives step() a second to say so itself."""
    poll, pids = select.poll(), vllm_processes()
    if not pids:
        return
    try:
        for pid in pids:
            poll.register(os.pidfd_open(pid), select.POLLIN)
        poll.poll()
    except ProcessLookupError:
        pass  # it has ended already
    time.sleep(1)
    if link.where != "close":
        report_death(link, EngineDead("a process of vLLM ended unexpectedly"))


# ---- Compat: all that differs by version or platform -------------------------------------------


class Compat:
    """What differs between vLLM's versions and the platforms."""

    # Versions tried with a real vLLM, and what of them: the one list (docs and tests print it).
    TRIED = {"0.13": "offline, CPU", "0.32": "offline and server, CPU",
             "0.33": "Rust front-end, over the engine of 0.32"}

    def __init__(self):
        import vllm
        from vllm.platforms import current_platform

        self.version = vllm.__version__
        tried = self.TRIED.get(".".join(re.findall(r"\d+", self.version)[:2]), "")
        self.is_tried = tried.startswith("offline")
        name = (getattr(current_platform, "device_name", "") or "").lower()
        self.device = "cuda" if "cuda" in name else name or "unknown"
        self.platform = current_platform
        self.notes, self.own_dtype = [], None
        try:
            from vllm.inputs import tokens_input  # not in 0.13

            self.prompt = lambda ids, salt: tokens_input(ids, cache_salt=salt)
        except ImportError:
            self.prompt = raw_prompt

    def device_names(self, count):
        if self.device == "neuron":
            return [neuron_device_name() or "neuron"]
        try:
            return [self.platform.get_device_name(i) for i in range(count)]
        except Exception:
            return [self.device]

    def adjust(self, args, fields, given, need):
        """Fits our settings to platform and version; `given` names what the user chose."""
        if self.device == "cpu":
            self._cpu(args, fields, given, need)
        elif self.device == "neuron":
            self._neuron(args, given, need["config"])

    def _cpu(self, args, fields, given, need):
        if args.get("dtype", "auto") == "auto" and "dtype" not in given:
            self.own_dtype = args["dtype"] = cpu_dtype(need["config"], args)
        world = int(args.get("tensor_parallel_size") or 1)
        self.cpus = allowed_cpus()
        if need["engine_mode"] == "mp" and world == 1:
            os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", ",".join(map(str, self.cpus)))
        self.notes.append(f"CPU threads: {len(self.cpus)} (CPUs {self.cpus})")
        if "gpu_memory_utilization" not in given:
            args.pop("gpu_memory_utilization", None)
        if os.environ.get("VLLM_CPU_KVCACHE_SPACE") or {
                "kv_cache_memory_bytes", "gpu_memory_utilization",
                "num_gpu_blocks_override"} & given:
            return
        size = cpu_kv_bytes(args, need)
        if "kv_cache_memory_bytes" in fields and self.version.split(".")[1] != "13":
            args["kv_cache_memory_bytes"] = size
        else:
            size = -(-size >> 30 << 30)  # whole GiB
            os.environ["VLLM_CPU_KVCACHE_SPACE"] = str(size >> 30)
        self.notes.append(f"CPU KV cache: {size >> 20} MiB")

    def _neuron(self, args, given, config):
        """Rules of the NxDI plugin (vLLM 0.11 to 0.16); the compiled batch is max_num_seqs."""
        plugin = plugin_version()
        self.notes.append(f"vllm-neuron {plugin or 'of unknown version'}")
        newest = tuple(int(n) for n in re.findall(r"\d+", plugin or "0")[:2])
        if neuron_device_name() == "Inferentia2" and newest > (0, 5):
            raise BadArgument(f"vllm-neuron {plugin} is too new for Inferentia2")
        if args.get("load_format") == "dummy":
            raise BadArgument("Neuron has no dummy weights: load_format dummy is not possible")
        if "tensor_parallel_size" not in args:
            args["tensor_parallel_size"] = neuron_split(config)
            self.notes.append(f"tensor_parallel_size {args['tensor_parallel_size']} of "
                              f"{neuron_core_count()} NeuronCores")
        if "max_num_batched_tokens" not in given:
            args.pop("max_num_batched_tokens", None)
        length, batch = int(args["max_model_len"]), int(args["max_num_seqs"])
        caching = bool(args.get("enable_prefix_caching"))
        block = int(args.setdefault("block_size", 32 if caching else length))
        blocks = -(-length // block) * batch
        blocks = int(args.setdefault("num_gpu_blocks_override", blocks))
        if not caching:
            return
        extra = dict(args.get("additional_config") or {})
        extra["override_neuron_config"] = {
            "is_prefix_caching": True, "is_block_kv_layout": True,
            "pa_num_blocks": blocks, "pa_block_size": block,
            **extra.get("override_neuron_config", {})}
        args["additional_config"] = extra
        if batch == 1:
            self.notes.append("prefix caching with batch 1: wrong results are known of plugin 0.2")


def raw_prompt(ids, salt):
    prompt = {"prompt_token_ids": ids}
    if salt is not None:
        prompt["cache_salt"] = salt
    return prompt


def plugin_version():
    from importlib import metadata
    try:
        return metadata.version("vllm-neuron")
    except metadata.PackageNotFoundError:
        return None


def neuron_device_name():
    for path in glob.glob("/sys/devices/virtual/neuron_device/neuron*/info/architecture/device_name"):
        with open(path) as file:
            return file.read().strip()
    return None


def count_listed(text):
    """Members of a list like "0-3,8"; 0 where it is none."""
    total = 0
    for part in filter(None, (text or "").split(",")):
        found = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if not found:
            return 0
        total += int(found[2] or found[1]) - int(found[1]) + 1
    return total


def neuron_core_count():
    """Logical NeuronCores that this job may use: those of the devices that it can open (in a
    container sysfs shows all), at most what the runtime's variables allow."""
    opened = {os.path.basename(path) for path in glob.glob("/dev/neuron[0-9]*")}
    total = 0
    for path in glob.glob("/sys/devices/virtual/neuron_device/neuron*/core_count"):
        if not opened or path.split("/")[-2] in opened:
            with open(path) as file:
                total += int(file.read())
    size = os.environ.get("NEURON_LOGICAL_NC_CONFIG") \
        or os.environ.get("NEURON_RT_VIRTUAL_CORE_SIZE") \
        or ("2" if neuron_device_name() in ("Trainium2", "Trainium3") else "1")
    total = max(1, total // int(size)) if total and size in ("1", "2", "4") else total
    allowed = count_listed(os.environ.get("NEURON_RT_VISIBLE_CORES"))
    number = os.environ.get("NEURON_RT_NUM_CORES", "")
    if not allowed and number.isdigit():
        allowed = int(number)
    return min(total or allowed, allowed or total) or 2


def neuron_split(config):
    """The most of those cores that divide the model's attention heads; splits that share its KV
    heads evenly come first."""
    config = config.get("text_config") or config
    cores, heads = neuron_core_count(), config.get("num_attention_heads")
    shared = config.get("num_key_value_heads") or heads
    fits = [n for n in range(cores, 0, -1) if not heads or heads % n == 0]
    even = [n for n in fits if not heads or shared % n == 0 or n % shared == 0]
    return (even or fits)[0]


def allowed_cpus():
    """CPUs this process may use: one of each core where that leaves two or more, else all."""
    cpus = sorted(os.sched_getaffinity(0))
    first = []
    for cpu in cpus:
        try:
            with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") as file:
                siblings = {int(n) for n in re.findall(r"\d+", file.read().replace("-", ","))}
        except OSError:
            return cpus
        if not siblings & set(first):
            first.append(cpu)
    return first if len(first) >= 2 else cpus


def cgroup_folders():
    """Of the memory controller, v2 and v1: the root's (a container's own), then the process's."""
    try:
        with open("/proc/self/cgroup") as file:
            groups = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        groups = []
    for root, name in (("/sys/fs/cgroup", ""), ("/sys/fs/cgroup/memory", "memory")):
        yield root
        for _, controllers, path in groups:
            if name in controllers.split(","):
                yield root + path


def memory_available():
    """Bytes that may still be taken: MemAvailable, or what a cgroup leaves if that is less."""
    with open("/proc/meminfo") as file:
        free = int(re.search(r"MemAvailable:\s+(\d+)", file.read()).group(1)) * 1024
    for folder in cgroup_folders():
        for top, used in (("max", "current"), ("limit_in_bytes", "usage_in_bytes")):
            try:
                with open(f"{folder}/memory.{top}") as a, open(f"{folder}/memory.{used}") as b:
                    free = min(free, int(a.read()) - int(b.read()))
            except (OSError, ValueError):
                pass
    return free


def cpu_dtype(config, args):
    """float32, which every CPU computes quickly; a quantized model has its own."""
    is_quantized = args.get("quantization") or config.get("quantization_config")
    return "auto" if is_quantized else "float32"


def cpu_kv_bytes(args, need):
    """KV cache on a CPU: what the work needs, at most a quarter of the free memory
    (the weights and what loading them takes are still to come).

    The need is max_num_seqs sequences of max_model_len (or the parent's kv_tokens, if less), a
    block of 128 more for each; at least one sequence. A token takes 2 x layers x KV heads x
    head size x bytes; where config.json does not tell, 256 KiB is assumed.
    """
    config = need["config"].get("text_config") or need["config"]
    length = int(args.get("max_model_len") or config.get("max_position_embeddings") or 4096)
    seqs = int(args.get("max_num_seqs") or 1)
    heads = config.get("num_attention_heads") or 1
    head_dim = config.get("head_dim") or (config.get("hidden_size") or 0) // heads
    width = 4 if args.get("dtype") == "float32" else 2
    token = (2 * (config.get("num_hidden_layers") or 0)
             * (config.get("num_key_value_heads") or heads) * head_dim * width) or 256 << 10
    tokens = min(seqs * length, need.get("kv_tokens") or seqs * length)
    wanted = (tokens + 128 * (seqs + 2)) * token
    least = (length + 256) * token
    return max(64 << 20, least, min(wanted, memory_available() // 4))


def tell_neuron(need):
    """The same on Neuron: over how many cores an engine is split."""
    folder = json.loads(need)["folder"]
    print(json.dumps({"tensor_parallel_size": neuron_split(
        read_json(folder, "config.json") if folder else {})}))


def tell_cpu(need):
    """What an engine would get on a CPU, for a server that inferbench starts: one line."""
    need = json.loads(need)
    folder = need["folder"]
    config = read_json(folder, "config.json") if folder else {}
    dtype = need["dtype"] or cpu_dtype(config, need)
    size = cpu_kv_bytes({**need, "dtype": dtype}, {"config": config})
    print(json.dumps({"kv_bytes": size, "dtype": dtype,
                      "cpus": ",".join(map(str, allowed_cpus()))}))


# ---- opening: arguments, model, engine ----------------------------------------------------------


class BadArgument(ValueError):
    """The user's engine arguments cannot be used."""


def parse_cli(words, fields):
    """`words` as vLLM's own command line takes them -> {field: value}, only what was given."""
    import argparse

    from vllm.engine.arg_utils import EngineArgs
    try:
        from vllm.utils.argparse_utils import FlexibleArgumentParser
    except ImportError:
        from vllm.utils import FlexibleArgumentParser

    def refuse(message):
        raise BadArgument(message)

    parser = FlexibleArgumentParser(add_help=False, allow_abbrev=False)
    EngineArgs.add_cli_args(parser)
    for action in parser._actions:
        action.default = argparse.SUPPRESS
    parser.error = refuse
    return {k: v for k, v in vars(parser.parse_args(words)).items() if k in fields}


def as_words(name, value):
    """name=value of --engine-arg as words of vLLM's command line."""
    flag = "--" + name.replace("_", "-")
    if isinstance(value, bool) or str(value).lower() in ("true", "false"):
        yes = str(value).lower() == "true"
        return [flag if yes else "--no-" + flag[2:]]
    return [flag, value if isinstance(value, str) else json.dumps(value)]


def collect_args(op, fields):
    """Ours < engine_args < cli_args. Returns (args, names the user gave, names dropped)."""
    words = []
    for name, value in (op.get("engine_args") or {}).items():
        if name.replace("-", "_") not in fields:
            near = difflib.get_close_matches(name, fields, 1)
            raise BadArgument(f"engine argument {name!r} is not known to this vLLM"
                              + (f"; did you mean {near[0]!r}?" if near else ""))
        words += as_words(name, value)
    user = parse_cli(words + list(op.get("cli_args") or []), fields)
    ours = {"generation_config": "vllm", "disable_log_stats": False,
            "skip_tokenizer_init": not op.get("need_tokenizer"),
            **{k: v for k, v in (op.get("settings") or {}).items() if v is not None}}
    if (ours.get("dtype") or "auto") != "auto":
        user.setdefault("dtype", ours["dtype"])
    dropped = sorted(set(ours) - fields)
    args = {k: v for k, v in {**ours, **user, "model": op["model"]}.items() if k in fields}
    return args, set(user), dropped


def fetch_model(args):
    """Local folder of the model, downloading it where it must be. Returns (folder, seconds)."""
    model = os.path.expanduser(args["model"])
    if os.path.isdir(model):
        if not os.path.exists(os.path.join(model, "config.json")):
            raise FileNotFoundError(f"model folder {model} has no config.json")
        args["model"] = model
        return model, 0.0
    if model.startswith(("/", "./", "../")) or model.count("/") > 1:
        raise FileNotFoundError(f"model folder {model} does not exist")
    if os.environ.get("VLLM_USE_MODELSCOPE", "").lower() in ("1", "true"):
        return None, None
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.txt", "*.model", "*.jinja"]
    if args.get("load_format", "auto") != "dummy":
        patterns.append("*.safetensors")
    start = now_ns()
    folder = snapshot_download(model, revision=args.get("revision"), allow_patterns=patterns,
                               ignore_patterns=["original/*", "metal/*"],
                               cache_dir=args.get("download_dir"))
    return folder, (now_ns() - start) / 1e9


def read_json(folder, name):
    try:
        with open(os.path.join(folder or "", name)) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def check_tokenizer(folder, args):
    """Without its files transformers makes a tokenizer that knows no token."""
    known = re.compile(r"token|vocab|merges|spiece|tekken|sentencepiece|\.model$|\.gguf$", re.I)
    if folder and not args.get("tokenizer") and not any(map(known.search, os.listdir(folder))):
        raise FileNotFoundError(f"the tokenizer files are missing in {folder}: it has neither "
                                "tokenizer.json nor tokenizer.model nor vocab.json")


def fingerprint(folder):
    """sha256 of config.json and the weights' index, else names and sizes of the weights' files."""
    if not folder:
        return None
    digest = hashlib.sha256()
    index = os.path.join(folder, "model.safetensors.index.json")
    for path in [os.path.join(folder, "config.json")] + [index] * os.path.exists(index):
        with open(path, "rb") as file:
            digest.update(file.read())
    if not os.path.exists(index):
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.safetensors"))):
            digest.update(f"{os.path.basename(path)} {os.stat(path).st_size}\n".encode())
    return digest.hexdigest()


def stop_ids(folder):
    """Ids that end an answer: the engine has no tokenizer to ask."""
    ids = set()
    for name in ("config.json", "generation_config.json"):
        eos = read_json(folder, name).get("eos_token_id")
        ids.update(eos if isinstance(eos, list) else [] if eos is None else [eos])
    return sorted(ids)


class Engine:
    """One loaded vLLM and what was read back from it."""

    def __init__(self, op, link, log):
        self.link, self.log, self.batches = link, log, 0
        os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0" if op["engine_mode"] == "inproc" else "1"
        link.send("stage", name="importing")
        start = now_ns()
        import dataclasses

        from vllm import LLM
        from vllm.engine.arg_utils import EngineArgs
        self.compat = Compat()
        fields = {f.name for f in dataclasses.fields(EngineArgs)}
        self.import_s = (now_ns() - start) / 1e9
        self.args, given, self.dropped = collect_args(op, fields)
        link.send("stage", name="downloading")
        self.folder, self.download_s = fetch_model(self.args)
        if op.get("need_tokenizer"):
            check_tokenizer(self.folder, self.args)
        self.compat.adjust(self.args, fields, given, {
            "engine_mode": op["engine_mode"], "kv_tokens": op.get("kv_tokens"),
            "config": read_json(self.folder, "config.json")})
        print(f"inferbench: vLLM {self.compat.version} with {self.args}; {self.compat.notes}",
              file=sys.stderr, flush=True)
        self._load(LLM)
        self.core = self.llm.llm_engine
        self.vocab_size = self.core.model_config.get_vocab_size()

    def _load(self, llm_class):
        self.link.send("stage", name="loading")
        stop = threading.Event()
        watcher = threading.Thread(target=watch_stages, daemon=True, args=(
            self.log, self.link, stop, bool(self.args.get("enforce_eager"))))
        watcher.start()
        start = now_ns()
        try:
            self.llm = self._make(llm_class)
        finally:
            stop.set()
            watcher.join()
        self.load_s = (now_ns() - start) / 1e9

    def _make(self, llm_class):
        """A dtype that we chose and the model cannot have is taken back."""
        try:
            return llm_class(**self.args)
        except Exception as error:
            said = str(error).split("[type=")[0]  # pydantic repeats all arguments behind it
            if self.compat.own_dtype != "float32" or not re.search("float32|dtype", said):
                raise
            self.args["dtype"] = "auto"
            self.compat.notes.append("dtype auto, because the model cannot have float32, which "
                                     "inferbench chooses on a CPU; --dtype sets another")
            print(f"inferbench: {self.compat.notes[-1]}: {error}", file=sys.stderr, flush=True)
        return llm_class(**self.args)

    def settings(self, op):
        """All real settings, read back: never what was asked for."""
        cfg = self.core.vllm_config
        model, cache, sched = cfg.model_config, cfg.cache_config, cfg.scheduler_config
        par, world = cfg.parallel_config, cfg.parallel_config.world_size
        blocks, size = cache.num_gpu_blocks, cache.block_size
        compile_s = 0.0 if model.enforce_eager else self._compile_s(cfg)
        compat = self.compat
        return {
            "engine_version": compat.version, "is_tried": compat.is_tried, "device": compat.device,
            "device_names": compat.device_names(world), "devices": world,
            "engine_mode": op["engine_mode"], "dtype": str(model.dtype).replace("torch.", ""),
            "quantization": model.quantization, "tensor_parallel_size": par.tensor_parallel_size,
            "max_model_len": model.max_model_len, "max_num_seqs": sched.max_num_seqs,
            "max_num_batched_tokens": sched.max_num_batched_tokens, "block_size": size,
            "num_gpu_blocks": blocks,
            "kv_cache_tokens": getattr(cache, "kv_cache_size_tokens", None)
            or (blocks * size if blocks else None),
            "enforce_eager": bool(model.enforce_eager),
            "enable_prefix_caching": bool(cache.enable_prefix_caching),
            "vocab_size": self.vocab_size, "import_time_s": self.import_s,
            "load_time_s": self.load_s - (compile_s or 0.0), "compile_time_s": compile_s,
            "download_time_s": self.download_s, "weights_mb": self._weights_mb(),
            "kv_cache_mb": self._kv_mb(cache),
            "weights": "dummy" if self.args.get("load_format") == "dummy" else "real",
            "model_fingerprint": fingerprint(self.folder), "dropped_args": self.dropped,
            "threads": len(compat.cpus) if compat.device == "cpu" else None, "notes": compat.notes,
            "stop_token_ids": stop_ids(self.folder) if self.folder else [],
        }

    def _compile_s(self, cfg):
        own = getattr(cfg.compilation_config, "compilation_time", 0.0)
        return own or self.log.number(r"compilation: ([\d.]+) s") \
            or self.log.number(r"torch\.compile takes ([\d.]+) s")

    def _weights_mb(self):
        gib = self.log.number(r"Model loading took ([\d.]+) ?GiB")
        return gib and gib * (1 << 30) / 1e6

    def _kv_mb(self, cache):
        size = getattr(cache, "kv_cache_memory_bytes", None)
        if not size and self.compat.device == "cpu":
            size = int(os.environ.get("VLLM_CPU_KVCACHE_SPACE") or 0) << 30
        gib = self.log.number(r"Available KV cache memory: ([\d.]+) GiB") if not size else None
        return (size or (gib or 0) * (1 << 30)) / 1e6 or None

    def counters(self):
        """Cumulative counters of the engine; differences over a batch are what counts."""
        want = {"vllm:prefix_cache_queries": "prefix_queries", "vllm:prefix_cache_hits":
                "prefix_hits", "vllm:num_preemptions": "preemptions"}
        out = dict.fromkeys(want.values(), 0)
        for metric in self.llm.get_metrics():
            if metric.name in want:
                out[want[metric.name]] += int(metric.value)
        return out

    def reset(self):
        """Empties the prefix cache; vLLM refuses while blocks are in use, so try again a little."""
        for _ in range(20):
            if self.llm.reset_prefix_cache() is not False:
                return True
            time.sleep(0.05)
        return False

    def tokenize(self, texts):
        tokenizer = self.llm.get_tokenizer()
        ids = [list(tokenizer(text).input_ids) for text in texts]
        for text, some in zip(texts, ids):
            if text.strip() and not some:
                raise ValueError("the tokenizer files are missing or damaged in "
                                 f"{self.args.get('tokenizer') or self.folder}: the tokenizer "
                                 f"makes no tokens of {text[:40]!r}")
        return ids

    def shutdown(self):
        core = getattr(self.core, "engine_core", None)
        if core is not None:
            core.shutdown()


# ---- one batch ------------------------------------------------------------------------------------


class Record:
    """What is kept of one request while it runs."""

    __slots__ = ("index", "ids", "id", "sent_ns", "t_ns", "several", "final")

    def __init__(self, index, ids):
        self.index, self.ids, self.id, self.sent_ns = index, ids, None, None
        self.t_ns, self.several, self.final = [], [], None


def make_jobs(engine, op):
    """SamplingParams and prompts of a batch, made before its clock starts."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    engine.batches += 1
    common = {k: v for k, v in op["sampling"].items() if v is not None}
    jobs, refused = [], []
    for request in op["requests"]:
        index, ids = request["index"], request["ids"]
        if not ids or min(ids) < 0 or max(ids) >= engine.vocab_size:
            refused.append((index, f"token ids must lie in [0, {engine.vocab_size})"))
            continue
        params = SamplingParams(max_tokens=request["max_tokens"], detokenize=False,
                                output_kind=RequestOutputKind.FINAL_ONLY, **common)
        prompt = engine.compat.prompt(ids, request.get("salt"))
        jobs.append((f"{engine.batches}-{index}", prompt, params, Record(index, ids)))
    return jobs, refused


def add_jobs(core, jobs, refused):
    """Queues all jobs. Returns the records by the id that the engine core uses."""
    records = {}
    for request_id, prompt, params, record in jobs:
        record.sent_ns = now_ns()
        try:
            internal = core.add_request(request_id, prompt, params)
            record.id = request_id
            records[internal or request_id] = record
        except Exception as error:  # refused: too long, bad value; the engine stays usable
            if type(error).__name__ == "EngineDeadError":
                raise
            refused.append((record.index, str(error)))
    return records


class Tap:
    """Stamps tokens as they leave the engine core.

    One stamp for all that comes out of one `get_output`, before vLLM makes anything of it. So the
    requests can ask for FINAL_ONLY outputs, as `LLM.generate` does, and an output object a token,
    which slows vLLM down, is never made.
    """

    def __init__(self, core, records, words):
        self.client, self.plain = core.engine_core, core.engine_core.get_output
        self.records, self.words = records, words
        self.kv_usage_max, self.empty = 0.0, 0
        self.steps = self.tokens = 0
        self.client.get_output = self.get_output

    def get_output(self):
        got = self.plain()
        t = now_ns()
        self.steps += 1
        self.empty += not got.outputs
        for output in got.outputs:
            n = len(output.new_token_ids)
            record = self.records.get(output.request_id)  # None: aborted, of an earlier batch
            if n and record is not None:
                record.t_ns.append(t)
                self.tokens += n
                if n != 1:
                    record.several.append((len(record.t_ns) - 1, n))
        stats = got.scheduler_stats
        if stats is not None and stats.kv_cache_usage > self.kv_usage_max:
            self.kv_usage_max = stats.kv_cache_usage
        self.words[0], self.words[1] = self.steps, self.tokens
        return got

    def remove(self):
        self.client.__dict__.pop("get_output", None)


def run_steps(core, records, words, link):
    """Steps vLLM until nothing is left: the measured loop."""
    by_id = {record.id: record for record in records.values()}
    step, unfinished = core.step, core.has_unfinished_requests
    finished = 0
    while unfinished():
        for output in step():
            if output.finished:
                by_id[output.request_id].final = output
                finished += 1
                words[2] = finished
        if link.cancelled:
            abort(core, records, link)


def abort(core, records, link):
    """Aborts what the parent has cancelled and has not ended."""
    wanted, link.cancelled = set(link.cancelled), []
    core.abort_request([record.id for record in records.values()
                        if record.index in wanted and record.final is None])


def run_batch(engine, op, beat, link):
    jobs, refused = make_jobs(engine, op)
    before = engine.counters()
    beat.words[0] = beat.words[1] = beat.words[2] = 0
    due_ns = now_ns()
    records = add_jobs(engine.core, jobs, refused)
    tap = Tap(engine.core, records, beat.words)
    try:
        run_steps(engine.core, records, beat.words, link)
    finally:
        tap.remove()
    end_ns = now_ns()
    after = engine.counters()
    for index, text in refused:
        link.send("refused", index=index, text=text)
    for record in records.values():
        link.send("request", **describe(record, op.get("want_gaps", True)))
    link.send("batch_end", due_ns=due_ns, end_ns=end_ns, steps=tap.steps, empty_steps=tap.empty,
              kv_usage_max=tap.kv_usage_max,
              **{name: after[name] - before[name] for name in after})


def describe(record, want_gaps):
    """One request as the parent gets it."""
    out = {"index": record.index, "sent_ns": record.sent_ns, "prompt_tokens": len(record.ids),
           "output_tokens": len(record.t_ns) + sum(n - 1 for _, n in record.several),
           "t_ns": record.t_ns if want_gaps else record.t_ns[:1] + record.t_ns[1:][-1:],
           "events": len(record.t_ns), "several": record.several}
    final = record.final
    if final and len(final.outputs[0].token_ids) != out["output_tokens"]:
        raise RuntimeError(f"request {record.index}: {out['output_tokens']} tokens were stamped, "
                           f"vLLM counts {len(final.outputs[0].token_ids)}")
    out["finish_reason"] = final.outputs[0].finish_reason if final else "cancelled"
    out["cached_tokens"] = final.num_cached_tokens if final else None
    metrics = final.metrics if final else None
    for name, key in (("queued_ns", "queued_ts"), ("scheduled_ns", "scheduled_ts"),
                      ("first_ns", "first_token_ts"), ("last_ns", "last_token_ts")):
        seconds = getattr(metrics, key, None)
        out[name] = round(seconds * 1e9) if seconds else None
    out["num_preemptions"] = getattr(metrics, "num_preemptions", None)
    return out


# ---- the life of the worker ------------------------------------------------------------------------


def serve(link, log, beat):
    engine = None
    while True:
        op = link.ops.get()
        name = op["op"]
        link.where = name
        if name == "open":
            engine = Engine(op, link, log)
            link.send("ready", **engine.settings(op))
            threading.Thread(target=watch_processes, args=(link,), daemon=True).start()
        elif name == "tokenize":
            link.send("tokens", ids=engine.tokenize(op["texts"]))
        elif name == "batch":
            run_batch(engine, op, beat, link)
        elif name == "reset":
            link.send("reset", ok=engine.reset())
        elif name == "counters":
            link.send("counters", **engine.counters())
        elif name == "close":
            if engine:
                engine.shutdown()
            link.send("bye")
            return


def report_death(link, error):
    """One `error` event; the traceback goes to the log, where the parent looks for the cause if
    this error only points to another process's. The process ends: nothing is to be expected of a
    vLLM that has failed."""
    link.dying.acquire()
    traceback.print_exception(error)
    sys.stderr.flush()
    kind, text = type(error).__name__, str(error)
    if "initialization failed" in text or kind in ("EngineDeadError", "EngineDead"):
        time.sleep(0.5)  # the dying child is still writing
    if len(text) > TEXT_MAX:
        text = text[:TEXT_MAX // 2] + "\n...\n" + text[-TEXT_MAX // 2:]
    link.send("error", where=link.where, type=kind, text=text)
    os._exit(1)


def main():
    if sys.argv[1:2] in (["cpu"], ["neuron"]):
        return {"cpu": tell_cpu, "neuron": tell_neuron}[sys.argv[1]](sys.argv[2])
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ["VLLM_LOGGING_STREAM"] = "ext://sys.stderr"
    link, log = Link(int(os.environ.pop("INFERBENCH_FD"))), Log()
    beat = Beat(os.environ.pop("INFERBENCH_BEAT_FD", None))
    link.send("hello", python=sys.version.split()[0], pid=os.getpid(), protocol=1)
    try:
        serve(link, log, beat)
    except BaseException as error:
        report_death(link, error)
    sys.stderr.flush()


if __name__ == "__main__":  # vLLM's children import this file again
    main()
