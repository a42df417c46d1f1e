/* Rows made by hand, and the cells that matching makes of them. */
#ifndef TESTS_MATCH_FIXTURE_H
#define TESTS_MATCH_FIXTURE_H

#include "stats/match_cell.h"

#define MATCH_FIXTURE_ROWS 8

struct match_fixture {
    struct arena arena;
    struct row rows[MATCH_FIXTURE_ROWS];
    struct match_row inputs[MATCH_FIXTURE_ROWS];
    size_t count;
    struct match_cells out;
};

/* For cmocka: *state is a struct match_fixture without rows. */
int match_fixture_set_up(void **state);
int match_fixture_tear_down(void **state);
/* Appends an offline row of machine g5, model m, batch 4, caching off, written by an
 * inferbench that knows all fields. */
struct row *match_fixture_add(struct match_fixture *f, const char *scenario,
                              double tokens_per_second);
/* Two such rows that differ in nothing. */
void match_fixture_twins(struct match_fixture *f);
/* Collects the cells; fails the test unless there are `want`. */
void match_fixture_collect(struct match_fixture *f, enum field_id by, size_t want);

#endif
