#include "report/charts.h"

#include <math.h>
#include <string.h>

#include "report/document.h"
#include "report/figure.h"
#include "stats/match_field.h"
#include "stats/scaling.h"

#define CAPTION                                                                         \
    "mean of the measured repeats, warm-ups left out; error bars: 95 % interval where " \
    "there are 3 repeats or more, else lowest to highest"

#define INVALID_NOTE   "!"
#define INVALID_REMARK "! not VALID: summary_report.txt says why"

int charts_side_index(const struct analysis *x, const char *side)
{
    for (size_t i = 0; i < x->machines.side_count; i++)
        if (strcmp(x->machines.sides[i], side) == 0)
            return (int)i;
    return -1;
}

struct plot_point charts_point(const struct match_cell *c, enum metric m)
{
    double scale = figure_scale(m);
    const struct spread *s = &c->spread[m];
    struct plot_point p = {.mean = s->mean * scale, .low = NAN, .high = NAN};
    p.note = c->is_valid ? NULL : INVALID_NOTE;
    if (!isnan(s->ci95_low)) {
        p.low = s->ci95_low * scale > 0 ? s->ci95_low * scale : 0;
        p.high = s->ci95_high * scale;
    } else if (c->spread[m].count >= 2) {
        p.low = s->min * scale;
        p.high = s->max * scale;
    }
    return p;
}

bool charts_shows(const struct match_cell *c, enum metric m)
{
    return c->measured > 0 && c->spread[m].count > 0 && !isnan(c->spread[m].mean);
}

size_t charts_scenarios(const struct chart_source *s, enum metric m,
                        struct plot_panel *panels)
{
    size_t n = 0;
    for (size_t i = 0; i < s->x->machines.cell_count; i++) {
        const struct match_cell *c = &s->x->machines.cells[i];
        size_t k = 0;
        while (k < n && strcmp(panels[k].title, c->scenario) != 0)
            k++;
        if (charts_shows(c, m) && k == n)
            panels[n++] = (struct plot_panel){.title = c->scenario};
    }
    return n;
}

/* Cells of a scenario, one for each distinct tick, sorted. */
static size_t ticks_of(const struct chart_source *s, const char *scenario, enum metric m,
                       const struct match_cell **ticks)
{
    size_t n = 0;
    for (size_t i = 0; i < s->x->machines.cell_count; i++) {
        const struct match_cell *c = &s->x->machines.cells[i];
        size_t k = 0;
        while (k < n &&
               strcmp(analysis_short_name(ticks[k]), analysis_short_name(c)) != 0)
            k++;
        if (!charts_shows(c, m) || strcmp(c->scenario, scenario) != 0 || k < n)
            continue;
        for (k = n++; k > 0 && match_field_is_before(c->row, ticks[k - 1]->row); k--)
            ticks[k] = ticks[k - 1];
        ticks[k] = c;
    }
    return n;
}

/* Where a cell stands in its panel; tick_count: nowhere. */
static size_t tick_index(const struct plot_panel *panel, const struct match_cell *c)
{
    size_t x = 0;
    while (x < panel->tick_count && strcmp(panel->ticks[x], analysis_short_name(c)) != 0)
        x++;
    return x;
}

bool charts_has_points(const struct chart_source *s, struct plot_series *series,
                       size_t count)
{
    series->points = arena_alloc(s->arena, count, sizeof *series->points);
    return series->points != NULL;
}

/* The cells of one side. */
static void bar_series(const struct chart_source *s, enum metric m,
                       const struct plot_panel *panel, struct plot_series *to)
{
    const struct match_result *r = &s->x->machines;
    if (!charts_has_points(s, to, panel->tick_count))
        return;
    for (size_t i = 0; i < r->cell_count; i++) {
        const struct match_cell *c = &r->cells[i];
        size_t x = tick_index(panel, c);
        if (!charts_shows(c, m) || strcmp(c->side, to->name) != 0 ||
            strcmp(c->scenario, panel->title) != 0 || x == panel->tick_count ||
            to->count == panel->tick_count)
            continue;
        to->points[to->count] = charts_point(c, m);
        to->points[to->count++].x = (double)x;
    }
}

