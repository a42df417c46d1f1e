/* A results file with what belongs to it, as it is to be logged. */
#ifndef TRACK_BUNDLE_H
#define TRACK_BUNDLE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"

struct bundle_row {
    json_t *row;           /* owned by the bundle */
    struct str as_written; /* laid out as row.json, its members in the file's order */
};

struct bundle {
    const char *results_path;
    const char *env_path, *summary_path; /* NULL: not there */
    const char *raw_dir;                 /* raw_STAMP; NULL: not there */
    const char *ledger_path;             /* raw_dir/mlflow.json, else RESULTS.mlflow */
    bool is_merged;                      /* rows of several runs */
    json_t *metadata;                    /* NULL: offline_benchmark.py's file */
    struct bundle_row *rows;             /* [count], in the file's order */
    size_t count, room;
    size_t refused;     /* rows that hold values of another type than their field's */
    struct err refusal; /* the first of them: file, row, field, value */
    int lock_fd;        /* -1: not locked */
};

/* Reads path and locks raw_dir, or path, against another sync of this machine. Texts live
 * in the arena. As results_scan_file; STATUS_TIMEOUT: another holds the lock for longer
 * than 10 s. */
MUST_CHECK enum status bundle_open(const char *path, struct arena *a, struct bundle *out,
                                   struct err *e);
void bundle_close(struct bundle *b); /* harmless twice */
/* False: the metadata and the files beside it are of another run than the row. */
bool bundle_is_of_run(const struct bundle *b, const char *run_id);

#endif
