/* The shape of the load of an online repeat, from its requests: the window that its
 * throughput is taken over, requests in flight, sends against the plan. Pure. */
#ifndef STATS_LOADSHAPE_H
#define STATS_LOADSHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"

/* Requests that the median of first answers is taken over: as many as a median needs
 * (quantile.h). */
#define LOADSHAPE_EARLY 11

struct loadshape {
    const struct cell_data *cell;
    const struct repeat_data *repeat;
    bool is_closed;
    bool is_all_at_once; /* --request-rate inf */
};

/* From the end of the ramp-up to the last send. The whole repeat, first send to last
 * token, where the load has no such part: with inf, in closed loads where no slot sends
 * twice, and where the ramp-up does not end before the last send. */
struct loadshape_window {
    bool is_whole;
    int64_t begin_ns, end_ns; /* NS_UNKNOWN where nothing was sent */
    double tokens; /* output tokens of requests that succeeded that arrived within, both
                      ends included; NAN where an answer's tokens are unknown */
};

/* Exact where the journal has every event of an answer (gaps and excluded gaps). Without
 * (--no-gaps), tokens after the first event are taken to come evenly up to the last one.
 * Where only an answer's total is known, its events are taken to hold equal shares. */
struct loadshape_window loadshape_window_of(const struct loadshape *l);

/* Requests in flight, from send to end. What is judged begins three times the median E2E
 * after the end of the ramp-up and ends with the last send; of it the means of the middle
 * and of the last third. In an overloaded run the median grows with the run, so the
 * median of the LOADSHAPE_EARLY requests that were due first stands in for it where it is
 * the smaller one. Where nothing is left to judge, steady_s is 0 and the thirds are those
 * of the whole repeat, first send to last end. */
struct loadshape_steady {
    double steady_s;
    double middle, last; /* NAN where nothing was sent */
};

struct loadshape_steady loadshape_steady_of(const struct loadshape *l,
                                            double median_e2e_s);

struct loadshape_sends {
    int64_t sent, held; /* held: ready after due */
    int64_t connected;  /* sent on a connection that was new */
    double stretch_s;   /* last send - last due; NAN where nothing was sent */
};

struct loadshape_sends loadshape_sends_of(const struct loadshape *l);

#endif
