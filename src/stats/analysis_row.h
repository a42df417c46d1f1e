/* Rows of results files, as analysis takes them. */
#ifndef STATS_ANALYSIS_ROW_H
#define STATS_ANALYSIS_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "core/field.h"

/* What a file says of the machine that rows of it come from. */
struct origin {
    const char *run_id;   /* NULL: none is named */
    const char *region;   /* e.g. "ap-northeast-1"; NULL: unknown */
    const char *versions; /* e.g. "torch 2.10.0, NVIDIA A10G, driver 580.1"; NULL: none */
    bool is_partial;      /* it says that its run did not reach its end */
    bool is_region_given; /* by --region; else it is that of the client */
};

struct analysis_row {
    struct row *row;
    bool is_published;           /* of offline_benchmark.py */
    const struct origin *origin; /* NULL: none is stated */
    const char *file;
    const char *no_price; /* why its price is unknown; NULL: it is not, or nobody asked */
};

struct analysis_rows {
    struct analysis_row *items; /* [count] in the order of the files */
    size_t count;
    size_t file_count;
};

/* Rows without a value of `by` get a name in its place, the same one only where they are
 * of one file and not of machines that differ: "this machine", "? FILE" (without .json,
 * with as many folders as tell two files of that name apart), "? FILE 1a2b3c4d", or, if
 * that is taken, "? FILE #2". Control characters in names become blanks. Names live in
 * the arena. NO_MEMORY is the only failure. */
MUST_CHECK enum status analysis_names_set(const struct analysis_rows *c, enum field_id by,
                                          struct arena *a);

#endif
