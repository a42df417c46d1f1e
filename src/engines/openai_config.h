/* What vLLM's server tells of its settings: GET /server_info (development mode only,
 * which a launched server has) and the labels of its metrics. */
#ifndef ENGINES_OPENAI_CONFIG_H
#define ENGINES_OPENAI_CONFIG_H

#include <jansson.h>

#include "base/arena.h"
#include "base/str.h"
#include "core/engine.h"

/* `root`: the answer to /server_info?config_format=json. Sets what it tells; *model: the
 * id or folder that vLLM loaded, or NULL. False where it is no such answer (older
 * versions know text alone). */
bool openai_config_read(const json_t *root, struct arena *a, struct engine_facts *facts,
                        const char **model);
/* Block size, room and caching out of vllm:cache_config_info in the text of /metrics. */
void openai_config_metrics(struct str text, struct engine_facts *facts);

#endif
