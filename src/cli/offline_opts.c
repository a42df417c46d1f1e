#include "cli/offline_opts.h"

#include <stddef.h>

#define AT(member) .offset = offsetof(struct offline_opts, member)
#define MODEL      .group = "Model"
#define WORK       .group = "Work"
#define CACHE      .group = "Prefix caching"
#define ENGINE     .group = "Engine"

const struct opt offline_opts_table[] = {
    {.name = "model",
     .type = OPT_STRING,
     AT(run.model),
     .fallback = "Qwen/Qwen3-0.6B",
     MODEL,
     .value_name = "ID|DIR",
     .help = "model: a hub id or a folder"},
    {.name = "model-name",
     .type = OPT_STRING,
     AT(run.model_name),
     MODEL,
     .help = "name of the model in results, if not --model"},
    {.name = "max-model-len",
     .type = OPT_INT,
     AT(max_model_len),
     .min = 16,
     .max = 1 << 24,
     .fallback = "4096",
     MODEL,
     .help = "longest prompt plus output, tokens"},
    {.name = "dtype",
     .type = OPT_STRING,
     AT(vllm.dtype),
     MODEL,
     .help = "weight dtype: auto, bfloat16, float16, float32; unset: the engine's "
             "choice, float32 on a CPU"},
    {.name = "load-format",
     .type = OPT_STRING,
     AT(vllm.load_format),
     MODEL,
     .help = "dummy: random weights, no files needed; unset: the engine's choice"},

    RUN_OPTS_SCENARIOS(struct offline_opts, "short medium prefix_caching"),
    {.name = "batch-sizes",
     .type = OPT_INT_LIST,
     AT(batch_sizes),
     .min = 1,
     .max = 1 << 16,
     .fallback = "1 4",
     WORK,
     .help = "prompts per batch"},
    RUN_OPTS_WORK(struct offline_opts),

    {.name = "enable-prefix-caching",
     .type = OPT_FLAG,
     AT(enable_prefix_caching),
     .fallback = "false",
     CACHE,
     .help = "measure with prefix caching on"},
    {.name = "test-prefix-caching",
     .type = OPT_FLAG,
     AT(test_prefix_caching),
     .fallback = "false",
     CACHE,
     .help = "measure OFF and ON with everything else equal"},
    RUN_OPTS_REUSE(struct offline_opts),

    {.name = "engine",
     .type = OPT_STRING,
     AT(engine),
     .fallback = "vllm",
     ENGINE,
     .help = "vllm, or null: no inference, shows the cost of inferbench itself"},
    {.name = "python",
     .type = OPT_STRING,
     AT(vllm.python),
     ENGINE,
     .value_name = "PATH",
     .help =
         "Python interpreter with vLLM; unset: the first with vLLM of INFERBENCH_PYTHON, "
         "the active environment, ours, those of AWS images, python3"},
    {.name = "engine-mode",
     .type = OPT_CHOICE,
     AT(vllm.engine_mode),
     .choices = "mp|inproc",
     .fallback = "mp",
     ENGINE,
     .help = "mp: engine core in a separate process, vLLM's default; inproc: in the "
             "worker, exact step times"},
    {.name = "engine-arg",
     .type = OPT_PAIRS,
     AT(vllm.engine_args),
     ENGINE,
     .value_name = "KEY=VALUE",
     .help = "argument of vLLM's LLM(...); or write vLLM's own options after --"},
    {.name = "engine-timeout",
     .type = OPT_DOUBLE,
     AT(engine_timeout_s),
     .min = 0.1,
     .max = 1e6,
     .fallback = "600",
     ENGINE,
     .value_name = "SECONDS",
     .help = "stop the engine after this long without a new token; loading and compiling "
             "get six times that"},
    {.name = "neuron-batch",
     .type = OPT_CHOICE,
     AT(neuron_batch),
     .choices = "per-cell|max",
     .fallback = "per-cell",
     ENGINE,
     .help = "Neuron compiles for one batch size: load for each size, or once for the "
             "largest"},

    RUN_OPTS_MACHINE(struct offline_opts),

    RUN_OPTS_OUTPUT(struct offline_opts),
};

_Static_assert(sizeof offline_opts_table / sizeof offline_opts_table[0] ==
                   OFFLINE_OPTS_COUNT,
               "OFFLINE_OPTS_COUNT is the number of rows");
