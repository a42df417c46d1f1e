/* What a server says of itself, asked apart from the load: readiness, models, version,
 * counters.
 *
 * Many servers have a thread for each connection, and so few that one of ours would take
 * it from the load. So each call has a connection of its own that ends with the call, and
 * while requests run only a server is called that is known to answer cheaply. */
#ifndef ENGINES_OPENAI_SERVER_H
#define ENGINES_OPENAI_SERVER_H

#include <jansson.h>

#include "base/arena.h"
#include "base/proc.h"
#include "core/engine.h"
#include "engines/kv_series.h"
#include "http/openai_dialect.h"
#include "http/rest.h"
#include "http/url.h"

/* Differences over a time, NAN where the server does not tell. */
struct openai_counters {
    double prefix_queries, prefix_hits; /* tokens */
    double preemptions;
    double kv_usage_max;  /* 0..1, of the samples in between; NAN: none, or one missed */
    const char *kv_usage; /* these samples, as JSON; NULL: likewise */
};

/* Connections that the load keeps between two phases. */
struct openai_kept {
    size_t (*count)(void *arg);
    void (*close)(void *arg); /* all of them */
    void *arg;
};

struct openai_server {
    struct rest *rest;
    struct openai_kept kept; /* count NULL: none */
    bool is_held;            /* got no answer until they were closed */
    const char *base;        /* "http://127.0.0.1:8000/prefix" */
    const char *api;         /* of the API: "http://127.0.0.1:8000/prefix/v1" */
    const char *query;       /* "" or "?..." */
    bool is_guess;           /* api may also be without "/v1": not yet known */
    bool is_bare;            /* it is */
    const struct openai_dialect *dialect; /* NULL: not yet known */
    json_t *models;                       /* its list, an array; NULL: none was told */
    json_t *version;                      /* of /version, where that was asked; NULL */
    int64_t vocab_size;                   /* told in that list; 0 */
    bool is_simulated;                    /* it says so there */
    const struct engine_target *options;
    const struct engine_watch *watch; /* while it is being opened; or NULL */
    struct arena *arena;
    const char *metrics_url;
    int64_t max_model_len; /* 0: not said */
    const char *loaded; /* what it serves: a folder or an id of the hub; NULL unknown */
    bool has_metrics, is_vllm;     /* is_vllm: they are vLLM's own */
    struct openai_counters before; /* sums at the last openai_server_count */
    double kv_usage_max;           /* since then */
    struct kv_series kv;           /* likewise */
    bool has_missed;               /* a sample since then: none is tried again */
    struct instant next_sample;
    double started_s; /* when its process began, since the epoch; NAN: not said */
};

MUST_CHECK enum status openai_server_open(struct openai_server *s, const struct url *u,
                                          const struct engine_target *options,
                                          struct arena *a, struct err *e);
void openai_server_close(struct openai_server *s); /* idempotent */

struct openai_server_answer {
    struct rest_call call; /* the body is freed */
    json_t *root;          /* a new reference; NULL without status 200, or JSON */
    char said[160];        /* its text, as openai_say has it */
};
#define OPENAI_SERVER_CALL_S      10.0 /* what a call may take */
#define OPENAI_SERVER_ANSWER_CAP  ((size_t)1 << 20)
#define OPENAI_SERVER_METRICS_CAP ((size_t)8 << 20)

/* One call, the query of the address added to the URL; root also after a failure. */
MUST_CHECK enum status openai_server_ask(struct openai_server *s, const char *method,
                                         const char *url,
                                         struct openai_server_answer *out, struct err *e);
/* Adds to what is said of the server; text lives as long as its arena. */
void openai_server_note(const struct openai_server *s, struct engine_facts *facts,
                        const char *text);
/* What is known of the engine behind it: version, settings, block size, caching, KV size,
 * simulated; of a server on this machine the model's fingerprint and vocabulary too; what
 * its dialect lacks.
 * Sets only what it was told. */
MUST_CHECK enum status openai_server_facts(struct openai_server *s,
                                           struct engine_facts *facts, struct err *e);
/* What happened since the last call. */
MUST_CHECK enum status openai_server_count(struct openai_server *s,
                                           struct openai_counters *out, struct err *e);
/* To be called often while requests run: notes the KV cache's use once a second, or less
 * often where the answer takes the server long, so that asking costs it 1 % of a core, or
 * of one of its threads, at most. Asks only a server whose metrics are vLLM's. One that
 * does not answer in half a second is left alone until the next count. */
void openai_server_sample(struct openai_server *s);
/* POST /reset_prefix_cache; *done false where the server has it not. */
MUST_CHECK enum status openai_server_reset(struct openai_server *s, bool *done,
                                           struct err *e);

#endif
