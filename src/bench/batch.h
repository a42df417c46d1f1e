/* A repeat of a batch: all requests are handed to the engine at once, which tells their
 * events by its own clock. */
#ifndef BENCH_BATCH_H
#define BENCH_BATCH_H

#include "bench/bench.h"

/* Members `run` and `tell` of struct kind. */
MUST_CHECK enum status batch_run(struct bench *b, struct bench_repeat *r, struct err *why,
                                 struct err *e);
void batch_tell(struct bench *b, struct repeat_data *r);

#endif
