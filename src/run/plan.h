/* From options to what a run will do; nothing is started. */
#ifndef RUN_PLAN_H
#define RUN_PLAN_H

#include "run/run.h"

/* Gives the run its id, 32 hex digits that no other run has; checks the options; fills
 * plan, engine and settings. */
MUST_CHECK enum status run_plan(struct run *r, struct err *e);
/* What --dry-run shows. */
MUST_CHECK enum status run_plan_text(const struct run *r, struct buf *out, struct err *e);
/* Of it: "8 cells x 3 launches x 4 repeats (repeat 0 is the warm-up)". */
void run_plan_count(const struct plan *p, struct buf *out);

#endif
