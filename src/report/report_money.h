/* What machines cost, in the report of an analysis and of a comparison. */
#ifndef REPORT_REPORT_MONEY_H
#define REPORT_REPORT_MONEY_H

#include "report/document.h"
#include "stats/analysis.h"

/* A cell is within its SLO if in each repeat this share of the requests met it. */
#define REPORT_MONEY_SLO_SHARE 0.99

struct report_money_ratio {
    const char *other, *baseline;
    const struct match_ratio *cost; /* other / baseline, a token */
    size_t cells;
    const char *lang; /* phrases.h; NULL: en */
};

/* "inf2.xlarge costs 0.53 [0.50, 0.56] of g5.xlarge a token in these 8 cells", or that
 * nobody can tell which costs less. Where cost is judged, by its verdict; at two prices,
 * by its 95 % interval, which of one launch a side must be beyond COMPARE_ASSUMED. */
const char *report_money_sentence(const struct report_money_ratio *r, struct arena *a);
/* Lines of the answer: that of each machine against the baseline, and the cheapest within
 * the SLO; nothing where no cost is known. */
void report_money_claims(const struct analysis *x, struct document *d);
/* Of one side: its cheapest cells, and what it takes to be cheaper than an API. */
void report_money_side(const struct analysis *x, const char *side, struct document *d);
/* "1.006 USD", with the other currency behind it, if one is shown. */
const char *report_money_usd(const struct analysis *x, double usd, struct arena *a);

#endif
