/* The report's last parts: warnings, and what was left out and why. */
#ifndef REPORT_REPORT_EXCLUDED_H
#define REPORT_REPORT_EXCLUDED_H

#include "report/analysis.h"
#include "report/document.h"

void report_excluded_put(const struct analysis *x, struct document *d);

#endif
