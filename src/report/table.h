/* Tables for people, 80 columns. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "report/document.h"
#include "stats/summary.h"

/* What a run ends with: a line a cell, OFF against ON per matched cell,
 * the reasons of each INVALID or INCONCLUSIVE and each warning explained once. */
struct table_input {
    const struct run_data *run;
    const struct row *rows;            /* [run->repeat_count] */
    const struct summary_entry *cells; /* [count] */
    size_t count;
};
MUST_CHECK enum status table_run(const struct table_input *in, struct buf *out,
                                 struct err *e);
/* --- its parts, for table.c alone */

/* A line a cell, by scenario, in this order; online a second table of latencies. */
void table_columns_put(const struct run_data *run,
                       const struct summary_entry *const *cells, size_t count,
                       struct document *d);
/* "4", "c=4", "4/s" or "inf": what stands for the load of a cell. */
const char *table_columns_load(const struct row *row, struct document *d);
/* What tells settings of the run apart: their names, else caching "on", "off", "?". */
const char *table_columns_setting(const struct run_data *run, const struct row *row);
/* OFF against ON: a line a matched cell. rows: of rows_build_all. Nothing where no cell
 * has both. */
MUST_CHECK enum status table_caching_put(const struct run_data *run,
                                         const struct row *rows, struct document *d,
                                         struct err *e);
/* The answer of a search of a capacity; nothing of another run. */
void table_capacity_put(const struct run_data *run, const struct row *rows,
                        struct document *d);

#endif
