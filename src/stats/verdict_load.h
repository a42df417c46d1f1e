/* Judges of the load: were requests answered, and sent on time? What others ask of them.
 * Whether the server could keep up: verdict_overload.c. */
#ifndef STATS_VERDICT_LOAD_H
#define STATS_VERDICT_LOAD_H

#include "stats/verdict_case.h"

/* ERRORS would fire: too many requests failed or stayed unanswered for a mean over the
 * others to stand for all. */
bool verdict_load_has_errors(const struct run_data *run, const struct row *row);
/* SHORT_RUN of a closed load. */
void verdict_load_no_steady_part(struct verdict_case *c);

#endif
