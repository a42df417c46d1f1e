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
    int64_t turns; /* offsets taken, that of stamp_init included */
    int64_t steps; /* jumps of the wall clock above 1 ms */
};

/* Three readings, one after the other. The offset is wall minus the mean of the others,
 * wrong by at most half the width, after - before. */
struct stamp_sandwich {
    struct instant before;
    struct wall wall;
    struct instant after;
};

/* Takes the first offset; stamps can be converted from here on. */
void stamp_init(struct stamp_clock *c);
/* Takes a sandwich; wider than 200 ns it is taken again (4 times at most, the narrowest
 * counts), and if all are, the offset before stays as long as it can still be true.
 * Returns the monotonic time of the last reading. */
struct instant stamp_turn(struct stamp_clock *c);
/* The rule of stamp_turn for the narrowest sandwich of a turn. */
void stamp_take(struct stamp_clock *c, struct stamp_sandwich s);
/* realtime_ns 0 (the kernel gave no stamp) is NS_UNKNOWN. */
struct instant stamp_mono(const struct stamp_clock *c, int64_t realtime_ns);

#endif
