/* What the page shows beside the pictures: ratios with their intervals, and throughput
 * against latency. */
#include <math.h>
#include <string.h>

#include "report/charts.h"
#include "report/figure.h"
#include "stats/match_field.h"

/* --- ratios --- */

static struct plot_point ratio_point(const struct match_ratio *r, size_t at)
{
    return (struct plot_point){.x = (double)at,
                               .mean = r->ratio,
                               .low = r->low,
                               .high = r->high,
                               .note = r->call};
}

/* Its counted pairs, then their mean. False: none has this ratio. */
static bool ratio_panel(const struct chart_source *s, enum metric m,
                        const struct match_group *g, struct plot_panel *panel)
{
    struct plot_series *one = arena_alloc(s->arena, 1, sizeof *one);
    const char **ticks = arena_alloc(s->arena, g->pair_count + 1, sizeof(const char *));
    if (one == NULL || ticks == NULL || isnan(g->geomean[m].ratio))
        return false;
    *one = (struct plot_series){.name = g->other,
                                .colour = charts_side_index(s->x, g->other)};
    if (!charts_has_points(s, one, g->pair_count + 1))
        return false;
    for (size_t i = 0; i < g->pair_count; i++) {
        const struct match_pair *p = &g->pairs[i];
        if (!p->is_counted || isnan(p->ratios[m].ratio))
            continue;
        ticks[one->count] = p->baseline->name;
        one->points[one->count] = ratio_point(&p->ratios[m], one->count);
        one->count++;
    }
    ticks[one->count] = arena_text(s->arena, "geometric mean of %zu",
                                   g->geomean[m].pairs);
    one->points[one->count] = ratio_point(&g->geomean[m], one->count);
    one->count++;
    panel->ticks = ticks;
    panel->tick_count = one->count;
    panel->series = one;
    panel->series_count = 1;
    return true;
}

static void set_ratios(enum metric m, struct plot *p)
{
    bool is_more = field_table[field_of_metric(m)].better == BETTER_HIGHER;
    p->kind = PLOT_RATIOS;
    p->x_label = is_more ? "ratio; over 1 is better" : "ratio; under 1 is better";
}

/* A panel for each pair of machines. */
void charts_page_ratios(const struct chart_source *s, enum metric m, struct plot *p)
{
    set_ratios(m, p);
    for (size_t i = 0; i < s->x->machines.group_count; i++) {
        const struct match_group *g = &s->x->machines.groups[i];
        struct plot_panel *panel = &p->panels[p->panel_count];
        *panel = (struct plot_panel){
            .title = arena_text(s->arena, "%s / %s, %s", g->other, g->baseline,
                                m == METRIC_tokens_per_second ? "tokens/s" : "$/token")};
        p->panel_count += ratio_panel(s, m, g, panel);
    }
}

/* A panel a machine. */
void charts_page_caching(const struct chart_source *s, enum metric m, struct plot *p)
{
    set_ratios(m, p);
    for (size_t i = 0; i < s->x->machines.side_count; i++) {
        const struct match_result *caching = &s->x->sides[i].caching;
        struct plot_panel *panel = &p->panels[p->panel_count];
        if (caching->group_count == 0)
            continue;
        *panel = (struct plot_panel){
            .title = arena_text(s->arena, "%s, ON / OFF, tokens/s", s->x->sides[i].name)};
        if (!ratio_panel(s, m, caching->groups, panel))
            continue;
        panel->series->name = s->x->sides[i].name;
        panel->series->colour = (int)i;
        p->panel_count++;
    }
}

/* --- throughput against latency --- */

static bool has_both(const struct match_cell *c, enum metric latency)
{
    return charts_shows(c, latency) && charts_shows(c, METRIC_tokens_per_second);
}

/* Cells of one side, caching ON or not. */
static void tradeoff_series(const struct chart_source *s, enum metric latency,
                            const char *scenario, struct plot_series *to)
{
    const struct match_result *r = &s->x->machines;
    if (!charts_has_points(s, to, r->cell_count))
        return;
    for (size_t i = 0; i < r->cell_count; i++) {
        const struct match_cell *c = &r->cells[i];
        bool is_on = field_is_true(c->row, FIELD_enable_prefix_caching);
        if (!has_both(c, latency) || is_on != to->is_light ||
            strcmp(c->side, to->name) != 0 || strcmp(c->scenario, scenario) != 0)
            continue;
        struct plot_point p = charts_point(c, METRIC_tokens_per_second);
        p.x = c->spread[latency].mean * figure_scale(latency);
        p.note = c->is_valid ? analysis_short_name(c)
                             : arena_text(s->arena, "%s (%s)", analysis_short_name(c),
                                          c->verdict);
        to->points[to->count++] = p;
    }
}

static void tradeoff_panel(const struct chart_source *s, enum metric latency,
                           struct plot_panel *panel)
{
    const struct match_result *r = &s->x->machines;
    panel->series = arena_alloc(s->arena, 2 * r->side_count, sizeof *panel->series);
    for (size_t k = 0; panel->series != NULL && k < 2 * r->side_count; k++) {
        struct plot_series *to = &panel->series[panel->series_count];
        *to = (struct plot_series){
            .name = r->sides[k / 2], .colour = (int)(k / 2), .is_light = k % 2 == 1};
        tradeoff_series(s, latency, panel->title, to);
        if (to->count == 0)
            continue;
        if (to->is_light)
            to->name = arena_text(s->arena, "%s, prefix caching ON", to->name);
        panel->series_count++;
    }
}

/* A panel a scenario. */
void charts_page_tradeoff(const struct chart_source *s, enum metric m, struct plot *p)
{
    size_t n = charts_scenarios(s, m, p->panels);
    p->kind = PLOT_POINTS;
    p->remark = "up and to the left is better; the dotted line joins the cells that no "
                "other beats in both";
    p->x_label = m == METRIC_first_token_latency ? "mean TTFT, ms" : "mean TPOT, ms";
    for (size_t i = 0; i < n; i++) {
        struct plot_panel *panel = &p->panels[p->panel_count];
        *panel = (struct plot_panel){.title = p->panels[i].title};
        tradeoff_panel(s, m, panel);
        p->panel_count += panel->series_count > 0;
    }
}
