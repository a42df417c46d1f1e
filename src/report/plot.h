/* One picture: panels of grouped bars or of lines, drawn by gnuplot. Script and data are
 * kept beside it, so that people may restyle it. */
#ifndef REPORT_PLOT_H
#define REPORT_PLOT_H

#include "base/arena.h"
#include "base/status.h"
#include "report/plot_data.h"

/* Writes DIR/source/STEM.gp and .dat, then lets gnuplot make DIR/STEM.png and
 * DIR/source/STEM.svg. NOT_FOUND: no gnuplot, script and data are there. The folder
 * DIR/source is there. */
MUST_CHECK enum status plot_draw(const struct plot *p, const char *dir, struct arena *a,
                                 struct err *e);

#endif
