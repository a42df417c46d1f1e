/* A lane of the online engine: one thread's connections and the requests on them. The
 * path from a send to the end of its answer allocates nothing but for an event longer
 * than OPENAI_EVENT_BYTES, logs nothing, and touches no file.
 *
 * openai_conn.c    a pool of connections: connect, TLS, send
 * openai_answer.c  bytes of an answer -> events, and how true their stamps are
 * openai_events.c  events that were found and not yet handed out
 * openai_ready.c   connections that stand before a phase
 * openai_lane.c    the loop over all connections; what the engine table calls */
#ifndef ENGINES_OPENAI_LANE_H
#define ENGINES_OPENAI_LANE_H

#include "base/arena.h"
#include "engines/openai_conn.h"
#include "net/stamp.h"

struct engine_lane {
    struct engine *engine;
    struct openai_pool pool;
    struct stamp_clock clock;
    int stamp_keeper;             /* -1: none */
    struct arena arena;           /* of the pool's jobs */
    char *read_buf;               /* [OPENAI_READ_BYTES] */
    char *plain_buf;              /* the same for TLS; NULL without */
    struct loop_ready ready[256]; /* [ready_count], not yet served from `ready_at` on */
    size_t ready_count, ready_at;
    bool has_ended;     /* an answer, since serving began: its slot may send at once */
    struct instant now; /* the latest that was read off the clock */
    struct instant last_drain;
    struct instant end_look;    /* for answers that wait for their end; ns 0: none does */
    struct instant looked_at;   /* when the latest wait found what was ready, all of it */
    struct instant ready_since; /* nothing of `ready` came before */
    struct hist *lag;           /* lateness of each timed wake, ns; of bench, or NULL */
    const char *phase_name;     /* of engine_prepare */
    char refusal[160];          /* why the last request got no connection */
};

/* --- openai_ready.c */

/* Closes idle connections but for those that the first requests of p will use, as many as
 * p expects in flight. p NULL: all. */
void openai_ready_trim(struct engine_lane *l, const struct engine_prepare *p);
/* Raises the limit of open files for all that the lanes may open; fails where what they
 * open beforehand does not fit into the machine's own limit. */
MUST_CHECK enum status openai_ready_allow(const struct engine_lane *l,
                                          const struct engine_prepare *p, struct err *e);
/* Opens what is missing to the connections that openai_ready_trim leaves, and
 * waits until they stand. */
MUST_CHECK enum status openai_ready_open(struct engine_lane *l,
                                         const struct engine_prepare *p, struct err *e);

/* --- openai_lane.c */

/* That a request goes to: they take turns. */
int32_t openai_lane_target(const struct engine_lane *l, int32_t request);
/* Waits until `until` at most for connections to be ready, and serves them. */
void openai_lane_turn(struct engine_lane *l, struct instant until);

MUST_CHECK enum status openai_lane_new(struct engine *en,
                                       const struct openai_setup *setup,
                                       struct engine_lane **out, struct err *e);
void openai_lane_free(struct engine_lane *l); /* NULL is harmless */
/* Members of the engine table. */
MUST_CHECK enum status openai_lane_prepare(struct engine_lane *l,
                                           const struct engine_prepare *p, struct err *e);
MUST_CHECK enum status openai_lane_submit(struct engine_lane *l,
                                          const struct engine_request *r, struct err *e);
MUST_CHECK enum status openai_lane_cancel(struct engine_lane *l, int32_t request,
                                          struct err *e);
MUST_CHECK enum status openai_lane_next(struct engine_lane *l, struct instant until,
                                        const struct engine_watch *w,
                                        struct event_list *out, struct err *e);

#endif
