/* A small made run for the tests of stats/: cells, repeats and requests of known
 * numbers. */
#ifndef TESTS_STATS_FIXTURE_H
#define TESTS_STATS_FIXTURE_H

#include "core/run_data.h"

#define STATS_FIXTURE_CELLS   4
#define STATS_FIXTURE_REPEATS 12
#define STATS_FIXTURE_BATCH   4
#define STATS_FIXTURE_TOKENS  5

struct stats_fixture {
    struct run_data run;
    struct cell_data cells[STATS_FIXTURE_CELLS];
    struct repeat_data repeats[STATS_FIXTURE_REPEATS];
    struct request_record requests[STATS_FIXTURE_REPEATS][STATS_FIXTURE_BATCH];
    int64_t at_ns[STATS_FIXTURE_REPEATS][STATS_FIXTURE_BATCH][STATS_FIXTURE_TOKENS];
    double percentiles[4];
};

/* An offline run "g5.xlarge" of one cell (short, batch 2, 5 tokens, caching off) with 1 +
 * 2 repeats. Request i of repeat r: due 0, sent i us, first 100 + 10 r ms, then gaps of
 * 10 + r ms; 16 + i prompt tokens. Settled. */
void stats_fixture_init(struct stats_fixture *f);
/* Appends a cell like the first, or a repeat like those above. */
int32_t stats_fixture_cell(struct stats_fixture *f, const char *scenario, int64_t batch);
struct repeat_data *stats_fixture_repeat(struct stats_fixture *f, int32_t cell,
                                         int32_t repeat);

/* Fails the test, printing both, unless |got - want| <= tolerance. */
void stats_fixture_near(double got, double want, double tolerance);

#endif
