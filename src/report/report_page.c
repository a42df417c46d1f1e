/* What the page has beside the report: its head, verdicts, charts and rows. */
#include <string.h>

#include "base/str.h"
#include "report/charts.h"
#include "report/phrases.h"
#include "report/report.h"
#include "stats/match_field.h"
#include "stats/verdict.h"

#define NAMES_SHOWN 4

/* --- head --- */

/* Values of a field, each once; "a, b, c, d and 3 more". NULL: none is known. */
static const char *names_of(const struct analysis *x, enum field_id id, struct arena *a)
{
    const struct match_result *r = &x->machines;
    const char *text = NULL;
    size_t count = 0;
    for (size_t i = 0; i < r->cell_count; i++) {
        const char *name = field_str(r->cells[i].row, id);
        bool is_new = name != NULL;
        for (size_t k = 0; k < i && is_new; k++)
            is_new = !field_is(r->cells[k].row, id, name);
        if (is_new && count++ < NAMES_SHOWN)
            text = text == NULL ? name : arena_text(a, "%s, %s", text, name);
    }
    return count > NAMES_SHOWN
               ? arena_text(a, "%s and %zu more", text, count - NAMES_SHOWN)
               : text;
}

/* The first and the last day on which rows were measured. */
static const char *days_of(const struct analysis *x, const struct document *d)
{
    struct arena *a = d->arena;
    const char *first = NULL, *last = NULL;
    for (size_t i = 0; i < x->rows.count; i++) {
        const char *at = field_str(x->rows.items[i].row, FIELD_timestamp);
        if (at == NULL)
            continue;
        first = first == NULL || strcmp(at, first) < 0 ? at : first;
        last = last == NULL || strcmp(at, last) > 0 ? at : last;
    }
    if (first == NULL)
        return "";
    if (strncmp(first, last, 10) == 0)
        return arena_text(a, phrases_in(d->lang, " of %.10s"), first);
    return arena_text(a, phrases_in(d->lang, " of %.10s to %.10s"), first, last);
}

void report_page_head(const struct analysis *x, struct document *d)
{
    struct arena *a = d->arena;
    const struct match_result *r = &x->machines;
    const char *model = names_of(x, FIELD_model_name, a);
    const char *sides = r->side_count > 0 ? r->sides[0]
                                          : phrases_in(d->lang, "nothing measured");
    for (size_t i = 1; i < r->side_count && i < NAMES_SHOWN; i++)
        sides = arena_text(a, "%s, %s", sides, r->sides[i]);
    if (r->side_count > NAMES_SHOWN)
        sides = arena_text(a, "%s and %zu more", sides, r->side_count - NAMES_SHOWN);
    d->title = arena_text(a, "%s: %s", model != NULL ? model : "LLM inference", sides);
    const char *rows = arena_text(a,
                                  x->rows.count == 1 ? phrases_in(d->lang, "%zu row")
                                                     : phrases_in(d->lang, "%zu rows"),
                                  x->rows.count);
    const char *cells = arena_text(a,
                                   r->cell_count == 1 ? phrases_in(d->lang, "%zu cell")
                                                      : phrases_in(d->lang, "%zu cells"),
                                   r->cell_count);
    d->lead = arena_text(a, phrases_in(d->lang, "%s%s, %s"), rows, days_of(x, d), cells);
}

/* --- verdicts --- */

enum { VERDICT, REPEATS, REASONS, VERDICT_COLUMNS };
static const struct document_column verdict_columns[VERDICT_COLUMNS] = {
    {"verdict", NULL, NULL, DOCUMENT_TEXT, 0},
    {"repeats", NULL, NULL, DOCUMENT_NUMBER, 0},
    {"why", NULL, NULL, DOCUMENT_TEXT, 0},
};

/* Measured repeats of one verdict, and the rules that gave it. */
struct tally {
    const char *verdict;
    size_t count;
    bool has[RULE_COUNT];
};
enum { VERDICTS_SHOWN = 8 };

