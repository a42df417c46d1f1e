/* Are all requests of a repeat that has ended in its journal? */
#ifndef STORE_JOURNAL_WHOLE_H
#define STORE_JOURNAL_WHOLE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "core/run_data.h"

struct journal_whole {
    int64_t told; /* request lines, as the repeat's end has it; -1: it does not */
    int64_t client_threads; /* of the run */
};

/* *why: what is wrong with the requests of r, in words that follow "but"; NULL: nothing.
 * Where the end does not tell how many there are (older journals), all that were planned
 * have to be there; of a load that may end before all are sent (a time for a closed one,
 * --max-concurrency for an open one), those from the first on, without a hole. Format 1
 * is not checked then. STATUS_NO_MEMORY. */
MUST_CHECK enum status journal_whole_check(const struct journal_whole *w,
                                           const struct run_data *run,
                                           const struct repeat_data *r, struct arena *a,
                                           const char **why);

#endif
