/* The end of a run: journal, files, table, MLflow, and which end it was. */
#ifndef RUN_FINISH_H
#define RUN_FINISH_H

#include "run/ending.h"
#include "run/run.h"

/* After run_execute, which gave `s` and *e: ends the journal, writes the files from it as
 * `recover` does, prints the table and what to do next, logs to MLflow, and says why it
 * ended so. */
enum run_end run_finish(struct run *r, enum status s, struct err *e);

#endif
