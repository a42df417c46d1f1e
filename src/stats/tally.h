/* Counts and sums over the requests of one repeat.
 *   planned = ok + failed by class + unanswered + cancelled
 * Cancelled are those that our own stop interrupted, and planned ones that left no
 * record. */
#ifndef STATS_TALLY_H
#define STATS_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "core/run_data.h"

#define TALLY_HTTP_MAX 599

struct tally {
    int64_t planned, ok, failed, unanswered, cancelled;
    int64_t failed_by[FAIL_COUNT];       /* FAIL_none: failed without a class */
    int64_t http_by[TALLY_HTTP_MAX + 1]; /* of those of class http, by status;
                                            0: unknown */
    /* Over requests that succeeded; TOKENS_UNKNOWN as soon as one does not know. */
    int64_t tokens_in, tokens_out, tokens_cached;
    /* Prompt tokens of all planned requests; those that nobody counted are taken to be as
     * long as the mean of the others. NAN if none was counted. */
    double prompt_tokens_planned;
    int64_t first_sent_ns, last_token_ns; /* of any request; of one that succeeded */
    int64_t first_due_ns, last_due_ns;
    int64_t wrong_length; /* ok, but tokens_out is not max_tokens */
    int64_t gaps, gaps_excluded;
    int64_t multi; /* ok, with more than one token or an unknown number: ITL and TPOT
                      exist */
    int64_t unsettled;
    int64_t stamps_exact, stamps_bounded, stamps_tail;
    enum token_source source; /* the least trustworthy one of those that succeeded */
    const char *first_error;  /* NULL if no request gave one */
};

void tally_count(const struct repeat_data *repeat, struct tally *out);
/* last token - first send in s; NAN if nothing succeeded. */
double tally_total_s(const struct tally *t);
/* Keeps the lower, the higher of two times; one may be unknown. */
void tally_first(int64_t *low_ns, int64_t at_ns);
void tally_last(int64_t *high_ns, int64_t at_ns);

#endif
