/* Prompts of drawn ids. Everything comes from named streams of the seed:
 *
 *   prefix/SCENARIO/BATCH/REPEAT      the shared part, new in each repeat (cold)
 *   prefix/SCENARIO/BATCH/warm        the same shared part in all repeats (warm)
 *   prefix/SCENARIO/BATCH/.../K       that of prompts K, K + N, ...: the K-th of N
 *   prompt/SCENARIO/BATCH/REPEAT/I    the own part of prompt I
 *   unique/SCENARIO/BATCH             how prompts are numbered, see prompts.c
 *
 * (online, the load's name takes the place of BATCH), so no cell, repeat or prompt
 * changes the draws of another. Neither the engine nor its caching takes part. */
#ifndef PLAN_PROMPTS_H
#define PLAN_PROMPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

#define PROMPTS_FIRST_ID  16 /* ids below are special tokens in many vocabularies */
#define PROMPTS_MAX_VOCAB (INT64_C(1) << 24)
#define PROMPTS_MAX_COUNT INT64_C(1000000000) /* prompts of a cell, all repeats */

struct prompts {
    const char *scenario; /* at most 64 bytes */
    const char *cell;     /* instead of BATCH in the names; NULL: batch_size */
    int64_t batch_size;   /* prompts of a repeat at most */
    int64_t count;        /* prompts of the repeat to draw; 0: batch_size */
    int64_t num_runs;
    int64_t shared_tokens;
    int64_t prefixes;   /* prompts take them in turn; 0 is 1 */
    int64_t own_tokens; /* >= 1 */
    int64_t vocab_size;
    int64_t seed;
    bool is_prefix_warm;
};

/* One past the largest id: 0.98 x vocabulary, rounded down (padding rows and special
 * tokens stand at the end). */
int64_t prompts_id_end(int64_t vocab_size);

/* *out: ids of one repeat, [count][shared_tokens + own_tokens], in the arena. No two
 * prompts of a cell, whatever their repeat, are equal. BAD_OPTION where the vocabulary is
 * too small for that, or out of range. */
MUST_CHECK enum status prompts_draw(const struct prompts *p, int64_t repeat,
                                    struct arena *a, int32_t **out, struct err *e);

#endif
