/* Several processes send one load: which requests of a repeat are this one's. */
#ifndef BENCH_SHARE_H
#define BENCH_SHARE_H

#include "plan/draw.h"

struct bench_share {
    int rank, count; /* of the processes; count 0: one alone */
};

static inline int share_count(const struct bench_share *s)
{
    return s->count > 1 ? s->count : 1;
}
/* Part i of n of a whole; the parts differ by one at most. */
static inline int64_t share_part(int64_t whole, int64_t i, int64_t n)
{
    return whole / n + (i < whole % n);
}
/* Of n processes the one with rank r sends, of the requests that wait for none, the r-th
 * and every n-th after it, with all that wait for them; they keep index and due time, so
 * that all together send what one process would. Measured and warm-up requests are dealt
 * apart. Arrays are in the arena. */
MUST_CHECK enum status share_take(const struct bench_share *s, struct arena *a,
                                  struct plan_repeat *plan, struct err *e);

#endif
