/* A histogram for live figures: log-linear, three digits, 1 ns to more than an hour.
 * Recording costs one shift and one increment and never allocates. For one thread at a
 * time; give each thread its own and merge. Rows never come from here: they use exact
 * quantiles of all samples (quantile.h).
 *
 * Buckets (the layout of HdrHistogram): values below 2,048 have a bucket each; above,
 * each power of two has 1,024 of equal width, so a bucket is at most 1/1024 of its values
 * wide
 * (< 0.1 %). */
#ifndef STATS_HIST_H
#define STATS_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define HIST_MAX_NS  ((INT64_C(1) << 42) - 1) /* 73 minutes */
#define HIST_BUCKETS 33792

struct hist {
    uint32_t *counts; /* [HIST_BUCKETS], 132 kB */
    uint64_t total;   /* values recorded */
    uint64_t dropped; /* values that did not fit: negative or above HIST_MAX_NS */
    int64_t min_ns, max_ns;
};

/* Allocates; hist_fini frees. Zeroed memory may be given to hist_fini too. */
MUST_CHECK enum status hist_init(struct hist *h, struct err *e);
void hist_fini(struct hist *h);
/* False, and counted as dropped, where the value does not fit. */
bool hist_record(struct hist *h, int64_t value_ns);
/* Adds what `from` holds. */
void hist_merge(struct hist *into, const struct hist *from);
void hist_clear(struct hist *h);
/* Nearest rank: the smallest bucket with at least ceil(q * total) values at or below it;
 * its middle, kept within the least and the greatest value recorded.
 *   q        0 < q <= 1; 1 is the maximum, exact
 *   returns  relative error <= 1/2048; NS_UNKNOWN when empty or q is out of range */
int64_t hist_quantile_ns(const struct hist *h, double q);

#endif
