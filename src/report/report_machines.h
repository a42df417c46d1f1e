/* The report's part on each machine: what was measured, versions, settings, price and the
 * best configurations. */
#ifndef REPORT_REPORT_MACHINES_H
#define REPORT_REPORT_MACHINES_H

#include "stats/analysis.h"
#include "report/document.h"

void report_machines_put(const struct analysis *x, struct document *d);

#endif