static void bar_panel(const struct chart_source *s, enum metric m,
                      struct plot_panel *panel)
{
    const struct match_result *r = &s->x->machines;
    const struct match_cell **cells = arena_alloc(s->arena, r->cell_count,
                                                  sizeof(const struct match_cell *));
    panel->series = arena_alloc(s->arena, r->side_count, sizeof *panel->series);
    panel->ticks = arena_alloc(s->arena, r->cell_count, sizeof(const char *));
    if (s->arena->has_failed)
        return;
    panel->tick_count = ticks_of(s, panel->title, m, cells);
    for (size_t i = 0; i < panel->tick_count; i++)
        panel->ticks[i] = analysis_short_name(cells[i]);
    panel->series_count = r->side_count;
    for (size_t k = 0; k < r->side_count; k++) {
        panel->series[k] = (struct plot_series){.name = r->sides[k], .colour = (int)k};
        bar_series(s, m, panel, &panel->series[k]);
    }
}

/* A panel a scenario, a colour a side. */
static void bar_panels(const struct chart_source *s, enum metric m, struct plot *p)
{
    p->panel_count = charts_scenarios(s, m, p->panels);
    for (size_t i = 0; i < p->panel_count; i++)
        bar_panel(s, m, &p->panels[i]);
}

/* --- ON against OFF --- */

static void caching_panel(const struct chart_source *s, size_t side,
                          struct plot_panel *panel)
{
    const struct match_group *g = &s->x->sides[side].caching.groups[0];
    struct plot_series *two = arena_alloc(s->arena, 2, sizeof *two);
    const char **ticks = arena_alloc(s->arena, g->pair_count, sizeof(const char *));
    *panel = (struct plot_panel){.title = s->x->sides[side].name,
                                 .ticks = ticks,
                                 .series = two,
                                 .series_count = 2,
                                 .tick_count = g->pair_count};
    bool is_made = two != NULL && ticks != NULL;
    for (size_t k = 0; is_made && k < 2; k++) {
        two[k] = (struct plot_series){.name = k == 0 ? "prefix caching OFF"
                                                     : "prefix caching ON",
                                      .colour = (int)side,
                                      .is_light = k == 0,
                                      .count = g->pair_count};
        is_made = charts_has_points(s, &two[k], g->pair_count);
    }
    for (size_t i = 0; is_made && i < g->pair_count; i++) {
        const struct match_pair *pair = &g->pairs[i];
        char ratio[FIGURE_BYTES];
        ticks[i] = pair->baseline->name;
        two[0].points[i] = charts_point(pair->baseline, METRIC_tokens_per_second);
        two[1].points[i] = charts_point(pair->other, METRIC_tokens_per_second);
        two[0].points[i].x = two[1].points[i].x = (double)i;
        figure_ratio(pair->ratios[METRIC_tokens_per_second].ratio, ratio);
        if (pair->is_counted)
            two[1].points[i].note = arena_text(s->arena, "%s", ratio);
    }
}

/* A panel a machine. */
static void caching_panels(const struct chart_source *s, enum metric m, struct plot *p)
{
    (void)m;
    p->has_grey_legend = true;
    p->remark = "above ON: ON / OFF; no ratio where the prompts share nothing, and where "
                "a cell is not VALID (!)";
    for (size_t i = 0; i < s->x->machines.side_count; i++)
        if (s->x->sides[i].caching.group_count > 0)
            caching_panel(s, i, &p->panels[p->panel_count++]);
}

/* --- shares of --hit-rates --- */

