#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/phrases.h"
#include "report/report_money.h"
#include "stats/compare.h"

#define NOTES_BYTES   256 /* what is said of one figure */
#define CLAIMS_SHOWN  10
#define REST_HEADING  "The answer, continued"
#define NO_COST_SHOWN 3

static const char *cells_word(size_t n, const struct document *d)
{
    return phrases_in(d->lang, n == 1 ? "matched cell" : "matched cells");
}

/* What a line of the answer says of its figures: once for all, where it holds for all. */
struct answer {
    const struct match_group *group;
    const struct match_ratio *ratios[2]; /* [count] those that are known */
    const char *names[2];
    size_t count;
    bool is_spread_unknown, is_one_launch; /* of all figures */
};

static void add_figure(struct answer *w, enum metric m, const char *name)
{
    const struct match_ratio *r = &w->group->geomean[m];
    if (isnan(r->ratio))
        return;
    w->is_spread_unknown = (w->count == 0 || w->is_spread_unknown) && isnan(r->low);
    w->is_one_launch = (w->count == 0 || w->is_one_launch) && r->is_one_launch;
    w->names[w->count] = name;
    w->ratios[w->count++] = r;
}

static void add_note(char notes[NOTES_BYTES], const char *note)
{
    size_t len = strlen(notes);
    (void)snprintf(notes + len, NOTES_BYTES - len, "%s%s", len > 0 ? ", " : "", note);
}

/* "0.71x tokens/s (0.69..0.73, worse)"; "0.50x $/token (spread unknown, 1 of 2 cells)" */
static void put_figure(const struct answer *w, size_t i, struct document *d)
{
    const struct match_ratio *r = w->ratios[i];
    char text[FIGURE_BYTES], notes[NOTES_BYTES] = "", whole[2 * NOTES_BYTES];
    figure_certainty(r, text);
    if (!w->is_spread_unknown)
        add_note(notes, text);
    (void)snprintf(text, sizeof text, phrases_in(d->lang, "%zu of %zu cells"), r->pairs,
                   w->group->counted);
    if (r->pairs != w->group->counted)
        add_note(notes, text);
    if (r->is_one_launch && !w->is_one_launch)
        add_note(notes, phrases_in(d->lang, "within one launch"));
    figure_ratio(r->ratio, text);
    (void)snprintf(whole, sizeof whole, *notes != '\0' ? "%s %s (%s)" : "%s %s%s", text,
                   w->names[i], notes);
    buf_text(&d->line, i > 0 ? ", " : " ");
    document_keep(d, whole);
}

/* One line of the answer. */
struct claim {
    const struct match_group *group;
    const char *what;
    bool has_cost;
    double rank; /* tokens/s; no claim: below all */
    size_t nth;  /* in the order of the analysis */
};

/* "inf2.xlarge / g5.xlarge: 0.71x tokens/s (0.69..0.73, worse), 0.91x $/token
 *   (0.88..0.94) (8 matched cells)" */
static void put_claim(const struct claim *c, struct document *d)
{
    const struct match_group *g = c->group;
    struct answer w = {.group = g};
    char count[2 * NOTES_BYTES];
    buf_printf(&d->line, "%s:", c->what);
    add_figure(&w, METRIC_tokens_per_second, "tokens/s");
    add_figure(&w,
               c->has_cost ? METRIC_usd_per_million_output_tokens
                           : METRIC_first_token_latency,
               c->has_cost ? "$/token" : "TTFT");
    for (size_t i = 0; i < w.count; i++)
        put_figure(&w, i, d);
    if (g->counted == 0)
        (void)snprintf(count, sizeof count,
                       phrases_in(d->lang, " no claim (%zu %s, none counted: see below)"),
                       g->pair_count, cells_word(g->pair_count, d));
    else
        (void)snprintf(count, sizeof count, phrases_in(d->lang, " %s(%zu %s%s%s)"),
                       w.count == 0 ? phrases_in(d->lang, "no figures ") : "", g->counted,
                       cells_word(g->counted, d),
                       w.is_spread_unknown ? phrases_in(d->lang, ", spread unknown") : "",
                       w.is_one_launch ? phrases_in(d->lang, ", within one launch") : "");
    buf_char(&d->line, ' ');
    document_keep(d, count + 1);
    document_end(d, DOCUMENT_CLAIM);
}

