/* Pictures that stay readable: of many machines or cells, several pages. */
#ifndef REPORT_PAGES_H
#define REPORT_PAGES_H

#include "base/arena.h"
#include "base/status.h"
#include "report/plot_data.h"

#define PAGES_MAX 50 /* of one plot */

/* Cuts panels of too many bars or lines into several, "short (2 of 3)", by cells and by
 * series; those of the same cells keep one axis of y. */
MUST_CHECK enum status pages_split(struct plot *p, struct arena *a);
/* The next page: of the panels from *from on as many as fit and show the same part of the
 * series, at least one; *from moves behind them. */
struct plot pages_next(const struct plot *p, size_t *from);

#endif
