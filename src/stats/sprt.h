/* How often does a load keep its SLO? A. Wald's sequential probability ratio test (Ann.
 * Math. Statist. 16 (1945) 117-186), on blocks. Pure; no allocation.
 *
 * A block is a repeat with arrivals drawn for it alone. It is good if the share of its
 * requests that keep the SLO is what was asked for. Requests of one block share queues
 * and batches, so they are not independent of each other; blocks are. The test decides
 * between "8 of 10 blocks are good" and "19 of 20 are". */
#ifndef STATS_SPRT_H
#define STATS_SPRT_H

#include <stdbool.h>
#include <stdint.h>

#define SPRT_BAD_SHARE    0.80 /* p0: good blocks of a load that is too high, at most */
#define SPRT_GOOD_SHARE   0.95 /* p1: of a load that is not, at least */
#define SPRT_ERROR        0.05 /* of a whole search */
#define SPRT_PROBES       8    /* loads that a search tests, at most: each has a part */
#define SPRT_BLOCKS       60   /* then a load is left undecided */
#define SPRT_LOADGEN_RISK 0.01

enum sprt_end { SPRT_OPEN, SPRT_PASS, SPRT_FAIL, SPRT_UNDECIDED };

struct sprt {
    int64_t good, bad;
    double log_ratio; /* of the likelihoods of p1 and p0 */
    enum sprt_end end;
};

/* Adds a block to a test that began as {0}: good +ln(.95 / .80), bad -ln(.20 / .05). PASS
 * at ln((1 - a) / a), FAIL at the negative of it, a = SPRT_ERROR / SPRT_PROBES: 30 good
 * ones in a row, or 4 bad ones. Nothing changes once it has ended. PASS where the share
 * of good blocks is SPRT_BAD_SHARE, and FAIL where it is SPRT_GOOD_SHARE, happen with a
 * probability of a, about. */
void sprt_add(struct sprt *t, bool is_good);

/* A block with so many of `due` requests within the SLO; share: 0.99 for 99 %. One of
 * which nothing was due is not. */
bool sprt_is_good(int64_t good, int64_t due, double share);

/* The rule of MLPerf's LoadGen (early_stopping.cc), which takes requests to be
 * independent: may `late` of `due` requests be late? True if P(Bin(due, 1 - share) <=
 * late) <= SPRT_LOADGEN_RISK. */
bool sprt_loadgen_passes(int64_t late, int64_t due, double share);

#endif
