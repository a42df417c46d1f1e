#include "report/plots.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "report/document.h"
#include "report/figure.h"
#include "report/glyphs.h"
#include "report/plot.h"
#include "report/width.h"
#include "stats/scaling.h"
#include "stats/match_field.h"

#define CAPTION                                                                         \
    "mean of the measured repeats, warm-ups left out; error bars: 95 % interval where " \
    "there are 3 repeats or more, else lowest to highest"

#define TITLE_COLUMNS 130
#define NAME_COLUMNS  120
#define TICK_COLUMNS  60

#define INVALID_NOTE   "!"
#define INVALID_REMARK "! not VALID: summary_report.txt says why"

/* One drawing: what is drawn from, and where to. */
struct sheet {
    const struct analysis *x;
    const char *dir;
    struct arena *arena;
    struct glyphs *glyphs; /* NULL: nothing is drawn here */
    struct plots_result *out;
    struct err *e;
};

static int side_index(const struct analysis *x, const char *side)
{
    for (size_t i = 0; i < x->machines.side_count; i++)
        if (strcmp(x->machines.sides[i], side) == 0)
            return (int)i;
    return -1;
}

static struct plot_point point_of(const struct match_cell *c, enum metric m)
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

static bool shows(const struct match_cell *c, enum metric m)
{
    return c->measured > 0 && c->spread[m].count > 0 && !isnan(c->spread[m].mean);
}

/* A panel for each scenario with something to show, in order of the cells. */
static size_t scenarios_of(const struct sheet *s, enum metric m,
                           struct plot_panel *panels)
{
    size_t n = 0;
    for (size_t i = 0; i < s->x->machines.cell_count; i++) {
        const struct match_cell *c = &s->x->machines.cells[i];
        size_t k = 0;
        while (k < n && strcmp(panels[k].title, c->scenario) != 0)
            k++;
        if (shows(c, m) && k == n)
            panels[n++] = (struct plot_panel){.title = c->scenario};
    }
    return n;
}