/* Best first. */
static int order_of_claims(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    return x->nth < y->nth ? -1 : x->nth > y->nth;
}

static struct claim claim_of(const struct match_group *g, const char *what, bool has_cost,
                             size_t nth)
{
    double ratio = g->geomean[METRIC_tokens_per_second].ratio;
    return (struct claim){g, what, has_cost, isnan(ratio) ? -1 : ratio, nth};
}

/* The machines beside the baseline, best first. */
static size_t machine_claims(const struct analysis *x, struct claim *out,
                             struct document *d)
{
    const struct match_result *r = &x->machines;
    for (size_t i = 0; i < r->group_count; i++) {
        const struct match_group *g = &r->groups[i];
        out[i] = claim_of(g, arena_text(d->arena, "%s / %s", g->other, g->baseline), true,
                          i);
    }
    qsort(out, r->group_count, sizeof *out, order_of_claims);
    return r->group_count;
}

/* Prefix caching of each machine, best first. */
static size_t caching_claims(const struct analysis *x, struct claim *out,
                             struct document *d)
{
    size_t n = 0;
    for (size_t i = 0; i < x->machines.side_count; i++) {
        const struct analysis_side *side = &x->sides[i];
        if (side->caching.group_count == 0)
            continue;
        const struct match_group *g = &side->caching.groups[0];
        bool has_arms = value_is_known(g->pairs[0].baseline->row->v[FIELD_cache_arm]);
        const char *what = arena_text(
            d->arena,
            has_arms ? phrases_in(d->lang, "prefix hits in one engine ON / OFF, %s")
                     : phrases_in(d->lang, "prefix caching ON / OFF, %s"),
            side->name);
        out[n] = claim_of(g, what, false, n);
        n++;
    }
    qsort(out, n, sizeof *out, order_of_claims);
    return n;
}

/* The first CLAIMS_SHOWN of them, or what is behind these. */
static void put_claims(const struct claim *claims, size_t count, bool is_rest,
                       struct document *d)
{
    size_t shown = count < CLAIMS_SHOWN ? count : CLAIMS_SHOWN;
    for (size_t i = is_rest ? shown : 0; i < (is_rest ? count : shown); i++)
        put_claim(&claims[i], d);
    if (!is_rest && count > shown)
        document_add(d, DOCUMENT_CLAIM, "and %zu more, in the report under \"%s\"",
                     count - shown, phrases_in(d->lang, REST_HEADING));
}

typedef size_t claims_maker(const struct analysis *x, struct claim *out,
                            struct document *d);

static void put_kind(const struct analysis *x, claims_maker *make, bool is_rest,
                     struct document *d)
{
    const struct match_result *r = &x->machines;
    struct claim *claims = arena_alloc(d->arena, r->group_count + r->side_count + 1,
                                       sizeof *claims);
    if (claims != NULL)
        put_claims(claims, make(x, claims, d), is_rest, d);
}

/* As pricing says it, for rows that it was asked of. */
static const char *why_no_price(const struct analysis *x, const struct row *row,
                                struct arena *a)
{
    const char *type = field_str(row, FIELD_instance_type);
    for (size_t i = 0; i < x->rows.count; i++)
        if (x->rows.items[i].row == row && x->rows.items[i].no_price != NULL)
            return x->rows.items[i].no_price;
    if (type == NULL || strcmp(type, "unknown") == 0)
        return "its instance type is unknown";
    return arena_text(a, "%s is not in the list of prices", type);
}

/* Why a side has no $/token; NULL: it has some, or nothing was measured. */
static const char *why_no_cost(const struct analysis *x, const char *side,
                               struct arena *a)
{
    const struct match_cell *any = NULL;
    for (size_t i = 0; i < x->machines.cell_count; i++) {
        const struct match_cell *c = &x->machines.cells[i];
        if (strcmp(c->side, side) != 0 || c->measured == 0)
            continue;
        any = c;
        if (c->spread[METRIC_usd_per_million_output_tokens].count > 0)
            return NULL;
    }
    if (any == NULL)
        return NULL;
    if (!isnan(field_num(any->row, FIELD_price_usd_per_hour)))
        return "no output tokens were counted";
    return why_no_price(x, any->row, a);
}

