/* What the user asks of a run, and the tables of options that fill it. */
#ifndef RUN_OPTS_H
#define RUN_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "http/openai_dialect.h"
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

/* Rows of each table. */
#define X(modes, ...)   IN_##modes(+1)
#define E(modes, group) IN_##modes(VLLM_SETTINGS_LIST(X, vllm, group))
#define IN_BOTH(...)    __VA_ARGS__
#define IN_OFFLINE(...) __VA_ARGS__
#define IN_ONLINE(...)
enum { RUN_OPTS_OFFLINE = RUN_OPTS_LIST(X, X, E) };
#undef IN_OFFLINE
#undef IN_ONLINE
#define IN_OFFLINE(...)
#define IN_ONLINE(...) __VA_ARGS__
enum { RUN_OPTS_ONLINE = RUN_OPTS_LIST(X, X, E) };
#undef IN_ONLINE
#undef IN_OFFLINE
#undef IN_BOTH
#undef E
#undef X

extern const struct opt run_opts_offline[RUN_OPTS_OFFLINE];
extern const struct opt run_opts_online[RUN_OPTS_ONLINE];

#endif
