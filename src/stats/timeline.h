/* What came when in a repeat, in few numbers: for pictures. */
#ifndef STATS_TIMELINE_H
#define STATS_TIMELINE_H

#include "base/arena.h"
#include "base/status.h"
#include "stats/loadshape.h"

#define TIMELINE_BINS 60 /* at most; 24 at least */

/* Samples of the KV cache's use. */
struct timeline_kv {
    const char *json;     /* of FIELD_kv_usage; NULL: none */
    int64_t run_start_ns; /* of the wall clock, where instants are 0 */
};

/* JSON text, in the arena; NULL where nothing was sent or came back:
 *   step_s             width of a bin, 1, 2 or 5 times a power of ten; the first begins
 *                      with the first send, the last holds the end of the last request
 *   window_s           [begin, end] of what is judged, from the first send
 *   in_flight          mean number of requests between send and end, of each bin
 *   kv_usage           greatest sample of the KV cache's use in the bin, null where
 *                      there is none; null without samples (FIELD_kv_usage of the row)
 *   tokens_per_second  output tokens that were made in the bin by its width (as
 *                      loadshape_tokens counts them); null where some answer's tokens
 *                      are unknown, or has_instants is false
 * Values have four digits. */
MUST_CHECK enum status timeline_of(const struct loadshape *l, bool has_instants,
                                   struct timeline_kv kv, struct arena *a,
                                   const char **out);

#endif
