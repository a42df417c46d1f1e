#include "engines/vllm_errors.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

#define TEXT_MAX      200
#define LOG_CAP_BYTES ((size_t)256 << 20)

/* One kind of failure. The first row whose pattern is found wins, so particular ones come
 * first. `what`: %s is the error's own text; NULL: that text alone. */
struct rule {
    const char *pattern;
    enum status code;
    bool from_log; /* also searched in the log, where nothing else can look like it */
    const char *what;
    const char *hint, *hint_running; /* the second, where not NULL, for a failing batch */
};

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
#define HINT_GATED \
    "Accept its licence on the model's page, make a token there and set HF_TOKEN"
#define HINT_NEURON_OLD                                                                \
    "Inferentia2 needs the vllm-neuron plugin 0.5 or older, best 0.4 (SDK 2.28, vLLM " \
    "0.13): make a virtual environment with it and name it with --python"
#define HINT_NEURON                                                                     \
    "Check that this is an Inferentia machine (ls /dev/neuron*), the driver is loaded " \
    "(neuron-ls), and no other process uses the cores"
#define HINT_DRIVER "Check nvidia-smi; a container needs --gpus all"
#define HINT_OPTION                                                          \
    "Words after -- are vLLM's own options, --engine-arg takes name=value; " \
    "`vllm serve --help=all` lists them"

