/* vllm_errors.c: each kind of failure is named, with advice that fits. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engines/vllm_errors.h"

struct example {
    const char *type, *text, *log;
    bool is_running;
    enum status code;
    const char *what, *hint;
};

/* Texts as vLLM, its libraries and the hub write them. */
static const struct example examples[] = {
    {"ModuleNotFoundError", "No module named 'vllm'", "", false, STATUS_NOT_FOUND,
     "has no vLLM", "pip install vllm"},
    {"ModuleNotFoundError", "No module named 'msgspec'", "", false, STATUS_NOT_FOUND,
     "incomplete: No module named 'msgspec'", "Repair"},
    {"ModuleNotFoundError", "No module named 'neuronx_distributed'", "", false,
     STATUS_NOT_FOUND, "Neuron packages are missing", "--python"},
    {"BadArgument", "vllm-neuron 0.24.0.1.1.0 is too new for Inferentia2", "", false,
     STATUS_UNSUPPORTED, "too new for Inferentia2", "0.13"},
    {"BadArgument", "unrecognized arguments: --nope", "", false, STATUS_BAD_OPTION,
     "unrecognized arguments: --nope", "after --"},
    {"GatedRepoError", "401 Client Error. Cannot access gated repo for url", "", false,
     STATUS_NOT_FOUND, "gated", "HF_TOKEN"},
    {"RepositoryNotFoundError", "404 Client Error. Repository Not Found for url", "",
     false, STATUS_NOT_FOUND, "the hub has no such model", "Qwen/Qwen3-0.6B"},
    {"LocalEntryNotFoundError", "Got: ConnectError: [Errno -2] Name or service not known",
     "", false, STATUS_NOT_FOUND, "hub cannot be reached", "HF_ENDPOINT"},
    {"OfflineModeIsEnabled", "Cannot reach https://x: offline mode is enabled.", "",
     false, STATUS_NOT_FOUND, "HF_HUB_OFFLINE", "Unset"},
    {"ValidationError",
     "1 validation error for ModelConfig Value error, "
     "User-specified max_model_len (9) is "
     "greater than the derived max_model_len (8)",
     "", false, STATUS_BAD_OPTION, "allows: User-specified max_model_len (9)",
     "Lower --max-model-len"},
    {"ValueError", "To serve at least one request with the model's max seq len (4096), x",
     "", false, STATUS_ENGINE, "KV cache is too small", "--max-model-len"},
    {"RuntimeError", "Engine core initialization failed. See root cause above.",
     "x\nValueError: No available memory for the cache blocks. Try\ny", false,
     STATUS_ENGINE, "no memory left for the KV cache", "gpu_memory_utilization"},
    {"RuntimeError", "Engine core initialization failed.",
     "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\n", false,
     STATUS_ENGINE, "out of device memory: CUDA out of memory. Tried",
     "smaller --max-model-len"},
    {"InductorError", "CppCompileError: C++ compile error Command: g++ /x.cpp", "", false,
     STATUS_ENGINE, "could not compile: CppCompileError", "python3-dev"},
    {"OutOfMemoryError", "CUDA out of memory.", "", true, STATUS_ENGINE,
     "out of device memory", "smaller --batch-sizes"},
    {"ValueError", "Free memory on device (2.1/22.1 GiB) on startup is less than desired",
     "", false, STATUS_ENGINE, "not enough free memory on the device", "quantized"},
    {"RuntimeError", "x", "E nrt_init failed: NRT_FAILURE\n", false, STATUS_ENGINE,
     "Neuron runtime", "neuron-ls"},
    {"RuntimeError", "x", "ImportError: libnrt.so.1: cannot open shared object file\n",
     false, STATUS_NOT_FOUND, "Neuron runtime is missing", "aws-neuronx-runtime-lib"},
    {"RuntimeError", "Failed to infer device type", "", false, STATUS_UNSUPPORTED,
     "no device it was built for", "CPU build"},
    {"ValueError", "No common block size for 16 (CPU_ATTN: [MultipleOf(32)])", "", false,
     STATUS_BAD_OPTION, "No common block size for 16", "block_size"},
    {"OSError", "[Errno 28] No space left on device", "", false, STATUS_NO_SPACE,
     "disk is full", "HF_HOME"},
    {"EngineDead", "a process of vLLM ended unexpectedly", "", true, STATUS_DIED,
     "ended unexpectedly", "smaller"},
    {"OddError", "odd", "", true, STATUS_ENGINE, "while running: OddError: odd",
     "nothing into its log"},
};

