/* Times of one rank of a run as rank 0's clock would have shown them. */
#ifndef STORE_RANKS_CLOCK_H
#define STORE_RANKS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/run_data.h"
#include "store/journal_order.h"

/* A line through two comparisons of the clocks: to the time t of a rank's journal it adds
 * shift_ns, and rise_ns * (t - from_ns) / length_ns; before from_ns and beyond the length
 * no more than at that end. Never runs backwards. */
struct ranks_clock_map {
    int64_t shift_ns, rise_ns;
    int64_t from_ns, length_ns; /* 0: the shift alone */
    int64_t error_ns;           /* what it gives is true within +- this */
};

/* The map of the times of a repeat, as a rank's journal has it, to those of rank 0's:
 * through the last comparison before the repeat and the first one after it. Where one is
 * missing, the other alone, its error grown by 100 ppm of the time to the repeat's far
 * end.
 *   returns  NULL, or why there is no map, in words that follow "rank 3: " */
const char *ranks_clock_find(const struct journal_note *rank,
                             const struct journal_note *first,
                             const struct repeat_data *r, struct ranks_clock_map *out);
/* NS_UNKNOWN stays so. */
int64_t ranks_clock_at(const struct ranks_clock_map *m, int64_t at_ns);
/* All times of a request; durations stay. */
void ranks_clock_request(const struct ranks_clock_map *m, struct request_record *q);

#endif
