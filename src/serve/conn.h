/* Connections of the server: their bytes in and out, not what they mean. */
#ifndef SERVE_CONN_H
#define SERVE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"
#include "http/request.h"
#include "net/loop.h"
#include "net/tls.h"
#include "serve/completion.h"

enum conn_state {
    CONN_CLOSED,
    CONN_READING,   /* waits for a request, or is in the middle of one */
    CONN_ANSWERING, /* what comes meanwhile is kept for later */
    CONN_STALLED    /* never says anything again */
};

enum conn_sent {
    CONN_SENT,
    CONN_WAITS, /* the rest goes out when there is room */
    CONN_LOST   /* the peer is gone */
};

struct conn {
    int fd;          /* -1: closed */
    struct tls *tls; /* NULL: without TLS */
    uint32_t index, generation;
    enum conn_state state;
    bool ends; /* closed when the answer is out */
    struct request request;
    struct buf later;             /* bytes behind the request that is answered */
    struct instant arrival, read; /* of the last bytes read: kernel, user */
    struct buf out;               /* bytes that found no room yet */
    size_t out_done;              /* of them sent */
    struct completion answer;
    struct conn *ahead, *behind; /* while it waits in the queue */
};

/* All connections, found by index; those closed are used again. */
struct conn_table {
    struct tls_context *tls; /* for all of them, or NULL; the caller's */
    struct conn **all;       /* [count] */
    size_t count, room, open;
    uint32_t *unused; /* [unused_count]: indices of closed ones; room as `all` */
    size_t unused_count;
};

#define CONN_BODY_BYTES  ((size_t)64 << 20) /* of a request */
#define CONN_LATER_BYTES ((size_t)8 << 20)  /* of pipelined requests */
#define CONN_OUT_BYTES   ((size_t)256 << 20)

/* A connection in CONN_READING for an accepted socket; NULL: no memory, fd is the
 * caller's still. */
struct conn *conn_open(struct conn_table *t, int fd);
/* Closes the socket, with a reset if is_reset, and frees its memory. Events under way for
 * it are void from now on: their tag no longer matches. */
void conn_close(struct conn_table *t, struct conn *c, bool is_reset);
uint64_t conn_tag(const struct conn *c);
struct conn *conn_of(const struct conn_table *t, uint64_t tag); /* NULL: closed since */
void conn_table_fini(struct conn_table *t);

/* Sends, behind what still waits. *sent (may be NULL): the instant right before the send,
 * encryption is over by then. */
enum conn_sent conn_send(struct conn *c, struct str bytes, struct instant *sent);
/* Sends what TLS has to say by itself. */
enum conn_sent conn_relay(struct conn *c);
/* An orderly end: TLS says goodbye. */
void conn_goodbye(struct conn *c);
/* There is room again: sends what waits. *sent: the instant before the last send. */
enum conn_sent conn_flush(struct conn *c, struct instant *sent);
bool conn_is_blocked(const struct conn *c);

#endif
