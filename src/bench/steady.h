/* Tokens a second of a repeat as soon as it has ended, for the line that says so: the
 * window is that of the rows (stats/loadshape.h), out of bins instead of every event, so
 * that nothing need be kept. What differs: E0 lacks its third median, and the ages of
 * tokens are those of their events. */
#ifndef BENCH_STEADY_H
#define BENCH_STEADY_H

#include <stdbool.h>

#include "core/record.h"
#include "stats/hist.h"
#include "stats/loadshape.h"

#define STEADY_BINS 1024

struct steady_bins {
    int64_t bin_ns; /* width; doubles where a token lies beyond the last */
    double tokens[STEADY_BINS];
};

struct steady_load {
    bool is_whole; /* no window: all is sent at once */
    int64_t slots; /* of a closed load; 0: open */
    double ramp_up_s;
};

struct steady {
    struct steady_load load;
    int64_t start_ns;         /* of the phase */
    struct steady_bins since; /* when tokens were made, from the start on */
    struct steady_bins age;   /* from the send of their request on */
    struct hist e2e_ns;
    struct steady_first {
        int64_t due_ns, e2e_ns;
    } first[LOADSHAPE_EARLY]; /* [first_count], those due first, ascending */
    size_t first_count;
    int64_t firsts_ended, burst_end_ns; /* closed: of the slots' first requests */
    int64_t first_sent_ns, last_sent_ns, last_token_ns;
    int64_t last_due_ns; /* of those never sent, too */
    double total;        /* tokens of all answers */
};

MUST_CHECK enum status steady_init(struct steady *s, struct err *e);
void steady_fini(struct steady *s);
/* Before the first record: what the load is, and when the phase began, in the records'
 * time. */
void steady_begin(struct steady *s, struct steady_load load, int64_t start_ns);
/* Of each request that has ended, in whatever order. */
void steady_record(struct steady *s, const struct request_record *r);
/* NAN where nothing was answered. */
double steady_rate(const struct steady *s);

#endif
