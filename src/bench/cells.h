/* The cells of a run, one after the other, whatever a cell is.
 *
 * A cell that fails ends there; the next one gets a fresh engine. Two cells that fail one
 * after the other, and every failure that another try cannot mend (no vLLM, no such
 * model), end the run. Whatever was measured before stays. */
#ifndef BENCH_CELLS_H
#define BENCH_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"

struct cells_outcome {
    bool is_interrupted;
    bool is_complete;     /* every repeat of every cell was executed */
    int64_t cells_failed; /* a cell ends with the first repeat that fails */
    struct err first;     /* cause of the first failure; code STATUS_OK if none */
};

/* What is done after a cell, before the next one begins with its warm-up; run NULL:
 * nothing. */
struct cells_pause {
    void (*run)(void *arg);
    void *arg;
};

struct cells {
    size_t count;
    struct cells_pause pause;
    struct log *log; /* each failure is told */
    void *arg;
    /* STATUS_OK: all repeats of the cell were executed; a code equal to why->code: it
     * failed for that reason; a code equal to e->code: the run cannot go on. */
    enum status (*run)(void *arg, size_t index, struct err *why, struct err *e);
};

/* STATUS_OK also when cells failed (see the outcome). */
MUST_CHECK enum status cells_run(const struct cells *c, struct cells_outcome *out,
                                 struct err *e);

#endif
