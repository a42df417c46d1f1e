#include "run/opts.h"

#include <math.h>
#include <stddef.h>

#define X(modes, type, member, option, kind, ...) \
    Y(modes, member, option, kind, __VA_ARGS__)
#define Y(modes, member, option, kind, ...)                  \
    IN_##modes({.name = (option),                            \
                .type = (kind),                              \
                .offset = offsetof(struct run_opts, member), \
                __VA_ARGS__}, )
#define E(modes, group) IN_##modes(VLLM_SETTINGS_LIST(Y, vllm, group))

#define IN_BOTH(...)    __VA_ARGS__
#define IN_OFFLINE(...) __VA_ARGS__
#define IN_ONLINE(...)
static const struct opt offline[] = {RUN_OPTS_LIST(X, Y, E)};
#undef IN_OFFLINE
#undef IN_ONLINE
#define IN_OFFLINE(...)
#define IN_ONLINE(...) __VA_ARGS__
static const struct opt online[] = {RUN_OPTS_LIST(X, Y, E)};

const struct opt *run_opts_table(enum engine_flag mode, size_t *count)
{
    bool is_offline = mode == ENGINE_OFFLINE;
    *count = is_offline ? sizeof offline / sizeof *offline
                        : sizeof online / sizeof *online;
    return is_offline ? offline : online;
}
