/* Judges of a cell: do its repeats agree, and are there enough? */
#ifndef STATS_VERDICT_REPEATS_H
#define STATS_VERDICT_REPEATS_H

#include "stats/verdict_case.h"

void verdict_repeats_unrepeatable(struct verdict_case *c);
void verdict_repeats_trend(struct verdict_case *c);
void verdict_repeats_few(struct verdict_case *c);
void verdict_repeats_few_samples(struct verdict_case *c);

#endif
