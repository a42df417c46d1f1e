/* The verdict of a cell that is made up of rows of any files: its rows' codes, and the
 * rules that need all its repeats, which no row can bear. Used by match_cell.c alone. */
#ifndef STATS_MATCH_VERDICT_H
#define STATS_MATCH_VERDICT_H

#include "stats/match.h"

struct match_rows {
    const struct row **rows; /* [count] measured ones, in order */
    size_t count;
};

/* Sets is_valid, verdict, warnings, checks, doubtful_row and doubtful. */
MUST_CHECK enum status match_verdict_judge(const struct match_rows *of, struct arena *a,
                                           struct match_cell *c);

#endif
