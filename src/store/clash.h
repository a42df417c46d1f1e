/* Rows of one run_id and row that two files tell differently. */
#ifndef STORE_CLASH_H
#define STORE_CLASH_H

#include "base/arena.h"
#include "base/status.h"
#include "core/field.h"

/* All such rows of two files; of one file where it holds them twice. */
struct clash {
    const char *file, *kept; /* the rows of kept, which was read first, count */
    size_t rows;
    const char *example; /* "row 3 of run 1a2b3c4d: batch_size is 4, there 8" */
    const char *text;    /* all of it in one line, once clash_finish was called */
};

struct clashes {
    struct clash *items; /* [count] */
    size_t count, room;
};

/* One row, and the one of that identity that was read before. */
struct clash_rows {
    const char *file, *kept_file;
    const struct row *row, *kept;
};

/* True if values differ that a notebook leaves as they are: times and
 * numbers lose their last digits there. A type of machine that one row does not know is
 * no difference: merge fills it in. *where: the first such field. */
bool clash_find(const struct row *row, const struct row *kept, enum field_id *where);
/* Adds the rows if they differ. NO_MEMORY is the only failure. */
MUST_CHECK enum status clash_note(struct clashes *to, const struct clash_rows *rows,
                                  struct arena *a);
/* Makes the texts. NO_MEMORY is the only failure. */
MUST_CHECK enum status clash_finish(struct clashes *all, struct arena *a);

#endif
