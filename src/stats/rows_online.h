/* What only online rows have of their requests: the window, sends, connections, requests
 * in flight, goodput. */
#ifndef STATS_ROWS_ONLINE_H
#define STATS_ROWS_ONLINE_H

#include "base/status.h"
#include "stats/rows_measure.h"

/* Medians of all requests that succeeded, from due; NAN where there is none. */
struct rows_online {
    double ttft_s, e2e_s;
};

/* Fields that are set already stay. Fails with STATUS_NO_MEMORY only. */
MUST_CHECK enum status rows_online_fill(struct rows_measure *m,
                                        const struct rows_online *medians);

#endif
