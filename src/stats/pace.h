/* One timing model for all tokens that are made up: the null engine, `serve`, and what
 * simulates an engine. An answer begins after its first span, a gap lies before each
 * further event. */
#ifndef STATS_PACE_H
#define STATS_PACE_H

#include <stdint.h>

#include "base/clock.h"
#include "base/rng.h"

struct pace {
    int64_t first_ns;           /* before the first event, whatever the prompt */
    int64_t first_ns_per_token; /* more of it for each token of the prompt */
    int64_t gap_ns;
    double jitter; /* each span is 1 - jitter to 1 + jitter times its length; 0: exact */
};

/* Each draws once from r where the pace has jitter; without, r may be NULL. */
struct span pace_first(const struct pace *p, int64_t prompt_tokens, struct rng *r);
struct span pace_gap(const struct pace *p, struct rng *r);

#endif
