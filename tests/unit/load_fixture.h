/* An engine for online loads that answers at once, with three tokens in three events,
 * unless the test says otherwise; reached through engine_watch.arg. */
#ifndef TESTS_LOAD_FIXTURE_H
#define TESTS_LOAD_FIXTURE_H

#include "core/engine.h"

#define LOAD_FIXTURE_LANES 4
#define LOAD_FIXTURE_MOST  512

struct load_fixture {
    /* set by the test */
    enum status at_open; /* of every open from open_from on, if not OK */
    int open_from;       /* counted from 1 */
    int fails_each;      /* every n-th request of a lane fails; 0: none */
    bool holds;          /* nothing is ever answered */
    bool hides_cached;   /* answers do not tell their cached tokens */
    int dies_after;      /* answers, of a lane; 0: never */
    int stops_after;     /* sends after which load_fixture_stop is true; 0: never */
    int64_t clock_steps; /* as the counters tell them */
    /* seen */
    int opens, closes, resets;
    _Atomic int sent;
    size_t lane_count;
    struct load_fixture_lane {
        int32_t sent[LOAD_FIXTURE_MOST];
        size_t sent_count, most_in_flight;
        struct engine_prepare ready; /* the last */
        int64_t kept;                /* connections that the last trim left, at most */
        int trims;
    } lanes[LOAD_FIXTURE_LANES];
};

extern const struct engine_ops load_fixture_ops;

bool load_fixture_stop(void *fixture); /* fits engine_watch.stop */

#endif
