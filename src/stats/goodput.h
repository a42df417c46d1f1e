/* Goodput: requests that meet every limit of --goodput. The limits stand in the field
 * `slo`, a JSON object with any of ttft_ms, tpot_ms and e2e_ms. */
#ifndef STATS_GOODPUT_H
#define STATS_GOODPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "core/record.h"
#include "stats/loadshape.h"

struct goodput {
    double ttft_ms, tpot_ms, e2e_ms; /* NAN: no such limit */
};

/* Reads the field `slo`. Unknown members are skipped. */
MUST_CHECK enum status goodput_read(const char *slo_json, struct goodput *out,
                                    struct err *e);
/* A limit itself is met. TTFT and E2E count from due. An answer of one token has no TPOT
 * and meets that limit; one whose TPOT is unknown does not. */
bool goodput_is_met(const struct goodput *g, const struct gather_scope *scope,
                    const struct request_record *q);

struct goodput_count {
    int64_t good;  /* met every limit */
    int64_t due;   /* of so many: answered, failed or unanswered */
    double served; /* good ones, for a rate: of a closed load each by its share in the
                      window (loadshape_share), else as many as `good` */
};

/* good and due: of the requests due in the window; with a whole window, and in
 * definitions 1, of all. */
struct goodput_count goodput_count(const struct goodput *g, const struct loadshape *l);

#endif