/* Cells of a scenario, one for each distinct tick, sorted. */
static size_t ticks_of(const struct sheet *s, const char *scenario, enum metric m,
                       const struct match_cell **ticks)
{
    size_t n = 0;
    for (size_t i = 0; i < s->x->machines.cell_count; i++) {
        const struct match_cell *c = &s->x->machines.cells[i];
        size_t k = 0;
        while (k < n &&
               strcmp(analysis_short_name(ticks[k]), analysis_short_name(c)) != 0)
            k++;
        if (!shows(c, m) || strcmp(c->scenario, scenario) != 0 || k < n)
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

/* A series with room for so many points; false: no memory. */
static bool has_points(const struct sheet *s, struct plot_series *series, size_t count)
{
    series->points = arena_alloc(s->arena, count, sizeof *series->points);
    return series->points != NULL;
}

/* The cells of one side. */
static void bar_series(const struct sheet *s, enum metric m,
                       const struct plot_panel *panel, struct plot_series *to)
{
    const struct match_result *r = &s->x->machines;
    if (!has_points(s, to, panel->tick_count))
        return;
    for (size_t i = 0; i < r->cell_count; i++) {
        const struct match_cell *c = &r->cells[i];
        size_t x = tick_index(panel, c);
        if (!shows(c, m) || strcmp(c->side, to->name) != 0 ||
            strcmp(c->scenario, panel->title) != 0 || x == panel->tick_count ||
            to->count == panel->tick_count)
            continue;
        to->points[to->count] = point_of(c, m);
        to->points[to->count++].x = (double)x;
    }
}

static void bar_panel(const struct sheet *s, enum metric m, struct plot_panel *panel)
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
static void bar_panels(const struct sheet *s, enum metric m, struct plot *p)
{
    p->panel_count = scenarios_of(s, m, p->panels);
    for (size_t i = 0; i < p->panel_count; i++)
        bar_panel(s, m, &p->panels[i]);
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

/* No picture of an earlier analysis stays where this one has none, nor what draws it. */
static void forget(const struct sheet *s, const char *stem, bool has_script)
{
    static const char *const kinds[][2] = {
        {"", "png"}, {"source/", "svg"}, {"source/", "gp"}, {"source/", "dat"}};
    for (size_t i = 0; i < (has_script ? 2 : 4); i++)
        (void)remove(
            arena_text(s->arena, "%s/%s%s.%s", s->dir, kinds[i][0], stem, kinds[i][1]));
}

/* The same of pages from `page` on. */
static void forget_pages(const struct sheet *s, const char *stem, size_t page)
{
    for (; page > 1 && page <= PAGES_MAX; page++)
        forget(s, arena_text(s->arena, "%s_%zu", stem, page), false);
}

static void note_left_out(const struct sheet *s, const char *name, const char *why)
{
    if (s->out->left_out_count == sizeof s->out->left_out / sizeof *s->out->left_out)
        return;
    s->out->left_out[s->out->left_out_count++] = arena_text(s->arena, "%s: %s", name,
                                                            why);
}

/* The title with the model's name, where all cells are of one. */
static const char *title_of(const struct sheet *s, const char *what)
{
    const struct match_result *r = &s->x->machines;
    const char *model = NULL;
    for (size_t i = 0; i < r->cell_count; i++) {
        const char *name = field_str(r->cells[i].row, FIELD_model_name);
        if (name == NULL || (model != NULL && strcmp(model, name) != 0))
            return what;
        model = name;
    }
    return model != NULL ? arena_text(s->arena, "%s: %s", what, model) : what;
}

static bool has_invalid(const struct analysis *x)
{
    for (size_t i = 0; i < x->machines.cell_count; i++)
        if (!x->machines.cells[i].is_valid)
            return true;
    return false;
}

/* gnuplot could not: the others may yet be drawn. */
static void give_up(const struct sheet *s, const char *stem)
{
    char why[sizeof *s->e];
    status_format(s->e, why, sizeof why);
    forget(s, stem, true);
    note_left_out(s, stem, why);
    s->out->failed++;
}

/* No text makes a picture wider than a page. */
static const char *shortened(const struct sheet *s, const char *text, size_t columns)
{
    struct buf out;
    if (width_of(text) <= columns)
        return text;
    buf_init(&out, 4096);
    (void)width_shorten(&out, text, columns);
    const char *copy = arena_text(s->arena, "%s", buf_cstr(&out));
    buf_fini(&out);
    return copy;
}

/* Texts that the fonts can draw and that fit. */
static void make_legible(const struct sheet *s, struct plot *p)
{
    if (s->glyphs != NULL)
        glyphs_apply(s->glyphs, p);
    p->title = shortened(s, p->title, TITLE_COLUMNS);
    for (size_t i = 0; i < p->panel_count; i++) {
        struct plot_panel *panel = &p->panels[i];
        panel->title = shortened(s, panel->title, NAME_COLUMNS);
        for (size_t k = 0; k < panel->tick_count; k++)
            panel->ticks[k] = shortened(s, panel->ticks[k], TICK_COLUMNS);
        for (size_t k = 0; k < panel->series_count; k++)
            panel->series[k].name = shortened(s, panel->series[k].name, NAME_COLUMNS);
    }
}

/* One page; notes the file, or that there is no gnuplot. */
static enum status draw_page(const struct sheet *s, struct plot *p)
{
    const char *path = arena_text(s->arena, "%s/%s.png", s->dir, p->stem);
    make_legible(s, p);
    if (s->arena->has_failed)
        return STATUS_NO_MEMORY;
    enum status st = plot_draw(p, s->dir, s->arena, s->e);
    switch (st) {
    case STATUS_OK:
        s->out->made[s->out->made_count++] = (struct plots_made){path, p->title};
        return STATUS_OK;
    case STATUS_NOT_FOUND:
        s->out->has_gnuplot = false;
        forget(s, p->stem, true);
        return STATUS_OK;
    case STATUS_IO:
    case STATUS_TIMEOUT: give_up(s, p->stem); return STATUS_OK;
    default: return st;
    }
}

static const char *page_stem(const struct sheet *s, const char *stem, size_t page)
{
    return page == 1 ? stem : arena_text(s->arena, "%s_%zu", stem, page);
}

/* Draws all pages. */
static enum status draw(const struct sheet *s, struct plot *p)
{
    const char *stem = p->stem, *title = title_of(s, p->title);
    size_t count = 0, n = 0, failed = s->out->failed;
    p->caption = CAPTION;
    p->warning = warning_of(s->x);
    if (p->remark == NULL && !p->is_lines && has_invalid(s->x))
        p->remark = INVALID_REMARK;
    p->title = title;
    if (pages_split(p, s->arena) != STATUS_OK)
        return STATUS_NO_MEMORY;
    for (size_t from = 0; from < p->panel_count; count++)
        (void)pages_next(p, &from);
    for (size_t from = 0; from < p->panel_count && n < PAGES_MAX;) {
        struct plot page = pages_next(p, &from);
        page.stem = page_stem(s, stem, ++n);
        if (count > 1)
            page.title = arena_text(s->arena, "%s (page %zu of %zu)", title, n, count);
        enum status st = draw_page(s, &page);
        if (st != STATUS_OK)
            return st;
        if (s->out->failed > failed)
            break; /* so would the next */
    }
    forget_pages(s, stem, n + 1);
    if (count > n)
        note_left_out(s, stem,
                      arena_text(s->arena,
                                 "%zu of %zu pages; give fewer files, or --plots",
                                 count - n, count));
    return STATUS_OK;
}

/* --- ON against OFF --- */

static void caching_panel(const struct sheet *s, size_t side, struct plot_panel *panel)
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
        is_made = has_points(s, &two[k], g->pair_count);
    }
    for (size_t i = 0; is_made && i < g->pair_count; i++) {
        const struct match_pair *pair = &g->pairs[i];
        char ratio[FIGURE_BYTES];
        ticks[i] = pair->baseline->name;
        two[0].points[i] = point_of(pair->baseline, METRIC_tokens_per_second);
        two[1].points[i] = point_of(pair->other, METRIC_tokens_per_second);
        two[0].points[i].x = two[1].points[i].x = (double)i;
        figure_ratio(pair->ratios[METRIC_tokens_per_second].ratio, ratio);
        if (pair->is_counted)
            two[1].points[i].note = arena_text(s->arena, "%s", ratio);
    }
}

/* A panel a machine. */
static void caching_panels(const struct sheet *s, enum metric m, struct plot *p)
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
static const char *sweep_of(const struct sheet *s, const struct match_cell *c)
{
    const char *share = strrchr(c->scenario, '@');
    size_t length = strlen(c->scenario), base = length;
    if (share != NULL)
        base = (size_t)(share - c->scenario);
    if (strncmp(c->name, c->scenario, length) != 0)
        return c->name;
    return arena_text(s->arena, "%.*s%s", (int)base, c->scenario, c->name + length);
}

static bool is_of_sweep(const struct sheet *s, const struct match_pair *p,
                        const char *sweep)
{
    bool has_share = !isnan(field_num(p->baseline->row, FIELD_prefix_share));
    return has_share && (sweep == NULL || strcmp(sweep_of(s, p->baseline), sweep) == 0);
}

/* Lines OFF and ON over the shares of a sweep, which come in their order. */
static void rate_panel(const struct sheet *s, size_t side, const char *sweep,
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
        if (!has_points(s, &two[k], g->pair_count))
            return;
        for (size_t i = 0; i < g->pair_count; i++) {
            const struct match_pair *pair = &g->pairs[i];
            const struct match_cell *c = k == 0 ? pair->baseline : pair->other;
            if (!is_of_sweep(s, pair, sweep))
                continue;
            struct plot_point *to = &two[k].points[two[k].count++];
            *to = point_of(c, METRIC_tokens_per_second);
            to->x = 100 * field_num(c->row, FIELD_prefix_share);
        }
    }
}

