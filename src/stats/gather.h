/* Samples of a repeat's requests. Only requests that succeeded give samples; instants
 * that are unknown give none. */
#ifndef STATS_GATHER_H
#define STATS_GATHER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "core/record.h"

enum gather_kind {
    GATHER_TTFT,         /* first - due, s */
    GATHER_E2E,          /* last - due, s: an answer ends with its last token */
    GATHER_TTFT_SERVICE, /* first - sent, s */
    GATHER_E2E_SERVICE,  /* last - sent, s */
    GATHER_ITL,          /* single booked gaps, ms */
    GATHER_TPOT,         /* (last - first) / (tokens - tokens of the first event), ms */
    GATHER_SEND_LAG,     /* sent - ready, s, of every request that was sent */
    GATHER_SEND_LATE,    /* the same without opening the request's own connection, s */
    GATHER_CONNECT,      /* opening a new connection, s, of every request */
    GATHER_TLS,          /* its TLS handshake, s, of every request */
    GATHER_PREFILL,      /* engine's clock, s */
    GATHER_DECODE,       /* engine's clock where it has one, else last - first, s */
    GATHER_KIND_COUNT
};

/* Growing samples; may be filled from several repeats. Zero-initialise; gather_fini
 * frees. */
struct gather {
    double *values; /* shape [count] */
    size_t count, room;
    size_t samples; /* what a percentile's floor counts: values; for ITL distinct instants
                     */
    bool is_sorted;
};

/* The sample of one request, NAN if it gives none; of every kind but ITL. */
double gather_sample(const struct request_record *q, enum gather_kind kind,
                     bool is_closed);

/* Appends the repeat's samples of a kind. On failure g holds what it held before.
 *
 * ITL samples: one step of a batch stamps all its answers, so gaps that end at one
 * instant are not independent. The instants are first + cumulated gaps for a request none
 * of whose gaps was excluded (then the booked gaps are all of them); gaps of other
 * requests count singly.
 *
 * is_closed: in a closed load a request with due = sent is the first of its slot and
 * gives no send lag. */
MUST_CHECK enum status gather_add(struct gather *g, enum gather_kind kind,
                                  const struct repeat_data *repeat, bool is_closed);
double gather_mean(const struct gather *g);
double gather_max(struct gather *g);
/* Percentile p, NAN below its floor. Sorts once. */
double gather_percentile(struct gather *g, double p);
/* The median whatever the floor; NAN when empty. */
double gather_median(struct gather *g);
/* Share of values above `limit`; NAN when empty. */
double gather_share_above(const struct gather *g, double limit);
void gather_fini(struct gather *g);

#endif
