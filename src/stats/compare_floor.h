/* Floors (floor.h) for a comparison of one launch a side: which serve, and what they say.
 * Pure; texts live in the arena. */
#ifndef STATS_COMPARE_FLOOR_H
#define STATS_COMPARE_FLOOR_H

#include "stats/floor.h"
#include "stats/match.h"

/* What stands for the launches of a pair of cells. Each side has the floor of its own
 * settings; where only one has one, and the other side is of the same machine and engine,
 * it stands for both: launches are taken to differ alike under settings that are
 * compared. */
struct compare_floor {
    const struct floor_cell *sides[2]; /* baseline first; both or none: NULL */
    bool is_borrowed[2];               /* that of the other side's settings */
    const char *refused; /* why one that is of the cell does not serve; NULL: there is
                            none */
};

/* Of floors of one cell the one that was measured last. A side that has more repeats than
 * the floor's launches is refused, as is another machine, driver or engine. */
void compare_floor_find(const struct floor_list *floors, const struct match_pair *p,
                        struct arena *a, struct compare_floor *out);
/* A difference, other - baseline, of a field's logarithms. */
struct compare_floor_query {
    enum field_id field;
    double difference;
    size_t repeats[2]; /* of each side, that know it; of means the fewest of a cell */
};
/* With the variance that the floors give it. False: none serves, or none knows the
 * field. */
bool compare_floor_contrast(const struct compare_floor *f,
                            const struct compare_floor_query *q, struct contrast *out);
/* The same of means over `count` cells, each with its floors: those of a side must be of
 * one run, whose launches are averaged as those that are compared. */
bool compare_floor_means(const struct compare_floor *const *cells, size_t count,
                         const struct compare_floor_query *q, struct contrast *out);

#endif
