/* The requests of one repeat, and the hits they allow. */
#ifndef PLAN_DRAW_H
#define PLAN_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "core/engine.h"
#include "core/workload.h"

/* Of --ab interleaved: one engine whose cache is on serves both in turn. OFF: each
 * request has a salt of its own, so that it finds nothing; ON: one salt a repeat. X(id,
 * name in rows) */
#define PLAN_ARMS(X) X(OFF, "off") X(ON, "on")

#define X(id, name) PLAN_ARM_##id,
enum plan_arm { PLAN_ARM_NONE, PLAN_ARMS(X) };
#undef X

/* In rows: "off", "on"; none: NULL. */
const char *draw_arm_name(enum plan_arm arm);
/* On screen, behind something: " arm=off", " arm=on"; none: "". */
const char *draw_arm_label(enum plan_arm arm);

/* One repeat, drawn. */
struct plan_repeat {
    struct engine_request *requests; /* [count], indices 0.. ; the warm-up requests are
                                        the last `warmup_count` of them */
    size_t count, warmup_count;
    int64_t *due_ns; /* open: [count - warmup_count], ascending, from the phase's start;
                        else NULL */
    int64_t longest_tokens;         /* TOKENS_UNKNOWN for texts without ids */
    int64_t expected_cached_tokens; /* of the measured ones: hits the prompts allow
                                       (DESIGN.md); TOKENS_UNKNOWN if block_size is 0, or
                                       for texts without ids; 0 with caching off */
    bool shares_prefix; /* caching on could save at least one block in such a repeat
                           (warm: from repeat 1 on); blocks of 16 tokens where the size is
                           unknown */
};

struct draw {
    const struct scenario *scenario;
    const char *cell; /* in the names of streams and salts: "4" offline, "c8" online */
    const char *run;  /* in salts: keeps another run on one server apart; NULL: none */
    int64_t most;     /* requests of a repeat at most */
    const int64_t *counts; /* [num_runs] of each repeat; NULL: `most` in all */
    int64_t num_runs;
    int64_t max_tokens; /* as plan_options */
    int64_t vocab_size; /* > 32; where ids are drawn and sent */
    int64_t block_size; /* of the prefix cache, tokens; 0 unknown */
    int64_t seed;
    size_t first_text; /* request 0 takes this one, modulo text_count */
    bool is_prefix_warm, caching;
    enum plan_arm arm; /* OFF: a salt of its own for each request, no hit */
    bool is_unsalted;  /* the run's name decides ids instead of a salt */
    bool as_text;      /* prompts go out as text: no ids, lengths and hits unknown */
    bool is_online; /* prompts of ids carry a salt too: the cache outlives a repeat; salts
                       are hex digits: vLLM's server refuses '/', '@' and more than 128 */
};

/* Everything but the hits. Texts that go out as ids must have them. Of a prompt as text
 * the request has `text` only. */
MUST_CHECK enum status draw_requests(const struct draw *d, int64_t repeat,
                                     struct arena *a, struct plan_repeat *out,
                                     struct err *e);
/* All of it. as_text: shares_prefix is judged by 16 words, or 64 bytes of given texts,
 * a block; expected hits are unknown. */
MUST_CHECK enum status draw_repeat(const struct draw *d, int64_t repeat, struct arena *a,
                                   struct plan_repeat *out, struct err *e);

#endif
