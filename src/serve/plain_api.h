/* Answers that are not streamed: the JSON body of a completion, the lists of models, the
 * metrics. As vLLM 0.32 sends them. */
#ifndef SERVE_PLAIN_API_H
#define SERVE_PLAIN_API_H

#include <stdint.h>

#include "base/buf.h"
#include "serve/chunks.h"
#include "serve/settings.h"

/* The body of an answer of `tokens` tokens. */
void plain_api_answer(const struct chunks *c, int64_t tokens, const char *finish,
                      struct buf *out);
void plain_api_models(const struct settings *s, int64_t created_s, struct buf *out);

/* Counted since the start; running, waiting: now. */
struct plain_api_counts {
    int64_t running, waiting, prompt_tokens, generation_tokens;
    int64_t length, stop, abort, error; /* requests by finish_reason */
    int64_t requests;
    double start_s; /* of the server, since the epoch */
};
void plain_api_metrics(const struct settings *s, const struct plain_api_counts *n,
                       struct buf *out);

#endif
