/* A journal back into memory. */
#ifndef STORE_JOURNAL_READ_H
#define STORE_JOURNAL_READ_H

#include "base/arena.h"
#include "base/log.h"
#include "base/status.h"
#include "core/run_data.h"
#include "store/journal_order.h"

/* Reads path; everything lives in the arena. The run line, which is the first, must be
 * sound: an error names file:line. Another line that is damaged (longer than what is ever
 * written, not JSON, members missing, numbers that cannot be, changed since it was
 * written) is left out and counted, and the repeat under way there gets an error that
 * names it. So does the second line of a request or a repeat, and a repeat that ended
 * without all of its requests, or with others than were written. A repeat of which a
 * later line tells that it began, and which has no line, is one with an error. A last
 * line that is not JSON was cut. Unknown members and unknown types of line are skipped;
 * unknown fields too. A format above RECORD_FORMAT is refused; what format 1 says comes
 * as its definitions had it, settled. Records of format 2 are raw: stats/settle.h. Counts
 * that cannot be are unknown. */
MUST_CHECK enum status journal_read(const char *path, struct arena *a,
                                    struct run_data *out, struct journal_note *note,
                                    struct err *e);
/* Warns of what a journal holds that is in no row: a cut end, damaged lines, repeats that
 * lost some; silent where all is well. */
void journal_read_warn(const struct journal_note *note, const char *raw_dir,
                       struct log *log);

#endif
