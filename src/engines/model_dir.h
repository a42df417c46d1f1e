/* The folder of a model on this machine: what it is, without loading it. */
#ifndef ENGINES_MODEL_DIR_H
#define ENGINES_MODEL_DIR_H

#include <stdint.h>

#include "base/arena.h"

/* A local folder as it is; an id of the hub where the local cache has it (HF_HUB_CACHE,
 * HF_HOME, XDG_CACHE_HOME, ~/.cache). NULL: it is not here, or memory ran out. */
const char *model_dir_find(const char *model, struct arena *a);
/* sha256 of config.json and the weights' index, else of names and sizes of the weights'
 * files: the same as vllm_worker.py's. NULL where there is no config.json. */
const char *model_dir_fingerprint(const char *folder, struct arena *a);
/* Token ids of the model, by its config.json; 0: unknown. */
int64_t model_dir_vocabulary(const char *folder, struct arena *a);

#endif
