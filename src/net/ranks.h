/* The processes of one run on several machines, as an MPI launcher started them: who is
 * who, messages between them, how far apart their clocks are, and whether all are alive.
 * MPI itself is a plugin behind struct ranks_link, opened at run time; where nothing
 * launched us, nothing is opened. Calls may come from several threads, but one at a time.
 * Whoever waits sleeps (a process that waits inside MPI would keep a core busy), except
 * in ranks_clock. A call that fails leaves the ranks out of step: all later ones but
 * ranks_beat and ranks_close fail as it did. */
#ifndef NET_RANKS_H
#define NET_RANKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/str.h"
#include "net/ranks_link.h"

struct ranks;

/* `which`: "auto", "openmpi", "mpich", "none". *out NULL: nobody launched us as one of
 * several (also with one process, or "none"). A launcher without its plugin is an error
 * with a hint: each process would send the whole load. */
MUST_CHECK enum status ranks_open(const char *which, struct ranks **out, struct err *e);
/* The same on a link of the caller's own. */
MUST_CHECK enum status ranks_open_link(const struct ranks_link *link, void *self,
                                       struct ranks **out, struct err *e);
/* Of all ranks together, after failures too: returns when all are here, whatever they
 * were stopped by (a launcher kills the others when the first one ends with a failure);
 * a rank that does not come within the timeout ends all. NULL: nothing. */
void ranks_close(struct ranks *r);
void ranks_abort(struct ranks *r, int code);      /* ends all processes, without files */
int ranks_rank(const struct ranks *r);            /* NULL: 0 */
int ranks_count(const struct ranks *r);           /* NULL: 1 */
const char *ranks_library(const struct ranks *r); /* "Open MPI 4.1.4" */

/* Asked while a call waits: true ends it with STATUS_INTERRUPTED. */
void ranks_on_wait(struct ranks *r, bool (*stop)(void *arg), void *arg);
/* No call waits longer for a rank of which nothing comes: STATUS_DIED names it. 300 s. */
void ranks_set_timeout(struct ranks *r, double seconds);

/* How long ranks_beat lets a rank be silent: 4 s, the same for all; beats come four times
 * as often. Time before the last call that waited does not count. */
void ranks_set_silence(struct ranks *r, double seconds);

/* Of all ranks together, in the same order; `what` names the step in messages, and who is
 * at another one fails. Of gather all ranks have `all`, [count x bytes]. */
MUST_CHECK enum status ranks_share(struct ranks *r, const char *what, void *data,
                                   size_t bytes, struct err *e); /* rank 0's to all */
struct ranks_part {
    const void *mine;
    void *all; /* [count x bytes] */
    size_t bytes;
};
MUST_CHECK enum status ranks_gather(struct ranks *r, const char *what,
                                    struct ranks_part p, struct err *e);
/* Bytes of any number, rank 0's to all, in the arena; then from one rank to another. */
MUST_CHECK enum status ranks_share_text(struct ranks *r, const char *what,
                                        struct str *text, struct arena *a, struct err *e);
MUST_CHECK enum status ranks_send(struct ranks *r, int to, struct str bytes,
                                  struct err *e);
/* `bytes` is what the other sends: both know it. */
MUST_CHECK enum status ranks_receive(struct ranks *r, int from, void *data, size_t bytes,
                                     struct err *e);

/* How this rank's clock (CLOCK_MONOTONIC, clock_now) stands to rank 0's. */
struct ranks_clock {
    struct instant at; /* of this rank's clock */
    int64_t offset_ns; /* rank 0's = this one's + offset */
    int64_t error_ns;  /* true within +- this: half of the least round trip */
};
MUST_CHECK enum status ranks_clock(struct ranks *r, struct ranks_clock *out,
                                   struct err *e);

/* While all measure, from the writer's thread, often: says once a second that this rank
 * is alive (and whether it has stopped, and why); true: another one has stopped or is
 * silent for 4 s (ranks_set_silence), *e says which and why. Calls that wait beat by
 * themselves. */
bool ranks_beat(struct ranks *r, const struct err *mine /* NULL: all is well */,
                struct err *e);
#endif
