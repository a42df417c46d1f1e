/* One thread of an online repeat: sends its requests when they are due and notes what
 * comes back. Nothing is allocated, logged or written by it; ended flights go through a
 * ring to the writer, which gives them back through another. */
#ifndef BENCH_LANE_H
#define BENCH_LANE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/ring.h"
#include "bench/request_record.h"
#include "bench/order.h"
#include "core/engine.h"
#include "plan/plan.h"
#include "stats/hist.h"

/* Events that a flight notes beyond max_tokens: empty openings, half characters, an end
 * of its own. */
#define LANE_EVENTS_EXTRA 32

/* What the lane has to do in a phase: its share of the plan. */
struct lane_work {
    struct engine_request *requests; /* [count], ascending indices */
    const int32_t *positions;        /* in `requests`, by index from first_index on */
    int32_t first_index;
    const int64_t *due_ns; /* [count] from the phase's start; closed: NULL; of one that
                              waits for another unused */
    size_t count;
    /* Before a request that waited is sent: completes it by what it waited for. NULL:
     * nothing is left to complete. */
    void (*release)(void *arg, struct engine_request *r, const struct flight *ended);
    void *release_arg;
    int64_t in_flight_max; /* closed: slots; open: the cap; no more than count */
    bool is_closed;
    double ramp_up_s;       /* closed: over which the slots start */
    double duration_s;      /* closed: no send later; NAN or 0: none */
    double drain_timeout_s; /* after the last send; open: for what waits for slots, after
                               the duration; closed: least time to call a silence */
    double first_answer_s;  /* closed: the same before the first answer */
    int cpu;                /* that the thread is kept on; -1: none */
    bool goes_first;        /* before all threads without real-time priority */
};

/* A closed load whose slots are all busy ends when nothing has come from the server for
 * this many times the longest answer so far, or for drain_timeout_s if that is longer. */
#define LANE_SILENT_ANSWERS 10

/* What the thread itself cost in a phase. */
struct lane_cost {
    int64_t busy_windows, windows; /* of 100 ms, the first 500 ms left out */
    struct hist lag_ns;            /* lateness of each timed wake */
    struct hist late_ns;           /* read minus kernel stamp of exact events */
    int64_t wakes, wait_ns; /* waits for a core in the phase; 0 wakes: nobody tells */
};

/* A slot of a closed load whose connection was refused: its next request is due after
 * LANE_PAUSE_NS, not at once, else a server that restarts would find the plan used up. */
#define LANE_PAUSE_NS (100 * NS_PER_MS)
struct lane_pause {
    int32_t slot;
    struct instant due;
};

struct lane {
    const struct engine_ops *ops;
    struct engine_lane *engine;
    struct lane_work work;
    struct instant start; /* of the phase */
    struct lane_cost cost;
    struct ring ended, given_back;
    struct flight *flights; /* [flight_count] */
    void *memory;           /* of their arrays */
    size_t flight_count;
    struct flight **free; /* [free_count] stack */
    size_t free_count;
    struct flight **of; /* [count] flight of each request in flight, by position */
    struct order order;
    int64_t last_due_ns; /* open: of those that wait for no other */
    int64_t in_flight, slots_started;
    struct lane_pause *pauses; /* [in_flight_max] ring; closed load alone */
    size_t pause_count, pause_first;
    bool is_held;      /* the next request is due and waits for a slot */
    bool has_given_up; /* the drain is over: what is left stays unanswered */
    bool is_silent;    /* has_given_up before the last send: nothing came */
    double gave_up_s;  /* the limit that acted */
    struct instant last_send;
    struct instant heard; /* closed: last sign of the server, or first send of a slot */
    int64_t longest_ns;   /* of the answers, from send to end; NS_UNKNOWN: none yet */
    struct err failed;    /* of the engine; code STATUS_OK */
    pthread_t thread;
    /* read by other threads */
    atomic_bool stop, is_over;
    atomic_int_fast64_t sent, ok, bad, tokens; /* sent: or given up unsent */
};

/* Events that a flight of these requests has to hold. */
size_t lane_room(const struct engine_request *requests, size_t count);
/* Allocates for the work; the lane must stay where it is. */
MUST_CHECK enum status lane_init(struct lane *l, const struct engine_ops *ops,
                                 struct engine_lane *engine, const struct lane_work *work,
                                 struct err *e);
void lane_fini(struct lane *l); /* zeroed memory is harmless */
/* Starts the thread, whose phase begins at `start`. */
MUST_CHECK enum status lane_start(struct lane *l, struct instant start, struct err *e);
void lane_join(struct lane *l);
/* The next flight that has ended, for the writer; NULL: none now. lane_give_back when its
 * record is written. */
struct flight *lane_take(struct lane *l);
void lane_give_back(struct lane *l, struct flight *f);

#endif