static const struct rule rules[] = {
    {"No module named 'vllm'", STATUS_NOT_FOUND, true, "this Python has no vLLM",
     VLLM_INSTALL_HINT, NULL},
    {"too new for Inferentia2", STATUS_UNSUPPORTED, false, NULL, HINT_NEURON_OLD, NULL},
    {"No module named 'vllm_neuron", STATUS_NOT_FOUND, true,
     "the Neuron plugin is missing in this Python (%s)", HINT_NEURON_OLD, NULL},
    {"No module named 'neuronx", STATUS_NOT_FOUND, true,
     "the Neuron packages are missing in this Python (%s)", HINT_NEURON_OLD, NULL},
    {"No module named", STATUS_NOT_FOUND, false, "vLLM's installation is incomplete: %s",
     "Repair it with pip, or name another interpreter with --python", NULL},
    {"BadArgument", STATUS_BAD_OPTION, false, NULL, HINT_OPTION, NULL},
    {"GatedRepo", STATUS_NOT_FOUND, false, "the model is gated: %s", HINT_GATED, NULL},
    {"gated repo", STATUS_NOT_FOUND, false, "the model is gated: %s", HINT_GATED, NULL},
    {"Access to model", STATUS_NOT_FOUND, false, "the model is gated: %s", HINT_GATED,
     NULL},
    {"outgoing traffic has been disabled", STATUS_NOT_FOUND, false,
     "the model is not in the local cache, and HF_HUB_OFFLINE forbids downloading it",
     "Unset HF_HUB_OFFLINE, or name a local folder with --model", NULL},
    {"LocalEntryNotFound", STATUS_NOT_FOUND, false, "the model hub cannot be reached: %s",
     HINT_HUB, NULL},
    {"OfflineMode", STATUS_NOT_FOUND, false,
     "the model is not in the local cache, and HF_HUB_OFFLINE forbids downloading it",
     "Unset HF_HUB_OFFLINE, or name a local folder with --model", NULL},
    {"RepositoryNotFound", STATUS_NOT_FOUND, false, "the hub has no such model: %s",
     HINT_MODEL, NULL},
    {"RevisionNotFound", STATUS_NOT_FOUND, false, "the hub has no such revision: %s",
     HINT_MODEL, NULL},
    {"HFValidationError", STATUS_NOT_FOUND, false, "not a valid model name: %s",
     HINT_MODEL, NULL},
    {"model folder", STATUS_NOT_FOUND, false, NULL, HINT_MODEL, NULL},
    {"not a valid model identifier", STATUS_NOT_FOUND, false, "no such model: %s",
     HINT_MODEL, NULL},
    {"ConnectionError", STATUS_NOT_FOUND, false, "the model hub cannot be reached: %s",
     HINT_HUB, NULL},
    {"Name or service not known", STATUS_NOT_FOUND, false,
     "the model hub cannot be reached: %s", HINT_HUB, NULL},
    {"greater than the derived max_model_len", STATUS_BAD_OPTION, false,
     "--max-model-len is more than the model allows: %s",
     "Lower --max-model-len to the derived value", NULL},
    {"To serve at least one request", STATUS_ENGINE, true,
     "the KV cache is too small for one request: %s", HINT_KV, NULL},
    {"No available memory for the cache blocks", STATUS_ENGINE, true,
     "no memory left for the KV cache", HINT_KV, NULL},
    {"Free memory on device", STATUS_ENGINE, true,
     "not enough free memory on the device: %s", HINT_MEMORY, NULL},
    {"Available memory on node", STATUS_ENGINE, true, "not enough free memory: %s",
     "Close other programs, lower --max-model-len, or give the KV cache a fixed size: "
     "--engine-arg kv_cache_memory_bytes=1000000000",
     NULL},
    {"torch.OutOfMemoryError", STATUS_ENGINE, true, "out of device memory: %s",
     HINT_MEMORY, HINT_MEMORY_RUN},
    {"OutOfMemoryError", STATUS_ENGINE, true, "out of device memory: %s", HINT_MEMORY,
     HINT_MEMORY_RUN},
    {"CUDA out of memory", STATUS_ENGINE, true, "out of device memory: %s", HINT_MEMORY,
     HINT_MEMORY_RUN},
    {"can't allocate memory", STATUS_ENGINE, true, "out of memory: %s", HINT_MEMORY,
     HINT_MEMORY_RUN},
    {"MemoryError", STATUS_ENGINE, false, "out of memory: %s", HINT_MEMORY,
     HINT_MEMORY_RUN},
    {"RESOURCE_EXHAUSTED", STATUS_ENGINE, true, "out of device memory: %s", HINT_MEMORY,
     HINT_MEMORY_RUN},
    {"NRT_", STATUS_ENGINE, true, "the Neuron runtime failed: %s", HINT_NEURON, NULL},
    {"nrt_init", STATUS_ENGINE, true, "the Neuron runtime did not start: %s", HINT_NEURON,
     NULL},
    {"libnrt", STATUS_NOT_FOUND, true, "the Neuron runtime is missing: %s", HINT_NEURON,
     NULL},
    {"neuron_device", STATUS_ENGINE, false, "the Neuron device is not usable: %s",
     HINT_NEURON, NULL},
    {"No CUDA GPUs are available", STATUS_ENGINE, true, "no NVIDIA GPU is visible",
     HINT_DRIVER, NULL},
    {"driver on your system is too old", STATUS_ENGINE, true,
     "the NVIDIA driver is too old",
     "Update the driver, or install a vLLM built for its CUDA version", NULL},
    {"Failed to infer device type", STATUS_UNSUPPORTED, true,
     "vLLM found no device it was built for",
     "Is this vLLM built for this machine? On a CPU it must be a CPU build: "
     "scripts/setup engine makes one",
     NULL},
    {"CppCompileError", STATUS_ENGINE, false, "vLLM could not compile: %s",
     "It needs g++ and Python's headers (Debian: python3-dev, Amazon Linux: "
     "python3-devel); or load without compiling: -- --enforce-eager",
     NULL},
    {"No common block size", STATUS_BAD_OPTION, false, NULL,
     "Choose another --engine-arg block_size: 32 or 128 on a CPU, 16 on a GPU", NULL},
    {"No space left on device", STATUS_NO_SPACE, true, "the disk is full",
     "Models are stored under HF_HOME, compiled code under VLLM_CACHE_ROOT", NULL},
    {"EngineDead", STATUS_DIED, false, "a process of vLLM ended unexpectedly",
     "It may have run out of memory, or have been killed; try again, then smaller "
     "--batch-sizes",
     NULL},
};

/* Cuts a text at a word before `max` bytes. */
static void cut(char *text, size_t max)
{
    if (strlen(text) <= max)
        return;
    size_t n = max;
    while (n > max / 2 && !isspace((unsigned char)text[n]))
        n--;
    text[n] = 0;
    strncat(text, " ...", 5);
}

/* From the log: the rest of the line from the pattern on. */
static void line_at(const char *at, char *out, size_t size)
{
    size_t n = strcspn(at, "\r\n");
    snprintf(out, size, "%.*s", (int)(n < size ? n : size - 1), at);
}

/* Text for %s: the error's own, without pydantic's headline. */
static void own_text(const struct vllm_failure *f, char *out, size_t size)
{
    const char *text = f->text != NULL ? f->text : "";
    const char *start = strstr(text, "Value error, ");
    snprintf(out, size, "%s", start != NULL ? start + strlen("Value error, ") : text);
}

