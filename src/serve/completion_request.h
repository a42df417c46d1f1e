/* What a request to /v1/completions or /v1/chat/completions asks for, and what vLLM, or a
 * server of another dialect, would refuse in it. Members that a server of known timing
 * has no use for (sampling, stop words) are accepted and ignored, as vLLM ignores unknown
 * ones. */
#ifndef SERVE_COMPLETION_REQUEST_H
#define SERVE_COMPLETION_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "http/openai_dialect.h"

enum completion_endpoint { ENDPOINT_COMPLETIONS, ENDPOINT_CHAT };

struct request_limits {
    const char *model;     /* the name that is served */
    int64_t max_model_len; /* tokens of prompt and answer */
    int64_t vocab_size;
    const struct openai_dialect *dialect;
};

struct completion_request {
    enum completion_endpoint endpoint;
    int64_t prompt_tokens; /* ids: their number; texts: a token for 4 bytes, rounded up */
    int64_t max_tokens;    /* what fits into max_model_len, 1 at least */
    struct str prompt_ids; /* the list as it was sent; ptr NULL for a text */
    bool is_stream;
    bool includes_usage;       /* stream_options.include_usage */
    bool has_continuous_usage; /* stream_options.continuous_usage_stats */
    bool returns_ids;          /* return_token_ids */
};

/* The error object of an HTTP answer. */
struct request_error {
    int status;
    const char *type;
    const char *param; /* NULL: null */
    char message[400];
};

/* Reads the body; texts of *out point into it. false: *e is filled. */
bool completion_request_read(struct str body, enum completion_endpoint endpoint,
                             const struct request_limits *limits,
                             struct completion_request *out, struct request_error *e);

#endif
