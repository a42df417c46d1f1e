/* The numbers of a repeat that do not come from its requests, out of those of all ranks:
 * one table says for each what becomes of it. */
#ifndef STORE_RANKS_FIELDS_H
#define STORE_RANKS_FIELDS_H

#include "base/arena.h"
#include "core/run_data.h"

struct ranks_part {
    const struct run_data *run;
    const struct repeat_data *repeat;
    int32_t rank;
};

/* parts [count] in order of ranks, all sound; the first is rank 0's. Texts live in the
 * arena, whose has_failed tells of no memory. */
void ranks_fields_merge(const struct ranks_part *parts, size_t count, struct arena *a,
                        struct row *out);

#endif
