/* Tables for people, 80 columns. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "base/buf.h"
#include "stats/summary.h"

/* What an offline run ends with: a line a cell (tokens/s with its interval or why it is
 * not known, ms/token, TTFT, ITL, hits, $/1M tokens, verdict), OFF against ON per matched
 * cell, the reasons of each INVALID and each warning explained once. */
MUST_CHECK enum status table_run(const struct run_data *run,
                                 const struct summary_entry *cells, size_t count,
                                 struct buf *out, struct err *e);

#endif
