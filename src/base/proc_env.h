/* The environment of child processes. Nothing is started or imported from the current
 * folder, where files of others may lie: PATH and PYTHONPATH lose what is empty or
 * relative in them, and Python does not put the folder on its own path (3.11 and
 * later; engines/vllm_guard.h has those before). */
#ifndef BASE_PROC_ENV_H
#define BASE_PROC_ENV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct proc_env {
    char **vars;   /* NULL-terminated "NAME=value"; borrowed but for `made` */
    char *made[2]; /* or NULL */
};

/* Ours with `add` in it, replacing what has the same name; add: NULL-terminated, or NULL.
 * False: no memory. */
bool proc_env_make(struct proc_env *out, const char *const *add);
void proc_env_drop(struct proc_env *env);
/* Takes the next folder off a list as in PATH that is neither empty nor relative; empty
 * at the end. */
struct str proc_env_folder(struct str *rest);

#endif
