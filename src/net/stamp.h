/* Kernel receive stamps (CLOCK_REALTIME) on the monotonic time line. One sandwich of
 * clock readings a loop turn; the offset in force when a stamp is converted is the
 * nearest in time. */
#ifndef NET_STAMP_H
#define NET_STAMP_H

#include <stdint.h>

#include "base/clock.h"

struct stamp_clock {
    int64_t offset_ns; /* REALTIME - MONOTONIC */
    int64_t width_ns;  /* of the sandwich it comes from */
    int64_t offset_min_ns, offset_max_ns, width_max_ns; /* over the clock's life */
    int64_t turns, steps; /* steps: jumps of the wall clock above 1 ms */
};

void stamp_init(struct stamp_clock *c);
/* Takes a sandwich; wider than 200 ns it is taken again (4 times at most, the narrowest
 * counts), and if all are, the offset before stays unless the clock stepped. Returns the
 * monotonic time of the last reading. */
struct instant stamp_turn(struct stamp_clock *c);
/* realtime_ns 0 (the kernel gave no stamp) is NS_UNKNOWN. */
struct instant stamp_mono(const struct stamp_clock *c, int64_t realtime_ns);

#endif
