/* The plan of an online run: cells x repeats x requests with their due times, all drawn
 * from the seed before anything is sent. Pure, as plan.h, whose prompts it uses. */
#ifndef PLAN_ONLINE_H
#define PLAN_ONLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/plan.h"

enum online_load_kind { ONLINE_CLOSED, ONLINE_OPEN };
enum online_arrival { ONLINE_POISSON, ONLINE_CONSTANT, ONLINE_GAMMA };

/* The load of a cell. */
struct online_load {
    enum online_load_kind kind;
    int64_t concurrency; /* closed: slots, >= 1 */
    double rate_rps;     /* open: mean arrival rate; INFINITY: all at once */
    enum online_arrival arrival;
    double burstiness;       /* gamma: its shape; 1 is Poisson, less is burstier */
    int64_t max_concurrency; /* open: no more in flight; OPT_INT_UNSET: no limit */
    int64_t num_prompts;     /* requests of a repeat; OPT_INT_UNSET: as --duration says */
    double duration_s;       /* no request is due later; NAN: no such limit */
    double ramp_up_s; /* open: the rate grows linearly from 0 over it; closed: slot i of n
                         starts at i/n of it */
};

struct online_options {
    const struct scenario *scenarios; /* [scenario_count] */
    size_t scenario_count;
    const struct online_load *loads; /* [load_count] */
    size_t load_count;
    int64_t max_tokens;      /* OPT_INT_UNSET: each scenario's own */
    int64_t num_runs;        /* warm-up included, >= 2 */
    int64_t warmup_requests; /* sent before each repeat, others than the measured */
    bool caching[2];         /* as plan_options; a server not ours: one entry, and
                                what it does is read back */
    size_t caching_count;
    bool is_prefix_warm, is_chat;
    int64_t max_model_len; /* 0: unknown */
    int64_t seed;
    const char *run; /* part of the salts: another run on the same server finds nothing of
                        this one in its cache; NULL: none */
};

struct online_cell {
    const struct scenario *scenario;
    const struct online_load *load;
    int64_t max_tokens;
    bool caching;
    size_t setting;        /* which caching[] */
    char sha256[65];       /* as that of a plan_cell */
    const int64_t *counts; /* [num_runs] measured requests of each repeat, >= 1 */
    int64_t most;          /* the largest of them */
};

struct online_plan {
    struct online_options options;
    struct online_cell *cells; /* [cell_count]: settings, then scenarios, then loads */
    size_t cell_count;
    char sha256[65];
};

/* One repeat, drawn. */
struct online_repeat {
    struct engine_request *requests; /* [count], indices 0.. ; the warm-up requests are
                                        the last `warmup_count` of them */
    size_t count, warmup_count;
    int64_t *due_ns; /* open: [count - warmup_count], ascending, from the phase's start;
                        closed: NULL */
    int64_t longest_tokens;         /* TOKENS_UNKNOWN for texts without ids */
    int64_t expected_cached_tokens; /* of the measured requests; as in plan.h */
    bool shares_prefix;
};

/* Refuses loads that cannot be, two of the same name, and repeats without a request. */
MUST_CHECK enum status online_build(const struct online_options *o, struct arena *a,
                                    struct online_plan *out, struct err *e);

/* "c8" of a closed load, "r4", "r0.5", "rinf" of an open one: names of streams and salts
 * have it, so neither the server nor its caching takes part in a draw. */
#define ONLINE_NAME_BYTES 40
void online_load_name(const struct online_load *load, char out[ONLINE_NAME_BYTES]);

/* As plan_draw. which->block_size 0, or texts without ids: expected hits unknown. Cold: a
 * salt a repeat. A closed load limited by time alone gets as many requests as fit at 0.2
 * ms an answer's token (at most 1,000 a second and slot, 200,000 and 1 GB of ids in all).
 * Chat, and texts without ids: requests
 * have `text` only. Warm-up requests share nothing with measured ones. */
MUST_CHECK enum status online_draw(const struct online_plan *p,
                                   const struct plan_which *w, struct arena *a,
                                   struct online_repeat *out, struct err *e);

/* From the phase's start to the last send that a repeat may have, s; NAN where the server
 * alone decides that: a closed load without a time. */
double online_send_s(const struct online_plan *p, size_t cell, int64_t repeat);

#endif
