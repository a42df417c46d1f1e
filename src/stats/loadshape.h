/* The shape of the load of an online repeat, from its requests: the window that its
 * numbers are taken over, requests in flight, sends against the plan. Pure.
 *
 * E0 is the E2E latency of an answer before any queue: the least of the medians of all
 * answers, of the LOADSHAPE_EARLY that were due first, and of the first twentieth (a
 * median of few is uncertain, one of many grows with the queue of an overloaded run).
 * Definitions 2 (docs/statistics.md):
 *
 *   open    a server starts empty: the window begins settle_s after the end of the
 *           ramp-up, and ends with the last send. At most half of the time in between is
 *           left out for long answers
 *   closed  the start is a burst of all slots: the window begins when half of the slots'
 *           first requests have ended, or with the end of the ramp-up if that is later,
 *           and ends with the last send; nothing shorter than LOADSHAPE_LEAST_E0
 *   whole   where no such part is left, nothing is due in it, with --request-rate inf,
 *           and in closed loads where no slot sends twice: from the first send to the
 *           last token
 *
 * Definitions 1: open and closed windows begin with the end of the ramp-up. */
#ifndef STATS_LOADSHAPE_H
#define STATS_LOADSHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "core/run_data.h"
#include "stats/gather.h"

/* Answers that are early: as many as a median needs (quantile.h), and a share of all. */
#define LOADSHAPE_EARLY       11
#define LOADSHAPE_EARLY_SHARE 0.05
#define LOADSHAPE_SETTLE_E0   3 /* least time until an open load is taken to be steady */
#define LOADSHAPE_LATE_SHARE  0.005 /* of all tokens; what a steady load may lack */
#define LOADSHAPE_LEAST_E0    0.9   /* of a closed window: a wave of answers */

struct loadshape_window {
    bool is_whole;
    int64_t begin_ns, end_ns; /* NS_UNKNOWN where nothing was sent */
};

struct loadshape {
    const struct cell_data *cell;
    const struct repeat_data *repeat;
    int definitions;
    bool is_online;
    bool is_closed;
    bool is_all_at_once;   /* --request-rate inf */
    double rate_rps;       /* of an open load of a finite rate, else NAN */
    double e0_s;           /* NAN where nothing was answered */
    double early_mean_s;   /* mean E2E of the early answers */
    double settle_s;       /* see below; NAN where a load is not open and finite */
    bool has_second_sends; /* closed: a slot sent again, at the end of its answer */
    int64_t first_due_ns, first_sent_ns, last_sent_ns, last_due_ns, last_token_ns,
        last_end_ns; /* last token: of a request that succeeded; all may be NS_UNKNOWN */
    int64_t ramp_end_ns;
    struct loadshape_window window;
};

/* arrival and request_rate are read from the row; offline nothing is found, and the
 * window is the whole. Fails with STATUS_NO_MEMORY only. */
MUST_CHECK enum status loadshape_init(struct loadshape *l, const struct run_data *run,
                                      const struct repeat_data *repeat,
                                      const struct row *row);
/* settle_s, definitions 2: from the end of the ramp-up until an open load is steady. 3
 * E0, or later where long answers, which are not in the median, hold many of the tokens:
 * the least time, in whole milliseconds, after which the load lacks at most
 * LOADSHAPE_LATE_SHARE of all tokens up to the last send, because nothing had been sent
 * before the start (formula: docs/statistics.md). An answer's tokens are taken to come
 * evenly from its first to its last (without a first: from the send); one whose tokens
 * are unknown counts as one. */

/* Whose latencies are sampled: open, requests due in the window; closed, all but the
 * first of each slot; with a whole window all. And how they hang together: a burst of all
 * requests at once is one cluster, as a batch is. */
struct gather_scope loadshape_scope(const struct loadshape *l);

/* How much of a request's life, from its send to its last token, lies in the window, 0 to
 * 1. Slots go in step as often as not: whole answers, counted where they end, would be up
 * to a wave too many. */
double loadshape_share(const struct loadshape *l, const struct request_record *q);
/* Output tokens of requests that succeeded that were made within the window: an event's
 * since the event before it, the first one's since the send. NAN where an answer's tokens
 * are unknown. Else (--no-gaps) tokens after the first event are taken to come evenly up
 * to the last one. Where only an answer's total is known, its events are taken to hold
 * equal shares. Definitions 1: those that arrived, both ends included. */
double loadshape_tokens(const struct loadshape *l);
/* The same of another span of time. */
double loadshape_tokens_between(const struct loadshape *l, int64_t from_ns,
                                int64_t to_ns);
/* Answers, each by its share. */
double loadshape_answers(const struct loadshape *l);

/* Requests in flight, from send to end: means over the middle and the last third of what
 * is judged, and over the last tenth of the time from the start to the last send.
 *   steady_s  length of what is judged: of an open load of a finite rate what is left 3
 * E0 after the end of the ramp-up; 0 where nothing is, the thirds are those of the whole
 * repeat then. Closed: the window, 0 where that is the whole for want of a steady part,
 * NAN where no slot sends twice expected  rate x mean E2E of the early answers; NAN where
 * there is no rate */
struct loadshape_flight {
    double steady_s;
    double middle, last, end; /* NAN where nothing was sent */
    double expected;
};

struct loadshape_flight loadshape_flight_of(const struct loadshape *l);
/* Mean number of requests in flight over [from, to). One that never ended stays. NAN of
 * no time. */
double loadshape_in_flight(const struct repeat_data *repeat, double from_ns,
                           double to_ns);

struct loadshape_sends {
    int64_t sent, held; /* held: ready after due */
    int64_t connected;  /* sent on a connection that was new */
    double stretch_s;   /* last send - last due; NAN where nothing was sent */
};

struct loadshape_sends loadshape_sends_of(const struct loadshape *l);

/* How much of the time of `slots` slots in the window went to requests that failed or
 * stayed unanswered, 0 to 1; in a closed load an unanswered request's slot is lost for
 * good. NAN where nothing was sent. */
double loadshape_lost_share(const struct loadshape *l, double slots);

#endif
