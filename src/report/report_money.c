#include "report/report_money.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "report/figure.h"
#include "report/phrases.h"
#include "stats/compare.h"
#include "stats/match_field.h"

#define SENTENCES_SHOWN 3

#define COST     METRIC_usd_per_million_output_tokens
#define COST_ALL METRIC_usd_per_million_tokens

/* --- which costs less a token --- */

/* "0.53", as figure_ratio without its x. */
static const char *bare_ratio(double ratio, struct arena *a)
{
    char text[FIGURE_BYTES];
    figure_ratio(ratio, text);
    return arena_text(a, "%.*s", (int)strcspn(text, "x"), text);
}

static bool is_told(const struct match_ratio *r)
{
    double least = r->is_one_launch ? COMPARE_ASSUMED : 1;
    if (isnan(r->low) || isnan(r->high))
        return false;
    if (r->call != NULL)
        return strcmp(r->call, compare_call_name(COMPARE_BETTER)) == 0 ||
               strcmp(r->call, compare_call_name(COMPARE_WORSE)) == 0;
    return r->low > least || r->high < 1 / least;
}

/* What an interval rests on, where that is not launches. */
static const char *basis_of(const struct match_ratio *r, const char *lang)
{
    if (isnan(r->low))
        return phrases_in(lang, ", spread unknown");
    return r->is_one_launch ? phrases_in(lang, ", within one launch") : "";
}

const char *report_money_sentence(const struct report_money_ratio *r, struct arena *a)
{
    const struct match_ratio *c = r->cost;
    const char *ratio = bare_ratio(c->ratio, a), *range = "";
    const char *cells = r->cells == 1
                            ? phrases_in(r->lang, "this cell")
                            : arena_text(a, phrases_in(r->lang, "these %zu cells"),
                                         r->cells);
    if (!isnan(c->low))
        range = arena_text(a, " [%s, %s]", bare_ratio(c->low, a), bare_ratio(c->high, a));
    if (c->call != NULL && strcmp(c->call, compare_call_name(COMPARE_SAME)) == 0)
        return arena_text(
            a, phrases_in(r->lang, "%s costs the same as %s a token in %s: %s%s"),
            r->other, r->baseline, cells, ratio, range);
    if (!is_told(c))
        return arena_text(a,
                          phrases_in(r->lang, "Cannot tell which costs less a token in "
                                              "%s: %s costs %s%s of %s%s"),
                          cells, r->other, ratio, range, r->baseline,
                          basis_of(c, r->lang));
    return arena_text(a,
                      c->ratio < 1
                          ? phrases_in(r->lang, "%s costs %s%s of %s a token in %s%s")
                          : phrases_in(r->lang, "%s costs %s%s times %s a token in %s%s"),
                      r->other, ratio, range, r->baseline, cells, basis_of(c, r->lang));
}

/* --- cells of a side --- */

const char *report_money_usd(const struct analysis *x, double usd, struct arena *a)
{
    char text[FIGURE_BYTES], other[FIGURE_BYTES];
    figure_number(usd, text);
    if (x->money.currency == NULL)
        return arena_text(a, "%s USD", text);
    figure_number(usd * x->money.fx, other);
    return arena_text(a, "%s USD (%s %s)", text, other, x->money.currency);
}

/* "0.2790 USD per million output tokens (0.27..0.29)" */
static const char *cost_text(const struct analysis *x, const struct match_cell *c,
                             enum metric m, struct arena *a)
{
    const struct spread *s = &c->spread[m];
    char low[FIGURE_BYTES], high[FIGURE_BYTES];
    figure_number(s->ci95_low, low);
    figure_number(s->ci95_high, high);
    return arena_text(a, "%s per million %s tokens%s", report_money_usd(x, s->mean, a),
                      m == COST ? "output" : "input + output",
                      isnan(s->ci95_low) ? "" : arena_text(a, " (%s..%s)", low, high));
}

static bool has_slo(const struct match_cell *c)
{
    return value_is_known(c->row->v[FIELD_slo]);
}

static bool is_within_slo(const struct match_cell *c)
{
    bool is = has_slo(c) && c->measured > 0;
    for (size_t k = 0; is && k < c->measured; k++)
        is = field_num(c->rows[k], FIELD_goodput_share) >= REPORT_MONEY_SLO_SHARE;
    return is;
}

static bool is_of(const struct match_cell *c, const char *side)
{
    return c->measured > 0 && strcmp(c->side, side) == 0;
}

/* NULL: none of the side. */
static const struct match_cell *cheapest_within_slo(const struct analysis *x,
                                                    const char *side)
{
    const struct match_cell *best = NULL;
    bool has_real = analysis_has_real(x, side, NULL);
    for (size_t i = 0; i < x->machines.cell_count; i++) {
        const struct match_cell *c = &x->machines.cells[i];
        double cost = c->spread[COST].mean;
        if (!is_of(c, side) || !c->is_valid || (has_real && c->is_simulated) ||
            !is_within_slo(c) || isnan(cost))
            continue;
        if (best == NULL || cost < best->spread[COST].mean)
            best = c;
    }
    return best;
}

/* The SLO of the cells, if all that have one have the same; is_mixed: they do not. NULL:
 * none was set. side NULL: of all sides. */
