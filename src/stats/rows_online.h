/* What only online rows have of their requests: the window, sends, connections, requests
 * in flight, goodput. */
#ifndef STATS_ROWS_ONLINE_H
#define STATS_ROWS_ONLINE_H

#include "base/status.h"
#include "stats/rows_measure.h"

/* Before the latencies. Fields that are set already stay. NO_MEMORY is the only failure.
 */
MUST_CHECK enum status rows_online_fill(struct rows_measure *m);
/* After the latencies: goodput is unknown where a figure that it limits is. */
MUST_CHECK enum status rows_online_goodput(struct rows_measure *m);

#endif
