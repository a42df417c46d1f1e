/* Hits of a prefix cache that never forgets, counted before a run.
 *
 * A cache of blocks of B tokens saves, for a request of L tokens, the whole blocks that
 * lie in the longest prefix it shares with an earlier request, but never the last token,
 * which the engine computes anyway: floor(min(s, L - 1) / B) * B tokens (DESIGN, "Prefix
 * caching, measured properly"). All whole blocks of an earlier request count as cached,
 * those of the same batch too: vLLM registers a block when it schedules the request that
 * fills it. */
#ifndef PLAN_HITS_H
#define PLAN_HITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct hits_node;

/* A tree of the blocks seen, its edges in one hash table: O(tokens) time in all. */
struct hits {
    size_t block_tokens;
    struct hits_node *nodes; /* [node_count] */
    size_t node_count, node_room;
    size_t *slots; /* [slot_count], 1 + index into nodes, 0 empty; slot_count a power of
                      two */
    size_t slot_count;
};

/* block_tokens > 0. Nothing is allocated yet. */
void hits_init(struct hits *h, size_t block_tokens);
/* *cached: tokens of this prompt that the ones before it allow to be hits. ids are
 * borrowed until hits_fini. On NO_MEMORY *cached is untouched and the count unusable. */
MUST_CHECK enum status hits_add(struct hits *h, const int32_t *ids, size_t id_count,
                                int64_t *cached);
void hits_fini(struct hits *h);

#endif
