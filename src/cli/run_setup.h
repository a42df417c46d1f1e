/* What offline and online do alike between options and run: scenarios, limits, the raw
 * folder and the journal's header. */
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

/* Claims the raw folder of run.start, which sets raw_dir and journal_path. */
MUST_CHECK enum status run_setup_claim(struct run_job *j, struct err *e);
/* What options and machine do not say of a run. */
struct run_setup_facts {
    const char *engine;
    const char *instance_type; /* NULL: asked from EC2 */
    const char *python;        /* the engine's interpreter, or NULL */
    const char *plan_sha256;
    bool is_remote; /* the engine runs on another machine */
};
/* Fills env and run: the machine, labels, price, options and command, secrets masked.
 * After run_setup_identify. */
MUST_CHECK enum status run_setup_header(struct run_job *j,
                                        const struct run_setup_facts *facts,
                                        struct err *e);

#endif