/* What a cell was made from, and its load: "prefix_caching bs=8". */
static const char *sweep_of(const struct chart_source *s, const struct match_cell *c)
{
    const char *share = strrchr(c->scenario, '@');
    size_t length = strlen(c->scenario), base = length;
    if (share != NULL)
        base = (size_t)(share - c->scenario);
    if (strncmp(c->name, c->scenario, length) != 0)
        return c->name;
    return arena_text(s->arena, "%.*s%s", (int)base, c->scenario, c->name + length);
}

static bool is_of_sweep(const struct chart_source *s, const struct match_pair *p,
                        const char *sweep)
{
    bool has_share = !isnan(field_num(p->baseline->row, FIELD_prefix_share));
    return has_share && (sweep == NULL || strcmp(sweep_of(s, p->baseline), sweep) == 0);
}

/* Lines OFF and ON over the shares of a sweep, which come in their order. */
static void rate_panel(const struct chart_source *s, size_t side, const char *sweep,
                       struct plot_panel *panel)
{
    const struct match_group *g = &s->x->sides[side].caching.groups[0];
    struct plot_series *two = arena_alloc(s->arena, 2, sizeof *two);
    *panel = (struct plot_panel){
        .title = arena_text(s->arena, "%s, %s", s->x->sides[side].name, sweep),
        .series = two,
        .series_count = 2};
    for (size_t k = 0; two != NULL && k < 2; k++) {
        two[k] = (struct plot_series){
            .name = k == 0 ? "OFF" : "ON", .colour = (int)side, .is_light = k == 0};
        if (!charts_has_points(s, &two[k], g->pair_count))
            return;
        for (size_t i = 0; i < g->pair_count; i++) {
            const struct match_pair *pair = &g->pairs[i];
            const struct match_cell *c = k == 0 ? pair->baseline : pair->other;
            if (!is_of_sweep(s, pair, sweep))
                continue;
            struct plot_point *to = &two[k].points[two[k].count++];
            *to = charts_point(c, METRIC_tokens_per_second);
            to->x = 100 * field_num(c->row, FIELD_prefix_share);
        }
    }
}

/* A panel a machine and sweep. */
static void rate_panels(const struct chart_source *s, enum metric m, struct plot *p)
{
    (void)m;
    p->kind = PLOT_LINES;
    p->x_label = "shared part of a prompt, %";
    for (size_t i = 0; i < s->x->machines.side_count; i++) {
        const struct match_result *caching = &s->x->sides[i].caching;
        const struct match_group *g = caching->group_count > 0 ? caching->groups : NULL;
        for (size_t k = 0; g != NULL && k < g->pair_count; k++) {
            if (!is_of_sweep(s, &g->pairs[k], NULL))
                continue;
            const char *sweep = sweep_of(s, g->pairs[k].baseline);
            bool is_new = true;
            for (size_t j = 0; j < k && is_new; j++)
                is_new = !is_of_sweep(s, &g->pairs[j], sweep);
            if (is_new)
                rate_panel(s, i, sweep, &p->panels[p->panel_count++]);
        }
    }
}

/* --- batch sizes --- */

/* Adds a line to its scenario's panel. */
static void add_line(const struct chart_source *s, const struct scaling_line *l,
                     struct plot_panel *panel)
{
    const struct row *row = l->cells[0]->row;
    struct plot_series *to = &panel->series[panel->series_count++];
    *to = (struct plot_series){
        .name = l->name,
        .colour = charts_side_index(s->x, l->side),
        .is_light = field_is_true(row, FIELD_enable_prefix_caching),
        .variant = l->variant,
        .count = l->count};
    if (!charts_has_points(s, to, l->count))
        return;
    for (size_t i = 0; i < l->count; i++) {
        to->points[i] = charts_point(l->cells[i], METRIC_tokens_per_second);
        to->points[i].x = field_num(l->cells[i]->row, FIELD_batch_size);
    }
}

static bool has_two_sizes(const struct plot_panel *panel)
{
    for (size_t k = 0; k < panel->series_count; k++)
        if (panel->series[k].count >= 2) /* each of another size */
            return true;
    return false;
}