/* "No $/token of m1 (its instance type is unknown): --price-per-hour m1=USD says it." */
static void put_no_cost(const struct analysis *x, struct document *d)
{
    size_t count = 0;
    for (size_t i = 0; i < x->machines.side_count; i++) {
        const char *side = x->machines.sides[i];
        const char *why = why_no_cost(x, side, d->arena);
        if (why == NULL)
            continue;
        if (count++ < NO_COST_SHOWN)
            buf_printf(&d->line, "%s%s (%s)", count == 1 ? "No $/token of " : ", ", side,
                       why);
    }
    if (count == 0)
        return;
    if (count > NO_COST_SHOWN)
        buf_printf(&d->line, " and %zu more", count - NO_COST_SHOWN);
    buf_text(&d->line, ": ");
    document_keep(d, arena_text(d->arena, "--price-per-hour %s",
                                x->machines.side_count > 1 ? "NAME=USD" : "USD"));
    buf_text(&d->line, " gives the price");
    document_end(d, DOCUMENT_CLAIM);
}

void report_answer(const struct analysis *x, struct document *d)
{
    const struct match_result *r = &x->machines;
    put_kind(x, machine_claims, false, d);
    if (r->side_count == 0)
        document_add(
            d, DOCUMENT_CLAIM,
            "Nothing was measured: no repeat gave a result; \"Left out\" says why.");
    else if (r->side_count == 1)
        document_add(d, DOCUMENT_CLAIM, "Only one %s: %s. Nothing to compare.",
                     field_table[x->by].name, r->sides[0]);
    else if (r->group_count == 0)
        document_add(d, DOCUMENT_CLAIM,
                     "No two machines share a cell: nothing is compared (see below).");
    report_money_claims(x, d);
    put_kind(x, caching_claims, false, d);
    put_no_cost(x, d);
    if (x->is_simulated)
        document_add(d, DOCUMENT_CLAIM,
                     "SIMULATED: some of these numbers do not come from real hardware.");
    else if (x->has_dummy_weights)
        document_add(d, DOCUMENT_CLAIM,
                     "Dummy weights: the speed is real, the text is not.");
}

/* What the answer left to the report. */
static void put_rest(const struct analysis *x, struct document *d)
{
    document_heading(d, REST_HEADING);
    put_kind(x, machine_claims, true, d);
    put_kind(x, caching_claims, true, d);
}

/* --- matched cells --- */

static const enum metric metrics[] = {
#define X(metric, head, name) METRIC_##metric,
    REPORT_METRICS(X)
#undef X
};

enum {
    NAME,
    FIRST_RATIO,
    INTERVAL = FIRST_RATIO + sizeof metrics / sizeof *metrics,
    COLUMN_COUNT
};

static const struct document_column columns[COLUMN_COUNT] = {
    {"matched cell", NULL, NULL, DOCUMENT_TEXT, 34},
#define X(metric, head, name) {head, name, "ratio", DOCUMENT_RATIO, -7},
    REPORT_METRICS(X)
#undef X
        {"95 % tok/s", "95 % of tokens/s", NULL, DOCUMENT_INTERVAL, 0},
};

static struct document_cell *put_ratios(const char *name,
                                        const struct match_ratio *ratios,
                                        struct document_table *t, struct document *d)
{
    struct document_cell *cells = document_row(d, t, NULL);
    cells[NAME] = document_of_text(name);
    for (size_t i = FIRST_RATIO; i < INTERVAL; i++)
        cells[i] = document_of_ratio(&ratios[metrics[i - FIRST_RATIO]]);
    cells[INTERVAL] = document_of_ratio(&ratios[METRIC_tokens_per_second]);
    return cells;
}

/* Columns of the mean that lack cells: "of fewer cells: $/tok of 1". */
static void put_fewer(const struct match_group *g, struct document *d)
{
    for (size_t i = FIRST_RATIO; i < INTERVAL; i++) {
        size_t pairs = g->geomean[metrics[i - FIRST_RATIO]].pairs;
        if (pairs > 0 && pairs != g->counted)
            buf_printf(&d->line, "%s%s of %zu",
                       d->line.len == 0 ? "of fewer cells: " : ", ", columns[i].head,
                       pairs);
    }
    document_end(d, DOCUMENT_ITEM);
}

