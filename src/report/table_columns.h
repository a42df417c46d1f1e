/* A line a cell: which columns a run's table has, offline and online. */
#ifndef REPORT_TABLE_COLUMNS_H
#define REPORT_TABLE_COLUMNS_H

#include <stdbool.h>

#include "report/document.h"
#include "stats/summary.h"

struct table_columns {
    const struct run_data *run;
    const struct summary_entry *const *cells; /* [count], in the order of the lines */
    size_t count;
};

/* By scenario; online a second table of latencies. */
void table_columns_put(const struct table_columns *t, struct document *d);

/* "4", "c=4", "4/s" or "inf": what stands for the load of a cell. */
const char *table_columns_load(const struct row *row, struct document *d);
/* "on", "off", "?" */
const char *table_columns_caching(const struct row *row);
const char *table_columns_text_of(const struct row *row, enum field_id id); /* or
                                                                               "unknown"
                                                                             */

#endif
