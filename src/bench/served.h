/* A repeat on a server, of a closed or an open load: warm-up requests, then the measured
 * phase, between two looks at the server's counters. */
#ifndef BENCH_SERVED_H
#define BENCH_SERVED_H

#include "bench/bench.h"

/* Members `run` and `tell` of struct kind. */
MUST_CHECK enum status served_run(struct bench *b, struct bench_repeat *r,
                                  struct err *why, struct err *e);
void served_tell(struct bench *b, struct repeat_data *r);

#endif
