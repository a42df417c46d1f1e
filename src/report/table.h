/* Tables for people, 80 columns. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "report/document.h"
#include "stats/summary.h"

/* What a run ends with: a line a cell (table_columns.h), OFF against ON per matched cell,
 * the reasons of each INVALID or INCONCLUSIVE and each warning explained once. */
struct table_input {
    const struct run_data *run;
    const struct row *rows;            /* [run->repeat_count] */
    const struct summary_entry *cells; /* [count] */
    size_t count;
};
MUST_CHECK enum status table_build(const struct table_input *in, struct document *d,
                                   struct err *e);
/* The same as text. */
MUST_CHECK enum status table_run(const struct table_input *in, struct buf *out,
                                 struct err *e);

#endif
