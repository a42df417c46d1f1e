/* One load of the self-test: what the client saw beside what the server knows. Pure. */
#ifndef RUN_SELFTEST_POINT_H
#define RUN_SELFTEST_POINT_H

#include "base/arena.h"
#include "bench/request_record.h"
#include "run/selftest_truth.h"

/* What the load is to be. */
struct selftest_load {
    double rate;      /* closed: events/s; open: requests/s */
    bool is_open;     /* Poisson arrivals; else `streams` slots, one after the other */
    int64_t streams;  /* closed: in flight at a time */
    int64_t requests; /* in all */
    int64_t tokens;   /* of each answer, one an event */
    int64_t ttft_ns, itl_ns; /* of the server */
    double jitter;           /* of the server's intervals */
};

/* A flight that ended, kept. */
struct selftest_note {
    int32_t request;
    bool is_ok;
    int64_t due_ns, sent_ns; /* NS_UNKNOWN: due when sent */
    int64_t *at_ns;          /* [count] of token events */
    uint8_t *stamps;         /* [count] of enum event_stamp */
    size_t count;
};

/* Percentiles by nearest rank, us; NAN where the samples are too few for one. */
struct selftest_spread {
    size_t count;
    double min, p50, p90, p99, p999, max;
};

/* Both sides of one figure. */
struct selftest_pair {
    struct selftest_spread ours, truth;
};

struct selftest_point {
    struct selftest_load load;
    int64_t tries; /* how often it was measured; the last one stands */
    int64_t requests_ok, requests_failed;
    int64_t unmatched; /* requests whose events are not those of the log */
    int64_t events, exact, bounded, tail;
    bool has_stamps;                 /* the kernel stamped some event */
    double achieved_eps;             /* events/s, in the middle half of the time */
    struct selftest_spread error_us; /* stamp minus the server's, exact and tail */
    struct selftest_spread exact_us, tail_us; /* the same apart */
    struct selftest_pair ttft_us;             /* from the send; truth: from its arrival */
    struct selftest_pair ttft_due_us;         /* ours from due; open load only */
    struct selftest_pair itl_us;              /* gaps between exact or tail events */
    struct selftest_spread send_late_us;      /* send minus due; open load only */
    struct selftest_spread to_server_us;      /* the request's arrival minus its send */
    struct selftest_spread server_late_us; /* behind its own schedule; without jitter */
    /* of phase_run */
    double cpu_us_per_event, busy_share, loop_lag_p99_us;
    int64_t busy_windows;
    char first_error[192];
};

/* Percentiles of values, which are sorted in place. */
void selftest_point_spread(double *values, size_t count, struct selftest_spread *out);
/* Fills counts and spreads from notes, shape [note_count], and truths, shape
 * [load.requests] by index. Scratch lives in the arena. */
struct selftest_sides {
    const struct selftest_note *notes;
    size_t note_count;
    const struct selftest_truth *truths;
};
MUST_CHECK enum status selftest_point_match(const struct selftest_sides *s,
                                            struct arena *a, struct selftest_point *out,
                                            struct err *e);

#endif
