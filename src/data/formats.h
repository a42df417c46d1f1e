/* Files of prompts: one row a format. */
#ifndef DATA_FORMATS_H
#define DATA_FORMATS_H

#include "base/arena.h"
#include "base/opt.h"
#include "base/status.h"
#include "core/workload.h"

enum formats_kind { FORMATS_SCENARIOS, FORMATS_DATASET, FORMATS_COUNT };

/* Reads files of a kind and appends their scenarios to *all, in the arena. */
MUST_CHECK enum status formats_read(enum formats_kind kind,
                                    const struct opt_strings *paths, struct arena *a,
                                    struct scenario_list *all, struct err *e);

#endif
