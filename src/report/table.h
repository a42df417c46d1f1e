/* Tables for people, 80 columns. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "base/buf.h"
#include "stats/summary.h"

/* What a run ends with: a line a cell (table_columns.h), OFF against ON per matched cell,
 * the reasons of each INVALID or INCONCLUSIVE and each warning explained once. */
MUST_CHECK enum status table_run(const struct run_data *run,
                                 const struct summary_entry *cells, size_t count,
                                 struct buf *out, struct err *e);

#endif
