/* A connection of a lane: connect, TLS, send. */
#ifndef ENGINES_OPENAI_CONN_H
#define ENGINES_OPENAI_CONN_H

#include "engines/openai_slot.h"

struct engine_lane;

/* Starts a connection to a target; *index. The slot is idle or carries `request` once it
 * stands. */
MUST_CHECK enum status openai_conn_open(struct engine_lane *l, int32_t target,
                                        int32_t request, int32_t *index, struct err *e);
/* Goes on as far as the socket lets it: connect, handshake, send. Failures end the
 * request by an event. */
void openai_conn_advance(struct engine_lane *l, struct openai_conn *c);
/* Puts a request on an idle connection and sends it. */
void openai_conn_carry(struct engine_lane *l, struct openai_conn *c, int32_t request);
/* Takes the request off; the connection goes idle if `keep`, else it is closed. */
void openai_conn_release(struct engine_lane *l, struct openai_conn *c, bool keep);
void openai_conn_close(struct engine_lane *l, struct openai_conn *c);
/* Of its descriptor, for the loop. */
uint64_t openai_conn_tag(const struct engine_lane *l, const struct openai_conn *c);
/* The connection broke, by the server's close (`is_end`) or an error: the request fails,
 * or, where the server had closed an idle connection that it never reached, goes out once
 * more on a new one. */
void openai_conn_lost(struct engine_lane *l, struct openai_conn *c, bool is_end,
                      const char *text);

#endif
