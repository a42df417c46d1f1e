/* The worker's "ready" event: what vLLM was really set to, and what loading cost. */
#ifndef ENGINES_VLLM_READY_H
#define ENGINES_VLLM_READY_H

#include <jansson.h>

#include "base/arena.h"
#include "core/engine.h"

/* Fills in fields, sizes, hardware type and notes; python and root_pid are left alone.
 * Strings live in the arena. */
void vllm_ready_read(const json_t *ready, struct arena *a, struct engine_facts *facts);

#endif
