/* Which start of the engine rows come from; of rows in blocks (--ab interleaved), which
 * block: the unit that stands for the next one. */
#ifndef STATS_LAUNCHES_H
#define STATS_LAUNCHES_H

#include <stddef.h>

#include "base/arena.h"
#include "core/field.h"
#include "core/run_data.h"

struct launches {
    const size_t *of; /* [row count] each row's launch or block, 0..count - 1; NULL: all
                         are one */
    size_t count;
    size_t named; /* launches that are known: all, or all but one */
};

/* Of rows of shape [count]; those that name none are one. Lives in the arena, which tells
 * whether it found memory. */
struct launches launches_of(const struct row *const *rows, size_t count, struct arena *a);
/* Of each cell of a run, the first one that is the same work in another launch of its
 * engine; itself where there is none. [cell_count], in the arena; NULL: no memory. */
const int32_t *launches_first_cells(const struct run_data *run, struct arena *a);
/* Means of values of shape [rows] (NAN: unknown) by launch, into means of shape
 * [2 * l->count], whose second half is scratch; NAN where a launch knows none. */
void launches_means(const struct launches *l, const double *values, size_t rows,
                    double *means);

#endif
