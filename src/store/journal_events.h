/* The events of a request out of its journal line. */
#ifndef STORE_JOURNAL_EVENTS_H
#define STORE_JOURNAL_EVENTS_H

#include "base/arena.h"
#include "base/status.h"
#include "core/record.h"
#include "text/json.h"

/* q has everything else of the line. Arrays go into the arena. BAD_INPUT: parts that do
 * not fit together. Counts that cannot be are forgotten (record_check_counts). */
MUST_CHECK enum status journal_events_read(struct arena *a, const json_t *line,
                                           struct request_record *q);
/* The same of format 1, whose lines hold booked and excluded gaps of settled tokens.
 * Excluded gaps that do not add up are not known. */
MUST_CHECK enum status journal_events_read_old(struct arena *a, const json_t *line,
                                               struct request_record *q);

#endif
