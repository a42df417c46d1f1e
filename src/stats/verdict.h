/* The rules of FORMAT.md 8: one table, pure functions. */
#ifndef STATS_VERDICT_H
#define STATS_VERDICT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"
#include "core/record.h"

/* A rule as the docs print it. */
struct verdict_rule {
    const char *code;
    bool is_warning; /* else it makes the row INVALID */
    bool is_cell;    /* judged in the summary only */
    enum field_id field;  /* what it reads, FIELD_COUNT if not a single field */
    double limit;    /* default limit that --limit CODE=VALUE replaces; NAN if it has none */
    const char *help;
};

/* [*count] rules, const. */
const struct verdict_rule *verdict_rules(size_t *count);
/* NULL if there is no such rule. */
const struct verdict_rule *verdict_find(const char *code);

/* Sets verdict, reasons, warnings and checks of a row (null verdict and empty arrays for warm-ups
 * and failed rows). cell: of the row. */
MUST_CHECK enum status verdict_judge_row(const struct run_data *run,
                                         const struct repeat_data *repeat, struct row *row,
                                         struct arena *a, struct err *e);

#endif
