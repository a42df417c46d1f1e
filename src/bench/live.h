/* The figures of a load while it runs, for the live line: rates and percentiles of the
 * last second or so, out of requests that have ended. */
#ifndef BENCH_LIVE_H
#define BENCH_LIVE_H

#include "base/clock.h"
#include "core/record.h"
#include "report/progress.h"
#include "stats/hist.h"

struct live_series {
    struct hist ttft_ns, itl_ns;
};

struct live {
    struct live_series recent, all;
    struct instant since; /* of `recent` */
    int64_t tokens_then;  /* output tokens at `since` */
    struct progress_load shown;
};

MUST_CHECK enum status live_init(struct live *l, struct instant now, struct err *e);
void live_fini(struct live *l);
void live_record(struct live *l, const struct request_record *r);
/* What to show now: l->shown with new figures once a second; tokens: output so far. */
const struct progress_load *live_turn(struct live *l, struct instant now, int64_t tokens);
/* The whole repeat's. */
const struct progress_load *live_end(struct live *l, double tokens_per_s);

#endif
