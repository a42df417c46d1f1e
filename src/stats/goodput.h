/* Goodput: requests that meet every limit of --goodput. The limits stand in the field
 * `slo`, a JSON object with any of ttft_ms, tpot_ms and e2e_ms. */
#ifndef STATS_GOODPUT_H
#define STATS_GOODPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "core/record.h"

struct goodput {
    double ttft_ms, tpot_ms, e2e_ms; /* NAN: no such limit */
};

/* Reads the field `slo`. Unknown members are skipped. */
MUST_CHECK enum status goodput_read(const char *slo_json, struct goodput *out,
                                    struct err *e);
/* A limit itself is met. TTFT and E2E count from due. An answer of one token has no TPOT
 * and meets that limit; one whose tokens are unknown does not. */
bool goodput_is_met(const struct goodput *g, const struct request_record *q);
int64_t goodput_count(const struct goodput *g, const struct repeat_data *repeat);

#endif
