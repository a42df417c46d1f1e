/* What the journal and the live line say of a cell. */
#ifndef BENCH_CELL_H
#define BENCH_CELL_H

#include "bench/bench.h"

/* "short bs=4 cache=off", the name of its setting in front; in the run's arena. */
const char *cell_name(const struct bench *b, size_t index);
/* Its line: the cell's own fields over what the engine, if it is open, says of itself. */
MUST_CHECK enum status cell_write(struct bench *b, size_t index, struct err *e);
/* Draws a repeat as the open engine can take it; which: cell and repeat alone. */
MUST_CHECK enum status cell_draw(const struct bench *b, struct plan_which which,
                                 struct arena *a, struct plan_repeat *out, struct err *e);

#endif
