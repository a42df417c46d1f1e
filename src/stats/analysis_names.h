/* What the sides of an analysis are called where their rows do not say it, or say what
 * must not be printed. */
#ifndef STATS_ANALYSIS_NAMES_H
#define STATS_ANALYSIS_NAMES_H

#include "base/arena.h"
#include "base/status.h"
#include "stats/analysis_row.h"

/* Rows without a value of `by` get a name in its place, the same one only where they are
 * of one file and not of machines that differ: "this machine", "? FILE" (without .json,
 * with as many folders as tell two files of that name apart), "? FILE 1a2b3c4d", or, if
 * that is taken, "? FILE #2". Control characters in names become blanks. Names live in
 * the arena. NO_MEMORY is the only failure. */
MUST_CHECK enum status analysis_names_set(const struct analysis_rows *c, enum field_id by,
                                          struct arena *a);

#endif
