/* Prices of the rows under analysis, and what a million tokens costs. Pure. */
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
    const char *why;     /* it is unknown; NULL if it is not */
    bool is_own;         /* of a file of the user's */
    bool is_old;         /* collected longer ago than prices are good for */
};

/* How the report shows money. */
struct money_view {
    double api_in, api_out; /* USD per million tokens of an API; NAN: none was given */
    const char *currency;   /* shown behind USD; NULL: none */
    double fx;              /* of it for one USD */
};

/* A row gets its price from `named` (--price-per-hour: "USD", or NAME=USD for the rows of
 * a label or an instance type), else its own of listed, [rows->count], if that is of the
 * user's file; both replace a price that is there. A row without a price, or with one
 * that an older version guessed for a region that it did not know, gets that of listed,
 * or loses the guess. What has none keeps why (no_price). Sources are borrowed. */
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
