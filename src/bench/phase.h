/* One phase of an online repeat: lanes send, the calling thread writes what has ended and
 * keeps the user informed. */
#ifndef BENCH_PHASE_H
#define BENCH_PHASE_H

#include "bench/bench.h"

struct flight;

struct phase {
    const struct engine_request *requests; /* [count], ascending indices */
    const int64_t *due_ns;                 /* [count] or NULL: closed */
    size_t count;
    const char *name; /* unique; goes to the server with each request */
    const struct load *load;
    const struct repeat_data *repeat; /* whose requests they are; NULL: a warm-up, of
                                         which nothing is written */
    void (*ended)(void *arg, const struct flight *f); /* by the calling thread, of each
                                                         that has ended; may be NULL */
    void *ended_arg;
};

struct phase_outcome {
    struct instant start;
    int64_t ok, failed, unanswered, interrupted;
    bool has_cached_tokens;    /* every answer told its own */
    double wall_s, cpu_s;      /* of this process, for the whole phase */
    double in_flight_mean;     /* requests, from send to end, over wall_s */
    char first_error[192];     /* "" if none failed or stayed unanswered */
    struct progress_load load; /* as it stood at the end */
};

/* STATUS_INTERRUPTED: stopped by a signal, what had ended is written. Client numbers go
 * into `fields` (may be NULL for a warm-up). */
MUST_CHECK enum status phase_run(struct bench *b, const struct phase *p,
                                 struct row *fields, struct phase_outcome *out,
                                 struct err *e);

#endif
