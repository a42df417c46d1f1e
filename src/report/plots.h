/* The pictures of an analysis: which there are, and what each shows. */
#ifndef REPORT_PLOTS_H
#define REPORT_PLOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/opt.h"
#include "base/status.h"
#include "report/charts.h"
#include "report/pages.h"

struct plots_order {
    const struct opt_strings *wanted; /* names of PLOTS_CHOICES */
    const char *dir;
};

struct plots_made {
    const char *path, *title; /* of a PNG file */
};

struct plots_result {
    struct plots_made made[PLOTS_MAX * PAGES_MAX]; /* [made_count] */
    size_t made_count;
    const char *left_out[2 * PLOTS_MAX]; /* [left_out_count] "name: why" */
    size_t left_out_count;
    const char *missing_glyphs; /* what to say of characters that no font has; NULL */
    size_t failed;              /* of those left out: gnuplot could not draw them */
    bool has_gnuplot;           /* false: only scripts and data were written */
};

/* Draws the wanted plots into dir (dir/source is made); texts live in the arena. */
MUST_CHECK enum status plots_draw(const struct analysis *x,
                                  const struct plots_order *order, struct arena *a,
                                  struct plots_result *out, struct err *e);

#endif
