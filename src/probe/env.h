/* Facts about this machine: what `env` prints and every run stores (FORMAT.md 5). */
#ifndef PROBE_ENV_H
#define PROBE_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

struct env_request {
    const char *python; /* the engine's interpreter, for package versions; NULL: none */
    bool use_imds;      /* EC2 metadata, only where the DMI vendor is Amazon, <= 1 s */
    const char *config_json; /* benchmark_config, an object; NULL: {} */
    const char *tool;        /* "inferbench 0.1.0+g1a2b3c4" */
};

struct env {
    const char *json;          /* the whole environment file but "engine", compact text */
    const char *instance_type; /* EC2 metadata, else DMI product name on EC2, else NULL */
    const char *region;        /* or NULL */
    const char *machine_sha256; /* identity.h; NULL: nothing tells it from others */
    const char *driver_version; /* of the NVIDIA or Neuron devices, or NULL */
    int64_t nvidia_devices, neuron_devices;
};

/* Everything lives in the arena. Never fails for a fact that cannot be found: it is
 * null. */
MUST_CHECK enum status env_collect(const struct env_request *q, struct arena *a,
                                   struct env *out, struct err *e);
/* The text form of that JSON, in 80 columns. */
MUST_CHECK enum status env_text(const char *json, struct buf *out, struct err *e);

#endif
