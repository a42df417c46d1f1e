/* The report of an analysis: the answer first, then what it rests on, then what was left
 * out. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "report/analysis.h"
#include "report/document.h"
#include "report/plots.h"

/* The answer alone: each machine against the baseline, ON against OFF of each machine,
 * over matched cells only. */
void report_answer(const struct analysis *x, struct document *d);
/* All of it, the answer first; the plots lie beside the report. */
void report_build(const struct analysis *x, const struct plots_result *plots,
                  struct document *d);

#endif
