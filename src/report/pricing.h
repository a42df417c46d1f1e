/* Prices of the rows under analysis, and what a million output tokens costs. */
#ifndef REPORT_PRICING_H
#define REPORT_PRICING_H

#include "base/arena.h"
#include "base/opt.h"
#include "base/status.h"
#include "store/rows_load.h"

/* A row without a price gets it from `prices` (--price-per-hour: "USD", or NAME=USD for
 * the rows of a label or an instance type; both replace a price that is there), else from
 * the list of prices, by the region that its file names. Texts live in the arena. */
MUST_CHECK enum status pricing_apply(struct corpus *c, const struct opt_strings *prices,
                                     struct arena *a, struct err *e);
/* Warnings of prices whose NAME is no label and no instance type of any row: *out gets
 * one line each, [*count]. Texts live in the arena. NO_MEMORY is the only failure. */
MUST_CHECK enum status pricing_unused(const struct corpus *c,
                                      const struct opt_strings *prices, struct arena *a,
                                      const char ***out, size_t *count);
/* BAD_OPTION for a price that is no number. */
MUST_CHECK enum status pricing_check(const struct opt_strings *prices, struct err *e);

#endif
