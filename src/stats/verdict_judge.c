/* Rules at work: what they make of a row, and of a cell. */
#include <math.h>
#include <string.h>

#include "stats/metric.h"
#include "stats/trend.h"
#include "stats/verdict_case.h"

#define DRIFT_REPEATS 5

/* What fired. */
struct fired {
    bool has[RULE_COUNT];
    int definitions;
};

static struct fired nothing_fired(const struct run_data *run)
{
    return (struct fired){.definitions = run != NULL ? run->definitions : RECORD_FORMAT};
}

static bool run_rule(struct verdict_case *c, enum rule_id id)
{
    c->rule = &verdict_rules[id];
    c->limit = verdict_limit(c->run, id);
    c->has_fired = false;
    c->rule->judge(c);
    return c->has_fired;
}

/* Definitions 1 knew two kinds only: what left a row open was a warning. */
static enum verdict_kind kind_of(const struct fired *f, int i)
{
    enum verdict_kind kind = verdict_rules[i].kind;
    bool was_warning = f->definitions == 1 && kind == VERDICT_INCONCLUSIVE;
    return was_warning ? VERDICT_WARNING : kind;
}

/* The fired codes, of warnings or of the others; NULL: no memory. */
static const struct findings *codes_of(const struct fired *f, bool is_warning,
                                       struct arena *a)
{
    struct findings *codes = arena_alloc(a, 1, sizeof *codes);
    struct finding *items = arena_alloc(a, RULE_COUNT, sizeof *items);
    if (codes == NULL || items == NULL)
        return NULL;
    codes->items = items;
    for (int i = 0; i < RULE_COUNT; i++)
        if (f->has[i] && (kind_of(f, i) == VERDICT_WARNING) == is_warning)
            items[codes->count++] = (struct finding){.code = verdict_rules[i].code,
                                                     .limit = NAN};
    return codes;
}

static const char *worst(const struct fired *f)
{
    enum verdict_kind worst = VERDICT_WARNING;
    for (int i = 0; i < RULE_COUNT; i++)
        if (f->has[i] && kind_of(f, i) < worst)
            worst = kind_of(f, i);
    return worst == VERDICT_WARNING ? "VALID" : verdict_kind_name(worst);
}

static enum status outcome_of(const struct fired *f, const struct verdict_case *c,
                              struct verdict_outcome *out)
{
    struct findings *checks = arena_alloc(c->arena, 1, sizeof *checks);
    struct verdict_outcome made = {.verdict = worst(f),
                                   .reasons = codes_of(f, false, c->arena),
                                   .warnings = codes_of(f, true, c->arena),
                                   .checks = checks};
    if (checks == NULL || c->arena->has_failed)
        return STATUS_NO_MEMORY;
    *checks = (struct findings){.items = c->found, .count = c->found_count};
    *out = made;
    return STATUS_OK;
}

static const struct findings none;
static const struct verdict_outcome nothing_judged = {
    .reasons = &none, .warnings = &none, .checks = &none};

enum status verdict_judge_row(const struct run_data *run,
                              const struct repeat_data *repeat, struct row *row,
                              struct arena *a)
{
    struct verdict_outcome o = nothing_judged;
    struct fired f = nothing_fired(run);
    struct verdict_case c = {.run = run,
                             .settings = &run->cells[repeat->cell],
                             .repeat = repeat,
                             .row = row,
                             .arena = a};
    enum status s = STATUS_OK;
    if (!repeat->is_warmup && !value_is_known(row->v[FIELD_error])) {
        for (int i = 0; i < RULE_COUNT; i++)
            f.has[i] = !verdict_rules[i].is_cell && run_rule(&c, (enum rule_id)i);
        s = outcome_of(&f, &c, &o);
    }
    if (s != STATUS_OK)
        return s;
    row->v[FIELD_verdict] = value_str(o.verdict);
    row->v[FIELD_reasons] = value_findings(o.reasons);
    row->v[FIELD_warnings] = value_findings(o.warnings);
    row->v[FIELD_checks] = value_findings(o.checks);
    return STATUS_OK;
}

/* --- cells */

static enum status take_rates(struct verdict_case *c)
{
    const struct verdict_cell *cell = c->cell;
    double *rates = arena_alloc(c->arena, cell->row_count, sizeof *rates);
    c->drift = NAN;
    if (rates == NULL)
        return STATUS_NO_MEMORY;
    c->rates = rates;
    c->rate_count = metric_values(cell->rows, cell->row_count, METRIC_tokens_per_second,
                                  rates);
    return c->rate_count < DRIFT_REPEATS ? STATUS_OK
                                         : trend_drift(rates, c->rate_count, &c->drift);
}

/* The rule fired for a row of the cell: what the first of them found. */
static bool judge_rows(struct verdict_case *c, const struct verdict_rule *rule)
{
    for (size_t i = 0; i < c->cell->row_count; i++) {
        const struct row *row = c->cell->rows[i];
        const struct findings *checks = field_findings(row, FIELD_checks);
        if (!verdict_has(field_findings(row, FIELD_reasons), rule->code) &&
            !verdict_has(field_findings(row, FIELD_warnings), rule->code))
            continue;
        for (size_t k = 0; checks != NULL && k < checks->count; k++)
            if (strcmp(checks->items[k].code, rule->code) == 0)
                verdict_case_add(c, checks->items[k]);
        return true;
    }
    return false;
}

enum status verdict_judge_cell(const struct verdict_cell *cell, struct arena *a,
                               struct verdict_outcome *out)
{
    struct fired f = nothing_fired(cell->run);
    struct verdict_case c = {.run = cell->run, .cell = cell, .arena = a};
    if (cell->row_count == 0) {
        *out = nothing_judged;
        return STATUS_OK;
    }
    enum status s = take_rates(&c);
    if (s != STATUS_OK)
        return s;
    for (int i = 0; i < RULE_COUNT; i++)
        f.has[i] = verdict_rules[i].is_cell ? run_rule(&c, (enum rule_id)i)
                                            : judge_rows(&c, &verdict_rules[i]);
    return outcome_of(&f, &c, out);
}
