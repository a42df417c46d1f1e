/* Judges of the load: were requests answered, and sent on time? Whether the server could
 * keep up: verdict_overload.h. */
#ifndef STATS_VERDICT_LOAD_H
#define STATS_VERDICT_LOAD_H

#include "stats/verdict_case.h"

void verdict_load_errors(struct verdict_case *c);
/* ERRORS would fire: too many requests failed or stayed unanswered for a mean over the
 * others to stand for all. */
bool verdict_load_has_errors(const struct run_data *run, const struct row *row);
void verdict_load_short_output(struct verdict_case *c);
void verdict_load_client_late(struct verdict_case *c);
void verdict_load_client_busy(struct verdict_case *c);
void verdict_load_rate_missed(struct verdict_case *c);
void verdict_load_rate_capped(struct verdict_case *c);
/* SHORT_RUN of a closed load. */
void verdict_load_no_steady_part(struct verdict_case *c);

#endif
