/* The plan: cells x repeats x requests, all drawn from the seed before anything is sent.
 * Pure: no file is read here (scenario files and data sets come in as structs). */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "core/engine.h"
#include "core/workload.h"
#include "plan/draw.h"
#include "plan/load.h"
#include "stats/search.h"

/* What a setting of the run has of its own. */
struct plan_setting {
    int64_t number;           /* among those given, from 1 */
    const char *name;         /* label of its rows; NULL: that of the run */
    bool caching;             /* of a server not ours true: what it does is read back */
    struct opt_strings words; /* of the engine's own command line, all of them */
    int64_t max_model_len;    /* of its engine; 0: unknown */
};

struct plan_options {
    const struct scenario *scenarios; /* [scenario_count], in the order wanted */
    size_t scenario_count;
    const struct load *loads; /* [load_count], all online or none */
    size_t load_count;
    int64_t max_tokens;  /* OPT_INT_UNSET: each scenario's own */
    int64_t num_runs;    /* warm-up included, >= 2; of a target: at most */
    int64_t ab_blocks;   /* >= 2: two arms, in so many blocks (blocks.h), and
                                num_runs is blocks_runs of it; 0: none */
    double target_share; /* half of the interval wanted, 0.02 for +-2 %; 0: none */
    double target_max_s; /* no second-stage repeat, and no block of a search,
                                begins later; 0: whenever */
    size_t more_cells;   /* that plan_add makes at most */
    const struct search
        *search;             /* blocks of loads that are added by and by; NULL: none */
    int64_t warmup_requests; /* online: sent before each repeat, others than
                                the measured */
    const struct plan_setting *settings; /* [setting_count], as plan_order_settings left
                                            them */
    size_t setting_count;
    int64_t launches;           /* each setting's engine is opened so often; 0 is 1 */
    bool is_target_of_launches; /* the target counts these, and takes so many at most */
    bool is_prefix_warm;        /* --prefix-reuse warm */
    bool is_chat;
    int64_t max_model_len; /* the least of all settings; 0: unknown */
    int64_t seed;
    const char *run;    /* online, part of the salts: another run on the same server finds
                        nothing of this one in its cache; NULL: none */
    const char *run_id; /* draws the order of the arms in each block */
};

struct plan_cell {
    const struct scenario *scenario;
    const struct load *load;
    int64_t max_tokens;
    const struct plan_setting *setting;
    enum plan_arm arm;
    size_t position;       /* of the setting among settings[] */
    int64_t launch;        /* of its engine, from 0 */
    char sha256[65];       /* of its work: neither of other cells nor of the
                              repeats' number */
    const int64_t *counts; /* [num_runs] measured requests of each repeat, >= 1 */
    int64_t most;          /* the largest of them */
};

struct plan {
    struct plan_options options;
    struct plan_cell
        *cells; /* [cell_count]: launches, settings, scenarios, loads, arms */
    size_t cell_count;
    size_t cell_room; /* of cells[]: with those that plan_add may make */
    char sha256[65];  /* of what decides the prompts, but for the vocabulary's size */
};

/* Which repeat to draw, and what the engine said of itself. */
struct plan_which {
    size_t cell;
    int64_t repeat;
    int64_t vocab_size; /* > 32 */
    int64_t block_size; /* of the prefix cache, tokens; 0 unknown */
    bool lacks_ids;     /* the engine takes text alone */
    bool lacks_salt;    /* its cache cannot be told runs apart: other ids in each run */
    bool lacks_cache;   /* it has no prefix cache, or that is off */
};

/* Whichever setting runs first meets a colder machine: draws from the run's id in which
 * order they take part. It has no part in any digest or other draw. */
void plan_order_settings(struct plan_setting *settings, size_t count, const char *run_id);

/* Which of `count` settings is opened at `place` of a launch (both from 0). Two take
 * turns as A B B A; more as a balanced Latin square has them (E. J. Williams, Aust. J.
 * Sci. Res. A 2 (1949) 149-168), every second launch in the reverse order of the one
 * before, so that what drifts over a run hits all alike. In `count` launches, of an odd
 * count in twice as many, each setting has had each place, and has followed each other
 * one, equally often. */
size_t plan_setting_at(size_t count, size_t launch, size_t place);

/* Refuses loads that cannot be, two of the same name, repeats without a request,
 * duplicate scenario names, and fixed lengths that do not fit max_model_len. */
MUST_CHECK enum status plan_build(const struct plan_options *o, struct arena *a,
                                  struct plan *out, struct err *e);

/* One more cell, as the first one but for its load, which is copied: a load that is known
 * only once others were measured. Refuses what plan_build does, and more than
 * more_cells. */
MUST_CHECK enum status plan_add(struct plan *p, const struct load *load, struct arena *a,
                                struct err *e);

/* Draws one repeat of one cell: ids in [16, 0.98 x vocab_size), prompts unique within the
 * repeat and across repeats, the same whatever the engine or the caching; with lacks_salt
 * of this run alone. Of a batch texts must have their ids; online, chat and texts go out
 * as `text` only. Online a salt keeps cold repeats apart. A closed load limited by time
 * alone gets as many requests as fit at 0.2 ms an answer's token (at most 1,000 a second
 * and slot, 200,000 and 1 GB of ids in all). Warm-up requests share nothing with measured
 * ones. All of it lives in the arena (and in the plan's texts). */
MUST_CHECK enum status plan_draw(const struct plan *p, const struct plan_which *w,
                                 struct arena *a, struct plan_repeat *out, struct err *e);

/* From the phase's start to the last send that a repeat may have, s; NAN where the engine
 * alone decides that. */
double plan_send_s(const struct plan *p, size_t cell, int64_t repeat);

/* After tokenizing: the first text that does not fit max_model_len is named. */
MUST_CHECK enum status plan_check_texts(const struct plan *p, struct err *e);

#endif
