/* Results so far, between two cells of a long run: files and rows of MLflow, so that
 * others can look at them, and a machine that is lost takes less with it. */
#ifndef RUN_CHECKPOINT_H
#define RUN_CHECKPOINT_H

#include "run/run.h"

/* Saves where --save-every is over and the last save took less than 1 % of the time since
 * then (0: after every cell); not once the journal is larger than 256 MiB. What fails is
 * told, and tried again at the end of the run. */
struct driver_pause run_checkpoint(struct run *r);

#endif
