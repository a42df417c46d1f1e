/* How the requests of a repeat come: the load of a cell. A kind of load is one row of the
 * table in load.c. */
#ifndef PLAN_LOAD_H
#define PLAN_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "core/workload.h"
#include "text/digest.h"

/* What a kind needs to count and time the requests of one repeat. */
struct load_work {
    const struct load *load;
    const struct scenario *scenario;
    int64_t max_tokens; /* as plan_options */
    int64_t seed, repeat;
};

/* "4" of a batch of four, "c8" of a closed load, "r4", "r0.5", "rinf" of an open one:
 * names of streams and salts have it, so neither the engine nor its caching takes part in
 * a draw. */
#define LOAD_NAME_BYTES 40
void load_name(const struct load *l, char out[LOAD_NAME_BYTES]);
/* The word of the field `arrival`: "batch", "closed", "poisson", "constant", "gamma". */
const char *load_arrival(const struct load *l);
/* Of an OpenAI-compatible server: warm-up requests, salts, no tokenizer of ours. */
bool load_is_online(const struct load *l);
/* The option that names it: "--concurrency". */
const char *load_option(const struct load *l);
/* BAD_OPTION where it cannot be. */
MUST_CHECK enum status load_check(const struct load *l, struct err *e);
void load_hash(const struct load *l, struct digest *d);
/* Requests of a repeat; above ARRIVALS_MOST: one more than it. */
int64_t load_count(const struct load_work *w);
/* Are its requests due at times of their own? */
bool load_has_due(const struct load *l);
/* Where it has them: of the first `count` requests from the phase's start, ascending. */
void load_draw_due(const struct load_work *w, int64_t *due_ns, size_t count);
/* From the phase's start to the last send that a repeat of `count` requests may have, s;
 * NAN where the engine alone decides that. */
double load_send_s(const struct load_work *w, size_t count);

#endif
