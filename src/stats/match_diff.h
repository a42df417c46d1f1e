/* What two cells differ in: what hinders a comparison, and what is said beside it. Used
 * by match.c. */
#ifndef STATS_MATCH_DIFF_H
#define STATS_MATCH_DIFF_H

#include "stats/match_field.h"

struct match_difference {
    enum field_id field;
    const char *values; /* "256 / 1", or what there is to say without values */
};

/* Fields that must agree and do not. */
size_t match_diff_obstacles(const struct match_fields *fields, const struct match_cell *a,
                            const struct match_cell *b, enum match_by by);
/* True if there is one at all; quicker. */
bool match_diff_is_hindered(const struct match_fields *fields, const struct match_cell *a,
                            const struct match_cell *b, enum match_by by);
/* How far two cells are apart beyond the comparison: fields that differ and do not
 * hinder, said or not. */
size_t match_diff_distance(const struct match_fields *fields, const struct match_cell *a,
                           const struct match_cell *b, enum match_by by);
/* The field that is compared; the model has its fingerprint beside its name. */
bool match_diff_is_compared(enum field_id id, enum match_by by);
enum field_id match_diff_side_field(enum match_by by);

/* What is said of pairs: each difference once, what matters most first. Zeroed but for
 * the arena at first. */
struct match_diff_list {
    struct arena *arena;
    struct match_difference *items; /* [count], room for `room` */
    size_t count, room;
    bool has_failed; /* no memory: the list is of no use */
};

/* Adds those of a pair that are not there yet. */
void match_diff_add(struct match_diff_list *list, const struct match_fields *fields,
                    const struct match_pair *pair, enum match_by by);
/* "engine_version 0.32.0 / 0.13.0, max_num_seqs 256 / 1, 256 / 4, another plan"; *out
 * NULL: nothing differs. */
MUST_CHECK enum status match_diff_text(const struct match_diff_list *list,
                                       const char **out);
/* Why a has no partner, b being the nearest cell; NULL: no memory. */
const char *match_diff_explain(const struct match_fields *fields,
                               const struct match_pair *pair, enum match_by by,
                               struct arena *a);

#endif
