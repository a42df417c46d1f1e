/* Executes an offline plan: settings, cells, repeats; everything that happens goes into
 * the journal. Names no engine.
 *
 * A cell that fails ends there; the next one gets a fresh engine. Two cells that fail one
 * after the other, and every failure that another try cannot mend (no vLLM, no such
 * model), end the run. Whatever was measured before stays. */
#ifndef BENCH_OFFLINE_H
#define BENCH_OFFLINE_H

#include <stdbool.h>

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
    struct log *log;
    const char *hardware_type; /* --hardware-type, or NULL: the engine's */
    bool with_gaps;
    bool loads_per_batch; /* the compiled batch is part of the setting (Neuron) */

    struct session session;
    size_t open_cell;                 /* the cell that the session was opened for */
    const struct offline_note *notes; /* of engines, already told */
};

struct offline_outcome {
    bool is_interrupted;
    bool is_complete;     /* every repeat of every cell was executed */
    int64_t cells_failed; /* a cell ends with the first repeat that fails */
    struct err first;     /* cause of the first failure; code STATUS_OK if none */
};

/* STATUS_OK also when cells failed (see the outcome); other codes: the journal could not
 * be written, or memory ran out. The session is closed afterwards. */
MUST_CHECK enum status offline_run(struct offline *o, struct offline_outcome *out,
                                   struct err *e);

#endif
