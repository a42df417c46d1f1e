/* The report's part on each machine: what was measured, versions, settings, price and the
 * best configurations. */
#ifndef REPORT_ANALYSIS_SIDES_H
#define REPORT_ANALYSIS_SIDES_H

#include "base/buf.h"
#include "report/analysis.h"

void analysis_sides_put(const struct analysis *x, struct buf *out);

#endif
