/* The lines of a run's table: which columns stand in them, offline and online. */
#ifndef REPORT_TABLE_COLUMNS_H
#define REPORT_TABLE_COLUMNS_H

#include <stdbool.h>

#include "base/buf.h"
#include "stats/summary.h"

#define TABLE_NAME_BYTES 96

struct table_columns {
    const struct run_data *run;
    const struct summary_entry *const *cells; /* [count], in the order of the lines */
    size_t count;
    struct buf *out;
};

/* Heads and lines, by scenario; online a second table of latencies. */
void table_columns_put(const struct table_columns *t);

/* "4", "c=4", "4/s" or "inf": what stands for the load of a cell. */
void table_columns_load(const struct row *row, char out[TABLE_NAME_BYTES]);
/* "on", "off", "?" */
const char *table_columns_caching(const struct row *row);
const char *table_columns_text_of(const struct row *row, enum field_id id); /* else
                                                                               "unknown"
                                                                             */
bool table_columns_is_online(const struct row *row);

#endif
