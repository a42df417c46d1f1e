/* What a server says of itself, asked apart from the load: readiness, models, version,
 * counters. */
#ifndef ENGINES_OPENAI_SERVER_H
#define ENGINES_OPENAI_SERVER_H

#include "base/arena.h"
#include "base/proc.h"
#include "core/engine.h"
#include "http/rest.h"
#include "http/url.h"

struct openai_counters {
    double prefix_queries, prefix_hits; /* tokens; NAN where the server does not tell */
    double preemptions, kv_usage;
};

struct openai_server {
    struct rest *rest;
    const char *base; /* "http://127.0.0.1:8000/prefix" */
    const struct engine_target *options;
    struct arena *arena;
    struct openai_counters before; /* at the last engine_openai_server_counters */
};

MUST_CHECK enum status engine_openai_server_open(struct openai_server *s,
                                                 const struct url *u,
                                                 const struct engine_target *options,
                                                 struct arena *a, struct err *e);
void engine_openai_server_close(struct openai_server *s); /* idempotent */

/* Waits for /health to answer 200 (404: the server has none, then for /v1/models).
 * `launched`: the server's own process, whose end ends the wait; or NULL. */
MUST_CHECK enum status engine_openai_server_ready(struct openai_server *s,
                                                  const struct engine_watch *w,
                                                  struct proc *launched, struct err *e);
/* `wanted` if the server has it, its only model where wanted is NULL; into the arena.
 * Others are listed in the error. *max_model_len 0: not said. */
MUST_CHECK enum status engine_openai_server_model(struct openai_server *s,
                                                  const char *wanted, const char **model,
                                                  int64_t *max_model_len, struct err *e);
/* What is known of the engine behind it: version, block size, caching, KV size,
 * simulated. Sets only what it was told. */
MUST_CHECK enum status engine_openai_server_facts(struct openai_server *s,
                                                  struct engine_facts *facts,
                                                  struct err *e);
/* Row numbers since the last call: preemptions, kv_usage_max, and *hits, the prompt
 * tokens served from the cache (NAN unknown). */
MUST_CHECK enum status engine_openai_server_counters(struct openai_server *s,
                                                     struct row *fields, double *hits,
                                                     struct err *e);
/* POST /reset_prefix_cache; *done false where the server has it not. */
MUST_CHECK enum status engine_openai_server_reset(struct openai_server *s, bool *done,
                                                  struct err *e);

#endif
