#include "engines/vllm_rules.h"

#include <string.h>

#include "base/str.h"

#define HINT_MEMORY                                                                 \
    "Try a smaller --max-model-len, smaller --batch-sizes, a smaller or quantized " \
    "model, or another share: --engine-arg gpu_memory_utilization=0.8"
#define HINT_MEMORY_RUN                                                                 \
    "Try smaller --batch-sizes, a smaller --max-model-len, or leave vLLM less memory: " \
    "--engine-arg gpu_memory_utilization=0.8"
#define HINT_KV                                                              \
    "Try a smaller --max-model-len, or give vLLM more memory: --engine-arg " \
    "gpu_memory_utilization=0.95, or on a CPU VLLM_CPU_KVCACHE_SPACE (GiB)"
#define HINT_HUB                                                                       \
    "Check network and proxy (HTTPS_PROXY, HF_ENDPOINT), or name a local folder with " \
    "--model; a model that is already in the cache needs HF_HUB_OFFLINE=1"
#define HINT_MODEL                                                                   \
    "Check the spelling of --model: a folder with config.json, or an id of the hub " \
    "such as Qwen/Qwen3-0.6B; private models need HF_TOKEN"
#define HINT_NEURON                                                                     \
    "Check that this is an Inferentia or Trainium machine (ls /dev/neuron*), that the " \
    "driver is loaded (neuron-ls), and in a container --device /dev/neuron0"
#define HINT_COMPILERS                                                           \
    "It needs g++ and Python's headers (Debian: g++ python3-dev, Amazon Linux: " \
    "gcc-c++ python3-devel); or load without compiling: -- --enforce-eager"
#define HINT_TOKENIZER                                                              \
    "Copy tokenizer.json (or tokenizer.model or vocab.json) and "                   \
    "tokenizer_config.json into the folder from where the model came, or name one " \
    "that has them: -- --tokenizer PATH_OR_ID"

#define RULE(n, a, u, c, t, w, ...)                                             \
    {                                                                           \
        .name = (n), .any = (a), .unless = (u), .code = (c), .is_telling = (t), \
        .what = (w), .hint = __VA_ARGS__                                        \
    }

