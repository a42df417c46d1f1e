/* A pool of connections, one thread's: connect, TLS, send. The lane stands on it. */
#ifndef ENGINES_OPENAI_CONN_H
#define ENGINES_OPENAI_CONN_H

#include "engines/openai_events.h"
#include "engines/openai_slot.h"
#include "net/loop.h"

/* How a server keeps what HTTP promises. */
struct openai_peer {
    int64_t resent;  /* requests sent again on a new connection */
    int64_t unended; /* answers that said [DONE] and whose end was not awaited longer */
    int unended_in_a_row;
};

struct openai_pool {
    const struct openai_setup *setup;
    struct loop loop;
    struct openai_conn *conns; /* [conn_count], room for conn_room */
    size_t conn_count, conn_room;
    int32_t *idle; /* [idle_count] stack of idle connections */
    size_t idle_count;
    int32_t oldest, newest;  /* list of connections with a request, by time of send */
    struct openai_job *jobs; /* [job_count], by request index less `first_job` */
    size_t job_count;
    int32_t first_job;
    struct openai_events events; /* of all that happens here */
    size_t hastened_count;
    double median_gap_ns; /* running estimate between tokens of one answer; 0: none */
    int64_t gaps_seen;
    struct openai_peer *peers; /* [target_count] */
    bool is_closed_load;
    bool is_unstamped; /* the latest read had no stamp of the kernel's */
};

/* Starts a connection to a target; *index. The slot is idle or carries `request` once it
 * stands. */
MUST_CHECK enum status openai_conn_open(struct openai_pool *p, int32_t target,
                                        int32_t request, int32_t *index, struct err *e);
/* Goes on as far as the socket lets it: connect, handshake, send. Failures end the
 * request by an event. */
void openai_conn_advance(struct openai_pool *p, struct openai_conn *c);
/* Puts a request on an idle connection and sends it. */
void openai_conn_carry(struct openai_pool *p, struct openai_conn *c, int32_t request);
/* Takes the request off; the connection goes idle if `keep`, else it is closed. */
void openai_conn_release(struct openai_pool *p, struct openai_conn *c, bool keep);
void openai_conn_close(struct openai_pool *p, struct openai_conn *c);
/* Of its descriptor, for the loop. */
uint64_t openai_conn_tag(const struct openai_pool *p, const struct openai_conn *c);
/* The connection broke, by the server's close (`is_end`) or an error: the request fails,
 * or goes out once more on a new connection, where this one had served before and not a
 * byte of the answer came, as HTTP clients do (RFC 9112, 9.3.1): the server has closed an
 * idle connection while the request was on its way, most likely unread. */
void openai_conn_lost(struct openai_pool *p, struct openai_conn *c, bool is_end,
                      const char *text);

/* Are connections to that target kept? Not to a server that has closed
 * OPENAI_CONN_LOST_MOST of them under a request: it does not keep what it promises. */
bool openai_conn_keeps(const struct openai_pool *p, int32_t target);
#define OPENAI_CONN_LOST_MOST 2
/* [DONE] ends an answer, as for other clients. What HTTP has follow it (the last chunk)
 * is awaited so long, for the connection's sake; from a server that has let so many
 * answers in a row stand there, no longer. */
#define OPENAI_CONN_END_NS       (NS_PER_S / 2)
#define OPENAI_CONN_UNENDED_MOST 2

/* How long the lane sleeps between two looks at its connections, as things stand. */
int64_t openai_conn_drain_ns(const struct openai_pool *p);
/* Lazy draining delays what it reads, and in a closed load the end of an answer is when
 * the next request is due. So a connection whose answer is about to end (one token is
 * left, or less) ends the lane's sleep, and is read before the others.
 * To be called whenever the request was sent or a part of its answer came. */
void openai_conn_hasten(struct openai_pool *p, struct openai_conn *c);

#endif
