/* An engine while it is loaded, with what belongs to it: facts, lanes, sampler. */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include <stdbool.h>

#include "base/arena.h"
#include "core/engine.h"
#include "plan/plan.h"
#include "probe/sampler.h"

#define SESSION_LANES_MAX 64

struct session {
    /* set by the caller, and kept */
    const struct engine_ops *ops;
    struct engine_settings settings;
    size_t lane_count; /* 1..SESSION_LANES_MAX */

    struct engine *engine;                        /* NULL: not loaded */
    struct engine_lane *lanes[SESSION_LANES_MAX]; /* [lane_count] */
    struct engine_facts facts;
    struct sampler *sampler;
};

/* Opens engine, lanes and sampler; on failure everything is closed again. */
MUST_CHECK enum status session_open(struct session *s, const struct engine_watch *w,
                                    struct err *e);
/* Turns the texts of all scenarios that have none into ids, then checks their lengths. */
MUST_CHECK enum status session_tokenize(struct session *s, const struct plan *plan,
                                        struct arena *a, struct err *e);
void session_close(struct session *s); /* idempotent */

#endif
