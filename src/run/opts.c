#include "run/opts.h"

#include <math.h>
#include <stddef.h>

#define X(modes, type, member, option, kind, ...) \
    Y(modes, member, option, kind, __VA_ARGS__)
#define Y(modes, member, option, kind, ...) \
    IN_##modes(OPT_ROW(struct run_opts, member, option, kind, __VA_ARGS__), )
#define E(modes, group) IN_##modes(VLLM_SETTINGS_LIST(Y, vllm, group))

#define IN_BOTH(...)    __VA_ARGS__
#define IN_OFFLINE(...) __VA_ARGS__
#define IN_ONLINE(...)
const struct opt run_opts_offline[RUN_OPTS_OFFLINE] = {RUN_OPTS_LIST(X, Y, E)};
#undef IN_OFFLINE
#undef IN_ONLINE
#define IN_OFFLINE(...)
#define IN_ONLINE(...) __VA_ARGS__
const struct opt run_opts_online[RUN_OPTS_ONLINE] = {RUN_OPTS_LIST(X, Y, E)};
