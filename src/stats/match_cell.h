/* Cells of matching: rows grouped by the fields in which repeats agree. Used by match.c
 * alone. */
#ifndef STATS_MATCH_CELL_H
#define STATS_MATCH_CELL_H

#include "stats/match_field.h"

#define MATCH_UNKNOWN "unknown"

struct match_cells {
    struct match_cell *cells; /* [count] */
    size_t count;
};

MUST_CHECK enum status match_cell_collect(const struct match_input *inputs,
                                          const struct match_fields *fields,
                                          enum match_by by, struct arena *a,
                                          struct match_cells *out);

#endif
