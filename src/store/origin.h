/* What a results file says about the machines that its rows come from: its own
 * environment, and in a merged file those of its sources, which are told apart by
 * run_id. */
#ifndef STORE_ORIGIN_H
#define STORE_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"
#include "stats/analysis_row.h"

struct origins {
    struct origin *items; /* [count] those that state an environment */
    size_t count, room;
    bool has_own; /* items[0] is the file's own environment: it is not a merged one */
};

/* metadata: the JSON object of a file, may be empty. What cannot be read states nothing.
 * Everything lives in the arena. */
MUST_CHECK enum status origin_collect(struct str metadata, struct arena *a,
                                      struct origins *out);
/* That of a run; else the file's own, if it does not say that it is of another run. NULL:
 * none. */
const struct origin *origin_find(const struct origins *o, const char *run_id);

#endif
