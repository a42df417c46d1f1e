/* Rules at work: what they make of a row, and of a cell. Pure functions. */
#ifndef STATS_VERDICT_JUDGE_H
#define STATS_VERDICT_JUDGE_H

#include "base/arena.h"
#include "base/status.h"
#include "stats/verdict.h"

/* Sets verdict, reasons, warnings and checks of a row (no verdict and empty lists for
 * warm-ups and failed rows). A rule whose fields are null is not judged and does not
 * fire. reasons has the codes of what makes it INVALID or INCONCLUSIVE. checks has what
 * every rule that was judged found; of those that fired, with a text for people. */
MUST_CHECK enum status verdict_judge_row(const struct run_data *run,
                                         const struct repeat_data *repeat,
                                         struct row *row, struct arena *a);

struct verdict_outcome {
    const char *verdict; /* "VALID", "INCONCLUSIVE", "INVALID"; NULL if nothing was
                            measured */
    const struct findings *reasons, *warnings; /* codes, in the order of the table */
    const struct findings *checks; /* of the cell rules, and of each row rule that fired
                                      the first row's */
};

/* Cell rules plus the union of the rows' codes: a cell is what its worst repeat is. */
MUST_CHECK enum status verdict_judge_cell(const struct verdict_cell *cell,
                                          struct arena *a, struct verdict_outcome *out);

#endif
