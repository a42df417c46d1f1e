/* Which cell each row belongs to: rows of one cell agree in all that agree.h asks of
 * them. Used by match_cell.c alone. */
#ifndef STATS_MATCH_PLACE_H
#define STATS_MATCH_PLACE_H

#include "stats/match_field.h"

/* Sets cell_of[count of the rows] and *cell_count; cells are numbered in order of their
 * first row. A row that does not know its machine, client or driver joins the one cell
 * that it fits; where it fits several it is a cell of its own. */
MUST_CHECK enum status match_place_rows(const struct match_input *in,
                                        const struct match_fields *fields,
                                        struct arena *a, size_t *cell_of,
                                        size_t *cell_count);

#endif
