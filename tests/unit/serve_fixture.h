/* A server with one connection or more, of which the test holds the other ends; nothing
 * in it waits: the test says when an instant has come. */
#ifndef UNIT_SERVE_FIXTURE_H
#define UNIT_SERVE_FIXTURE_H

#include "base/arena.h"
#include "serve/server.h"

struct serve_fixture {
    struct settings settings;
    struct server server;
    struct conn *conn;
    int peer;
    char log_path[64]; /* "" before serve_fixture_log */
    struct buf heard;
    struct arena arena;
};

/* Options at their defaults. */
void serve_fixture_begin(struct serve_fixture *f);
/* Logs into a file from now on. */
void serve_fixture_log(struct serve_fixture *f);
void serve_fixture_end(struct serve_fixture *f);
/* Another connection; *peer: its other end, the caller's. */
struct conn *serve_fixture_open(struct serve_fixture *f, int *peer);
/* The peer sends, and the server reads. */
void serve_fixture_say(struct serve_fixture *f, const char *text);
/* POSTs a body to a path. */
void serve_fixture_post(struct serve_fixture *f, const char *path, const char *body);
/* What the peer has got since the last call. */
const char *serve_fixture_heard(struct serve_fixture *f);
/* The instant has come that was set for the connection; false: none was. */
bool serve_fixture_step(struct serve_fixture *f);
/* Steps until the connection is not answering any more; all that the peer got. */
const char *serve_fixture_answer(struct serve_fixture *f);
/* The peer has read up to the end of the connection. */
bool serve_fixture_is_closed(struct serve_fixture *f);
/* Closes the log; its text. */
const char *serve_fixture_logged(struct serve_fixture *f);
void serve_fixture_has(const char *text, const char *part);
void serve_fixture_has_not(const char *text, const char *part);

#endif
