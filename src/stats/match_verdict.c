#include "stats/match_verdict.h"

#include <math.h>
#include <string.h>

#include "core/run_data.h"
#include "stats/trend.h"
#include "stats/verdict.h"

#define DRIFT_REPEATS 5

/* Rows that do not say are older than the field. */
static int definitions_of(const struct row *row)
{
    double n = field_num(row, FIELD_definitions);
    return isnan(n) ? 1 : (int)n;
}

/* A row may say more than its rules' codes: rows of other programs and of later
 * versions. */
static const char *worst_verdict(const struct match_rows *of, const char *of_rules)
{
    static const char *const worst_first[] = {"INVALID", "INCONCLUSIVE"};
    for (size_t w = 0; w < sizeof(worst_first) / sizeof(worst_first[0]); w++) {
        if (strcmp(of_rules, worst_first[w]) == 0)
            return worst_first[w];
        for (size_t i = 0; i < of->count; i++) {
            const char *verdict = field_str(of->rows[i], FIELD_verdict);
            if (verdict != NULL && strcmp(verdict, worst_first[w]) == 0)
                return worst_first[w];
        }
    }
    return of_rules;
}

static void find_doubtful(const struct match_rows *of, struct match_cell *c)
{
    for (size_t i = 0; !c->is_valid && i < of->count; i++) {
        const char *verdict = field_str(of->rows[i], FIELD_verdict);
        if (verdict == NULL || strcmp(verdict, c->verdict) != 0)
            continue;
        c->doubtful_row = c->doubtful == 0 ? of->rows[i] : c->doubtful_row;
        c->doubtful++;
    }
}

enum status match_verdict_judge(const struct match_rows *of, struct arena *a,
                                struct match_cell *c)
{
    struct verdict_outcome o;
    struct err ignored;
    c->is_valid = true;
    if (of->count == 0)
        return STATUS_OK;
    const struct run_data run = {.definitions = definitions_of(of->rows[0])};
    struct verdict_cell cell = {.run = &run,
                                .rows = of->rows,
                                .row_count = of->count,
                                .rates = of->rates,
                                .rate_count = of->rate_count,
                                .drift = NAN};
    enum status s = STATUS_OK;
    if (of->rate_count >= DRIFT_REPEATS)
        s = trend_drift(of->rates, of->rate_count, &cell.drift);
    if (s == STATUS_OK)
        s = verdict_judge_cell(&cell, a, &o, &ignored);
    if (s != STATUS_OK)
        return s;
    c->verdict = worst_verdict(of, o.verdict);
    c->warnings = o.warnings;
    c->checks = o.checks;
    c->is_valid = strcmp(c->verdict, "VALID") == 0;
    find_doubtful(of, c);
    return STATUS_OK;
}
