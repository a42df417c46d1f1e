/* HTTP/1.1 requests, read on the server's side from whatever pieces the bytes come in.
 * RFC 9112. One reader a connection; it owns its memory, all of it capped. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "http/response.h"

#define REQUEST_HEAD_BYTES 65536 /* request line and headers, all together */

enum request_step {
    REQUEST_MORE, /* all of *in is used up */
    REQUEST_DONE, /* the fields below are filled; *in is what follows */
    REQUEST_BAD   /* bad_status and bad say why; the connection is to be closed */
};

/* Texts point into the reader's memory: from REQUEST_DONE until request_begin. */
struct request {
    struct str method, path;                            /* path: without a query */
    struct str request_id, authorization, content_type; /* ptr NULL: not sent */
    struct str body;
    bool is_keep_alive;
    bool wants_continue; /* the sender waits for "100 Continue": answer, then clear it */
    int bad_status;      /* 400, 413, 414, 431, 501, 505 */
    const char *bad;     /* constant text */
    /* the reader's own state */
    int state;
    size_t scanned;         /* bytes of head that hold no end of it */
    int64_t content_length; /* -1: not given */
    uint64_t left;          /* bytes left of the body */
    struct response chunks; /* reads those of a chunked body */
    bool is_chunked, is_http10, says_close, says_keep_alive;
    struct buf head, content;
};

void request_init(struct request *r, size_t body_cap_bytes);
/* Forgets the request that is done and keeps the memory, up to a few kB. */
void request_begin(struct request *r);
/* Takes bytes off *in. */
enum request_step request_next(struct request *r, struct str *in);
/* No byte of a request has come yet: a peer that closes now cuts nothing off. */
bool request_is_idle(const struct request *r);
void request_fini(struct request *r);

#endif
