#include "serve/fate.h"

#include <stdio.h>

#include "base/str.h"

const char *fate_name(enum fate_kind kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        FATE_LIST(X)
#undef X
    };
    return kind < FATE_COUNT ? names[kind] : "";
}

enum status fate_check(const struct fate_shares *s, struct err *e)
{
    double sum = 0;
    for (int i = FATE_OK + 1; i < FATE_COUNT; i++)
        sum += s->share[i];
    if (sum <= 1 + 1e-9)
        return STATUS_OK;
    (void)status_fail(e, STATUS_BAD_OPTION, "serve",
                      "the shares of faults sum to %g, more than 1", sum);
    return status_hint(e, "Lower one of --fail, --cut, --stall and the other faults");
}

static enum fate_garbage garbage_of(const char *name, struct rng *rng)
{
    struct str rest = str_from(FATE_GARBAGE_CHOICES);
    (void)str_cut(&rest, '|');
    for (int i = 0; i < FATE_GARBAGE_KINDS; i++)
        if (str_is(str_cut(&rest, '|'), name))
            return (enum fate_garbage)i;
    return (enum fate_garbage)rng_below(rng, FATE_GARBAGE_KINDS);
}

void fate_draw(const struct fate_shares *s, const char *garbage, uint64_t seed,
               int64_t request, struct fate *out)
{
    char name[48];
    (void)snprintf(name, sizeof name, "serve/request%lld", (long long)request);
    *out = (struct fate){.kind = FATE_OK};
    rng_init(&out->rng, seed, name);
    double u = rng_unit(&out->rng);
    for (int i = FATE_OK + 1; i < FATE_COUNT && out->kind == FATE_OK; i++) {
        if (u < s->share[i])
            out->kind = (enum fate_kind)i;
        u -= s->share[i];
    }
    out->where = rng_unit(&out->rng);
    out->garbage = garbage_of(garbage, &out->rng);
}

int64_t fate_events(const struct fate *f, int64_t count)
{
    return count > 1 ? 1 + (int64_t)(f->where * (double)(count - 1)) : 0;
}
