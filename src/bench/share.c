#include "bench/share.h"

struct dealing {
    const struct bench_share *share;
    const struct plan_repeat *all;
    struct plan_repeat *ours;
    int *owner; /* [all->count] */
};

/* Those of [from, to) that are ours, behind what is there. */
static void deal(struct dealing *d, size_t from, size_t to)
{
    const struct engine_request *requests = d->all->requests;
    int next = 0;
    for (size_t i = from; i < to; i++) {
        const struct engine_request *after = requests[i].after;
        d->owner[i] = after != NULL ? d->owner[after - requests] : next;
        if (after == NULL)
            next = (next + 1) % d->share->count;
        if (d->owner[i] != d->share->rank)
            continue;
        if (d->all->due_ns != NULL && d->ours->due_ns != NULL &&
            i < d->all->count - d->all->warmup_count)
            d->ours->due_ns[d->ours->count] = d->all->due_ns[i];
        d->ours->requests[d->ours->count++] = requests[i];
    }
}

enum status share_take(const struct bench_share *s, struct arena *a,
                       struct plan_repeat *plan, struct err *e)
{
    const struct plan_repeat all = *plan;
    if (share_count(s) == 1)
        return STATUS_OK;
    struct dealing d = {.share = s, .all = &all, .ours = plan};
    plan->requests = arena_alloc(a, all.count, sizeof *plan->requests);
    d.owner = arena_alloc(a, all.count, sizeof *d.owner);
    if (all.due_ns != NULL)
        plan->due_ns = arena_alloc(a, all.count, sizeof *plan->due_ns);
    if (plan->requests == NULL || d.owner == NULL ||
        (all.due_ns != NULL && plan->due_ns == NULL))
        return status_no_memory(e, "requests");
    plan->count = 0;
    deal(&d, 0, all.count - all.warmup_count);
    size_t measured = plan->count;
    deal(&d, all.count - all.warmup_count, all.count);
    plan->warmup_count = plan->count - measured;
    return STATUS_OK;
}
