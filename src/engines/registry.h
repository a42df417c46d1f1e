/* All engines: a new one is a file and a line here. */
#ifndef ENGINES_REGISTRY_H
#define ENGINES_REGISTRY_H

#include "core/engine.h"

#define REGISTRY_LIST(X) \
    X(engine_vllm)       \
    X(engine_null)       \
    X(openai_engine)

#define X(ops) extern const struct engine_ops ops;
REGISTRY_LIST(X)
#undef X

/* Finds an engine by name and checks its table: ABI, required hooks, and `flag`, what it
 * is needed for. Hooks that it lacks are filled in: *out is a complete table. */
MUST_CHECK enum status registry_find(const char *name, enum engine_flag flag,
                                     struct engine_ops *out, struct err *e);

#endif