static void each_example_is_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const struct example *x = &examples[i];
        struct vllm_failure f = {.type = x->type,
                                 .text = x->text,
                                 .log_tail = x->log,
                                 .log_path = "raw/engine.log",
                                 .stage = x->is_running ? "running" : "loading",
                                 .is_running = x->is_running};
        struct err e = {0};
        enum status st = vllm_errors_explain(&f, &e);
        if (st != x->code || strstr(e.what, x->what) == NULL ||
            strstr(e.hint, x->hint) == NULL || strstr(e.hint, "raw/engine.log") == NULL)
            fail_msg("%s: %s gave %d: %s. %s", x->type, x->text, (int)st, e.what, e.hint);
    }
}

static void the_end_of_the_process_is_named(void **state)
{
    (void)state;
    struct vllm_failure f = {.log_tail = "",
                             .log_path = "l",
                             .stage = "compiling",
                             .end = {.exit_code = -1, .signal = SIGKILL}};
    struct err e;
    assert_int_equal(vllm_errors_explain(&f, &e), STATUS_DIED);
    assert_non_null(strstr(e.what, "signal 9 (Killed) while compiling"));
    assert_non_null(strstr(e.hint, "host's memory"));
    f.end = (struct proc_end){.exit_code = 7};
    f.stage = "loading";
    assert_int_equal(vllm_errors_explain(&f, &e), STATUS_DIED);
    assert_non_null(strstr(e.what, "the worker ended (exit status 7)"));
    f.who = "server";
    assert_int_equal(vllm_errors_explain(&f, &e), STATUS_DIED);
    assert_non_null(strstr(e.what, "the server ended (exit status 7)"));
    f.has_hung = true;
    f.limit = clock_seconds(600);
    assert_int_equal(vllm_errors_explain(&f, &e), STATUS_TIMEOUT);
    assert_non_null(strstr(e.what, "no sign of life for 600 s while loading"));
}

/* An error of no known kind, raised while another one was handled. */
static void the_first_of_a_chain_explains(void **state)
{
    (void)state;
    struct vllm_failure f = {
        .log_path = "l",
        .stage = "loading",
        .end = {.exit_code = 1},
        .log_tail =
            "Traceback (most recent call last):\n"
            "    for res in socket.getaddrinfo(host, port):\n"
            "socket.gaierror: [Errno -2] Name or service not known\n\n"
            "During handling of the above exception, another exception occurred:\n\n"
            "Traceback (most recent call last):\n"
            "    raise OddError(x) from e\n"
            "x.OddError: no endpoint\n\n"
            "The above exception was the direct cause of the following exception:\n\n"
            "Traceback (most recent call last):\n"
            "    raise RuntimeError(x)\n"
            "RuntimeError: the wrapper failed\n"};
    struct err e;
    vllm_errors_explain(&f, &e);
    assert_non_null(strstr(e.what, "a host name could not be resolved: [Errno -2]"));
    f.type = "RuntimeError"; /* as the worker reports it */
    f.text = "the wrapper failed";
    vllm_errors_explain(&f, &e);
    assert_non_null(strstr(e.what, "a host name could not be resolved: [Errno -2]"));
    f.log_tail = "    x = y[z]\nKeyError: 'layers.0.mlp'\n\n"
                 "During handling of the above exception, another exception occurred:\n\n"
                 "    raise RuntimeError(x)\nRuntimeError: the wrapper failed\n";
    vllm_errors_explain(&f, &e);
    assert_non_null(
        strstr(e.what, "the wrapper failed. Cause: KeyError: 'layers.0.mlp'"));
}

static void long_texts_are_cut_at_a_word(void **state)
{
    (void)state;
    char text[900];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    for (size_t i = 10; i < sizeof text - 1; i += 11)
        text[i] = ' ';
    struct vllm_failure f = {.type = "OddError",
                             .text = text,
                             .log_tail = "",
                             .log_path = "l",
                             .stage = "loading"};
    struct err e;
    assert_int_equal(vllm_errors_explain(&f, &e), STATUS_ENGINE);
    assert_non_null(strstr(e.what, "xxx ..."));
    assert_true(strlen(e.what) < 380);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_example_is_explained),
        cmocka_unit_test(the_end_of_the_process_is_named),
        cmocka_unit_test(the_first_of_a_chain_explains),
        cmocka_unit_test(long_texts_are_cut_at_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
