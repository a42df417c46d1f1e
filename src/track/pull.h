/* Rows back from an MLflow server, so that machines that share nothing but a server can
 * be compared: the row.json of each run that was logged from a results file, all of them
 * in one file, as `merge` of those files would have written it (FORMAT.md 4). */
#ifndef TRACK_PULL_H
#define TRACK_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/status.h"
#include "store/inputs.h"
#include "track/account.h"

struct pull_options {
    const char *experiment; /* its name; NULL or "": the account's; without one it is
                               refused, with those that exist */
    const char *filter;     /* MLflow's search expression, or NULL */
    const char *output;     /* file to be written */
    const char *tool;
    struct wall now;
    int32_t utc_offset_s;
    /* Called before each row is fetched; NULL: not wanted. */
    void (*progress)(void *arg, size_t done, size_t total);
    void *arg;
};

struct pull_result {
    const char *experiment; /* its name */
    size_t rows;
    struct input_skips skipped; /* runs without a row; bad: it is out of reach */
};

/* Reads every active run of the experiment that carries the tag inferbench.row, then
 * writes options->output whole, or leaves what was there. Order: benchmark runs by their
 * start, then run_id, then row; rows without run_id by their start. Results live in the
 * arena.
 *   BAD_OPTION  no experiment named; a filter that the server does not take
 *   NOT_FOUND   no such experiment, or it holds no row
 *   others      nobody answers, or the server refuses: credentials, host check, rights */
MUST_CHECK enum status pull_rows(const struct account *account,
                                 const struct pull_options *options, struct arena *a,
                                 struct pull_result *out, struct err *e);

#endif
