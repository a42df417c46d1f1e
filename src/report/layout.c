#include "report/layout.h"

#include <math.h>
#include <string.h>

#include "report/width.h"

#define PANEL_HEIGHT      330
#define MIN_PANEL_WIDTH   460
#define MAX_PICTURE_WIDTH 2400
#define BAR_PIXELS        26
#define WANTED_WIDTH      1760
#define FONT_PIXELS       14.7 /* 11 points */
#define TITLE_PIXELS      20   /* 15 points */
#define SLANT_ACROSS      0.82 /* cosine and sine of 35 degrees */
#define SLANT_DOWN        0.58
#define LINE_PIXELS       16
#define LEFT_PIXELS       104.0

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t panel_pixels(const struct plot *p, const struct plot_panel *panel)
{
    size_t bars = panel->tick_count * (panel->series_count > 0 ? panel->series_count : 1);
    size_t wanted = p->kind == PLOT_LINES
                        ? 0
                        : 150 + bars * BAR_PIXELS + panel->tick_count * 14;
    double left = LEFT_PIXELS; /* the title stands over what is right of it */
    for (size_t i = 0; i < panel->tick_count; i++)
        left = fmax(left, width_pixels(panel->ticks[i], FONT_PIXELS) * SLANT_ACROSS);
    size_t title = (size_t)(width_pixels(panel->title, FONT_PIXELS) + left) + 30;
    return larger(MIN_PANEL_WIDTH, larger(wanted, title));
}

/* True if both have one entry of the legend. */
static bool is_alike(const struct plot *p, const struct plot_series *a,
                     const struct plot_series *b)
{
    bool is_drawn_alike = a->colour == b->colour && a->is_light == b->is_light &&
                          a->variant == b->variant;
    return strcmp(a->name, b->name) == 0 && (p->has_grey_legend || is_drawn_alike);
}

bool layout_is_listed(const struct plot *p, size_t panel, size_t series)
{
    const struct plot_series *s = &p->panels[panel].series[series];
    for (size_t i = 0; i <= panel; i++)
        for (size_t k = 0; k < p->panels[i].series_count; k++) {
            if (i == panel && k == series)
                return false;
            if (is_alike(p, &p->panels[i].series[k], s))
                return true;
        }
    return false;
}

static void measure_names(const struct plot *p, struct layout *l)
{
    for (size_t i = 0; i < p->panel_count; i++)
        for (size_t k = 0; k < p->panels[i].series_count; k++) {
            const char *name = p->panels[i].series[k].name;
            l->legend_entries += !layout_is_listed(p, i, k);
            l->name_pixels = fmax(l->name_pixels, width_pixels(name, FONT_PIXELS));
        }
}

size_t layout_legend_pixels(const struct layout *l)
{
    return (size_t)l->name_pixels + 60;
}

/* Widest panel that a picture of this plot needs; notes its labels. */
static size_t measure_panels(const struct plot *p, struct layout *l, size_t *densest)
{
    size_t widest = MIN_PANEL_WIDTH;
    for (size_t i = 0; i < p->panel_count; i++) {
        const struct plot_panel *panel = &p->panels[i];
        size_t pixels = panel_pixels(p, panel);
        widest = larger(widest, pixels);
        *densest = larger(*densest, panel->tick_count);
        for (size_t k = 0; k < panel->tick_count; k++)
            l->label_pixels = fmax(l->label_pixels,
                                   width_pixels(panel->ticks[k], FONT_PIXELS));
    }
    return widest > MAX_PICTURE_WIDTH ? MAX_PICTURE_WIDTH : widest;
}

struct layout layout_of(const struct plot *p)
{
    struct layout l = {.columns = 1};
    size_t densest = 0;
    size_t widest = measure_panels(p, &l, &densest);
    l.columns = WANTED_WIDTH / widest;
    l.columns = l.columns > p->panel_count ? p->panel_count : l.columns;
    l.columns = larger(l.columns, 1);
    l.rows = (p->panel_count + l.columns - 1) / l.columns;
    size_t title = 28 + (size_t)width_pixels(p->title, TITLE_PIXELS);
    measure_names(p, &l);
    size_t least = larger(880, larger(title, layout_legend_pixels(&l) + 24));
    l.width = larger(widest * l.columns, least);
    l.is_rotated = (l.label_pixels + 16) * (double)densest >
                   (double)l.width / (double)l.columns - 130;
    l.legend_wide = larger((l.width - 24) / layout_legend_pixels(&l), 1);
    l.legend_rows = (l.legend_entries + l.legend_wide - 1) / l.legend_wide;
    l.head = 48 + (p->warning != NULL ? 22 : 0) + l.legend_rows * 22 + 8;
    l.label_height = l.is_rotated ? (size_t)(l.label_pixels * SLANT_DOWN) : 0;
    l.foot = 40 + (p->remark != NULL ? LINE_PIXELS : 0);
    l.height = l.head + l.foot + l.rows * (PANEL_HEIGHT + l.label_height);
    return l;
}

double layout_left_pixels(const struct layout *l, const struct plot_panel *panel)
{
    double wide = (double)l->width / (double)l->columns - LAYOUT_RIGHT_PIXELS,
           longest = 0;
    if (!l->is_rotated)
        return LEFT_PIXELS;
    double before = 0.6 / ((double)panel->tick_count + 0.2); /* the first, of the width */
    for (size_t i = 0; i < panel->tick_count; i++)
        longest = fmax(longest, width_pixels(panel->ticks[i], FONT_PIXELS));
    longest = longest * SLANT_ACROSS + 16;
    return fmax(LEFT_PIXELS, (longest - before * wide) / (1 - before));
}

void layout_extent(const struct plot_panel *panel, double *least, double *most)
{
    *least = panel->most > 0 ? panel->least : INFINITY;
    *most = panel->most;
    for (size_t k = 0; k < panel->series_count && panel->most <= 0; k++)
        for (size_t n = 0; n < panel->series[k].count; n++) {
            const struct plot_point *at = &panel->series[k].points[n];
            *least = fmin(*least, fmin(at->mean, at->low));
            *most = fmax(*most, fmax(at->mean, at->high));
        }
}
