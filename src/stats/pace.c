#include "stats/pace.h"

static struct span drawn(const struct pace *p, int64_t length_ns, struct rng *r)
{
    if (p->jitter <= 0)
        return (struct span){length_ns};
    double factor = 1 + p->jitter * (2 * rng_unit(r) - 1);
    return (struct span){(int64_t)((double)length_ns * factor)};
}

struct span pace_first(const struct pace *p, int64_t prompt_tokens, struct rng *r)
{
    return drawn(p, p->first_ns + prompt_tokens * p->first_ns_per_token, r);
}

struct span pace_gap(const struct pace *p, struct rng *r)
{
    return drawn(p, p->gap_ns, r);
}
