/* A journal back into memory. */
#ifndef STORE_JOURNAL_READ_H
#define STORE_JOURNAL_READ_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"
#include "core/run_data.h"

struct journal_note {
    bool was_cut;       /* the last line was cut by a crash and is ignored */
    int64_t line_count; /* lines understood */
};

/* Reads path; everything lives in the arena. A line that is not understood, other than a
 * last one that was cut, is an error that names file:line. Unknown members and unknown
 * types of line are skipped; unknown fields too. A format above RECORD_FORMAT is refused;
 * what format 1 says comes as its definitions had it, settled. Records of format 2 are
 * raw: stats/settle.h. Counts that cannot be are unknown. */
MUST_CHECK enum status journal_read(const char *path, struct arena *a,
                                    struct run_data *out, struct journal_note *note,
                                    struct err *e);

#endif
