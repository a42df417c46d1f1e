/* A run of one process as the journals of several: the requests dealt out, the times as
 * clocks with known differences would have shown them. */
#ifndef TESTS_RANKS_FIXTURE_H
#define TESTS_RANKS_FIXTURE_H

#include "core/run_data.h"
#include "folder_fixture.h"
#include "online_fixture.h"

#define RANKS_FIXTURE_COUNT   8
#define RANKS_FIXTURE_REPEATS 3

struct ranks_fixture {
    char dir[FOLDER_FIXTURE_BYTES];
    char raw[RANKS_FIXTURE_COUNT][96]; /* dir/rank_N */
    const char *dirs[RANKS_FIXTURE_COUNT];
    char path[RANKS_FIXTURE_COUNT][128]; /* of its journal */
    char whole[96], merged[96];          /* folders */
    struct online_fixture f;

    int64_t drift_ppb; /* of the clock of rank N: N times this */
    int64_t error_ns;  /* of a comparison */
    int32_t late_rank; /* its sends are late; -1: none */
    int32_t no_clock;  /* this rank has no clock line; -1: all have */
};

/* An online run of 3 repeats of `count` requests, 100 a second; nothing is written. */
void ranks_fixture_init(struct ranks_fixture *r, size_t count);
void ranks_fixture_fini(struct ranks_fixture *r);
/* whole/journal.jsonl, and rank_N/journal.jsonl of all ranks. */
void ranks_fixture_write(struct ranks_fixture *r);

#endif
