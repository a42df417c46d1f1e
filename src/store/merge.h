/* Several results files into one (FORMAT.md 4). Rows are copied as they stand, so
 * whatever a file holds survives. */
#ifndef STORE_MERGE_H
#define STORE_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/status.h"
#include "store/inputs.h"

struct merge_options {
    const struct input *inputs; /* [input_count] */
    size_t input_count;
    const char *output;
    const char *tool;
    struct wall now;
    int32_t utc_offset_s;
};

struct merge_machine {
    const char *instance_type;
    size_t rows;
};

struct merge_result {
    size_t files, rows, failed_rows;
    size_t duplicates; /* rows left out because an earlier file has them */
    size_t differing;  /* of these, rows of the same run_id and row with other content */
    size_t refused;    /* rows that kept another instance type than the given one */
    struct merge_machine *machines; /* [machine_count] by first appearance */
    size_t machine_count;
    struct input_skips skipped;
};

/* Reads every input, then writes options->output whole, or leaves what was there. Files
 * that cannot be read are skipped and listed. Results live in the arena. BAD_OPTION  the
 * output is one of the inputs NOT_FOUND   no input could be read: nothing is written */
MUST_CHECK enum status merge_files(const struct merge_options *options, struct arena *a,
                                   struct merge_result *out, struct err *e);

#endif
