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

struct rows_measure {
    const struct run_data *run;
    const struct cell_data *cell;
    const struct repeat_data *repeat;
    struct tally tally;
    bool is_online;
    struct row *row;
    struct arena *arena;
    /* by rows_measure_times: */
    struct loadshape shape;    /* online */
    struct gather_scope scope; /* whose latencies count */
    bool hides_instants;       /* most events were read together: nobody knows the tokens'
                                  instants */
};

/* Counts and token sums: also of a repeat that failed. */
MUST_CHECK enum status rows_measure_counts(struct rows_measure *m);
/* Times, rates, percentiles, hits, cost: only of a repeat that did not fail. */
MUST_CHECK enum status rows_measure_times(struct rows_measure *m);
/* Sets a field that is absent. */
void rows_measure_fill(struct row *row, enum field_id id, struct value v);

#endif
