/* --find-rate, --find-concurrency: the highest load that keeps an SLO (stats/capacity.h),
 * as a policy of the driver (plan/next.h). A load that is known only while the run goes
 * on becomes a cell of the plan when the blocks in the journal ask for it. Without these
 * options the functions do nothing. */
#ifndef RUN_CAPACITY_H
#define RUN_CAPACITY_H

#include "run/run.h"

bool run_capacity_is_on(const struct run_opts *o);
/* Options that go together, and --slo as --goodput, presets written out. BAD_OPTION. */
MUST_CHECK enum status run_capacity_check(struct run *r, struct err *e);
/* The first load of the plan's options, in place of those of --request-rate. */
MUST_CHECK enum status run_capacity_loads(struct run *r, struct plan_options *out,
                                          struct err *e);
/* BAD_OPTION where the plan has more than a search can have: scenarios, settings. */
MUST_CHECK enum status run_capacity_plan(struct run *r, const struct plan_options *o,
                                         struct err *e);
/* The policy of the driver, its limits, and what the live line can know. */
MUST_CHECK enum status run_capacity_prepare(struct run *r, struct driver *d,
                                            struct err *e);
/* For --dry-run: what is searched for, and how long and how much that may take. */
void run_capacity_text(const struct run *r, struct buf *out);
/* Codes that do not make the exit code 3: those asked for, and of a search what a load
 * above the capacity comes to; NULL: none. */
const char *run_capacity_accepted(const struct run *r);

#endif