/* Exactly one row fits what is in tests/captures/failures; the order says nothing. */
const struct vllm_rule vllm_rules_list[] = {
    /* the interpreter and its packages */
    RULE("no-vllm", "No module named 'vllm'", NULL, STATUS_NOT_FOUND, true,
         "this Python has no vLLM", VLLM_INSTALL_HINT),
    RULE("neuron-plugin-too-new", "too new for Inferentia2", NULL, STATUS_UNSUPPORTED,
         false, NULL, VLLM_INF2_HINT),
    RULE("neuron-packages",
         "No module named 'vllm_neuron|No module named 'neuronx|"
         "No module named 'torch_neuronx|No module named 'libneuronxla",
         NULL, STATUS_NOT_FOUND, true,
         "the Neuron packages are missing in this Python (%s)", VLLM_INF2_HINT),
    RULE("incomplete", "No module named",
         "'vllm'|'vllm_neuron|'neuronx|'torch_neuronx|'libneuronxla", STATUS_NOT_FOUND,
         false, "vLLM's installation is incomplete: %s",
         "Repair it with pip, or name another interpreter with --python"),
    RULE("packages-mismatch", "undefined symbol|cannot import name", NULL,
         STATUS_UNSUPPORTED, false, "packages of this Python do not fit each other: %s",
         "Install vLLM in a virtual environment of its own, with the torch that it "
         "asks for, and name that with --python"),
    RULE("bad-argument", "BadArgument", "too new for Inferentia2", STATUS_BAD_OPTION,
         false, NULL,
         "Words after -- are vLLM's own options, --engine-arg takes name=value; `vllm "
         "serve --help=all` lists them"),

    /* the model */
    RULE("remote-code", "trust_remote_code=True|trust-remote-code", "BadArgument",
         STATUS_UNSUPPORTED, false, NULL,
         "Read that code; if you trust it, add: -- --trust-remote-code"),
    RULE(
        "architecture",
        "are not supported for now|not recognize this architecture|Unrecognized model in",
        NULL, STATUS_UNSUPPORTED, false, "this vLLM does not know the model: %s",
        "A newer vLLM or transformers may: `inferbench env --engines` lists those "
        "here"),
    RULE("gated", "GatedRepo|gated repo|Access to model", NULL, STATUS_NOT_FOUND, false,
         "the model is gated: %s",
         "Accept its licence on the model's page, make a token there and set HF_TOKEN"),
    RULE("not-in-cache", "outgoing traffic has been disabled|OfflineMode", NULL,
         STATUS_NOT_FOUND, false,
         "the model is not in the local cache, and HF_HUB_OFFLINE forbids downloading "
         "it",
         "Unset HF_HUB_OFFLINE, or name a local folder with --model"),
    RULE("hub",
         "LocalEntryNotFound|MaxRetryError|NameResolutionError|couldn't connect to 'http|"
         "ConnectionError|ConnectError",
         "outgoing traffic|OfflineMode", STATUS_NOT_FOUND, false,
         "the model hub cannot be reached: %s", HINT_HUB),
    RULE("host-name",
         "gaierror|Name or service not known|Temporary failure in name resolution",
         "LocalEntryNotFound|MaxRetryError|NameResolutionError|couldn't connect to 'http|"
         "ConnectionError|ConnectError|outgoing traffic",
         STATUS_ENGINE, false, "a host name could not be resolved: %s",
         "Check DNS. If it is this machine's own name, set VLLM_HOST_IP=127.0.0.1; if "
         "it is the hub's, use a local folder, or HF_HUB_OFFLINE=1 with a model in the "
         "cache"),
    RULE("no-repository", "RepositoryNotFound", NULL, STATUS_NOT_FOUND, false,
         "the hub has no such model: %s", HINT_MODEL),
    RULE("no-revision", "RevisionNotFound", NULL, STATUS_NOT_FOUND, false,
         "the hub has no such revision: %s", HINT_MODEL),
    RULE("model-name", "HFValidationError", NULL, STATUS_NOT_FOUND, false,
         "not a valid model name: %s", HINT_MODEL),
    RULE("model-id", "not a valid model identifier", "RepositoryNotFound",
         STATUS_NOT_FOUND, false, "no such model: %s", HINT_MODEL),
    RULE("model-folder", "model folder", "tokenizer", STATUS_NOT_FOUND, false, NULL,
         HINT_MODEL),
    RULE("no-weights", "Cannot find any model weights|no file named|have a file named",
         NULL, STATUS_NOT_FOUND, false, "the model's weights are missing: %s",
         "Download them (hf download MODEL --local-dir FOLDER), or use random ones: "
         "--load-format dummy"),
    RULE("broken-weights", "SafetensorError|deserializing header", NULL, STATUS_BAD_INPUT,
         false, "a file of the weights is damaged or incomplete: %s",
         "Compare the sizes with the hub's: files of about 135 bytes are git-lfs "
         "pointers; download the model again"),
    RULE("no-tokenizer",
         "tokenizer files are missing|Can't load tokenizer for|"
         "instantiate the backend tokenizer|vocabulary from file",
         NULL, STATUS_NOT_FOUND, false, "the model's tokenizer cannot be loaded: %s",
         HINT_TOKENIZER),

    /* settings that do not go together */
    RULE("max-model-len", "greater than the derived max_model_len", NULL,
         STATUS_BAD_OPTION, false, "--max-model-len is more than the model allows: %s",
         "Lower --max-model-len to the derived value"),
    RULE("batched-tokens", "is smaller than max_model_len", NULL, STATUS_BAD_OPTION,
         false, NULL,
         "inferbench's own choice is 8192: give -- --max-num-batched-tokens N, lower "
         "--max-model-len, or let prompts be cut: -- --enable-chunked-prefill"),
    RULE("bfloat16", "Bfloat16 is only supported", NULL, STATUS_UNSUPPORTED, false, NULL,
         "Use --dtype float16"),
    RULE("dtype",
         "is not supported for quantization|does not support float16|"
         "does not support float32|does not support bfloat16",
         NULL, STATUS_UNSUPPORTED, false, NULL,
         "Choose another with --dtype (on a CPU inferbench's own choice is float32)"),
    RULE("heads",
         "is not divisible by|divisible by tensor parallel size|"
         "divisible by tensor_parallel_size|divisible by tp_degree",
         NULL, STATUS_BAD_OPTION, false, NULL,
         "Choose a number that divides the model's heads and sizes: -- "
         "--tensor-parallel-size N"),
    RULE("quantization", "is not supported for the current GPU|Unknown quantization",
         NULL, STATUS_UNSUPPORTED, false, NULL,
         "Use a model that is quantized otherwise, or not at all"),
    RULE("block-size", "No common block size", NULL, STATUS_BAD_OPTION, false, NULL,
         "Choose another --engine-arg block_size: 32 or 128 on a CPU, 16 on a GPU"),
    RULE("attention", "No valid attention backend", NULL, STATUS_UNSUPPORTED, false, NULL,
         "Another --dtype or --engine-arg block_size may have one; "
         "VLLM_ATTENTION_BACKEND must not name one that this GPU lacks"),

    /* memory */
    RULE("kv-too-small",
         "To serve at least one request|tokens that can be stored in KV cache", NULL,
         STATUS_ENGINE, true, "the KV cache is too small for one request: %s", HINT_KV),
    RULE("no-kv-memory", "No available memory for the cache blocks", NULL, STATUS_ENGINE,
         true, "no memory left for the KV cache", HINT_KV),
    RULE("free-device-memory", "Free memory on device", NULL, STATUS_ENGINE, true,
         "not enough free memory on the device: %s", HINT_MEMORY),
    RULE("free-memory", "Available memory on node", NULL, STATUS_ENGINE, true,
         "not enough free memory: %s",
         "Close other programs, lower --max-model-len, or give the KV cache a fixed "
         "size: --engine-arg kv_cache_memory_bytes=1000000000"),
    RULE("device-memory",
         "OutOfMemoryError|CUDA out of memory|RESOURCE_EXHAUSTED|"
         "CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED",
         NULL, STATUS_ENGINE, true, "out of device memory: %s", HINT_MEMORY,
         .hint_running = HINT_MEMORY_RUN),
    RULE("host-memory",
         "can't allocate memory|MemoryError|Cannot allocate memory|std::bad_alloc",
         "OutOfMemoryError", STATUS_ENGINE, false, "out of memory: %s", HINT_MEMORY,
         .hint_running = HINT_MEMORY_RUN),
    RULE("shared-memory", "Bus error|bus error|/dev/shm", NULL, STATUS_ENGINE, false,
         "the shared memory is too small: %s",
         "A container needs --ipc=host or --shm-size=8g"),
    RULE("disk-full", "No space left on device|Disk quota exceeded", "/dev/shm",
         STATUS_NO_SPACE, true, "the disk is full",
         "Models are stored under HF_HOME, compiled code under VLLM_CACHE_ROOT"),
    RULE("permission", "PermissionError|Permission denied", "/dev/neuron", STATUS_IO,
         false, "a file may not be opened or written: %s",
         "Models are stored under HF_HOME, compiled code under VLLM_CACHE_ROOT: name "
         "folders that are yours"),
    RULE("open-files", "Too many open files", NULL, STATUS_ENGINE, false,
         "too many open files", "Raise the limit: ulimit -n 65536"),

    /* Neuron */
    RULE("neuron-memory",
         "nrt_tensor_allocate|Allocation Failure|NRT_RESOURCE|alloc DEVICE memory", NULL,
         STATUS_ENGINE, true, "out of memory on the Neuron device: %s",
         "Try a smaller --max-model-len, smaller --batch-sizes or a smaller model, or "
         "spread it over more cores: -- --tensor-parallel-size N"),
    RULE(
        "neuron-cores",
        "Core(s) not available|nrt_allocate_neuron_cores|number of available NeuronCores",
        NULL, STATUS_ENGINE, true, "the NeuronCores are not free: %s",
        "Another process holds them (neuron-ls names it: end it and wait), or fewer "
        "are there than asked for: NEURON_RT_VISIBLE_CORES, -- --tensor-parallel-size "
        "N"),
    RULE("neuron-compiler-killed", "failed with -9|failed with 137|forcibly killed", NULL,
         STATUS_DIED, true,
         "the Neuron compiler was killed, probably for lack of host memory",
         "Compile on a machine with more (inf2.8xlarge) and carry the artifacts here "
         "(NEURON_COMPILED_ARTIFACTS), or compile less: a smaller --max-model-len, "
         "smaller --batch-sizes"),
    RULE("neuron-compiler", "Failed compilation with|neuronx-cc",
         "failed with -9|failed with 137|forcibly killed|No module named", STATUS_ENGINE,
         false, "the Neuron compiler failed: %s",
         "Try a smaller --max-model-len, smaller --batch-sizes, or the plugin's SDK "
         "version; the compiler's own log is beside the model's artifacts"),
    RULE("neuron-library", "libnrt", NULL, STATUS_NOT_FOUND, true,
         "the Neuron runtime is missing: %s",
         "Install aws-neuronx-runtime-lib, or use the Neuron Deep Learning AMI"),
    RULE("neuron-device",
         "neuron device|neuron_device|compatible Driver version|/dev/neuron",
         "No module named", STATUS_ENGINE, false,
         "the Neuron device is not usable: "
         "%s",
         HINT_NEURON),
    RULE("neuron-runtime", "nrt_init|NRT_|Neuron Runtime|nrt_load|nrt_execute",
         "NRT_RESOURCE|Allocation Failure|neuron device|compatible Driver version|"
         "/dev/neuron|Core(s) not available",
         STATUS_ENGINE, true, "the Neuron runtime failed: %s", HINT_NEURON),

    /* NVIDIA */
    RULE("driver-mismatch", "Driver/library version mismatch", NULL, STATUS_ENGINE, true,
         "the NVIDIA driver does not match its library",
         "An update has replaced the library while the old driver is loaded: reboot"),
    RULE("no-gpu",
         "No CUDA GPUs are available|Found no NVIDIA driver|"
         "no CUDA-capable device is detected",
         NULL, STATUS_ENGINE, true, "no NVIDIA GPU is visible",
         "Check nvidia-smi and CUDA_VISIBLE_DEVICES; a container needs --gpus all"),
    RULE("driver-too-old",
         "driver on your system is too old|driver version is insufficient|"
         "unsupported display driver|"
         "provided PTX was compiled with an unsupported toolchain",
         NULL, STATUS_ENGINE, true, "the NVIDIA driver is too old",
         "Update the driver, or install a vLLM built for its CUDA version"),
    RULE("cuda-library", "libcuda.so|libcudart|libcublas|libcudnn", "undefined symbol",
         STATUS_NOT_FOUND, false, "a library of CUDA is missing: %s",
         "libcuda is the driver's: a container needs --gpus all; the others come with "
         "torch. Without a GPU use a CPU build: scripts/setup engine"),
    RULE("gpu-not-in-build", "no kernel image is available", NULL, STATUS_UNSUPPORTED,
         true, "this vLLM was not built for this GPU: %s",
         "Install a vLLM or torch whose CUDA build knows the GPU's compute capability "
         "(`inferbench env` shows it)"),
    RULE("gpu-busy", "devices are busy or unavailable", NULL, STATUS_ENGINE, true,
         "the GPU is held by another process",
         "nvidia-smi lists it; in exclusive mode only one may use the GPU: nvidia-smi "
         "-c 0"),
    RULE("gpu-fault",
         "illegal memory access|device-side assert|unspecified launch failure|"
         "uncorrectable ECC|misaligned address|CUBLAS_STATUS_EXECUTION_FAILED",
         NULL, STATUS_ENGINE, true, "the GPU reported a fault: %s",
         "A bug in vLLM or a defective GPU: look for Xid in dmesg; -- --enforce-eager "
         "or another vLLM version may avoid it"),
    RULE("nccl", "NCCL|nccl|DistBackendError", NULL, STATUS_ENGINE, false,
         "the GPUs could not be connected (NCCL): %s",
         "NCCL_DEBUG=INFO tells why. A container needs --ipc=host or --shm-size=8g; "
         "NCCL_P2P_DISABLE=1 helps where GPUs cannot reach each other"),
    RULE("interface",
         "Unable to find interface|unable to find interface|makeDeviceForHostname", NULL,
         STATUS_ENGINE, false, "vLLM's processes found no network interface: %s",
         "Set VLLM_HOST_IP=127.0.0.1 and GLOO_SOCKET_IFNAME=lo"),
    RULE("port", "ddress already in use|EADDRINUSE", NULL, STATUS_ENGINE, false,
         "a port that vLLM wants is taken: %s",
         "End what is left of an earlier vLLM, or set VLLM_PORT to a free port"),
    RULE("triton-resources", "OutOfResources|out of resource: shared memory", NULL,
         STATUS_ENGINE, true, "a Triton kernel does not fit this GPU: %s",
         "Try another --dtype or --engine-arg block_size, or another version of vLLM"),
    RULE("no-device", "Failed to infer device type", NULL, STATUS_UNSUPPORTED, true,
         "vLLM found no device it was built for",
         "Is this vLLM built for this machine? On a CPU it must be a CPU build: "
         "scripts/setup engine makes one"),

    /* compiling and dying */
    RULE("no-compiler",
         "CppCompileError|Failed to find C compiler|Python.h: No such|cannot find -lcuda",
         NULL, STATUS_ENGINE, false, "vLLM could not compile: %s", HINT_COMPILERS),
    RULE("inductor",
         "InductorError|BackendCompilerFailed|TritonMissing|PTXASError|CompilationError",
         "CppCompileError|Failed to find C compiler|Python.h: No such|cannot find -lcuda|"
         "OutOfMemoryError",
         STATUS_ENGINE, false, "vLLM could not compile the model: %s",
         "Load without compiling: -- --enforce-eager"),
    RULE("killed", "signal: Killed", NULL, STATUS_DIED, false,
         "a process of vLLM was killed, probably for lack of host memory",
         "See dmesg; use a smaller --max-model-len, or a machine with more memory (the "
         "Neuron compiler needs much: inf2.8xlarge)"),
    RULE("cpu-instructions", "Illegal instruction", NULL, STATUS_UNSUPPORTED, false,
         "vLLM was built for another CPU: %s",
         "This CPU lacks instructions such as AVX-512: install a build without them"),
    RULE("crash", "Segmentation fault|Segfault encountered|SIGSEGV|SIGABRT", NULL,
         STATUS_DIED, false, "a library of vLLM's crashed: %s",
         "Packages may not fit each other: install vLLM in a virtual environment of "
         "its own"),
    RULE("process-died", "EngineDead|died unexpectedly", NULL, STATUS_DIED, false,
         "a process of vLLM ended unexpectedly",
         "It may have run out of memory, or have been killed; try again, then smaller "
         "--batch-sizes"),
};
const size_t vllm_rules_count = sizeof vllm_rules_list / sizeof *vllm_rules_list;

/* Whether one of words, "a|b|c", is in the text. */
static bool holds(const char *text, const char *words)
{
    for (struct str rest = str_from(words); rest.len > 0;) {
        struct str word = str_cut(&rest, '|');
        if (memmem(text, strlen(text), word.ptr, word.len) != NULL)
            return true;
    }
    return false;
}

bool vllm_rules_fits(const struct vllm_rule *r, const char *text)
{
    return holds(text, r->any) && !holds(text, r->unless);
}

const struct vllm_rule *vllm_rules_find(const char *text, bool is_telling)
{
    for (size_t i = 0; i < vllm_rules_count; i++)
        if ((vllm_rules_list[i].is_telling || !is_telling) &&
            vllm_rules_fits(&vllm_rules_list[i], text))
            return &vllm_rules_list[i];
    return NULL;
}
