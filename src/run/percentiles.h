/* Which percentiles a plan can show: those of too small a sample would be null. */
#ifndef RUN_PERCENTILES_H
#define RUN_PERCENTILES_H

#include "run/run.h"

/* data.percentiles and its count: those that the user asked for; of the default ones
 * those that the planned requests of some cell, or their gaps between tokens, can
 * support, and the lowest. In r->arena, which tells whether it found memory. */
void run_percentiles_choose(struct run *r, bool has_asked);
/* A line of --dry-run: those of all the options' percentiles that the requests of a cell
 * can show, and what the others take. Nothing where the requests are not known. */
void run_percentiles_text(const struct run *r, struct buf *out);

#endif
