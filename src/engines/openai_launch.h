/* --launch: the server itself, started and stopped by us. No way of dying of ours leaves
 * it behind (base/proc.h). Its key goes by the environment, never by its command line. */
#ifndef ENGINES_OPENAI_LAUNCH_H
#define ENGINES_OPENAI_LAUNCH_H

#include "base/arena.h"
#include "base/proc.h"
#include "core/engine.h"

struct openai_launch {
    struct proc proc;          /* zeroed: none */
    const char *base_url;      /* "http://127.0.0.1:43210" */
    const char *hardware_type; /* of its vLLM: "cpu", "neuron", "gpu"; "unknown" */
    const char *dtype;         /* as asked for, or NULL: the server's choice */
    const char *log_path;      /* server.log in the raw folder */
};

/* vLLM's server in the interpreter that vllm_python.h finds, or --launch-command with
 * {port} and {model} filled in, on a free port of 127.0.0.1. Returns once it runs; ready
 * it is later. */
MUST_CHECK enum status engine_openai_launch_start(const struct engine_settings *s,
                                                  struct arena *a,
                                                  struct openai_launch *out,
                                                  struct err *e);
/* It ended by itself: the cause out of its log, in words, into *e. */
enum status engine_openai_launch_explain(struct openai_launch *l, bool is_running,
                                         struct err *e);
void engine_openai_launch_stop(struct openai_launch *l); /* idempotent */

#endif
