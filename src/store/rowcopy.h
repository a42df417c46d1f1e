/* One row on its way from a file into a merged one: noted when the file is first read,
 * written when all of them have proved sound. */
#ifndef STORE_ROWCOPY_H
#define STORE_ROWCOPY_H

#include "store/decode.h"
#include "store/seen.h"

struct rowcopy {
    size_t offset, len; /* of the row in the file's text */
    struct str type; /* its instance_type; empty if unknown; lives as long as the file */
    struct seen_key identity;
    uint64_t content;
    bool is_renamed;    /* gets the instance type given */
    bool is_refused;    /* one was given, but the row has another */
    bool is_failed;     /* its error is not null */
    bool has_nonfinite; /* NaN or Infinity must become null */
};

/* instance_type: given on the command line for rows without one, or NULL. d: reads rows
 * of the published tool, to tell whether two are the same. NO_MEMORY is the only error.
 */
MUST_CHECK enum status rowcopy_note(const struct foreign_file *file,
                                    const struct foreign_row *row,
                                    const char *instance_type, struct decode *d,
                                    struct rowcopy *out);
/* Appends the row, two levels deep; as it stands unless it was laid out otherwise, is
 * renamed or holds what is not JSON. A label that says nothing is renamed too. */
enum status rowcopy_write(const struct foreign_file *file, const struct rowcopy *row,
                          const char *instance_type, struct buf *out);

#endif
