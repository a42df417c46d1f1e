/* What the user asks of a run, and the tables of options that fill it. */
#ifndef RUN_OPTS_H
#define RUN_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engines/vllm_settings.h"
#include "run/opts_list.h"

struct run_opts {
#define TEXT                              const char *
#define X(modes, type, member, name, ...) type member;
#define Y(...)
#define E(...)
    RUN_OPTS_LIST(X, Y, E)
#undef E
#undef Y
#undef X
#undef TEXT
    struct vllm_settings vllm; /* of its own rows */
};

/* The options of a mode, an enum engine_flag; [*count]. */
const struct opt *run_opts_table(enum engine_flag mode, size_t *count);

#endif
