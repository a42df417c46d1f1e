/* What an MPI library has to do for net/ranks: the table that a plugin gives. */
#ifndef NET_RANKS_LINK_H
#define NET_RANKS_LINK_H

#include <stddef.h>

#define RANKS_LINK_VERSION 1
#define RANKS_LINK_SYMBOL  "inferbench_ranks_link" /* a const struct ranks_link */

struct ranks_link {
    int version;
    /* 0, or not, with the cause in why[size]. The only call that may wait. */
    int (*init)(void *self, int *rank, int *count, char *why, size_t size);
    void (*library)(void *self, char *out, size_t size); /* "Open MPI 4.1.4" */
    /* Begin, and return at once: the memory stays until test says so; NULL: failed. The
     * receiver knows the length. Messages of one pair and tag keep their order. */
    void *(*send)(void *self, int to, int tag, const void *data, size_t bytes);
    void *(*receive)(void *self, int from, int tag, void *data, size_t bytes);
    int (*test)(void *self, void *request); /* 1: done and freed, -1: failed and freed */
    void (*cancel)(void *self, void *request); /* a receive; frees it */
    void (*abort)(void *self, int code);       /* ends all processes */
    void (*finalize)(void *self);
};

#endif
