/* What a results or summary file says of itself: whose it is, and whether more rows
 * belong to it. */
#ifndef STORE_RESULTS_HEAD_H
#define STORE_RESULTS_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"

struct results_head {
    const char *run_id; /* in the arena; NULL: none is named */
    bool is_complete;   /* false: it says that its run did not reach its end */
    size_t row_count;   /* of "results" */
};

/* BAD_INPUT: broken, or neither an object nor a list. *out is untouched on failure. */
MUST_CHECK enum status results_head_read(const char *path, struct arena *a,
                                         struct results_head *out, struct err *e);
/* May the files of that run be written there? BAD_OPTION: the file is sound and of
 * another run, or of none, as those of offline_benchmark.py. */
MUST_CHECK enum status results_head_check(const char *path, const char *run_id,
                                          struct arena *a, struct err *e);

#endif
