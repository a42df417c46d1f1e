/* Samples of a repeat's requests. Only requests that succeeded give samples; instants
 * that are unknown give none. Records must be settled (stats/settle.h). */
#ifndef STATS_GATHER_H
#define STATS_GATHER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "core/run_data.h"
#include "stats/percentile.h"
#include "stats/sketch.h"

enum gather_kind {
    GATHER_TTFT,         /* first - due, s */
    GATHER_E2E,          /* last - due, s: an answer ends with its last token */
    GATHER_TTFT_SERVICE, /* first - sent, s */
    GATHER_E2E_SERVICE,  /* last - sent, s */
    GATHER_ITL,          /* single gaps, ms */
    GATHER_TPOT,         /* (last - first) / (tokens - tokens of the first event), ms */
    GATHER_SEND_LAG,     /* sent - ready, s, of every request that was sent */
    GATHER_SEND_LATE,    /* the same without opening the request's own connection, s */
    GATHER_CONNECT,      /* opening a new connection, s, of every request */
    GATHER_TLS,          /* its TLS handshake, s, of every request */
    GATHER_PREFILL,      /* engine's clock, s */
    GATHER_DECODE,       /* engine's clock where it has one, else last - first, s */
    GATHER_READ, /* time between reads of an answer, s: (last - first) by its events
                    with a stamp of their own less one; last - sent where there is
                    one such event only */
    GATHER_KIND_COUNT
};

/* The part of a repeat that is sampled. */
struct gather_scope {
    const struct repeat_data *repeat;
    int definitions; /* of the run */
    bool is_closed;  /* a request with due = sent is the first of its slot: no send lag */
    bool skips_firsts; /* closed: those give no latency either, the start is a burst */
    int64_t begin_ns, end_ns; /* open: latencies of requests due within, the end left out:
                                 a window ends with a send, which would be one too many;
                                 NS_UNKNOWN: of all */
    enum percentile_order order;
    size_t unit; /* see percentile.h */
};

/* Growing samples; may be filled from several repeats. Zero-initialise; gather_fini
 * frees. */
struct gather {
    double *values; /* shape [count] */
    size_t count, room;
    size_t samples;  /* what a percentile's floor counts: values and `lost`; for ITL
                        distinct instants */
    size_t lost;     /* TTFT, E2E: requests that failed or stayed unanswered: longer than
                        every value */
    size_t requests; /* that gave values */
    double *bounds;  /* ITL: shape [bound_count], upper bounds of gaps that have no exact
                        length, ms; their lower bound is 0 */
    size_t bound_count, bound_room;
    double bound_sum; /* ITL: what these gaps add up to, ms */
    bool is_sorted;
    struct percentile_series series; /* latencies, those of ITL booked */
};

/* Is the request one whose latencies are sampled? */
bool gather_is_in(const struct gather_scope *scope, const struct request_record *q);
/* The sample of one request, NAN if it gives none; of every kind but ITL. */
double gather_sample(const struct gather_scope *scope, const struct request_record *q,
                     enum gather_kind kind);

/* Appends the samples of a kind. On failure g holds what it held before.
 *
 * ITL: a gap between two tokens with stamps of their own is a value. Around tokens
 * without one, and where an event holds k > 1 tokens, the gaps between the nearest stamps
 * a < b are only known to lie in 0..b - a: they are bounds. An answer whose first event
 * has no stamp of its own gives none, nor one that is unsettled.
 *
 * ITL samples: one step of a batch stamps all its answers, so gaps that end at one
 * instant are not independent, and count once. In definitions 1, gaps of a request some
 * of whose gaps were excluded count singly. */
MUST_CHECK enum status gather_add(struct gather *g, enum gather_kind kind,
                                  const struct gather_scope *scope);
/* Over the values; ITL: over all gaps, those with bounds too. */
double gather_mean(const struct gather *g);
double gather_max(struct gather *g);
/* Percentile p. ITL: its value is NAN too where the percentile with all bounds at 0 and
 * that with all at their upper end differ by more than GATHER_BOUNDS_MAX of the latter.
 * Sorts once. */
struct percentile gather_percentile(struct gather *g, double p);
#define GATHER_BOUNDS_MAX 0.05
/* All values; empty where more than GATHER_BOUNDS_MAX of the gaps are bounds. Sorts
 * once. */
struct sketch gather_sketch(struct gather *g);
/* The median of the values whatever the floor; NAN when empty. */
double gather_median(struct gather *g);
/* Share of values above `limit`; NAN when empty. */
double gather_share_above(const struct gather *g, double limit);
void gather_fini(struct gather *g);

#endif
