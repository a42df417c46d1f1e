/* OFF against ON at the end of a run: a line a matched cell. */
#ifndef REPORT_TABLE_CACHING_H
#define REPORT_TABLE_CACHING_H

#include "report/document.h"
#include "stats/summary.h"

/* rows: of rows_build_all. Nothing where no cell has both. */
MUST_CHECK enum status table_caching_put(const struct run_data *run,
                                         const struct row *rows, struct document *d,
                                         struct err *e);

#endif
