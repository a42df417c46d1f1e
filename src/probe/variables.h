/* Environment variables that change what is measured. */
#ifndef PROBE_VARIABLES_H
#define PROBE_VARIABLES_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/opt.h"
#include "text/jsonw.h"

/* An object: the variables that every environment file names (null: not set), then those
 * of the families VLLM_*, NEURON_*, CUDA_* and the rest that are set, by name. Secrets
 * are masked. */
void variables_write(struct jsonw *w, const char *key, struct arena *a);
/* Those of them that change what an engine does, as "NAME=value", by name, secrets
 * masked; left out are places (folders, hosts, ports, addresses), logging, where models
 * are downloaded from, and what rows have a field for. False: no memory. */
bool variables_engine(struct arena *a, struct opt_strings *out);

#endif
