/* The scenarios that the user asks for. */
#ifndef RUN_SCENARIOS_H
#define RUN_SCENARIOS_H

#include "plan/scenario.h"
#include "run/run.h"

/* True if nobody has asked for scenarios by name. */
bool run_scenarios_are_unnamed(const struct run *r);
/* Those named; if nobody has named any, all of the given files and data sets; data sets
 * always. */
MUST_CHECK enum status run_scenarios(struct run *r, struct scenario_list *out,
                                     struct err *e);

#endif