static struct tally *tally_of(struct tally tallies[VERDICTS_SHOWN], const char *verdict)
{
    for (int i = 0; i < VERDICTS_SHOWN; i++) {
        if (tallies[i].verdict == NULL)
            tallies[i].verdict = verdict;
        if (strcmp(tallies[i].verdict, verdict) == 0)
            return &tallies[i];
    }
    return NULL;
}

static void count_row(struct tally tallies[VERDICTS_SHOWN], const struct row *row)
{
    const char *verdict = field_str(row, FIELD_verdict);
    const struct findings *reasons = field_findings(row, FIELD_reasons);
    struct tally *t = verdict != NULL && match_field_is_measured(row)
                          ? tally_of(tallies, verdict)
                          : NULL;
    if (t == NULL)
        return;
    t->count++;
    for (size_t i = 0; reasons != NULL && i < reasons->count; i++) {
        const struct verdict_rule *rule = verdict_find(reasons->items[i].code);
        if (rule != NULL)
            t->has[rule - verdict_rules] = true;
    }
}

/* "CODE: what it means; CODE: ..." */
static const char *reasons_of(const struct tally *t, const struct document *d)
{
    struct arena *a = d->arena;
    const char *text = NULL;
    for (int k = 0; k < RULE_COUNT; k++)
        if (t->has[k])
            text = arena_text(a, "%s%s%s: %s", text != NULL ? text : "",
                              text != NULL ? "; " : "", verdict_rules[k].code,
                              phrases_in(d->lang, verdict_rules[k].help));
    return text;
}

static void put_verdict(const char *verdict, size_t count, const char *why,
                        struct document_table *t, struct document *d)
{
    struct document_cell *cells = document_row(d, t, NULL);
    cells[VERDICT] = document_of_text(verdict);
    cells[REPEATS] = document_of_text(arena_text(d->arena, "%zu", count));
    cells[REASONS] = document_of_text(why);
}

/* Failed repeats have none. */
static void put_without(const struct analysis *x, struct document_table *t,
                        struct document *d)
{
    size_t failed = 0;
    for (size_t i = 0; i < x->machines.cell_count; i++)
        failed += x->machines.cells[i].failed;
    if (failed > 0)
        put_verdict(phrases_in(d->lang, "failed"), failed,
                    phrases_in(d->lang, "no result: \"Left out\" has the errors"), t, d);
}

void report_page_verdicts(const struct analysis *x, struct document *d)
{
    struct tally tallies[VERDICTS_SHOWN] = {{0}};
    struct document_table *t = document_page_table(d, "Verdicts", verdict_columns,
                                                   VERDICT_COLUMNS);
    for (size_t i = 0; i < x->rows.count; i++)
        count_row(tallies, x->rows.items[i].row);
    for (int i = 0; i < VERDICTS_SHOWN && tallies[i].verdict != NULL; i++) {
        const char *why = reasons_of(&tallies[i], d);
        put_verdict(
            tallies[i].verdict, tallies[i].count,
            why != NULL ? why : phrases_in(d->lang, "no rule speaks against them"), t, d);
    }
    put_without(x, t, d);
}

/* --- charts --- */

void report_page_charts(const struct analysis *x, struct document *d)
{
    static const enum chart_id order[] = {
        CHART_ratios,
        CHART_cost_ratios,
        CHART_ttft_tradeoff,
        CHART_tpot_tradeoff,
        CHART_batch_scaling,
        CHART_tokens_per_sec,
        CHART_ttft,
        CHART_itl,
        CHART_cost,
        CHART_prefix_caching,
        CHART_caching_ratios,
        CHART_hit_rates,
        CHART_ttft_shares,
        CHART_itl_shares,
        CHART_e2e_shares,
        CHART_tokens_timeline,
        CHART_flight_timeline,
        CHART_kv_timeline,
    };
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        struct plot *p = arena_alloc(d->arena, 1, sizeof *p);
        if (p != NULL &&
            charts_build(x, &charts_table[order[i]], d->arena, p) == STATUS_OK &&
            p->panel_count > 0)
            document_chart(d, p);
    }
}

void report_page_rows(const struct analysis *x, struct document *d)
{
    document_rows(d, "All rows", &x->rows);
}
