/* The measuring of a run: its plan on its engine, under the live line. */
#ifndef RUN_EXECUTE_H
#define RUN_EXECUTE_H

#include "run/run.h"

/* Between run_open and run_finish, which takes what it gives. */
MUST_CHECK enum status run_execute(struct run *r, struct err *e);

#endif
