/* What differs between the kinds of load while they run: one row a kind, in kind.c. What
 * differs in a plan is a row of plan/load.c. */
#ifndef BENCH_KIND_H
#define BENCH_KIND_H

#include "bench/bench.h"

#define KIND_LABEL_BYTES 64

struct kind {
    /* Sends the requests of the repeat and fills r->data. The return value and *why tell
     * what ended it early; *e is set where nothing more can be recorded. */
    enum status (*run)(struct bench *b, struct bench_repeat *r, struct err *why,
                       struct err *e);
    /* Tells of a repeat that has ended. */
    void (*tell)(struct bench *b, struct repeat_data *r);
    /* The load of a cell on the live line: "bs=4 cache=off". */
    void (*label)(const struct plan_cell *cell, char out[KIND_LABEL_BYTES]);
    /* Fields of the cell that are of its kind alone. */
    void (*fields)(const struct bench *b, const struct plan_cell *cell, struct row *f);
};

const struct kind *kind_of(const struct load *l);

#endif
