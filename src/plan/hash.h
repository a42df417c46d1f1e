/* What goes into the hash of a plan. Each part says its own end, so that two plans with
 * one hash are one plan. */
#ifndef PLAN_HASH_H
#define PLAN_HASH_H

#include "base/status.h"
#include "core/value.h"
#include "core/workload.h"
#include "text/digest.h"

void plan_hash_int(struct digest *d, int64_t v);
void plan_hash_num(struct digest *d, double v); /* exact; NAN and INFINITY are
                                                   values too */
void plan_hash_text(struct digest *d, const char *text);
void plan_hash_scenarios(struct digest *d, const struct scenario *scenarios,
                         size_t count);
void plan_hash_value(struct digest *d, struct value v);

/* The work of one cell as far as offline and online are alike: what prompts are drawn
 * from and how long answers are. Neither other cells nor the number of repeats. */
struct plan_hash_work {
    const struct scenario *scenario;
    int64_t seed;
    int64_t max_tokens; /* as asked for; OPT_INT_UNSET: the scenario's own */
    bool is_prefix_warm;
};
void plan_hash_work(struct digest *d, const struct plan_hash_work *w);

#endif
