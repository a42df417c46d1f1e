/* Tables for people, 80 columns. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "base/buf.h"
#include "stats/summary.h"

/* What a run ends with: a line a cell, OFF against ON per matched cell, the reasons of
 * each INVALID and each warning explained once. A line has tokens/s with its interval or
 * why it is not known, and the verdict; offline ms/token, means of TTFT and ITL, hits,
 * $/1M tokens; online percentiles of TTFT and ITL (p50 and p99, or the lowest and highest
 * that were asked for) and failed requests. */
MUST_CHECK enum status table_run(const struct run_data *run,
                                 const struct summary_entry *cells, size_t count,
                                 struct buf *out, struct err *e);

#endif
