/* The server of the self-test: this program's own `serve`, in a child process. */
#ifndef RUN_SELFTEST_SERVER_H
#define RUN_SELFTEST_SERVER_H

#include "base/arena.h"
#include "base/proc.h"
#include "run/selftest_cores.h"
#include "run/selftest_point.h"

struct selftest_server {
    struct proc proc;
    const char *url;      /* "http://127.0.0.1:40219"; in the arena */
    const char *log_path; /* stamps */
    const char *out_path; /* what it said */
};

/* Where it keeps its files, and what it has to do. */
struct selftest_place {
    const char *folder;
    const struct selftest_cores *cores;
    bool (*stop)(void *arg); /* asked while waiting; may be NULL */
    void *stop_arg;
};

/* Starts it with the load's timing, and returns once it takes requests; the calling
 * thread is back on the client's cores then. DIED, TIMEOUT: with what the server said. */
MUST_CHECK enum status selftest_server_start(const struct selftest_place *place,
                                             const struct selftest_load *load,
                                             struct arena *a, struct selftest_server *out,
                                             struct err *e);
/* Ends it; its log is whole then. Zeroed: harmless. */
void selftest_server_stop(struct selftest_server *s);
/* The address in what it said so far, into the arena; NULL: not there yet. */
const char *selftest_server_url(struct str said, struct arena *a);

#endif
