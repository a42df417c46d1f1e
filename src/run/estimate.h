/* How long a run will take, from earlier ones. */
#ifndef RUN_ESTIMATE_H
#define RUN_ESTIMATE_H

#include "run/run.h"

/* Of all repeats, from the results in the output folder; NAN where a cell has none. */
double run_estimate_s(const struct run *r);

#endif
