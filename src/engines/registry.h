/* All engines. */
#ifndef ENGINES_REGISTRY_H
#define ENGINES_REGISTRY_H

#include "core/engine.h"

extern const struct engine_ops engine_vllm;
extern const struct engine_ops engine_null;
extern const struct engine_ops openai_engine;

/* Finds an engine by name and checks its table: ABI, required hooks, and `flag`, what it
 * is needed for. Hooks that it lacks are filled in: *out is a complete table. */
MUST_CHECK enum status registry_find(const char *name, enum engine_flag flag,
                                     struct engine_ops *out, struct err *e);

#endif
