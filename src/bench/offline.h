/* Executes an offline plan: settings, cells, repeats; everything that happens goes into
 * the journal. Names no engine. */
#ifndef BENCH_OFFLINE_H
#define BENCH_OFFLINE_H

#include <stdbool.h>

#include "bench/cells.h"
#include "bench/session.h"
#include "report/progress.h"
#include "store/journal.h"

struct offline_note;

struct offline {
    const struct engine_ops *ops;
    struct engine_settings settings; /* caching and max_num_seqs are set for each cell */
    const struct plan *plan;
    struct journal *journal; /* the run line is written */
    struct arena *arena;     /* of the run */
    struct progress *progress;
    struct engine_watch watch;
    struct cells_pause pause;
    struct log *log;
    const char *hardware_type; /* --hardware-type, or NULL: the engine's */
    const char *run_id;
    bool with_gaps;
    bool loads_per_batch; /* the compiled batch is part of the setting (Neuron) */

    struct session session;
    size_t open_cell;                 /* the cell that the session was opened for */
    int64_t openings;                 /* of engines, failed ones included */
    const struct offline_note *notes; /* of engines, already told */
};

/* STATUS_OK also when cells failed (see the outcome); other codes: the journal could not
 * be written, or memory ran out. The session is closed afterwards. */
MUST_CHECK enum status offline_run(struct offline *o, struct cells_outcome *out,
                                   struct err *e);

#endif
