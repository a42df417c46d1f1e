/* The last line of a run and its exit code (FORMAT.md 9). */
#ifndef CLI_FINISH_H
#define CLI_FINISH_H

#include "cli/cli.h"
#include "store/results.h"

struct finish {
    const struct results *results;
    size_t repeats_damaged; /* in the journal: with an error for it, or left out */
    bool is_interrupted;
    int signal;
    int64_t cells_failed, cells_planned;
    const struct err *broken; /* why the run could not go on; NULL: it could */
    const struct err *first_failure;
    bool require_valid;         /* what is INCONCLUSIVE is not good enough */
    const char *accept_invalid; /* NULL: not given; "": all; else codes with commas */
};

/* Prints which exit code and why (precedence 2, 4, 1, 3, 0) and returns it. */
int finish_run(struct cli *cli, const struct finish *f);

#endif
