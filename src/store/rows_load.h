/* Rows of many results files in memory, for analysis: decoded, each once. */
#ifndef STORE_ROWS_LOAD_H
#define STORE_ROWS_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "stats/analysis_row.h"
#include "store/clash.h"
#include "store/inputs.h"

struct loaded_rows {
    struct analysis_row *rows; /* [count] in the order of the files */
    size_t count;
    size_t file_count;
    size_t duplicates;      /* rows that an earlier file has too */
    struct clashes clashes; /* of these, rows that the files tell differently */
    struct input_skips skipped;
};

/* Reads every input; a file or a row that cannot be read is skipped and listed.
 * Everything lives in the arena. */
MUST_CHECK enum status rows_load(const struct input *inputs, size_t input_count,
                                 struct arena *a, struct loaded_rows *out, struct err *e);

#endif
