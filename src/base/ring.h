/* Lock-free queue of pointers from one thread to one other. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define RING_LINE_BYTES 64 /* of a cache */

/* head and tail are written by one side each, a cache line apart: by gaps, so that the
 * struct may lie at any address. */
struct ring {
    void **items; /* [mask + 1] */
    size_t mask;
    char before_head[RING_LINE_BYTES];
    atomic_size_t head; /* next to be taken */
    char before_tail[RING_LINE_BYTES];
    atomic_size_t tail; /* next free place */
    char after_tail[RING_LINE_BYTES];
};

/* Room for at least `count` pointers. */
MUST_CHECK enum status ring_init(struct ring *r, size_t count, struct err *e);
void ring_fini(struct ring *r);
bool ring_put(struct ring *r, void *item); /* false: full */
void *ring_take(struct ring *r);           /* NULL: empty */

#endif
