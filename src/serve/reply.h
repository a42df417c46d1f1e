/* Heads of HTTP answers, and answers that are complete at once. */
#ifndef SERVE_REPLY_H
#define SERVE_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "serve/completion_request.h"

#define REPLY_SERVER           "inferbench-serve (simulated)"
#define REPLY_CHUNKED          (-1)
#define REPLY_BIG_HEADER_BYTES ((size_t)1 << 20)

struct reply {
    int status;
    const char *content_type; /* NULL: none said */
    int64_t content_length;   /* REPLY_CHUNKED: none, the body comes in chunks */
    bool is_keep_alive;
    bool has_big_header;   /* REPLY_BIG_HEADER_BYTES of padding */
    int64_t retry_after_s; /* below 0: not said */
    const char *allow;     /* NULL: not said */
};

void reply_head(const struct reply *r, struct wall now, struct buf *out);
/* Head and body; r->content_length is filled in. */
void reply_whole(struct reply *r, struct wall now, struct str body, struct buf *out);
/* The body of an error as the API words it. */
void reply_error_body(const struct request_error *e, struct buf *out);
/* The reason phrase; "" for a status that is not known here. */
const char *reply_reason(int status);

#endif
