/* What a row says of the setting that it was measured with: its digest, the process of
 * the engine, its place in the run. */
#ifndef BENCH_SETTING_H
#define BENCH_SETTING_H

#include "base/arena.h"
#include "base/status.h"
#include "core/engine.h"

struct setting_place {
    const char *run_id, *engine;
    int64_t opening;  /* how often the run has opened an engine so far, from 1 */
    int64_t position; /* of the setting among those of the run, from 1 */
    int64_t number;   /* of the setting among those given, from 1 */
};

/* Fills engine, setting_position, setting_number and, of an engine that is open,
 * launch_id, launch_source and the digest of all settings that are in f; facts NULL: it
 * did not open. Texts live in the arena. */
MUST_CHECK enum status setting_fill(const struct setting_place *p,
                                    const struct engine_facts *facts, struct arena *a,
                                    struct row *f, struct err *e);

#endif
