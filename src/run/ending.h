/* Which end a run came to, and why. */
#ifndef RUN_ENDING_H
#define RUN_ENDING_H

#include "base/log.h"
#include "store/results.h"

enum run_end {
    RUN_DONE,
    RUN_FAILED,
    RUN_INVALID, /* measured, but not every cell is good enough (docs/verdicts.md) */
    RUN_STOPPED  /* by a signal; the files are complete up to there */
};

struct run_ending {
    const struct results *results;
    size_t repeats_damaged; /* in the journal: with an error for it, or left out */
    bool is_interrupted;
    int signal;
    int64_t cells_failed, cells_planned, cells_tried;
    bool has_launches;        /* several: each cell counts once for each of them */
    const struct err *broken; /* why the run could not go on; NULL: it could */
    const struct err *first_failure;
    bool is_unprinted;          /* the table did not reach the screen */
    bool require_valid;         /* what is INCONCLUSIVE is not good enough */
    const char *accept_invalid; /* NULL: not given; "": all; else codes with commas */
};

/* Says which end and why, and returns it. Precedence: STOPPED, FAILED, INVALID, DONE. */
enum run_end run_ending_conclude(const struct run_ending *f, struct log *log);

#endif
