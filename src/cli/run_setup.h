/* What offline and online do alike between options and run: scenarios, limits, and
 * what the journal records of the command. */
#ifndef CLI_RUN_SETUP_H
#define CLI_RUN_SETUP_H

#include "cli/run_job.h"
#include "plan/scenario.h"

/* A word that belongs to no option, codes of --limit and --accept-invalid that no rule
 * has. Fills run.limits. */
MUST_CHECK enum status run_setup_check(struct run_job *j, struct err *e);

/* True if nobody has asked for scenarios by name. */
bool run_setup_is_unnamed(const struct run_job *j);
/* The scenarios to measure: those named; if nobody has named any, all of the given files
 * and data sets; data sets always. */
MUST_CHECK enum status run_setup_scenarios(struct run_job *j, struct scenario_list *out,
                                           struct err *e);

/* vocab_size in the config.json of a local model, else `option` (OPT_INT_UNSET: 0). */
int64_t run_setup_vocabulary(const char *model, int64_t option, struct arena *a);

/* Gives the run its id, 32 hex digits that no other run has, and its settings their
 * order, which is drawn from it; a dry run shows them as they are. */
MUST_CHECK enum status run_setup_identify(struct run_job *j, bool *caching, size_t count,
                                          struct err *e);

/* Adds the options and the command, secrets masked, and opens the run. After
 * run_setup_identify. */
MUST_CHECK enum status run_setup_open(struct run_job *j, struct run_facts *facts,
                                      struct err *e);

#endif
