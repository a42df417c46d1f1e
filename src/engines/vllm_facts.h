/* What vLLM tells of itself, and what becomes of it in a row: the worker's "ready" event,
 * a server's GET /server_info (development mode only, which a launched server has) and
 * the labels of its metrics. Strings live in the arena. */
#ifndef ENGINES_VLLM_FACTS_H
#define ENGINES_VLLM_FACTS_H

#include <jansson.h>

#include "base/arena.h"
#include "base/str.h"
#include "core/engine.h"

/* What vLLM was really set to, and what loading cost: fields, sizes, hardware type and
 * notes; python and root_pid are left alone. */
void vllm_facts_ready(const json_t *ready, struct arena *a, struct engine_facts *facts);
/* `root`: the answer to /server_info?config_format=json. Sets what it tells; *model: the
 * id or folder that vLLM loaded, or NULL. False where it is no such answer (older
 * versions know text alone). */
bool vllm_facts_config(const json_t *root, struct arena *a, struct engine_facts *facts,
                       const char **model);
/* Block size, room and caching out of vllm:cache_config_info in the text of /metrics. */
void vllm_facts_metrics(struct str text, struct engine_facts *facts);

#endif
