#include "report/pages.h"

#include "report/layout.h"

#define HEIGHT_MAX 1800 /* pixels */
#define BARS_MAX   72   /* of a panel */
#define SERIES_MAX 24
#define LINES_MAX  16

/* How a panel is cut: so many series and ticks a piece. */
struct cut {
    size_t series, ticks;
    size_t across, down; /* pieces */
};

static size_t pieces(size_t count, size_t each)
{
    return count > each ? (count + each - 1) / each : 1;
}

/* About as many in each piece. */
static size_t evenly(size_t count, size_t most)
{
    size_t n = pieces(count, most);
    return count > most ? (count + n - 1) / n : count;
}

static struct cut cut_of(const struct plot *p, const struct plot_panel *panel)
{
    struct cut c = {.series = evenly(panel->series_count,
                                     p->kind == PLOT_LINES ? LINES_MAX : SERIES_MAX),
                    .ticks = panel->tick_count,
                    .down = 1};
    c.across = pieces(panel->series_count, c.series);
    if (p->kind == PLOT_BARS && c.series > 0 && c.ticks > 0) {
        c.ticks = evenly(c.ticks, BARS_MAX / c.series);
        c.down = pieces(panel->tick_count, c.ticks);
    }
    return c;
}

/* Of a series the points on the ticks from `tick` on. */
static enum status take_points(const struct plot_series *from, size_t tick, size_t ticks,
                               struct plot_series *to, struct arena *a)
{
    *to = *from;
    to->count = 0;
    to->points = arena_alloc(a, from->count + 1, sizeof *to->points);
    if (to->points == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < from->count; i++) {
        double x = from->points[i].x - (double)tick;
        if (x < 0 || x >= (double)ticks)
            continue;
        to->points[to->count] = from->points[i];
        to->points[to->count++].x = x;
    }
    return STATUS_OK;
}

static size_t fewer(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The panel on some ticks only, all its series. */
static enum status take_ticks(const struct plot_panel *whole, size_t from, size_t count,
                              struct plot_panel *out, struct arena *a)
{
    *out = *whole;
    out->ticks = whole->ticks + from;
    out->tick_count = fewer(count, whole->tick_count - from);
    out->series = arena_alloc(a, whole->series_count, sizeof *out->series);
    if (out->series == NULL)
        return STATUS_NO_MEMORY;
    for (size_t k = 0; k < whole->series_count; k++)
        if (take_points(&whole->series[k], from, count, &out->series[k], a) != STATUS_OK)
            return STATUS_NO_MEMORY;
    return STATUS_OK;
}

/* The nth piece of a panel: those of other series have its axis of y. */
static enum status take_piece(const struct plot_panel *whole, const struct cut *c,
                              size_t nth, struct plot_panel *out, struct arena *a)
{
    size_t across = nth / c->down, down = nth % c->down;
    *out = *whole;
    if (c->down > 1 && take_ticks(whole, down * c->ticks, c->ticks, out, a) != STATUS_OK)
        return STATUS_NO_MEMORY;
    double least, most;
    layout_extent(out, &least, &most);
    if (c->across > 1) {
        out->least = least;
        out->most = most;
    }
    out->series += across * c->series;
    out->series_count = fewer(c->series, whole->series_count - across * c->series);
    out->title = arena_printf(a, "%s (%zu of %zu)", whole->title, nth + 1,
                              c->across * c->down);
    return out->title != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

/* The pieces of all panels that show the `across`-th part of the series. */
static enum status take_part(const struct plot *p, size_t across, struct plot_panel *all,
                             size_t *n, struct arena *a)
{
    for (size_t i = 0; i < p->panel_count; i++) {
        struct cut c = cut_of(p, &p->panels[i]);
        bool is_whole = c.across * c.down == 1;
        for (size_t down = 0; across < c.across && down < c.down; down++) {
            struct plot_panel *to = &all[(*n)++];
            *to = p->panels[i];
            if (!is_whole &&
                take_piece(&p->panels[i], &c, across * c.down + down, to, a) != STATUS_OK)
                return STATUS_NO_MEMORY;
            to->part = across;
        }
    }
    return STATUS_OK;
}

enum status pages_split(struct plot *p, struct arena *a)
{
    size_t count = 0, n = 0, most = 1;
    for (size_t i = 0; i < p->panel_count; i++) {
        struct cut c = cut_of(p, &p->panels[i]);
        count += c.across * c.down;
        most = c.across > most ? c.across : most;
    }
    struct plot_panel *all = arena_alloc(a, count, sizeof *all);
    if (all == NULL)
        return STATUS_NO_MEMORY;
    for (size_t across = 0; across < most; across++)
        if (take_part(p, across, all, &n, a) != STATUS_OK)
            return STATUS_NO_MEMORY;
    p->panels = all;
    p->panel_count = n;
    return STATUS_OK;
}

struct plot pages_next(const struct plot *p, size_t *from)
{
    struct plot page = *p;
    page.panels = p->panels + *from;
    page.panel_count = 1;
    size_t left = p->panel_count - *from;
    while (page.panel_count < left &&
           page.panels[page.panel_count].part == page.panels[0].part) {
        page.panel_count++;
        if (layout_of(&page).height > HEIGHT_MAX) {
            page.panel_count--;
            break;
        }
    }
    *from += page.panel_count;
    return page;
}
