/* Rows of results files, as analysis takes them. */
#ifndef STATS_ANALYSIS_ROW_H
#define STATS_ANALYSIS_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "core/field.h"

/* What a file says of the machine that rows of it come from. */
struct origin {
    const char *run_id;   /* NULL: none is named */
    const char *region;   /* e.g. "ap-northeast-1"; NULL: unknown */
    const char *versions; /* e.g. "torch 2.10.0, NVIDIA A10G, driver 580.1"; NULL: none */
    bool is_partial;      /* it says that its run did not reach its end */
};

struct analysis_row {
    struct row *row;
    bool is_published;           /* of offline_benchmark.py */
    const struct origin *origin; /* NULL: none is stated */
    const char *file;
};

struct analysis_rows {
    const struct analysis_row *items; /* [count] in the order of the files */
    size_t count;
    size_t file_count;
};

#endif
