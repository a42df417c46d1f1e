/* Readers of results files: those of inferbench (also merged ones) and those of
 * offline_benchmark.py, which it replaces: their rows have 26 fields and no run_id, and
 * the file is an object with "results" or a bare list of rows. */
#ifndef STORE_RESULTS_SCAN_H
#define STORE_RESULTS_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "text/digest.h"
#include "text/jsonr.h"
#include "text/jsonr_object.h"

#define RESULTS_SCAN_MAX_BYTES ((size_t)4 << 30)

/* One row as it stands in the file; pieces of the file's text. */
struct scanned_row {
    struct str text;
    size_t index; /* in the file, from 0 */
    struct jsonr_object members;
    bool has_nonfinite; /* NaN or Infinity stands somewhere in it */
};

/* A file in memory. */
struct scanned_file {
    const char *path; /* borrowed */
    struct buf text;
    char sha256[DIGEST_HEX_BYTES];
    struct str metadata; /* JSON object; empty if the file has none */
    int64_t format;      /* metadata.format; 0: offline_benchmark.py's */
    size_t row_count;
};

struct results_visitor {
    /* Any status but OK ends the reading. Pieces live as long as the file. NULL: rows are
     * only counted, and the file may be a summary, and of any format. */
    enum status (*row)(void *arg, const struct scanned_row *row, struct err *e);
    void *arg;
    bool needs_no_digest; /* sha256 stays empty */
};

/* Reads the file and hands each row to the visitor, while the rest is still unread: what
 * it took must be taken back if the reading fails. BAD_INPUT    broken, or not a results
 * file; the message says what to do UNSUPPORTED  sound, but another file of ours (a
 * summary, an environment): nothing is wrong After a failure the file is freed. */
MUST_CHECK enum status results_scan_file(const char *path,
                                         const struct results_visitor *visitor,
                                         struct scanned_file *out, struct err *e);
void results_scan_fini(struct scanned_file *f);

/* True if a row says nothing about its machine: instance_type missing, null, "" or
 * "unknown". */
bool results_scan_is_unknown(const struct jsonr_pair *m);

/* --- what a results or summary file says of itself: whose it is, and whether more rows
 * belong to it */

struct results_head {
    const char *run_id; /* in the arena; NULL: none is named */
    bool is_complete;   /* false: it says that its run did not reach its end */
    size_t row_count;   /* of "results" */
};

/* BAD_INPUT: broken, or neither an object nor a list. *out is untouched on failure. */
MUST_CHECK enum status results_scan_head(const char *path, struct arena *a,
                                         struct results_head *out, struct err *e);
/* May the files of that run be written there? BAD_OPTION: the file is sound and of
 * another run, or of none, as those of offline_benchmark.py. */
MUST_CHECK enum status results_scan_check(const char *path, const char *run_id,
                                          struct arena *a, struct err *e);

#endif
