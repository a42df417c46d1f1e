/* --target-ci: as many repeats as an interval of that width takes (plan/next.h,
 * stats/stein.h). Without it these do nothing. */
#ifndef RUN_PRECISION_H
#define RUN_PRECISION_H

#include "run/run.h"

/* Sets the target and the most repeats of the plan's options, whose settings are there,
 * and what rows tell of it.
 *   BAD_OPTION  no percentage, or options that exclude each other */
MUST_CHECK enum status run_precision_plan(struct run *r, struct plan_options *out,
                                          struct err *e);
/* The policy of the driver, its limits, and what the live line can know. BAD_OPTION: a
 * limit in money without a price; an engine for each batch size. */
MUST_CHECK enum status run_precision_prepare(struct run *r, struct driver *d,
                                             struct err *e);
/* Cells that were planned (each launch of one counts), of which so many were tried: of a
 * target of launches those of its first stage, or more if more came. */
int64_t run_precision_cells(const struct run *r, int64_t tried);
/* target_max_s of --max-time and --max-cost, of a search too. BAD_OPTION: no price. */
MUST_CHECK enum status run_precision_limit(struct run *r, struct err *e);
/* For --dry-run: how many repeats there may be. */
void run_precision_text(const struct run *r, struct buf *out);

#endif