/* The first rule that fits; *text becomes what its %s stands for. */
static const struct rule *find_rule(const struct vllm_failure *f, char *text, size_t size)
{
    const char *type = f->type != NULL ? f->type : "",
               *own = f->text != NULL ? f->text : "";
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strstr(type, rules[i].pattern) != NULL ||
            strstr(own, rules[i].pattern) != NULL) {
            own_text(f, text, size);
            return &rules[i];
        }
    }
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const char *at = rules[i].from_log ? strstr(f->log_tail, rules[i].pattern) : NULL;
        if (at != NULL) {
            line_at(at, text, size);
            return &rules[i];
        }
    }
    return NULL;
}

/* Writes a rule's `what`, whose only %s is replaced by text. */
static void fill(const char *what, const char *text, char *out, size_t size)
{
    const char *mark = what != NULL ? strstr(what, "%s") : NULL;
    if (what == NULL)
        snprintf(out, size, "%s", text);
    else if (mark == NULL)
        snprintf(out, size, "%s", what);
    else
        snprintf(out, size, "%.*s%s%s", (int)(mark - what), what, text, mark + 2);
}

static const char *who(const struct vllm_failure *f)
{
    return f->who != NULL ? f->who : "worker";
}

static enum status explain_signal(const struct vllm_failure *f, struct err *e)
{
    char how[64];
    proc_end_text(f->end, how, sizeof how);
    status_fail(e, STATUS_DIED, "vllm", "the %s was killed by %s while %s", who(f), how,
                f->stage);
    if (f->end.signal == SIGKILL && strstr(f->stage, "compil") != NULL) {
        return status_hint(e,
                           "Probably the host's memory is too small for compiling: use a "
                           "machine with more, or compile elsewhere and carry the "
                           "artifacts (NEURON_COMPILED_ARTIFACTS). Log: %s",
                           f->log_path);
    }
    if (f->end.signal == SIGKILL) {
        return status_hint(e,
                           "It was killed, perhaps by the kernel for lack of memory (see "
                           "dmesg). Log: %s",
                           f->log_path);
    }
    return status_hint(e, "See the end of the log: %s", f->log_path);
}

static enum status explain_hang(const struct vllm_failure *f, struct err *e)
{
    status_fail(e, STATUS_TIMEOUT, "vllm", "no %s for %.0f s while %s: ended",
                f->is_running ? "token" : "sign of life", clock_to_s(f->limit), f->stage);
    return status_hint(e,
                       "On a slow machine use a longer --engine-timeout; otherwise see "
                       "the end of the log: %s",
                       f->log_path);
}

enum status vllm_errors_explain(const struct vllm_failure *f, struct err *e)
{
    char text[1024] = "", what[512];
    if (f->has_hung)
        return explain_hang(f, e);
    const struct rule *rule = find_rule(f, text, sizeof text);
    if (rule == NULL && f->end.signal != 0)
        return explain_signal(f, e);
    if (rule != NULL) {
        cut(text, TEXT_MAX);
        fill(rule->what, text, what, sizeof what);
        status_fail(e, rule->code, "vllm", "%s", what);
        bool is_other = f->is_running && rule->hint_running != NULL;
        return status_hint(e, "%s. Log: %s", is_other ? rule->hint_running : rule->hint,
                           f->log_path);
    }
    if (f->text != NULL) {
        snprintf(text, sizeof text, "%s: %s", f->type != NULL ? f->type : "error",
                 f->text);
        cut(text, TEXT_MAX);
        status_fail(e, STATUS_ENGINE, "vllm", "while %s: %s", f->stage, text);
    } else {
        char how[64];
        proc_end_text(f->end, how, sizeof how);
        status_fail(e, STATUS_DIED, "vllm", "the %s ended (%s) while %s", who(f), how,
                    f->stage);
    }
    return status_hint(e, "See the end of the log: %s", f->log_path);
}

void vllm_errors_read_log(const char *path, int64_t from, struct buf *out)
{
    char block[4096];
    struct err ignored;
    int fd;
    buf_init(out, LOG_CAP_BYTES);
    if (path == NULL || file_open(path, &fd, &ignored) != STATUS_OK)
        return;
    int64_t size = lseek(fd, 0, SEEK_END);
    if (from < 0)
        from = size + from > 0 ? size + from : 0;
    lseek(fd, from, SEEK_SET);
    for (ssize_t n; (n = read(fd, block, sizeof block)) > 0;)
        if (buf_append(out, block, (size_t)n) != STATUS_OK)
            break;
    close(fd);
}
