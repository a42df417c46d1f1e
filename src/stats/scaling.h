/* How throughput scales with the batch size, or with the rate of requests: lines, each of
 * cells that differ in it alone. Pure. */
#ifndef STATS_SCALING_H
#define STATS_SCALING_H

#include "stats/analysis.h"

struct scaling_line {
    const char *scenario, *side;
    const char *name; /* "g5, online, caching ON, dtype=float16": what tells it from other
                         lines; the same in all scenarios */
    int variant;      /* 0.. among the names of one side, mode and caching */
    const struct match_cell *
        *cells; /* [count] by batch size (online: concurrency), or rate */
    size_t count;
};

struct scaling {
    struct scaling_line *items; /* [count] by first appearance of their cells */
    size_t count;
};

/* Of all measured cells with a throughput and `by`: FIELD_batch_size, or
 * FIELD_request_rate (that of inf is none). What follows from the batch
 * may differ with it: the number of requests of a closed load and the plan's digest, and
 * of an engine that is compiled for its batch (max_num_seqs is it) the token limits, room
 * of the KV cache and the digest of settings. Everything lives in the arena, which tells
 * whether it found memory. */
void scaling_build(const struct analysis *x, enum field_id by, struct arena *a,
                   struct scaling *out);

#endif
