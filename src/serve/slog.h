/* The server's own log: for each request the kernel's stamp of its arrival and the stamps
 * of what was sent. Kept in memory while streams are busy, written in JSON lines by
 * blocks when there is time. */
#ifndef SERVE_SLOG_H
#define SERVE_SLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/status.h"

struct slog_stamps {
    int64_t *ns; /* [count], monotonic */
    size_t count, room;
};

/* One request. Owns id, sent and made until slog_add takes it. */
struct slog_record {
    int64_t request;      /* from 0, in order of arrival */
    char *id;             /* X-Request-Id, or NULL */
    const char *endpoint; /* constant text */
    const char *outcome;  /* constant text */
    bool is_stream;
    int status;                        /* HTTP; 0: no answer began */
    struct instant arrival, read, end; /* NS_UNKNOWN: not known, not reached */
    struct instant begin;              /* its turn came; NS_UNKNOWN: no queue, or never */
    struct instant empty, finish;      /* of events without tokens; NS_UNKNOWN: none */
    int64_t prompt_tokens, tokens;     /* tokens: sent */
    int64_t tokens_per_event;          /* the last event has the rest */
    struct slog_stamps sent;           /* of events with tokens: before the send */
    struct slog_stamps made; /* of the same: when each was made, if it was held back */
};

struct slog {
    int fd; /* -1: no log is written */
    const char *path;
    struct slog_record *queue; /* [head..count) wait to be written */
    size_t head, count, room;
    size_t stamps; /* in the queue */
    enum status failed;
    struct err why; /* of the first failure */
    struct buf text;
};

/* path NULL: nothing is logged. header: the first line, JSON. The file is truncated. */
MUST_CHECK enum status slog_open(struct slog *l, const char *path, const char *header,
                                 struct err *e);
/* Notes the instant of an event; to: in a record that slog_add is to take. */
void slog_stamp(struct slog *l, struct slog_stamps *to, struct instant at);
/* The record is complete; what it owns is taken, *r is emptied. */
void slog_add(struct slog *l, struct slog_record *r);
size_t slog_waiting(const struct slog *l); /* records */
/* Writes up to `most` of those that wait. */
void slog_write(struct slog *l, size_t most);
/* Writes all, closes. The first failure of the log's life, if there was one. */
MUST_CHECK enum status slog_close(struct slog *l, struct err *e);

#endif
