/* Due times of an open load, drawn before the start from a random stream of their own.
 * Nothing is rescaled afterwards: a drawn process has a count or a length that varies,
 * and a mean rate that is met on the average over many repeats, not in each.
 *
 * Gaps are drawn with mean 1 and made times by the load's rate:
 *   poisson    exponential: the arrivals of many independent users
 *   gamma      of shape `burstiness` b, coefficient of variation 1 / sqrt(b): 1 is
 *              poisson, less is burstier (Marsaglia, Tsang: A simple method for
 *              generating gamma variables, ACM TOMS 26, 2000)
 *   constant   1; the first request is due at once, those of the others after a gap
 * Ramp-up: the rate grows linearly from 0 to `rate_rps` over ramp_up_s. Request k is due
 * when the integral of the rate reaches the sum of its gaps (a change of time), so
 * rate_rps * ramp_up_s / 2 requests fall into the ramp on the average. */
#ifndef PLAN_ARRIVALS_H
#define PLAN_ARRIVALS_H

#include <stddef.h>
#include <stdint.h>

#include "core/workload.h"

#define ARRIVALS_MOST 10000000 /* requests of a repeat */

struct arrivals {
    const struct load *load; /* open, rate_rps > 0, num_prompts or
                                duration_s set */
    int64_t seed;
    const char *stream; /* e.g. "arrival/short/r4/0" */
};

/* Requests of that repeat: num_prompts, or fewer where duration_s ends before them;
 * those due before duration_s where that alone limits. Above ARRIVALS_MOST: one more
 * than it. */
size_t arrivals_count(const struct arrivals *a);
/* The first `count` due times from the phase's start, ascending; for a rate of infinity
 * all 0. */
void arrivals_draw(const struct arrivals *a, int64_t *due_ns, size_t count);
/* The last of them; 0 where count is 0. */
int64_t arrivals_last_ns(const struct arrivals *a, size_t count);

#endif