/* A panel a machine and sweep. */
static void rate_panels(const struct sheet *s, enum metric m, struct plot *p)
{
    (void)m;
    p->is_lines = true;
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
static void add_line(const struct sheet *s, const struct scaling_line *l,
                     struct plot_panel *panel)
{
    const struct row *row = l->cells[0]->row;
    struct plot_series *to = &panel->series[panel->series_count++];
    *to = (struct plot_series){
        .name = l->name,
        .colour = side_index(s->x, l->side),
        .is_light = field_is_true(row, FIELD_enable_prefix_caching),
        .variant = l->variant,
        .count = l->count};
    if (!has_points(s, to, l->count))
        return;
    for (size_t i = 0; i < l->count; i++) {
        to->points[i] = point_of(l->cells[i], METRIC_tokens_per_second);
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

static void scaling_panel(const struct sheet *s, const struct scaling *lines,
                          struct plot_panel *panel)
{
    panel->series = arena_alloc(s->arena, lines->count, sizeof *panel->series);
    for (size_t i = 0; panel->series != NULL && i < lines->count; i++)
        if (strcmp(lines->items[i].scenario, panel->title) == 0)
            add_line(s, &lines->items[i], panel);
}

/* What the axis of scaling_panels counts. */
static const char *size_name(const struct sheet *s)
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
static void scaling_panels(const struct sheet *s, enum metric m, struct plot *p)
{
    struct scaling lines = {0};
    size_t n = scenarios_of(s, m, p->panels);
    p->is_lines = true;
    p->x_label = size_name(s);
    p->title = arena_text(s->arena, "%s by %s", p->title, p->x_label);
    scaling_build(s->x, s->arena, &lines);
    for (size_t i = 0; i < n; i++) {
        p->panels[p->panel_count] = (struct plot_panel){.title = p->panels[i].title};
        scaling_panel(s, &lines, &p->panels[p->panel_count]);
        p->panel_count += has_two_sizes(&p->panels[p->panel_count]);
    }
}

/* --- all of them --- */

static const struct picture {
    const char *name, *stem, *title, *y_label;
    const char *why_none; /* it is left out where it has no panel; NULL: silently */
    void (*panels)(const struct sheet *s, enum metric m, struct plot *p);
    enum metric metric;
} pictures[] = {
#define X(name, stem, title, y_label, why_none, panels, metric) \
    {#name, stem, title, y_label, why_none, panels, METRIC_##metric},
    PLOTS_LIST(X)
#undef X
};

static enum status draw_picture(const struct sheet *s, const struct picture *of)
{
    const struct match_result *r = &s->x->machines;
    struct plot p = {.stem = of->stem, .title = of->title, .y_label = of->y_label};
    p.panels = arena_alloc(s->arena, r->cell_count + r->side_count + 1, sizeof *p.panels);
    if (p.panels == NULL)
        return STATUS_NO_MEMORY;
    of->panels(s, of->metric, &p);
    if (p.panel_count > 0)
        return draw(s, &p);
    forget(s, of->stem, false);
    forget_pages(s, of->stem, 2);
    if (of->why_none != NULL)
        note_left_out(s, of->name, of->why_none);
    return STATUS_OK;
}

/* Where scripts are carried to another machine, its fonts count. */
static bool has_gnuplot(void)
{
    char path[4096];
    struct err ignored;
    return proc_find("gnuplot", path, sizeof path, &ignored) == STATUS_OK;
}

enum status plots_draw(const struct analysis *x, const struct plots_order *order,
                       struct arena *a, struct plots_result *out, struct err *e)
{
    struct glyphs glyphs;
    struct sheet s = {.x = x, .dir = order->dir, .arena = a, .out = out, .e = e};
    *out = (struct plots_result){.has_gnuplot = true};
    glyphs_init(&glyphs, a);
    s.glyphs = has_gnuplot() ? &glyphs : NULL;
    enum status st = file_make_dirs(arena_text(a, "%s/source", order->dir), e);
    for (size_t i = 0; i < PLOTS_MAX && st == STATUS_OK; i++)
        if (opt_is_chosen(order->wanted, pictures[i].name))
            st = draw_picture(&s, &pictures[i]);
    out->missing_glyphs = glyphs_said(&glyphs);
    glyphs_fini(&glyphs);
    return st == STATUS_NO_MEMORY || a->has_failed ? status_no_memory(e, "analyze") : st;
}
