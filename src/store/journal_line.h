/* What those who write lines of a journal, read them and check them have in common: the
 * members of a request besides its events, and what tells that bytes have changed since
 * they were written. The last member of every line but requests is `sum`, in 16 hex
 * digits: XXH64 of the line up to there. A repeat's end covers its requests too. */
#ifndef STORE_JOURNAL_LINE_H
#define STORE_JOURNAL_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"
#include "core/record.h"
#include "text/jsonr_object.h"
#include "text/jsonw.h"

#define JOURNAL_SUM_KEY "sum"

enum { JOURNAL_SUM_ROOM = 17 };

const char *journal_line_status_name(enum record_status status);
/* False: there is no such status. */
bool journal_line_status_find(struct jsonr_value name, enum record_status *out);
/* Times and counts of a request; those that are not known are left out. */
void journal_line_write_request(struct jsonw *w, const struct request_record *r);
void journal_line_read_request(const struct jsonr_object *line, struct request_record *q);

/* The sum of lines, the first without one before it (0); a line is without its LF. */
uint64_t journal_line_sum(uint64_t before, struct str line);
void journal_line_sum_text(uint64_t sum, char text[JOURNAL_SUM_ROOM]);
/* Does that line, read from a file, end with its sum?
 *   before  sum of the lines that its own covers as well; 0: none */
bool journal_line_is_right(struct str line, uint64_t before);

/* --- what a line must hold to be believed: journal_check.c */

/* The members that every line of its type has, times and numbers that can be. Token
 * counts come from a server: one that cannot be is made TOKENS_UNKNOWN in the line.
 * STATUS_BAD_INPUT: the line is damaged, and e says how; `where` is its file:line. */
MUST_CHECK enum status journal_check_line(struct jsonr_object *line, const char *type,
                                          const char *where, struct err *e);
/* Of a run line: serving_mode and stamp become names of files. Only those that we write
 * ourselves are let through, which name no other folder. */
MUST_CHECK enum status journal_check_run(const struct jsonr_object *line,
                                         const char *where, struct err *e);
/* 20261124_090000, or 20261124_090000-2: as results_claim makes them. */
bool journal_check_stamp(struct str text);

/* --- the events of a request out of its line: journal_events.c */

/* q has everything else of the line. Arrays go into the arena. BAD_INPUT: parts that do
 * not fit together. Counts that cannot be are forgotten (record_check_counts). */
MUST_CHECK enum status journal_events_read(struct arena *a,
                                           const struct jsonr_object *line,
                                           struct request_record *q);
/* The same of format 1, whose lines hold booked and excluded gaps of settled tokens.
 * Excluded gaps that do not add up are not known. */
MUST_CHECK enum status journal_events_read_old(struct arena *a,
                                               const struct jsonr_object *line,
                                               struct request_record *q);

#endif