/* "tokens/s by cell: 6 worse, 2 cannot tell", of the cells that count. */
static void put_calls(const struct match_group *g, struct document *d)
{
    for (int call = COMPARE_WORSE; call > COMPARE_NONE; call--) {
        const char *name = compare_call_name((enum compare_call)call);
        size_t n = 0;
        for (size_t i = 0; i < g->pair_count; i++) {
            const struct match_ratio *r = &g->pairs[i].ratios[METRIC_tokens_per_second];
            n += r->call != NULL && strcmp(r->call, name) == 0;
        }
        if (n > 0)
            buf_printf(&d->line, "%s%zu %s",
                       d->line.len == 0 ? "tokens/s by cell: " : ", ", n, name);
    }
    document_end(d, DOCUMENT_ITEM);
}

static void put_group(const struct match_group *g, struct document *d)
{
    bool has_uncounted = false;
    struct document_table *t = document_table(d, columns, COLUMN_COUNT);
    for (size_t i = 0; i < g->pair_count; i++) {
        const struct match_pair *p = &g->pairs[i];
        struct document_cell *cells = put_ratios(p->baseline->name, p->ratios, t, d);
        if (p->is_counted)
            continue;
        cells[INTERVAL].text = "*";
        document_note(d, t, p->note);
        has_uncounted = true;
    }
    if (g->counted > 0) {
        put_ratios(arena_text(d->arena, phrases_in(d->lang, "geometric mean of %zu"),
                              g->counted),
                   g->geomean, t, d);
        put_fewer(g, d);
        put_calls(g, d);
    }
    if (has_uncounted)
        document_add(d, DOCUMENT_PARAGRAPH, "* not counted in the geometric mean");
    if (g->differs != NULL)
        document_add(d, DOCUMENT_ITEM, "also different: %s", g->differs);
}

static void put_groups(const struct analysis *x, struct document *d)
{
    for (size_t i = 0; i < x->machines.group_count; i++) {
        const struct match_group *g = &x->machines.groups[i];
        document_heading(d, arena_text(d->arena, "%s / %s", g->other, g->baseline));
        put_group(g, d);
    }
    for (size_t i = 0; i < x->machines.side_count; i++) {
        const struct analysis_side *s = &x->sides[i];
        if (s->caching.group_count == 0)
            continue;
        document_heading(d, arena_text(d->arena, "Prefix caching ON / OFF, %s", s->name));
        put_group(&s->caching.groups[0], d);
    }
}

static void put_plots(const struct plots_result *plots, struct document *d)
{
    for (size_t i = 0; i < plots->made_count; i++) {
        const char *name = strrchr(plots->made[i].path, '/');
        document_plot(d, plots->made[i].title,
                      name != NULL ? name + 1 : plots->made[i].path);
    }
    if (plots->missing_glyphs != NULL)
        document_add(d, DOCUMENT_PARAGRAPH, "Fonts: %s.", plots->missing_glyphs);
}

void report_build(const struct report_input *in, struct document *d)
{
    const struct analysis *x = in->analysis;
    report_page_head(x, d);
    report_answer(x, d);
    document_gap(d);
    document_add(d, DOCUMENT_PARAGRAPH,
                 "Ratios are of matched cells; what else differs is named below them. "
                 "Over 1 means more; more tokens/s is better, less TTFT, TPOT and "
                 "$/token is better. Intervals are of 95 %%; within one launch they do "
                 "not say by how much launches differ. Verdicts are those of inferbench "
                 "compare, at a margin of 2 %%.");
    put_plots(in->plots, d);
    if (in->has_page) {
        report_page_verdicts(x, d);
        report_page_charts(x, d);
    }
    put_rest(x, d);
    put_groups(x, d);
    if (in->has_page)
        report_machines_beside(x, d);
    report_machines_put(x, d);
    report_excluded_put(x, in->loaded, d);
    if (in->has_page)
        report_page_rows(x, d);
}
