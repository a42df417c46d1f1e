/* Rows from request records: a pure function of the journal's content. */
#ifndef STATS_ROWS_H
#define STATS_ROWS_H

#include "base/arena.h"
#include "base/status.h"
#include "core/run_data.h"

/* Row of run->repeats[repeat_index], every field of the table set (unknown ones null),
 * verdict included. run.fields, the cell's and the repeat's fields are overlaid in that
 * order, then what requests give is computed. `used_ids`: experiment ids of the run's
 * earlier rows are made unique by the caller through rows_build_all. Strings live in the
 * arena or in the run. */
MUST_CHECK enum status rows_build(const struct run_data *run, size_t repeat_index,
                                  struct arena *a, struct row *out, struct err *e);

/* All rows: *out of shape [run->repeat_count], in the arena, experiment ids unique. */
MUST_CHECK enum status rows_build_all(const struct run_data *run, struct arena *a,
                                      struct row **out, struct err *e);

#endif
