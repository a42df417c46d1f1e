/* Who runs where: the server on the last core that this process may use, the client on
 * the others. One core: both there. */
#ifndef RUN_SELFTEST_CORES_H
#define RUN_SELFTEST_CORES_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct selftest_cores {
    cpu_set_t all, client, server;
    int64_t usable;      /* -1: unknown; then nothing is pinned */
    int64_t server_core; /* -1: not pinned */
};

enum selftest_side { SELFTEST_ALL, SELFTEST_CLIENT, SELFTEST_SERVER };

/* What this process may use now. */
void selftest_cores_find(struct selftest_cores *c);
/* Shares them out. */
void selftest_cores_split(struct selftest_cores *c);
/* The calling thread, and what it starts from now on, runs there. */
void selftest_cores_move(const struct selftest_cores *c, enum selftest_side side);
/* "0-2,5" into out. */
#define SELFTEST_CORES_BYTES 256
void selftest_cores_text(const cpu_set_t *set, char out[SELFTEST_CORES_BYTES]);

#endif
