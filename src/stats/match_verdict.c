#include <string.h>

#include "core/run_data.h"
#include "stats/match_cell.h"
#include "stats/match_field.h"
#include "stats/verdict.h"

/* From bad to good. */
static const char *const verdicts[] = {"INVALID", "INCONCLUSIVE", "VALID"};
enum { AS_INVALID, AS_INCONCLUSIVE, AS_VALID };

static int rank_of(const char *verdict)
{
    int rank = AS_INVALID; /* a word that nobody here writes promises nothing */
    for (int i = 0; i <= AS_VALID; i++)
        if (strcmp(verdict, verdicts[i]) == 0)
            rank = i;
    return rank;
}

static int rank_of_reasons(const struct findings *codes)
{
    int rank = AS_INVALID;
    for (int i = 0; i < RULE_COUNT; i++) {
        if (!verdict_has(codes, verdict_rules[i].code))
            continue;
        if (verdict_rules[i].kind == VERDICT_INVALID)
            return AS_INVALID;
        if (verdict_rules[i].kind == VERDICT_INCONCLUSIVE)
            rank = AS_INCONCLUSIVE;
    }
    return rank;
}

/* What a row is worth: by its verdict, else by its reasons. One of ours that has neither
 * was not judged; other programs judge nothing. */
static int rank_of_row(const struct row *row)
{
    const char *verdict = field_str(row, FIELD_verdict);
    const struct findings *reasons = field_findings(row, FIELD_reasons);
    if (verdict != NULL)
        return rank_of(verdict);
    if (reasons != NULL && reasons->count > 0)
        return rank_of_reasons(reasons);
    return value_is_known(row->v[FIELD_run_id]) ? AS_INCONCLUSIVE : AS_VALID;
}

static void find_worst(const struct row *const *rows, size_t count, const char *of_rules,
                       struct match_cell *c)
{
    int worst = rank_of(of_rules);
    for (size_t i = 0; i < count; i++) {
        int rank = rank_of_row(rows[i]);
        worst = rank < worst ? rank : worst;
    }
    c->verdict = verdicts[worst];
    c->is_valid = worst == AS_VALID;
    for (size_t i = 0; !c->is_valid && i < count; i++) {
        if (rank_of_row(rows[i]) != worst)
            continue;
        c->doubtful_row = c->doubtful == 0 ? rows[i] : c->doubtful_row;
        c->doubtful++;
    }
}

enum status match_verdict_judge(const struct row *const *rows, size_t count,
                                struct arena *a, struct match_cell *c)
{
    struct verdict_outcome o;
    c->is_valid = true;
    if (count == 0)
        return STATUS_OK;
    const struct run_data run = {.definitions = match_field_definitions(rows[0])};
    const struct verdict_cell cell = {.run = &run, .rows = rows, .row_count = count};
    enum status s = verdict_judge_cell(&cell, a, &o);
    if (s != STATUS_OK)
        return s;
    c->warnings = o.warnings;
    c->checks = o.checks;
    find_worst(rows, count, o.verdict, c);
    return STATUS_OK;
}
