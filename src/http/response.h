/* HTTP/1.1 responses, read from whatever pieces the bytes come in. No allocation; every
 * limit is fixed, so a hostile server can cost no memory. RFC 9112. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "http/gateway.h"

#define RESPONSE_HEAD_BYTES 16384 /* status line and headers, all together; trailers */
#define RESPONSE_LINE_BYTES 256   /* chunk size line with extensions, each */

#define RESPONSE_LOCATION_BYTES 128

enum response_step {
    RESPONSE_MORE, /* all of *in is used up */
    RESPONSE_HEAD, /* head is complete: status and flags below are set */
    RESPONSE_BODY, /* *body is a piece of it, inside *in */
    RESPONSE_END,  /* this answer is complete; *in is what follows it */
    RESPONSE_BAD   /* `bad` says why */
};

struct response {
    int status; /* 100-informational answers are swallowed */
    bool is_event_stream, is_json, is_chunked, is_keep_alive;
    bool is_gzip;           /* any coding but identity: the body cannot be read */
    int64_t content_length; /* -1: not given */
    int64_t retry_after_s;  /* -1: not given, or a date */
    char location[RESPONSE_LOCATION_BYTES]; /* "" if none; a longer one is cut */
    struct gateway gateway;                 /* who has answered behind it */
    const char *bad;                        /* constant text */
    /* the reader's own state */
    int state;
    unsigned seen; /* headers of this head, bits of response.c */
    uint64_t left; /* bytes left of the chunk or the body */
    size_t line_len, head_len;
    char line[RESPONSE_LINE_BYTES]; /* beginning of a line; longer header lines are
                                       skipped past it, their names judged by it */
    bool is_head_request, is_line_long;
};

/* is_head_request: an answer to HEAD has no body. */
void response_begin(struct response *r, bool is_head_request);
/* Begins behind a head that was read elsewhere: the chunks of a body, and its
 * trailers. */
void response_begin_chunks(struct response *r);
/* Takes bytes off *in. Call until RESPONSE_MORE, _END or _BAD; END and BAD stay. */
enum response_step response_next(struct response *r, struct str *in, struct str *body);
/* The peer closed: true if that ends the body properly (no length given, not chunked), or
 * if the answer was complete. Else `bad` says what is missing. */
bool response_closed(struct response *r);

#endif
