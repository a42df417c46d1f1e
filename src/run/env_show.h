/* What `inferbench env` tells: the machine, its interpreters, what a benchmark lacks. */
#ifndef RUN_ENV_SHOW_H
#define RUN_ENV_SHOW_H

#include "base/arena.h"
#include "base/buf.h"

struct env_query {
    bool as_json, no_imds;
    const char *python; /* to record; NULL: the first one with vLLM */
    const char *tool;
    struct arena *arena;
    struct buf *out; /* where the text goes */
};

/* The Python interpreters found, with their vLLM versions. */
MUST_CHECK enum status env_show_engines(const struct env_query *q, struct err *e);
/* The machine, as every run records it. */
MUST_CHECK enum status env_show_machine(const struct env_query *q, struct err *e);
/* Can a benchmark run here? */
MUST_CHECK enum status env_show_check(const struct env_query *q, bool *is_short,
                                      struct err *e);

#endif