static const char *slo_of(const struct analysis *x, const char *side, bool *is_mixed)
{
    const char *slo = NULL;
    *is_mixed = false;
    for (size_t i = 0; i < x->machines.cell_count; i++) {
        const struct match_cell *c = &x->machines.cells[i];
        if (!has_slo(c) || (side != NULL && !is_of(c, side)))
            continue;
        const char *own = c->row->v[FIELD_slo].s;
        *is_mixed = *is_mixed || (slo != NULL && strcmp(slo, own) != 0);
        slo = slo != NULL ? slo : own;
    }
    return slo;
}

static bool is_online(const struct analysis *x, const char *side)
{
    for (size_t i = 0; i < x->machines.cell_count; i++)
        if (is_of(&x->machines.cells[i], side) &&
            field_is(x->machines.cells[i].row, FIELD_serving_mode, "online"))
            return true;
    return false;
}

/* --- the answer --- */

static void put_slo_side(const struct analysis *x, const char *side, struct document *d)
{
    const struct match_cell *c = cheapest_within_slo(x, side);
    document_keep(d,
                  arena_text(d->arena, "%s: %s", side,
                             c == NULL ? "no cell is" : cost_text(x, c, COST, d->arena)));
    if (c != NULL)
        buf_printf(&d->line, ", %s", c->name);
}

static void put_slo_claim(const struct analysis *x, struct document *d)
{
    bool is_mixed, has_cost = false;
    const char *slo = slo_of(x, NULL, &is_mixed);
    for (size_t i = 0; i < x->machines.cell_count; i++)
        has_cost |= !isnan(x->machines.cells[i].spread[COST].mean);
    if (slo == NULL || is_mixed || !has_cost)
        return;
    buf_printf(&d->line, "Cheapest within the SLO %s (%g %% of the requests): ", slo,
               REPORT_MONEY_SLO_SHARE * 100);
    for (size_t i = 0; i < x->machines.side_count && i < SENTENCES_SHOWN; i++) {
        buf_text(&d->line, i > 0 ? "; " : "");
        put_slo_side(x, x->machines.sides[i], d);
    }
    if (x->machines.side_count > SENTENCES_SHOWN)
        buf_text(&d->line, "; the others below");
    document_end(d, DOCUMENT_CLAIM);
}

void report_money_claims(const struct analysis *x, struct document *d)
{
    size_t shown = 0;
    for (size_t i = 0; i < x->machines.group_count && shown < SENTENCES_SHOWN; i++) {
        const struct match_group *g = &x->machines.groups[i];
        const struct report_money_ratio r = {g->other, g->baseline, &g->geomean[COST],
                                             g->geomean[COST].pairs, d->lang};
        if (isnan(r.cost->ratio))
            continue;
        document_add(d, DOCUMENT_CLAIM, "%s.", report_money_sentence(&r, d->arena));
        shown++;
    }
    put_slo_claim(x, d);
}

/* --- a machine --- */

/* At which share of its time at work the machine costs what an API asks for the same
 * tokens: cost by output tokens / (in / out x price in + price out). */
static void put_break_even(const struct analysis *x, const struct match_cell *c,
                           struct document *d)
{
    const struct money_view *v = &x->money;
    double whole = c->spread[COST_ALL].mean, cost = c->spread[COST].mean;
    double api = v->api_in * (cost / whole - 1) + v->api_out;
    double even = cost / api * 100, low = c->spread[COST].ci95_low / api * 100,
           high = c->spread[COST].ci95_high / api * 100;
    if (isnan(even))
        return;
    buf_printf(&d->line, "break-even with an API at %g:%g USD per million: ", v->api_in,
               v->api_out);
    if (even > 100)
        buf_printf(&d->line, "never, at full use it costs %.3g %% of that", even);
    else
        buf_printf(&d->line, "at %.3g %% of full use", even);
    if (!isnan(low))
        buf_printf(&d->line, " (%.3g..%.3g)", low, high);
    buf_printf(&d->line, ": %s", c->name);
    document_end(d, DOCUMENT_ITEM);
}

static void put_slo(const struct analysis *x, const char *side, struct document *d)
{
    bool is_mixed;
    const char *slo = slo_of(x, side, &is_mixed);
    const struct match_cell *c = cheapest_within_slo(x, side);
    if (slo == NULL) {
        document_add(d, DOCUMENT_ITEM,
                     "cheapest within an SLO: no SLO was set (--goodput)");
        return;
    }
    buf_printf(&d->line, "cheapest within the SLO %s (%g %% of the requests): ",
               is_mixed ? "of each cell" : slo, REPORT_MONEY_SLO_SHARE * 100);
    if (c == NULL)
        buf_text(&d->line, "no cell is");
    else
        buf_printf(&d->line, "%s: %s", cost_text(x, c, COST, d->arena), c->name);
    document_end(d, DOCUMENT_ITEM);
}

void report_money_side(const struct analysis *x, const char *side, struct document *d)
{
    const struct match_cell *best = analysis_best(x, side, NULL, COST);
    if (best == NULL)
        return;
    document_keep(d, "cheapest  ");
    buf_printf(&d->line, "%s: %s", cost_text(x, best, COST, d->arena), best->name);
    document_end(d, DOCUMENT_ITEM);
    if (!isnan(best->spread[COST_ALL].mean)) {
        document_keep(d, "          ");
        buf_text(&d->line, cost_text(x, best, COST_ALL, d->arena));
        document_end(d, DOCUMENT_ITEM);
    }
    if (is_online(x, side))
        put_slo(x, side, d);
    put_break_even(x, best, d);
}
