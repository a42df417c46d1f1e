/* summary_report.txt: the answer first, then what it rests on, then what was left out. */
#ifndef REPORT_ANALYSIS_TEXT_H
#define REPORT_ANALYSIS_TEXT_H

#include "base/buf.h"
#include "report/analysis.h"

/* The first lines alone: each machine against the baseline, ON against OFF of each
 * machine, over matched cells only. */
enum status analysis_text_answer(const struct analysis *x, struct buf *out);
/* The whole report, 80 columns. */
enum status analysis_text_report(const struct analysis *x, struct buf *out);
/* A heading, underlined; an empty line before it. */
void analysis_text_heading(const char *text, struct buf *out);
/* A failure of `part`, from which something was to go into out, becomes out's, so that
 * nothing is lost in silence. */
void analysis_text_pass(const struct buf *part, struct buf *out);

#endif
