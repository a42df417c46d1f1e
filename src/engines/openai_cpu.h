/* A vLLM server on a CPU: the same KV cache and threads as vllm_worker.py gives an
 * offline engine (its `_cpu`), so that both are comparable. */
#ifndef ENGINES_OPENAI_CPU_H
#define ENGINES_OPENAI_CPU_H

#include <stdint.h>

#include "base/arena.h"

struct openai_cpu_need {
    const char *folder; /* of the model, or NULL: unknown */
    const char *dtype;
    int64_t max_model_len, max_num_seqs;
};

/* KV cache in bytes: what the sequences need, at most a quarter of the free memory, at
 * least one sequence. */
int64_t openai_cpu_kv_bytes(const struct openai_cpu_need *n, struct arena *a);
/* CPUs this process may use, one of each core where that leaves two or more, as
 * VLLM_CPU_OMP_THREADS_BIND takes them: "0,2"; NULL: unknown. */
const char *openai_cpu_list(const char *root, struct arena *a);

#endif
