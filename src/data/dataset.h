/* Data sets: prompts in JSON lines. */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include "base/arena.h"
#include "base/status.h"
#include "core/workload.h"

/* One scenario (name: the file's stem) of {"prompt": ..., "max_tokens": n} lines. Errors
 * name file:line. */
MUST_CHECK enum status dataset_read(const char *path, struct arena *a,
                                    struct scenario_list *out, struct err *e);

#endif
