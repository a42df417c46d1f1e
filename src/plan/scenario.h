/* The built-in scenarios, and the choice among them and those of files. */
#ifndef PLAN_SCENARIO_H
#define PLAN_SCENARIO_H

#include "base/arena.h"
#include "base/opt.h"
#include "base/status.h"
#include "core/workload.h"

struct scenario_list scenario_builtin(void);
/* Picks `names` from extra (of files), then the built-ins; unknown: the nearest is
 * named. */
MUST_CHECK enum status scenario_pick(const struct opt_strings *names,
                                     const struct scenario_list *extra, struct arena *a,
                                     struct scenario_list *out, struct err *e);

#endif
