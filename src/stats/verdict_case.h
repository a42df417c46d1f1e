/* A rule at work: what it judges, and how it tells what it found. For the files of
 * verdicts alone. */
#ifndef STATS_VERDICT_CASE_H
#define STATS_VERDICT_CASE_H

#include "stats/verdict.h"
#include "text/jsonw.h"

struct verdict_case {
    const struct run_data *run;
    const struct cell_data *settings; /* NULL for cell rules, as repeat and row */
    const struct repeat_data *repeat;
    const struct row *row;
    const struct verdict_cell *cell; /* NULL for row rules */
    const struct verdict_rule *rule;
    double limit;
    struct arena *arena;
    struct jsonw *checks;
    bool has_fired;
};

struct verdict_finding {
    const char *field;
    struct value value;
    double limit; /* NAN: none */
    bool is_broken;
    const char *text; /* for people, in a few words with numbers; of broken ones */
};

struct verdict_number {
    double value, limit;
    bool is_broken;
};

void verdict_case_report(struct verdict_case *c, struct verdict_finding f);
/* A number against a limit, under the rule's field; nothing if it is unknown. The text is
 * made by `format`, printf-like, where it is broken. */
PRINTF_LIKE(3, 4)
void verdict_case_number(struct verdict_case *c, struct verdict_number n,
                         const char *format, ...);
/* The same under another field, of a rule that judges several. */
PRINTF_LIKE(4, 5)
void verdict_case_field(struct verdict_case *c, enum field_id id, struct verdict_number n,
                        const char *format, ...);
/* FIELD_x of the row as a number, NAN where it is none. */
double verdict_case_num(const struct verdict_case *c, enum field_id id);
bool verdict_case_is_online(const struct verdict_case *c);
/* Open load of a finite rate. */
bool verdict_case_is_open(const struct verdict_case *c);

#endif
