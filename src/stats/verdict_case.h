/* A rule at work: what it judges, and how it tells what it found. For the files of
 * verdicts alone. */
#ifndef STATS_VERDICT_CASE_H
#define STATS_VERDICT_CASE_H

#include "base/arena.h"
#include "stats/verdict.h"

struct verdict_case {
    const struct run_data *run;
    const struct cell_data *settings; /* NULL for cell rules, as repeat and row */
    const struct repeat_data *repeat;
    const struct row *row;
    const struct verdict_cell *cell; /* NULL for row rules, as rates */
    const double *rates; /* [rate_count] tokens per second of the cell's rows, in order */
    size_t rate_count;
    double drift; /* of the rates (stats/trend.h); NAN below 5: not judged */
    const struct verdict_rule *rule;
    double limit;
    struct arena *arena;
    struct finding *found; /* [found_count], room for found_room */
    size_t found_count, found_room;
    bool has_fired;
};

struct verdict_number {
    double value, limit;
    bool is_broken;
};

/* Takes a finding over; its texts live as long as the arena. */
void verdict_case_add(struct verdict_case *c, struct finding f);
/* What the rule found: its code is set; of what is not broken the text is left out. */
void verdict_case_report(struct verdict_case *c, struct finding f, bool is_broken);
/* A number against a limit, under the rule's field; nothing if it is unknown. The text is
 * made by `format`, printf-like, where it is broken. */
PRINTF_LIKE(3, 4)
void verdict_case_number(struct verdict_case *c, struct verdict_number n,
                         const char *format, ...);
/* The same under another field, of a rule that judges several. */
PRINTF_LIKE(4, 5)
void verdict_case_field(struct verdict_case *c, enum field_id id, struct verdict_number n,
                        const char *format, ...);
/* The same, broken above the rule's limit. */
PRINTF_LIKE(3, 4)
void verdict_case_above(struct verdict_case *c, double value, const char *format, ...);
/* A value of the row that is good or broken in itself; text NULL: it says all. */
void verdict_case_state(struct verdict_case *c, enum field_id id, const char *text,
                        bool is_broken);
/* FIELD_x of the row as a number, NAN where it is none. */
double verdict_case_num(const struct verdict_case *c, enum field_id id);
bool verdict_case_is_online(const struct verdict_case *c);
/* Open load of a finite rate. */
bool verdict_case_is_open(const struct verdict_case *c);
/* SHORT_RUN of a closed load. */
void verdict_load_no_steady_part(struct verdict_case *c);

#endif
