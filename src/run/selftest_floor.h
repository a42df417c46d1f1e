/* The floor of this machine (stats/floor.h) out of a run that has measured the same
 * settings in several launches: what `inferbench selftest --floor` says of it, and
 * keeps. */
#ifndef RUN_SELFTEST_FLOOR_H
#define RUN_SELFTEST_FLOOR_H

#include "base/log.h"
#include "run/run.h"
#include "stats/floor_build.h"

struct selftest_floor {
    struct floor floor;
    struct match_cells cells; /* of the run */
    const char **why;         /* [cells.count] why one has no floor; NULL: it has */
    const char *kept[2];      /* files, NULL: not kept there */
};

/* Of the run's journal. NOT_FOUND: no cell has a floor; the hint says what to do. All
 * lives in the arena. */
MUST_CHECK enum status selftest_floor_measure(const struct run *r, struct arena *a,
                                              struct selftest_floor *out, struct err *e);
/* Writes it beside the results and into the user's data folder, where a failure is told
 * in the log alone: the first file is there. */
MUST_CHECK enum status selftest_floor_keep(const struct run *r, struct arena *a,
                                           struct selftest_floor *f, struct err *e);
/* As a page; what it is out of memory for is told by out and the arena. */
MUST_CHECK enum status selftest_floor_text(const struct selftest_floor *f,
                                           struct arena *a, struct buf *out);

#endif
