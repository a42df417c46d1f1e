/* The highest load at which a server keeps its SLO: which load is tried next, and what
 * is known. A pure function of the blocks so far, so that a run, its recovery and a
 * simulation come to the same. No allocation.
 *
 *   estimate   one block a level: doubled (or halved) until one is good and one is bad,
 *              then halved by ratio until they are 5 % apart
 *   confirm    sequential tests (sprt.h) of the two: the lower must pass, the higher must
 *              fail. If the lower fails, it is the higher one, and the level 5 % below is
 *              tested; if the higher passes, the level 5 % above. A level that is left
 *              undecided lies between the two: the next one out is tested */
#ifndef STATS_CAPACITY_H
#define STATS_CAPACITY_H

#include <stdbool.h>
#include <stddef.h>

#include "stats/sprt.h"

#define CAPACITY_APART       1.05 /* two levels are close: high / low, at most */
#define CAPACITY_DOUBLINGS   16   /* at most, or halvings */
#define CAPACITY_VOIDS       5    /* blocks in a row that count for nothing: enough */
#define CAPACITY_MOST_LEVELS 64   /* that a search tries, at most */
/* Blocks of a level, at most: its estimate, its test, and what counted for nothing. */
#define CAPACITY_MOST_BLOCKS ((SPRT_BLOCKS + 1) * CAPACITY_VOIDS)

struct capacity_rule {
    double from;   /* the first level: requests/s, or requests in flight; > 0 */
    bool is_whole; /* levels are whole numbers, 1 or more */
    bool confirms; /* after the estimate */
};

/* VOID: it was the client's fault, or what the SLO limits is unknown. */
enum capacity_block { CAPACITY_BAD, CAPACITY_GOOD, CAPACITY_VOID };

struct capacity_outcome {
    double level; /* NAN: of something else, skipped */
    enum capacity_block block;
};

/* The blocks so far, in order, where they lie. */
struct capacity_past {
    size_t count;
    struct capacity_outcome (*at)(const void *arg, size_t i);
    const void *arg;
};

enum capacity_end {
    CAPACITY_GOES_ON,
    CAPACITY_ESTIMATED,
    CAPACITY_CONFIRMED,
    CAPACITY_UNTESTED, /* estimated, but SPRT_PROBES tests did not confirm both ends */
    CAPACITY_NO_GOOD,  /* the lowest level tried is bad */
    CAPACITY_NO_BAD,   /* the highest level tried is good */
    CAPACITY_VOIDED,   /* too many blocks counted for nothing */
};

struct capacity {
    enum capacity_end end;
    double next; /* level of the next block; NAN: there is none */
    /* Of the estimate; NAN: none so far. */
    double low, high; /* highest good, lowest bad */
    /* Of the tests; NAN: none so far. */
    double passed, failed;  /* highest that passed below the lowest that failed */
    int probes;             /* tests begun */
    struct sprt test;       /* the last one */
    double tested;          /* its level; NAN: none */
    struct sprt pass, fail; /* those of `passed` and `failed` */
};

/* A block of another level than was asked for is skipped. */
struct capacity capacity_of(const struct capacity_rule *rule,
                            const struct capacity_past *past);

/* Three significant digits, or a whole number: what a level is rounded to. */
double capacity_round(const struct capacity_rule *rule, double level);

#endif
