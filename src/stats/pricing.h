/* Prices of the rows under analysis, and what a million output tokens costs. Pure. */
#ifndef STATS_PRICING_H
#define STATS_PRICING_H

#include "base/arena.h"
#include "base/opt.h"
#include "base/status.h"
#include "stats/analysis_row.h"

struct price {
    double usd_per_hour; /* NAN if unknown */
    const char *source;  /* e.g. "on demand, us-east-1, collected 2026-11"; NULL
                            if unknown */
};

/* A row without a price gets it from `named` (--price-per-hour: "USD", or NAME=USD for
 * the rows of a label or an instance type; both replace a price that is there), else its
 * own of listed: [rows->count]. Sources are borrowed. */
void pricing_apply(const struct analysis_rows *rows, const struct opt_strings *named,
                   const struct price *listed);
/* Warnings of prices whose NAME is no label and no instance type of any row: *out gets
 * one line each, [*count]. Texts live in the arena. NO_MEMORY is the only failure. */
MUST_CHECK enum status pricing_unused(const struct analysis_rows *c,
                                      const struct opt_strings *named, struct arena *a,
                                      const char ***out, size_t *count);
/* BAD_OPTION for a price that is no number. */
MUST_CHECK enum status pricing_check(const struct opt_strings *named, struct err *e);

#endif
