/* --launch: the server itself, started and stopped by us. No way of dying of ours leaves
 * it behind (base/proc.h). Its key goes by the environment, never by its command line. */
#ifndef ENGINES_OPENAI_LAUNCH_H
#define ENGINES_OPENAI_LAUNCH_H

#include "base/arena.h"
#include "base/proc.h"
#include "core/engine.h"
#include "engines/vllm_guard.h"

struct openai_launch {
    struct proc proc;          /* zeroed: none */
    const char *base_url;      /* "http://127.0.0.1:43210" */
    const char *hardware_type; /* of its vLLM: "cpu", "neuron", "gpu"; "unknown" */
    const char *dtype;         /* as asked for, or NULL: the server's choice */
    bool has_own_dtype;        /* asked for by us, not by the user */
    bool is_command;           /* --launch-command: any program */
    int64_t max_num_seqs;      /* as given; 0: not told */
    int64_t kv_bytes;          /* likewise */
    struct arena *arena;
    const char *given;       /* field engine_args; NULL: no memory */
    struct vllm_guard guard; /* of its Python */
    const char *log_path;    /* server.log in the raw folder; NULL: none */
    size_t log_from;         /* where the log of what it does now begins */
    struct instant start;
};

/* vLLM's server in the interpreter that vllm_python.h finds, or --launch-command with
 * {port} and {model} filled in, on a free port of 127.0.0.1. Returns once it runs; ready
 * it is later. */
MUST_CHECK enum status openai_launch_start(const struct engine_settings *s,
                                           struct arena *a, struct openai_launch *out,
                                           struct err *e);
/* It is ready: sets what is absent in *facts, out of what it was asked for and its log.
 * What the log said so far explains no later failure. */
void openai_launch_ready(struct openai_launch *l, const struct engine_settings *s,
                         struct engine_facts *facts);
/* True, and *e says why, if it has ended by itself; waits up to `patience` for that. */
bool openai_launch_has_died(struct openai_launch *l, struct span patience,
                            const char *stage, struct err *e);
void openai_launch_stop(struct openai_launch *l); /* idempotent */

#endif
