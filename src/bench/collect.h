/* From an engine's events to request records: every timing rule of an offline repeat.
 * due: the instant before the first request of the batch was added, the same for all.
 * Every event has its arrival by the engine's clock and the tokens that the engine
 * counted. Invariant: planned = ok + failed + interrupted, once collect_finish has
 * returned. */
#ifndef BENCH_COLLECT_H
#define BENCH_COLLECT_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/status.h"
#include "core/engine.h"
#include "core/record.h"
#include "plan/plan.h"

struct collect_slot {
    int64_t *at_ns;  /* [count] arrivals of token events, room for [max_tokens] */
    int64_t *tokens; /* [count] tokens of each */
    size_t count, room;
    bool has_ended;
    struct request_record record;
};

struct collect {
    struct instant start; /* zero of all times */
    int64_t due_ns;
    struct collect_slot *slots; /* [count], by request index */
    size_t count, ended;
    struct arena *arena;
};

/* Everything is allocated here, nothing while requests run. The arena outlives the
 * records. */
MUST_CHECK enum status collect_init(struct collect *c, const struct plan_repeat *plan,
                                    struct instant start, struct arena *a, struct err *e);
/* An event of an unknown or ended request, or more token events than tokens were asked
 * for, is STATUS_INTERNAL: the engine breaks its contract. */
MUST_CHECK enum status collect_event(struct collect *c, const struct event *ev,
                                     struct err *e);
/* Requests that have not ended become failed (class, error) or, with FAIL_none,
 * interrupted. *out of shape [c->count], in the arena. */
MUST_CHECK enum status collect_finish(struct collect *c, enum fail_class fail,
                                      const char *error, struct request_record **out,
                                      struct err *e);

#endif
