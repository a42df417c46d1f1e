/* Prices of machines: data/prices.yaml, built in, dated. */
#ifndef PROBE_PRICES_H
#define PROBE_PRICES_H

#include "base/arena.h"
#include "base/status.h"
#include "stats/pricing.h"

/* region NULL: us-east-1, and the source says so. An unknown type gives NAN, not an
 * error. */
MUST_CHECK enum status prices_find(const char *instance_type, const char *region,
                                   struct arena *a, struct price *out, struct err *e);
/* Of each row: that of its instance type in the region that its file names; [rows->count]
 * in the arena. */
MUST_CHECK enum status prices_of_rows(const struct analysis_rows *rows, struct arena *a,
                                      const struct price **out, struct err *e);

#endif
