#include "bench/repeat.h"

enum status repeat_all(const struct repeats *r, struct err *why, struct err *e)
{
    const struct engine_watch *w = r->watch;
    enum status s = STATUS_OK;
    for (int64_t k = 0; s == STATUS_OK && k < r->count; k++) {
        s = r->run(r->arg, k, why, e);
        if (s == STATUS_OK && w->stop != NULL && w->stop(w->arg))
            s = status_fail(why, STATUS_INTERRUPTED, "run", "stopped by a signal");
    }
    return s;
}

enum status repeat_empty_cache(const struct session *s, bool is_warm, int64_t repeat,
                               bool *is_done, struct err *e)
{
    *is_done = true;
    if (!s->facts.is_caching || (is_warm && repeat > 0))
        return STATUS_OK;
    return s->ops->reset_prefix(s->engine, is_done, e);
}

const char *repeat_cause(enum status s, const struct err *why, struct arena *a)
{
    if (s == STATUS_OK)
        return NULL;
    return s == STATUS_INTERRUPTED ? "interrupted" : arena_strdup(a, why->what);
}

struct repeat_data repeat_unopened(size_t cell, int64_t start_ns, const struct err *why)
{
    return (struct repeat_data){.cell = (int32_t)cell,
                                .is_warmup = true,
                                .start_ns = start_ns,
                                .expected_cached_tokens = TOKENS_UNKNOWN,
                                .error = why->code == STATUS_INTERRUPTED ? "interrupted"
                                                                         : why->what};
}