static void scaling_panel(const struct chart_source *s, const struct scaling *lines,
                          struct plot_panel *panel)
{
    panel->series = arena_alloc(s->arena, lines->count, sizeof *panel->series);
    for (size_t i = 0; panel->series != NULL && i < lines->count; i++)
        if (strcmp(lines->items[i].scenario, panel->title) == 0)
            add_line(s, &lines->items[i], panel);
}

/* What the axis of scaling_panels counts. */
static const char *size_name(const struct chart_source *s)
{
    bool has_batches = false, has_slots = false;
    for (size_t i = 0; i < s->x->machines.cell_count; i++) {
        const struct match_cell *c = &s->x->machines.cells[i];
        bool has_size = !isnan(field_num(c->row, FIELD_batch_size));
        has_slots |= has_size && match_field_is_online(c->row);
        has_batches |= has_size && !match_field_is_online(c->row);
    }
    return !has_slots     ? "batch size"
           : !has_batches ? "concurrency"
                          : "batch size or concurrency";
}

/* A panel a scenario that has lines. */
static void scaling_panels(const struct chart_source *s, enum metric m, struct plot *p)
{
    struct scaling lines = {0};
    size_t n = charts_scenarios(s, m, p->panels);
    p->kind = PLOT_LINES;
    p->x_label = size_name(s);
    p->title = arena_text(s->arena, "%s by %s", p->title, p->x_label);
    scaling_build(s->x, FIELD_batch_size, s->arena, &lines);
    for (size_t i = 0; i < n; i++) {
        p->panels[p->panel_count] = (struct plot_panel){.title = p->panels[i].title};
        scaling_panel(s, &lines, &p->panels[p->panel_count]);
        p->panel_count += has_two_sizes(&p->panels[p->panel_count]);
    }
}

static const char *warning_of(const struct analysis *x)
{
    if (x->is_simulated)
        return DOCUMENT_SIMULATED;
    return x->has_dummy_weights
               ? "random (dummy) weights: speeds of a dense model are real, "
                 "its texts are not"
               : NULL;
}

const char *charts_title(const struct analysis *x, const char *what, struct arena *a)
{
    const struct match_result *r = &x->machines;
    const char *model = NULL;
    for (size_t i = 0; i < r->cell_count; i++) {
        const char *name = field_str(r->cells[i].row, FIELD_model_name);
        if (name == NULL || (model != NULL && strcmp(model, name) != 0))
            return what;
        model = name;
    }
    return model != NULL ? arena_text(a, "%s: %s", what, model) : what;
}

static bool has_invalid(const struct analysis *x)
{
    for (size_t i = 0; i < x->machines.cell_count; i++)
        if (!x->machines.cells[i].is_valid)
            return true;
    return false;
}

const struct chart charts_table[CHART_COUNT] = {
#define X(name, stem, title, y_label, why_none, panels, metric) \
    {#name, stem, title, y_label, why_none, panels, METRIC_##metric},
    PLOTS_LIST(X) CHARTS_PAGE_LIST(X)
#undef X
};

enum status charts_build(const struct analysis *x, const struct chart *of,
                         struct arena *a, struct plot *out)
{
    const struct chart_source s = {.x = x, .arena = a};
    *out = (struct plot){.stem = of->stem, .title = of->title, .y_label = of->y_label};
    size_t most = x->machines.cell_count + x->machines.side_count + 1;
    out->panels = arena_alloc(a, most, sizeof *out->panels);
    if (out->panels == NULL)
        return STATUS_NO_MEMORY;
    of->panels(&s, of->metric, out);
    out->caption = CAPTION;
    out->warning = warning_of(x);
    if (out->remark == NULL && out->kind == PLOT_BARS && has_invalid(x))
        out->remark = INVALID_REMARK;
    return a->has_failed ? STATUS_NO_MEMORY : STATUS_OK;
}
