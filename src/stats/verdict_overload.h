/* Could the server keep up with an open load, and was the load long enough to tell?
 *
 * OVERLOADED, if all hold, x = in flight at the end - in flight that early answers let
 * expect (L0), n = requests due since the end of the ramp-up:
 *
 *   1. in flight grows: last third of the steady part > 1.2 x middle third
 *   2. x > L0 / 4 + 3 sqrt(L0), the chance of requests that do not wait for each other
 *   3. x > 2 sqrt(2 n), the chance of a queue: arrivals minus completions of a server
 *      that just keeps up is a sum of 2 n independent steps of 1
 *   4. the steady part is at least 5 E0 long
 *
 * Else a run is VALID only if an overload of 1.5 would have shown. It leaves a third of
 * all requests in flight, give or take 2 standard deviations of n arrivals and 2 n / 3
 * completions. And a steady part below 12 E0 must not satisfy 2: whether in flight grows
 * or is only on its way to a higher level takes longer to see. Otherwise SHORT_RUN.
 *
 * Simulated: tests/oracle/test_overloaded.py. Definitions 1 have other rules: growth
 * beyond 3 sqrt of the thirds' mean alone, where the steady part is half of the window.
 */
#ifndef STATS_VERDICT_OVERLOAD_H
#define STATS_VERDICT_OVERLOAD_H

#include "stats/verdict_case.h"

/* Nothing where SHORT_RUN fires. */
void verdict_overload_judge(struct verdict_case *c);
void verdict_overload_short_run(struct verdict_case *c);

#endif
