/* A floor (floor.h) out of the measured cells of a run. */
#ifndef STATS_FLOOR_BUILD_H
#define STATS_FLOOR_BUILD_H

#include "stats/floor.h"
#include "stats/match_cell.h"

/* Sets `cells` and `count` of *out. A cell counts if it is VALID, nothing of it failed,
 * and FLOOR_LAUNCHES_MIN launches measured it; why[cells->count] is NULL then, else says
 * why not. A figure that a repeat does not know is left out. Everything lives in the
 * arena or in the rows; NO_MEMORY is the only failure. */
MUST_CHECK enum status floor_build(const struct match_cells *cells, struct arena *a,
                                   struct floor *out, const char **why);

#endif
