#include "stats/sprt.h"

#include <math.h>

#include "stats/interval.h"

#define ROUNDING 1e-9 /* of a share: 297 of 300 are 99 % */

void sprt_add(struct sprt *t, bool is_good)
{
    const double part = SPRT_ERROR / SPRT_PROBES, bound = log((1 - part) / part);
    if (t->end != SPRT_OPEN)
        return;
    if (is_good) {
        t->good++;
        t->log_ratio += log(SPRT_GOOD_SHARE / SPRT_BAD_SHARE);
    } else {
        t->bad++;
        t->log_ratio += log((1 - SPRT_GOOD_SHARE) / (1 - SPRT_BAD_SHARE));
    }
    if (t->log_ratio >= bound)
        t->end = SPRT_PASS;
    else if (t->log_ratio <= -bound)
        t->end = SPRT_FAIL;
    else if (t->good + t->bad >= SPRT_BLOCKS)
        t->end = SPRT_UNDECIDED;
}

bool sprt_is_good(int64_t good, int64_t due, double share)
{
    return due > 0 && (double)good / (double)due >= share - ROUNDING;
}

bool sprt_loadgen_passes(int64_t late, int64_t due, double share)
{
    if (late >= due || due <= 0)
        return false;
    double risk = interval_beta_inc(share, (double)(due - late), (double)(late + 1));
    return risk <= SPRT_LOADGEN_RISK;
}
