/* Rows from request records: a pure function of the journal's content. */
#ifndef STATS_ROWS_H
#define STATS_ROWS_H

#include "base/arena.h"
#include "base/status.h"
#include "core/run_data.h"

/* A row for each repeat, every field of the table set (unknown ones null), verdict
 * included: run.fields, the cell's and the repeat's fields are overlaid in that order,
 * then what requests give is computed. *out of shape [run->repeat_count], in the arena;
 * strings live there or in the run; experiment ids are unique. */
MUST_CHECK enum status rows_build_all(const struct run_data *run, struct arena *a,
                                      struct row **out, struct err *e);

#endif
