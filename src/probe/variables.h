/* Environment variables that change what is measured. */
#ifndef PROBE_VARIABLES_H
#define PROBE_VARIABLES_H

#include "base/arena.h"
#include "text/jsonw.h"

/* An object: the variables that every environment file names (null: not set), then those
 * of the families VLLM_*, NEURON_*, CUDA_* and the rest that are set, by name. Secrets
 * are masked. */
void variables_write(struct jsonw *w, const char *key, struct arena *a);

#endif
