/* The summary: one entry a cell, over its measured repeats (warm-ups and failed ones left
 * out). Pure functions. */
#ifndef STATS_SUMMARY_H
#define STATS_SUMMARY_H

#include "base/arena.h"
#include "base/status.h"
#include "core/run_data.h"
#include "stats/metric.h"
#include "stats/percentile.h"

/* X(name, what is pooled, field that is null where the row left it out for a reason) */
#define SUMMARY_POOLS(X)                      \
    X(ttft_s, GATHER_TTFT, FIELD_decode_time) \
    X(itl_ms, GATHER_ITL, FIELD_itl_mean_ms)  \
    X(e2e_s, GATHER_E2E, FIELD_COUNT)

enum summary_pool {
#define X(name, kind, withheld) SUMMARY_POOL_##name,
    SUMMARY_POOLS(X)
#undef X
        SUMMARY_POOL_COUNT
};

extern const char *const summary_pools[SUMMARY_POOL_COUNT]; /* their names */

struct summary_entry {
    const char *key;            /* FORMAT.md 3, unique in the summary */
    const struct row *row;      /* first row of the cell: identity, cell and settings */
    int64_t count, failed_rows; /* measured repeats that succeeded; that failed */
    int64_t requests_failed;    /* or unanswered, over all repeats, the warm-up too */
    struct spread spread[METRIC_COUNT];
    struct percentile *pools[SUMMARY_POOL_COUNT]; /* of [run->percentile_count] */
    const char *verdict; /* VALID or INVALID; NULL if nothing was measured */
    const struct findings *reasons, *warnings, *checks; /* cell rules included */
    struct interval_repeats repeats_range; /* repeats_for_2_percent may be; 0: unknown */
    int64_t repeats_for_2_percent; /* repeats whose interval would be about +-2 %, warm-up
                                      not counted; 0: unknown */
};

struct summary {
    struct summary_entry *entries; /* [count], in order of the cells */
    size_t count;
};

/* Have cells of the run labels of their own (--setting)? */
bool summary_has_labels(const struct run_data *run);

/* rows: of rows_build_all. Everything lives in the arena; a cell of which no repeat was
 * begun has no entry. */
MUST_CHECK enum status summary_build(const struct run_data *run, const struct row *rows,
                                     struct arena *a, struct summary *out, struct err *e);

#endif
