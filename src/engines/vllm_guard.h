/* Keeps Python off the current folder, where files of others may lie. 3.11 and later obey
 * PYTHONSAFEPATH (base/proc_env.h); older ones, and each Python that they start in turn
 * (workers of multiprocessing, `python -m`), get a module of ours first on PYTHONPATH
 * that does the same. */
#ifndef ENGINES_VLLM_GUARD_H
#define ENGINES_VLLM_GUARD_H

#include "base/arena.h"
#include "base/status.h"
#include "base/tempdir.h"

struct vllm_guard {
    struct tempdir dir;   /* with the module */
    const char *variable; /* "PYTHONPATH=..." for the child; NULL: it needs none */
};

/* version: of the interpreter ("3.10.12"); NULL: unknown, and guarded. The variable is in
 * the arena. */
MUST_CHECK enum status vllm_guard_make(struct vllm_guard *g, const char *version,
                                       struct arena *a, struct err *e);
/* Once the child has ended. Harmless twice, and on a zeroed one. */
void vllm_guard_drop(struct vllm_guard *g);

#endif
