/* The report's last parts: warnings, and what was left out and why. */
#ifndef REPORT_REPORT_EXCLUDED_H
#define REPORT_REPORT_EXCLUDED_H

#include "report/document.h"
#include "stats/analysis.h"
#include "store/rows_load.h"

/* loaded: that the rows are of */
void report_excluded_put(const struct analysis *x, const struct loaded_rows *loaded,
                         struct document *d);

#endif
