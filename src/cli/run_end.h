/* From the moment that an offline or online run executes to its exit code: the live line,
 * the end of the journal, files, table, what to do next. */
#ifndef CLI_RUN_END_H
#define CLI_RUN_END_H

#include "cli/run_job.h"

/* The engine's watch of a run: live line, signals, and a terminal that went away. */
struct engine_watch run_end_watch(struct run_job *j);
/* The journal of a run that begins now, with its first line. */
MUST_CHECK enum status run_end_open(struct run_job *j, struct err *e);
/* Writes the journal again, and says so, where its folder was deleted in mid-run. */
void run_end_keep(struct run_job *j);
/* After the run, which gave `s` and *e: ends the journal, writes the files from it as
 * `recover` does, prints the table, and returns the exit code. */
int run_end_finish(struct run_job *j, enum status s, struct err *e);

#endif
