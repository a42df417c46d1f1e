/* The report's last parts: warnings, and what was left out and why. */
#ifndef REPORT_ANALYSIS_LEFT_H
#define REPORT_ANALYSIS_LEFT_H

#include "base/buf.h"
#include "report/analysis.h"

void analysis_left_put(const struct analysis *x, struct buf *out);

#endif
