/* vLLM's own settings, the worker's and a launched server's: `own` of struct
 * engine_settings, filled by rows of the option table. The null engine takes them too: it
 * is given what vLLM would be. */
#ifndef ENGINES_VLLM_SETTINGS_H
#define ENGINES_VLLM_SETTINGS_H

#include "core/engine.h"

struct vllm_settings {
    const char *python;              /* --python or NULL */
    const char *engine_mode;         /* "mp" or "inproc"; NULL: "mp" */
    const char *dtype, *load_format; /* NULL: vLLM's choice */
    struct opt_strings engine_args;  /* key=value */
    int64_t max_num_batched_tokens;  /* 0: vLLM's choice */
    double gpu_memory_utilization;   /* the same */
};

/* Its options, as rows Y of run/opts_list.h; P: where the struct is, G: their group. */
#define VLLM_SETTINGS_LIST(Y, P, G)                                                    \
    Y(BOTH, P.python, "python", OPT_STRING, .group = (G), .value_name = "PATH",        \
      .help = "Python interpreter with vLLM; unset: the first with vLLM of "           \
              "INFERBENCH_PYTHON, the active environment, ours, those of AWS images, " \
              "python3")                                                               \
    Y(OFFLINE, P.engine_mode, "engine-mode", OPT_CHOICE, .group = (G),                 \
      .choices = "mp|inproc", .fallback = "mp",                                        \
      .help = "mp: engine core in a separate process, vLLM's default; inproc: in the " \
              "worker, exact step times")                                              \
    Y(BOTH, P.engine_args, "engine-arg", OPT_PAIRS, .group = (G),                      \
      .value_name = "KEY=VALUE",                                                       \
      .help = "argument of vLLM's LLM(...), or option of its server; or write vLLM's " \
              "own options after --")                                                  \
    Y(BOTH, P.dtype, "dtype", OPT_STRING, .group = (G),                                \
      .help = "weight dtype: auto, bfloat16, float16, float32; unset: the engine's "   \
              "choice, float32 on a CPU")                                              \
    Y(BOTH, P.load_format, "load-format", OPT_STRING, .group = (G),                    \
      .help = "dummy: random weights, no files needed; unset: the engine's choice")

/* Never NULL: without `own`, empty. */
const struct vllm_settings *vllm_settings_of(const struct engine_settings *s);
/* The interpreter to be asked for vLLM alone; NULL: the first that has it. */
const char *vllm_settings_python(const struct engine_settings *s);
/* --engine-arg name=value: its name, and the value; NULL of a name alone, a switch. */
const char *vllm_settings_pair(const char *pair, struct str *name);
/* What the user gave vLLM itself, by --engine-arg or after "--" (which wins): the value
 * ("" for a switch), or NULL. */
const char *vllm_settings_word(const struct engine_settings *s, const char *name);
/* The same of the words of a command line, "--NAME VALUE" or "--NAME=VALUE", '_' standing
 * for '-'; the last one counts. */
const char *vllm_settings_find(const struct opt_strings *words, const char *name);
/* Member `locate` of the engine table: the interpreter of the worker, or of the server
 * that is to be launched. */
MUST_CHECK enum status vllm_settings_locate(const struct engine_settings *s,
                                            struct arena *a, const char **python,
                                            const char **notes, struct err *e);
/* Members `settle` of the engine table: of the worker, and of a launched server. */
MUST_CHECK enum status vllm_settings_settle(struct engine_settings *s, void *own,
                                            struct err *e);
MUST_CHECK enum status vllm_settings_settle_server(struct engine_settings *s, void *own,
                                                   struct err *e);

#endif
