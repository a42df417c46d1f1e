#include "bench/bench.h"

const char *bench_cause(enum status s, const struct err *why, struct arena *a)
{
    if (s == STATUS_OK)
        return NULL;
    return s == STATUS_INTERRUPTED ? "interrupted" : arena_strdup(a, why->what);
}
