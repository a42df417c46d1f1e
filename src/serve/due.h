/* Who is due next: a binary heap of absolute instants, one entry a member at most.
 * Setting, moving and removing cost O(log n). */
#ifndef SERVE_DUE_H
#define SERVE_DUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"

#define DUE_NEVER INT64_MAX /* whoever is set to it waits for another instant */

struct due_entry {
    int64_t at_ns;
    uint32_t who;
};

struct due {
    struct due_entry *heap; /* [count]: heap[(i - 1) / 2] is never later than heap[i] */
    size_t count, room;
    uint32_t *place; /* [room] by member: its index in heap + 1, 0: not in it */
};

void due_init(struct due *d);
/* Members 0 to `members` - 1 can be set from now on. */
MUST_CHECK enum status due_reserve(struct due *d, size_t members);
/* Adds the member, or moves it. */
void due_set(struct due *d, uint32_t who, struct instant at);
void due_remove(struct due *d, uint32_t who); /* harmless if it is not in it */
/* The earliest; ns is DUE_NEVER when nobody is due. */
struct instant due_next(const struct due *d, uint32_t *who);
void due_fini(struct due *d);

#endif
