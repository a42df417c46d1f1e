/* Prices of machines: data/prices.yaml, built in, dated. */
#ifndef PROBE_PRICES_H
#define PROBE_PRICES_H

#include "base/arena.h"
#include "base/status.h"

struct price {
    double usd_per_hour; /* NAN if unknown */
    const char *source; /* e.g. "on demand, us-east-1, collected 2026-11"; NULL if unknown
                         */
};

/* region NULL: us-east-1, and the source says so. An unknown type gives NAN, not an
 * error. */
MUST_CHECK enum status prices_find(const char *instance_type, const char *region,
                                   struct arena *a, struct price *out, struct err *e);

#endif
