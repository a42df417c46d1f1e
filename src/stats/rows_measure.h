/* What the requests of a repeat give to its row. A field that is set already (the
 * journal's repeat_end knew better) stays. */
#ifndef STATS_ROWS_MEASURE_H
#define STATS_ROWS_MEASURE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"
#include "core/run_data.h"
#include "stats/loadshape.h"
#include "stats/tally.h"
#include "text/jsonw.h"

struct rows_measure {
    const struct run_data *run;
    const struct cell_data *cell;
    const struct repeat_data *repeat;
    struct tally tally;
    bool is_online;
    struct row *row;
    struct arena *arena;
    struct loadshape shape;    /* online */
    struct gather_scope scope; /* whose latencies count */
    struct jsonw sketches;     /* of the latencies, as they are measured */
};

/* Counts and token sums: also of a repeat that failed. What finds no memory is seen in
 * the arena. */
void rows_measure_counts(struct rows_measure *m);
/* Times, rates, percentiles, hits, cost: only of a repeat that did not fail. shape and
 * scope are set before. */
MUST_CHECK enum status rows_measure_times(struct rows_measure *m);
/* False where most events were read together: nobody knows the tokens' instants. */
bool rows_measure_has_instants(const struct rows_measure *m);
void rows_measure_num(struct rows_measure *m, enum field_id id, double n);
void rows_measure_int(struct rows_measure *m, enum field_id id, int64_t n);

/* What only online rows have: the window, sends, connections, requests in flight. Before
 * the latencies. NO_MEMORY is the only failure, as of goodput. */
MUST_CHECK enum status rows_online_fill(struct rows_measure *m);
/* After the latencies: goodput is unknown where a figure that it limits is. */
MUST_CHECK enum status rows_online_goodput(struct rows_measure *m);

#endif
