/* struct ranks_link between threads of one process: each message is handed over when both
 * sides have begun it, as an MPI library may do, out of the sender's memory. */
#ifndef TESTS_LINK_FIXTURE_H
#define TESTS_LINK_FIXTURE_H

#include <pthread.h>
#include <stdbool.h>

#include "net/ranks_link.h"

#define LINK_FIXTURE_MOST 4

struct link_request;
struct link_fixture;

/* What a rank gives as `self`. */
struct link_end {
    struct link_fixture *f;
    int rank;
    int abort_code; /* 0: it has ended nothing */
    bool is_finalized;
};

struct link_fixture {
    pthread_mutex_t lock;
    struct link_request *begun; /* in order */
    int count;
    struct link_end ends[LINK_FIXTURE_MOST];
};

extern const struct ranks_link link_fixture_table;

void link_fixture_init(struct link_fixture *f, int count);
void link_fixture_fini(struct link_fixture *f);

#endif
