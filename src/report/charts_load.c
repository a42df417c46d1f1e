/* What a server gives at each rate of an open load, and where it stops keeping up. */
#include <math.h>
#include <string.h>

#include "report/charts.h"
#include "stats/scaling.h"
#include "stats/verdict.h"

#define LEAST_RATES 3 /* two make no curve */

static bool is_overloaded(const struct match_cell *c)
{
    for (size_t i = 0; i < c->measured; i++)
        if (verdict_has(field_findings(c->rows[i], FIELD_reasons),
                        verdict_rules[RULE_OVERLOADED].code))
            return true;
    return false;
}

/* The highest rate below the first that overloads; NULL: none overloads, or the first
 * does. */
static const struct match_cell *knee_of(const struct scaling_line *l)
{
    size_t i = 0;
    while (i < l->count && !is_overloaded(l->cells[i]))
        i++;
    return i > 0 && i < l->count ? l->cells[i - 1] : NULL;
}

static void put_point(const struct match_cell *c, enum metric m, struct plot_series *to)
{
    if (!charts_shows(c, m))
        return; /* where ERRORS fires there is no mean latency */
    struct plot_point *p = &to->points[to->count++];
    *p = charts_point(c, m);
    p->x = field_num(c->row, FIELD_request_rate);
}

/* The line, and a series of one point: its knee. */
static void add_line(const struct chart_source *s, const struct scaling_line *l,
                     enum metric m, struct plot_panel *panel)
{
    const struct match_cell *knee = knee_of(l);
    struct plot_series line = {
        .name = l->name,
        .colour = charts_side_index(s->x, l->side),
        .is_light = field_is_true(l->cells[0]->row, FIELD_enable_prefix_caching),
        .variant = l->variant};
    struct plot_series mark = {.name = "knee: the last rate before OVERLOADED",
                               .colour = -1};
    if (!charts_has_points(s, &line, l->count) || !charts_has_points(s, &mark, 1))
        return;
    for (size_t i = 0; i < l->count; i++)
        put_point(l->cells[i], m, &line);
    if (line.count < LEAST_RATES)
        return;
    panel->series[panel->series_count++] = line;
    if (knee != NULL)
        put_point(knee, m, &mark);
    if (mark.count > 0)
        panel->series[panel->series_count++] = mark;
}

/* A panel a scenario that has lines of three rates or more. */
void charts_load_curve(const struct chart_source *s, enum metric m, struct plot *p)
{
    struct scaling lines = {0};
    size_t n = charts_scenarios(s, m, p->panels);
    p->kind = PLOT_LINES;
    p->x_label = "requests/s, as asked for";
    scaling_build(s->x, FIELD_request_rate, s->arena, &lines);
    for (size_t i = 0; i < n; i++) {
        struct plot_panel panel = {.title = p->panels[i].title};
        panel.series = arena_alloc(s->arena, 2 * lines.count + 1, sizeof *panel.series);
        for (size_t k = 0; panel.series != NULL && k < lines.count; k++)
            if (strcmp(lines.items[k].scenario, panel.title) == 0)
                add_line(s, &lines.items[k], m, &panel);
        if (panel.series_count > 0)
            p->panels[p->panel_count++] = panel;
    }
}
