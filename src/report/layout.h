/* Where things stand in a picture: its size, its panels, its legend. Texts are measured,
 * so that nothing is cut off. */
#ifndef REPORT_LAYOUT_H
#define REPORT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "report/plot_data.h"

#define LAYOUT_RIGHT_PIXELS 18.0 /* right of a panel */

struct layout {
    size_t columns, rows;
    size_t width, height; /* of the picture, pixels */
    bool is_rotated;      /* category labels */
    size_t label_height;  /* of slanted ones, pixels */
    double label_pixels;  /* longest category label */
    size_t legend_rows, legend_entries;
    double name_pixels; /* longest name of a series */
    size_t legend_wide; /* entries a row */
    size_t head;        /* title, warning and legend, pixels */
    size_t foot;        /* caption and remark, pixels */
};

struct layout layout_of(const struct plot *p);
/* True if an earlier series is like it: the legend lists it once. */
bool layout_is_listed(const struct plot *p, size_t panel, size_t series);
/* An entry of the legend, sign and name. */
size_t layout_legend_pixels(const struct layout *l);
/* Left of a panel: numbers and name of y, and what of its labels hangs over, slanted. */
double layout_left_pixels(const struct layout *l, const struct plot_panel *panel);
/* Lowest and highest y of a panel, its error bars too; INFINITY and 0 of an empty one. */
void layout_extent(const struct plot_panel *panel, double *least, double *most);

#endif
