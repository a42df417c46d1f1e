/* Which results files `inferbench mlflow sync` is to log: files, folders with results,
 * and raw folders, whose results are rebuilt from the journal where a run was killed, be
 * it before it wrote any or after it had written some (--save-every). */
#ifndef STORE_SYNC_INPUTS_H
#define STORE_SYNC_INPUTS_H

#include <stddef.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/status.h"
#include "store/inputs.h"

struct sync_inputs {
    struct input_list files;
    size_t broken; /* journals in folders that could not be read: told, left out */
};

/* Paths in the arena, in the order given, of one folder by name. Runs that are still
 * going on are left out with a note. NOT_FOUND: a folder without results or journal. */
MUST_CHECK enum status sync_inputs_expand(const struct opt_strings *words,
                                          struct log *log, struct arena *a,
                                          struct sync_inputs *out, struct err *e);

#endif
