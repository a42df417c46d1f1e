/* The plan: cells x repeats x requests, all drawn from the seed before anything is sent.
 * Pure: no file is read here (scenario files and data sets come in as structs). */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/opt.h"
#include "base/status.h"
#include "core/engine.h"
#include "core/workload.h"

struct plan_options {
    const struct scenario *scenarios; /* [scenario_count], in the order wanted */
    size_t scenario_count;
    struct opt_ints batch_sizes;
    int64_t max_tokens; /* OPT_INT_UNSET: each scenario's own */
    int64_t num_runs;   /* warm-up included, >= 2 */
    bool caching[2];    /* engine settings in the order in which they run */
    size_t caching_count;
    bool is_prefix_warm; /* --prefix-reuse warm */
    int64_t max_model_len;
    int64_t seed;
};

struct plan_cell {
    const struct scenario *scenario;
    int64_t batch_size;
    int64_t max_tokens;
    bool caching;
    size_t setting;  /* which caching[] */
    char sha256[65]; /* of its work: neither of other cells nor of the repeats' number */
};

struct plan {
    struct plan_options options;
    struct plan_cell *cells; /* [cell_count]: settings, then scenarios, then batch sizes
                              */
    size_t cell_count;
    char sha256[65]; /* of what decides the prompts, but for the vocabulary's size */
};

/* Which repeat to draw, and what the engine said of itself. */
struct plan_which {
    size_t cell;
    int64_t repeat;
    int64_t vocab_size; /* > 32 */
    int64_t block_size; /* of the prefix cache, tokens; 0 unknown */
};

/* One repeat, drawn. */
struct plan_repeat {
    struct engine_request *requests; /* [count] */
    size_t count;
    int64_t longest_tokens;
    int64_t expected_cached_tokens; /* hits the prompts allow (DESIGN.md); TOKENS_UNKNOWN
                                       if block_size is 0; 0 with caching off */
    bool shares_prefix; /* caching on could save at least one block in such a repeat
                           (warm: from repeat 1 on); blocks of 16 tokens where the size is
                           unknown */
};

/* Whichever setting runs first meets a colder machine: the order of OFF and ON is drawn
 * from the run's id. Takes no part in any digest or other draw. */
void plan_order_settings(bool *caching, size_t count, const char *run_id);

/* Refuses duplicate scenario names, and fixed lengths that do not fit max_model_len. */
MUST_CHECK enum status plan_build(const struct plan_options *o, struct arena *a,
                                  struct plan *out, struct err *e);

/* Draws one repeat of one cell: ids in [16, 0.98 x vocab_size), prompts unique within the
 * batch and across repeats, the same whatever the engine or the caching. Texts must have
 * their ids. All of it lives in the arena (and in the plan's texts). */
MUST_CHECK enum status plan_draw(const struct plan *p, const struct plan_which *w,
                                 struct arena *a, struct plan_repeat *out, struct err *e);

/* After tokenizing: the first text that does not fit max_model_len is named. */
MUST_CHECK enum status plan_check_texts(const struct plan *p, struct err *e);

#endif
