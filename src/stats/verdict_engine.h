/* Judges of engine and machine: prefix cache, preemptions, noise, what is not real. */
#ifndef STATS_VERDICT_ENGINE_H
#define STATS_VERDICT_ENGINE_H

#include "stats/verdict_case.h"

void verdict_engine_cache_unexpected(struct verdict_case *c);
void verdict_engine_cache_evicted(struct verdict_case *c);
void verdict_engine_cache_unknown(struct verdict_case *c);
void verdict_engine_preempted(struct verdict_case *c);
void verdict_engine_noisy(struct verdict_case *c);
void verdict_engine_simulated(struct verdict_case *c);
void verdict_engine_dummy(struct verdict_case *c);

#endif
