/* What two cells differ in: what hinders a comparison, and what is said beside it. `by`
 * is the field under comparison. */
#ifndef STATS_MATCH_DIFF_H
#define STATS_MATCH_DIFF_H

#include <stdint.h>

#include "stats/match_cell.h"

/* Whether two cells differ. A row that is older than the field, or of
 * offline_benchmark.py, does not differ by what it does not say. */
bool match_diff_in(const struct match_cell *a, const struct match_cell *b,
                   enum field_id id);
/* Fields that must agree and do not; counts no further than `most`. */
size_t match_diff_obstacles(const struct match_cell *a, const struct match_cell *b,
                            enum field_id by, size_t most);
/* Cells that nothing hinders have one key, unless one of them is of offline_benchmark.py:
 * of all fields that must agree wherever two cells meet, and have one hash if they do. */
uint64_t match_diff_key(const struct match_cell *c, enum field_id by);
/* How far two cells are apart beyond the comparison: fields that differ and do not
 * hinder, said or not. */
size_t match_diff_distance(const struct match_cell *a, const struct match_cell *b,
                           enum field_id by);

/* Whether two cells differ in what is said beside a comparison. */
bool match_diff_is_said(const struct match_cell *a, const struct match_cell *b,
                        enum field_id id, enum field_id by);

struct match_difference {
    enum field_id field;
    const char *values; /* "256 / 1", or what there is to say without values */
};

/* What is said of pairs: each difference once, what matters most first. Zeroed but for
 * the arena at first; where that has failed the list is of no use. */
struct match_diff_list {
    struct arena *arena;
    struct match_difference *items; /* [count], room for `room` */
    size_t count, room;
};

/* Adds those of a pair that are not there yet. */
void match_diff_add(struct match_diff_list *list, const struct match_cell *a,
                    const struct match_cell *b, enum field_id by);
/* "engine_version 0.32.0 / 0.13.0, max_num_seqs 256 / 1, 256 / 4, another plan"; NULL:
 * nothing differs. */
const char *match_diff_text(const struct match_diff_list *list);
/* Why a has no partner, b being the nearest cell. */
const char *match_diff_explain(const struct match_cell *a, const struct match_cell *b,
                               enum field_id by, struct arena *arena);

#endif
