/* How an answer goes on: its events, its faults, its end. */
#ifndef SERVE_STREAM_H
#define SERVE_STREAM_H

#include "serve/conn.h"
#include "serve/server.h"

/* What is to become of the connection. */
enum stream_next {
    STREAM_GOES_ON, /* answer.due says when */
    STREAM_ENDS,    /* everything was handed over */
    STREAM_STALLS,  /* nothing more is ever sent */
    STREAM_CLOSES,
    STREAM_RESETS,
    STREAM_LOST /* the peer is gone */
};

/* The planned answer of c begins: its head, if it is streamed. */
enum stream_next stream_begin(struct server *s, struct conn *c);
/* The next event, or the whole answer, is due. */
enum stream_next stream_step(struct server *s, struct conn *c);
/* The last event, which had found no room, was sent at that instant. */
void stream_was_sent(struct server *s, struct completion *a, struct instant sent);

#endif
