/* Cells of matching: rows grouped by their settings, and what hinders two cells. Used by
 * match.c alone. */
#ifndef STATS_MATCH_CELL_H
#define STATS_MATCH_CELL_H

#include "stats/match.h"

#define MATCH_UNKNOWN "unknown"

struct match_cells {
    struct match_cell *cells; /* [count] */
    size_t count;
};

MUST_CHECK enum status match_cell_collect(const struct match_input *inputs,
                                          enum match_by by, struct arena *a,
                                          struct match_cells *out);

/* Settings that must agree (FORMAT.md 4) and do not. With ON against OFF the machine and
 * the engine are among them; between models and engine versions the kind of machine. */
size_t match_cell_obstacles(const struct match_cell *a, const struct match_cell *b,
                            enum match_by by);
/* True if there is one at all; quicker. */
bool match_cell_is_hindered(const struct match_cell *a, const struct match_cell *b,
                            enum match_by by);
/* Settings beyond those that differ, and how many there are at most. */
size_t match_cell_context(const struct match_cell *a, const struct match_cell *b,
                          enum match_by by);
size_t match_cell_context_count(void);

/* Those of them worth saying, e.g. "engine_version 0.32.0 / 0.13.0"; *out NULL: none. */
MUST_CHECK enum status match_cell_differences(const struct match_cell *a,
                                              const struct match_cell *b,
                                              enum match_by by, struct arena *arena,
                                              const char **out);
/* Why a has no partner, b being the nearest cell. */
MUST_CHECK enum status match_cell_explain(const struct match_cell *a,
                                          const struct match_cell *b, enum match_by by,
                                          struct arena *arena, const char **out);

#endif
