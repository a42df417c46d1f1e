/* What the parts of the server share; one thread. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/loop.h"
#include "net/stamp.h"
#include "serve/conn.h"
#include "serve/due.h"
#include "serve/queue.h"
#include "serve/settings.h"
#include "serve/slog.h"
#include "serve/plain_api.h"

#define SERVER_READ_BYTES ((size_t)256 << 10)

struct server {
    const struct settings *settings;
    const char *tool; /* "inferbench 0.1.0+g1a2b3c4" */
    struct buf key;   /* "Bearer ...": what Authorization must be; empty: anything */
    struct loop loop;
    struct stamp_clock stamp;
    struct due due; /* by a connection's index: its next event, or the end of
                       its idling */
    struct conn_table conns;
    struct queue queue;
    struct slog log;
    struct plain_api_counts counts;
    int64_t created_s;          /* the start, since the epoch */
    struct buf line, body, out; /* scratch */
    char *read, *plain;         /* [SERVER_READ_BYTES]; plain: with TLS only */
};

#endif
