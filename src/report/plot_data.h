/* What one picture shows: panels of bars, lines, points or ratios. */
#ifndef REPORT_PLOT_DATA_H
#define REPORT_PLOT_DATA_H

#include <stdbool.h>
#include <stddef.h>

/* The last three are shown by the page alone. */
enum plot_kind {
    PLOT_BARS, /* grouped, over categories */
    PLOT_LINES,
    PLOT_POINTS, /* x is better to the left, y is better up */
    PLOT_RATIOS, /* one under the other; 1 is no difference */
    PLOT_SHARES, /* in percent, over the values; lines */
};

struct plot_point {
    double x; /* bars, ratios: index of the category; lines, points: the value */
    double mean, low, high; /* low, high: error bar; NAN: none */
    const char *note; /* above it, e.g. "1.77x"; points: what it is; lines show none;
                         NULL: none */
};

struct plot_series {
    const char *name; /* legend; the same name in several panels is listed once */
    int colour;       /* index of the palette; -1: grey */
    bool is_light;    /* lighter bars, dashed lines */
    int variant;      /* lines of one colour: 0.. other dashes and points */
    struct plot_point *points; /* [count] */
    size_t count;
};

struct plot_panel {
    const char *title;
    const char **ticks; /* [tick_count] categories of the x axis; lines: NULL */
    size_t tick_count;
    struct plot_series *series; /* [series_count] */
    size_t series_count;
    size_t part;        /* of the series, where they are shown in several panels */
    double least, most; /* of y, where panels share an axis; both 0: each its own */
};

struct plot {
    const char *stem; /* of the files: tokens_per_sec_comparison */
    const char *title, *x_label, *y_label;
    const char *caption; /* one line under the panels; NULL: none */
    const char *remark;  /* one line more under it; NULL: none */
    const char *warning; /* SIMULATED...; in red under the title; NULL: none */
    enum plot_kind kind;
    bool has_grey_legend; /* each panel has colours of its own: the legend shows shades */
    struct plot_panel *panels; /* [panel_count], at least one */
    size_t panel_count;
    size_t left_out; /* cells for which there was no panel left */
};

#endif
