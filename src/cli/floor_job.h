/* `inferbench selftest --floor -- offline|online OPTIONS`: a run of several launches of
 * the same settings, and the floor that it shows. */
#ifndef CLI_FLOOR_JOB_H
#define CLI_FLOOR_JOB_H

#include "cli/cli.h"

struct floor_opts {
    bool is_asked, dry_run;
    int64_t launches, num_runs;
};

struct floor_output {
    bool is_json, is_quiet;
};

/* Their rows in the table of a struct S, with a member of that name. */
#define FLOOR_OPTS_LIST(S, m)                                                          \
    OPT_ROW(S, m.is_asked, "floor", OPT_FLAG, .fallback = "false", .group = "Floor",   \
            .help = "measure what launches of the same settings differ by: the run "   \
                    "behind --, in several launches"),                                 \
        OPT_ROW(S, m.launches, "launches", OPT_INT, .min = 3, .max = 1000,             \
                .fallback = "10", .group = "Floor", .help = "launches of the engine"), \
        OPT_ROW(S, m.num_runs, "num-runs", OPT_INT, .min = 2, .max = 10000,            \
                .fallback = "5", .group = "Floor",                                     \
                .help = "repeats of each launch; the first is the warm-up"),           \
        OPT_ROW(S, m.dry_run, "dry-run", OPT_FLAG, .fallback = "false",                \
                .group = "Floor",                                                      \
                .help = "print the plan, with the time it takes, and exit")

/* --floor, or words behind -- that mean it. */
bool floor_job_is_asked(const struct cli_call *c, const struct floor_opts *o);
/* Returns the exit code. */
int floor_job_main(struct cli_call *c, const struct floor_opts *o,
                   struct floor_output how);

#endif
