/* The rules that say how far a row can be trusted: one table, pure functions.
 * docs/verdicts.md explains each. */
#ifndef STATS_VERDICT_H
#define STATS_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "core/run_data.h"
#include "stats/verdict_list.h"

struct verdict_case; /* what is judged and where findings go: verdict_case.h */

/* What a rule that fires makes of the row. INCONCLUSIVE: nothing speaks against it, but a
 * rule that applies could not be judged, as time or samples lacked. */
enum verdict_kind { VERDICT_INVALID, VERDICT_INCONCLUSIVE, VERDICT_WARNING };

/* One rule: a row of the table (verdict_list.h). */
struct verdict_rule {
    const char *code;
    enum verdict_kind kind;
    bool is_cell; /* judged in the summary only */
    enum field_id field;
    double limit;
    const char *help;
    void (*judge)(struct verdict_case *c);
};

/* The judges: each row of the table has one, in verdict_*.c. */
#define X(code, kind, scope, field, limit, judge, help) \
    void verdict_##judge(struct verdict_case *c);
VERDICT_LIST(X)
#undef X

enum rule_id {
#define X(code, kind, scope, field, limit, judge, help) RULE_##code,
    VERDICT_LIST(X)
#undef X
        RULE_COUNT
};

/* What makes a row INVALID, what leaves it open, warnings. */
extern const struct verdict_rule verdict_rules[RULE_COUNT];
/* NULL if there is no such rule. */
const struct verdict_rule *verdict_find(const char *code);
/* Is there a finding of that code? None is in NULL. */
bool verdict_has(const struct findings *of, const char *code);
/* "INVALID", "INCONCLUSIVE", "warning". */
const char *verdict_kind_name(enum verdict_kind kind);
/* The limit in force: of --limit, else the rule's own. run NULL: the rule's own. */
double verdict_limit(const struct run_data *run, enum rule_id id);

/* What a cell's rules read. */
struct verdict_samples {
    const char *name;      /* "ttft_s", "itl_ms", "e2e_s" */
    size_t samples, floor; /* what the pool is worth in independent samples, and what the
                              highest percentile asked for needs; samples 0: nothing of
                              that kind exists, not judged */
};

struct verdict_cell {
    const struct run_data *run;    /* NULL: rows of files, the rules' own limits */
    const struct row *const *rows; /* [row_count] measured repeats that succeeded */
    size_t row_count;
    struct verdict_samples samples[3];
};

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

/* Windows or sends that tell of more than a mishap. */
#define VERDICT_BUSY_WINDOWS 3
#define VERDICT_LATE_SENDS   3

/* --- what rows ask of judges before they are judged */

/* ERRORS would fire: too many requests failed or stayed unanswered for a mean over the
 * others to stand for all. */
bool verdict_load_has_errors(const struct run_data *run, const struct row *row);

/* Most events came together with later ones, and what is left is too coarse to tell when
 * tokens came. ANSWERS_BUFFERED where our own reads were on time: then the instants are
 * not the server's. Else the client is to blame, and CLIENT_LATE fires. */
enum verdict_reads { VERDICT_READS_GOOD, VERDICT_READS_BUFFERED, VERDICT_READS_LATE };
enum verdict_reads verdict_tokens_reads(const struct run_data *run,
                                        const struct row *row);

#endif
