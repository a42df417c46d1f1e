/* The rules of FORMAT.md 8: one table, pure functions. docs/verdicts.md explains each. */
#ifndef STATS_VERDICT_H
#define STATS_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "core/record.h"

struct verdict_case; /* what is judged and where findings go; private to verdict.c */

/* One rule: the table's row, as the docs print it. */
struct verdict_rule {
    const char *code;
    bool is_warning;     /* else it makes the row INVALID */
    bool is_cell;        /* judged in the summary only */
    enum field_id field; /* what it reads first, FIELD_COUNT if no single field */
    double limit;        /* default; --limit CODE=VALUE replaces it; NAN if it has none */
    const char *help;
    void (*judge)(struct verdict_case *c);
};

/* [*count] rules in the order of FORMAT.md, const. */
const struct verdict_rule *verdict_rules(size_t *count);
/* NULL if there is no such rule. */
const struct verdict_rule *verdict_find(const char *code);
/* The limit in force: of --limit, else the rule's own. */
double verdict_limit(const struct run_data *run, const struct verdict_rule *rule);

/* Sets verdict, reasons, warnings and checks of a row (null verdict and empty arrays for
 * warm-ups and failed rows). A rule whose fields are null is not judged and does not
 * fire. checks has an object {code, field, value, limit} for every rule that was judged.
 */
MUST_CHECK enum status verdict_judge_row(const struct run_data *run,
                                         const struct repeat_data *repeat,
                                         struct row *row, struct arena *a, struct err *e);

/* What a cell's rules read. */
struct verdict_samples {
    const char *name;      /* "ttft_s", "itl_ms", "e2e_s" */
    size_t samples, floor; /* pooled; floor of the highest percentile asked for; samples
                              0: nothing of that kind exists, not judged */
};

struct verdict_cell {
    const struct run_data *run;
    const struct row *const *rows; /* [row_count] measured repeats that succeeded */
    size_t row_count;
    double cv_lower_90;    /* of tokens per second; NAN: not judged */
    double trend_p, drift; /* of the same; drift NAN below 5 values: not judged */
    struct verdict_samples samples[3];
};

struct verdict_outcome {
    const char *verdict;            /* "VALID", "INVALID"; NULL if nothing was measured */
    const char *reasons, *warnings; /* JSON arrays of codes, table order */
    const char *checks; /* of the cell rules, and of each row rule that fired the
                           first row's */
};

/* Cell rules plus the union of the rows' codes. */
MUST_CHECK enum status verdict_judge_cell(const struct verdict_cell *cell,
                                          struct arena *a, struct verdict_outcome *out,
                                          struct err *e);

/* Is `code` in a JSON array of codes as written here? */
bool verdict_has_code(const char *codes_json, const char *code);

#endif
