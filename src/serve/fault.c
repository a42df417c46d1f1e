#include "serve/fault.h"

#include <stdio.h>

#include "base/str.h"

const char *fault_name(enum fault_kind kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        FAULT_LIST(X)
#undef X
    };
    return kind < FAULT_COUNT ? names[kind] : "";
}

enum status fault_check(const struct fault_shares *s, struct err *e)
{
    double sum = 0;
    for (int i = FAULT_OK + 1; i < FAULT_COUNT; i++)
        sum += s->share[i];
    if (sum <= 1 + 1e-9)
        return STATUS_OK;
    (void)status_fail(e, STATUS_BAD_OPTION, "serve",
                      "the shares of faults sum to %g, more than 1", sum);
    return status_hint(e, "Lower one of --fail, --cut, --stall and the other faults");
}

static enum fault_garbage garbage_of(const char *name, struct rng *rng)
{
    struct str rest = str_from(FAULT_GARBAGE_CHOICES);
    (void)str_cut(&rest, '|');
    for (int i = 0; i < FAULT_GARBAGE_KINDS; i++)
        if (str_is(str_cut(&rest, '|'), name))
            return (enum fault_garbage)i;
    return (enum fault_garbage)rng_below(rng, FAULT_GARBAGE_KINDS);
}

void fault_draw(const struct fault_shares *s, const char *garbage, uint64_t seed,
                int64_t request, struct fault *out)
{
    char name[48];
    (void)snprintf(name, sizeof name, "serve/request%lld", (long long)request);
    *out = (struct fault){.kind = FAULT_OK};
    rng_init(&out->rng, seed, name);
    double u = rng_unit(&out->rng);
    for (int i = FAULT_OK + 1; i < FAULT_COUNT && out->kind == FAULT_OK; i++) {
        if (u < s->share[i])
            out->kind = (enum fault_kind)i;
        u -= s->share[i];
    }
    out->where = rng_unit(&out->rng);
    out->garbage = garbage_of(garbage, &out->rng);
}

int64_t fault_events(const struct fault *f, int64_t count)
{
    return count > 1 ? 1 + (int64_t)(f->where * (double)(count - 1)) : 0;
}
