/* Addresses of MLflow's pages. */
#ifndef TRACK_RUNS_LINK_H
#define TRACK_RUNS_LINK_H

#include "base/arena.h"
#include "track/account.h"

/* The table of an experiment's runs without warm-ups; run_id: only the rows of that run
 * of inferbench, NULL: all. In the arena; NULL: no memory. */
const char *runs_link(const struct account *server, const char *experiment_id,
                      const char *run_id, struct arena *a);

#endif
