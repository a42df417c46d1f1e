/* One row on its way from a file into a merged one: noted when the file is first read,
 * written when all of them have proved sound. */
#ifndef STORE_MERGE_ROW_H
#define STORE_MERGE_ROW_H

#include "store/decode.h"
#include "store/row_set.h"

struct merge_row {
    size_t offset, len; /* of the row in the file's text */
    struct str type; /* its instance_type; empty if unknown; lives as long as the file */
    struct row_set_key identity;
    uint64_t content;
    bool is_renamed;    /* gets the instance type given */
    bool is_refused;    /* one was given, but the row has another */
    bool is_failed;     /* its error is not null */
    bool has_nonfinite; /* NaN or Infinity must become null */
};

/* instance_type: given on the command line for rows without one, or NULL. d: reads
 * rows of offline_benchmark.py, to tell whether two are the same. NO_MEMORY is the
 * only error. */
MUST_CHECK enum status merge_row_note(const struct scanned_file *file,
                                      const struct scanned_row *row,
                                      const char *instance_type, struct decode *d,
                                      struct merge_row *out);
/* Appends the row of that text, two levels deep; as it stands unless it was laid out
 * otherwise, is renamed or holds what is not JSON. A label that says nothing is renamed
 * too. */
enum status merge_row_write(struct str text, const struct merge_row *row,
                            const char *instance_type, struct buf *out);

#endif
