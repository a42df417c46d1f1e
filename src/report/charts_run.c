/* What rows keep of a run's course: latencies in few points, pooled over the repeats of a
 * cell, and the timeline of its last repeat. */
#include <math.h>
#include <string.h>

#include "report/charts.h"
#include "stats/sketch.h"
#include "text/json.h"

#define PANELS_MAX 24
#define NO_METRIC  METRIC_tokens_per_second /* any that was measured */

/* What is drawn of a cell; false: nothing is known. */
typedef bool cell_series(const struct chart_source *s, const struct match_cell *c,
                         const char *key, struct plot_series *to);

static const char *json_of(const struct row *row, enum field_id id)
{
    struct value v = row->v[id];
    return v.kind == VALUE_JSON ? v.s : NULL;
}

/* --- latencies --- */

/* The cell's repeats, pooled. */
static bool pool(const struct chart_source *s, const struct match_cell *c,
                 const char *key, struct sketch *out)
{
    struct err e;
    size_t count = 0;
    struct sketch *parts = arena_alloc(s->arena, c->measured, sizeof *parts);
    for (size_t i = 0; parts != NULL && i < c->measured; i++) {
        const char *json = json_of(c->rows[i], FIELD_distributions);
        count += json != NULL && sketch_read(json, key, &parts[count]);
    }
    return count > 0 && sketch_pool(parts, count, out, &e) == STATUS_OK;
}

/* Shares of all requests, in percent: those that were lost are longer than all. */
static bool share_series(const struct chart_source *s, const struct match_cell *c,
                         const char *key, struct plot_series *to)
{
    struct sketch pooled;
    double scale = strcmp(key, "itl_ms") == 0 ? 1 : 1e3;
    if (!pool(s, c, key, &pooled) || !charts_has_points(s, to, pooled.count))
        return false;
    double known = (double)pooled.samples / (double)(pooled.samples + pooled.lost);
    for (size_t i = 0; i < pooled.count; i++)
        to->points[to->count++] = (struct plot_point){.x = pooled.points[i] * scale,
                                                      .mean = 100 * known *
                                                              sketch_share(&pooled, i),
                                                      .low = NAN,
                                                      .high = NAN};
    return true;
}

/* --- timeline --- */

static bool bin_series(const struct chart_source *s, const json_t *root, const char *key,
                       struct plot_series *to)
{
    size_t i;
    const json_t *item, *bins = json_object_get(root, key);
    double step = json_number_value(json_object_get(root, "step_s"));
    if (json_array_size(bins) == 0 || !charts_has_points(s, to, json_array_size(bins)))
        return false;
    json_array_foreach(bins, i, item)
    {
        if (json_is_number(item))
            to->points[to->count++] = (struct plot_point){.x = step * ((double)i + 0.5),
                                                          .mean = json_number_value(item),
                                                          .low = NAN,
                                                          .high = NAN};
    }
    return to->count > 0;
}

static bool time_series(const struct chart_source *s, const struct match_cell *c,
                        const char *key, struct plot_series *to)
{
    struct err e;
    json_t *root = NULL;
    const char *json = NULL;
    for (size_t i = c->measured; i > 0 && json == NULL; i--)
        json = json_of(c->rows[i - 1], FIELD_timeline);
    bool is_read = json != NULL &&
                   json_from_text(str_from(json), "timeline", &root, &e) == STATUS_OK;
    bool is_made = is_read && bin_series(s, root, key, to);
    json_decref(root);
    return is_made;
}

/* --- both --- */

static struct plot_panel *panel_of(const struct chart_source *s, struct plot *p,
                                   const struct match_cell *c)
{
    for (size_t i = 0; i < p->panel_count; i++)
        if (strcmp(p->panels[i].title, c->name) == 0)
            return &p->panels[i];
    if (p->panel_count == PANELS_MAX)
        return NULL;
    struct plot_panel *panel = &p->panels[p->panel_count];
    *panel = (struct plot_panel){.title = c->name};
    panel->series = arena_alloc(s->arena, s->x->machines.cell_count,
                                sizeof *panel->series);
    p->panel_count += panel->series != NULL;
    return panel->series != NULL ? panel : NULL;
}

/* A panel for each cell, a line for each machine. */
static void run_panels(const struct chart_source *s, cell_series *make, const char *key,
                       struct plot *p)
{
    for (size_t i = 0; i < s->x->machines.cell_count; i++) {
        const struct match_cell *c = &s->x->machines.cells[i];
        struct plot_series to = {.name = c->side,
                                 .colour = charts_side_index(s->x, c->side)};
        if (!charts_shows(c, NO_METRIC) || !make(s, c, key, &to))
            continue;
        struct plot_panel *panel = panel_of(s, p, c);
        if (panel != NULL)
            panel->series[panel->series_count++] = to;
        p->left_out += panel == NULL;
    }
}

static void shares(const struct chart_source *s, const char *key, struct plot *p)
{
    p->kind = PLOT_SHARES;
    p->remark = "the share that took that long at most; marks: 50, 90, 95 and 99 %";
    run_panels(s, share_series, key, p);
}

static void times(const struct chart_source *s, const char *key, struct plot *p)
{
    p->kind = PLOT_LINES;
    p->x_label = "s from the first send of the last repeat";
    run_panels(s, time_series, key, p);
}

void charts_run_ttft(const struct chart_source *s, enum metric m, struct plot *p)
{
    (void)m;
    p->x_label = "TTFT, ms";
    shares(s, "ttft_s", p);
}

void charts_run_itl(const struct chart_source *s, enum metric m, struct plot *p)
{
    (void)m;
    p->x_label = "gap between tokens (ITL), ms";
    shares(s, "itl_ms", p);
}

void charts_run_e2e(const struct chart_source *s, enum metric m, struct plot *p)
{
    (void)m;
    p->x_label = "whole answer (E2E), ms";
    shares(s, "e2e_s", p);
}

void charts_run_tokens(const struct chart_source *s, enum metric m, struct plot *p)
{
    (void)m;
    times(s, "tokens_per_second", p);
}

void charts_run_flight(const struct chart_source *s, enum metric m, struct plot *p)
{
    (void)m;
    times(s, "in_flight", p);
}

void charts_run_kv(const struct chart_source *s, enum metric m, struct plot *p)
{
    (void)m;
    times(s, "kv_usage", p);
}
