/* The report of an analysis: the answer first, then what it rests on, then what was left
 * out. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "stats/analysis.h"
#include "report/document.h"
#include "report/plots.h"
#include "store/rows_load.h"

/* X(metric, head of a column, name): what machines are compared by. */
#define REPORT_METRICS(X)                     \
    X(tokens_per_second, "tok/s", "tokens/s") \
    X(first_token_latency, "TTFT", "TTFT")    \
    X(inter_token_latency, "TPOT", "TPOT")    \
    X(usd_per_million_output_tokens, "$/tok", "$/token")

struct report_input {
    const struct analysis *analysis;
    const struct loaded_rows *loaded; /* that the rows are of */
    const struct plots_result *plots;
    bool has_page; /* a form that shows what the page alone shows */
};

/* The answer alone: each machine against the baseline, ON against OFF of each machine,
 * over matched cells only. */
void report_answer(const struct analysis *x, struct document *d);
/* All of it, the answer first; the plots lie beside the report. */
void report_build(const struct report_input *in, struct document *d);
/* Its last parts, in files of their own: each machine (what was measured, versions,
 * settings, price and the best configurations), then warnings, what was left out and
 * why. */
void report_machines_put(const struct analysis *x, struct document *d);
void report_excluded_put(const struct analysis *x, const struct loaded_rows *loaded,
                         struct document *d);
/* What the page alone shows: title and lead; how many repeats have which verdict, and
 * why; what machines do not have in common; charts; all rows. */
void report_page_head(const struct analysis *x, struct document *d);
void report_page_verdicts(const struct analysis *x, struct document *d);
void report_page_charts(const struct analysis *x, struct document *d);
void report_machines_beside(const struct analysis *x, struct document *d);
void report_page_rows(const struct analysis *x, struct document *d);

#endif
