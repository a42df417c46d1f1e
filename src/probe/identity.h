/* Which machine this is, in a form that tells machines apart and names none: a salted
 * digest. */
#ifndef PROBE_IDENTITY_H
#define PROBE_IDENTITY_H

#include <stdbool.h>

#include "probe/cpu.h"
#include "probe/gpu.h"
#include "probe/neuron.h"
#include "text/digest.h"

/* Over /etc/machine-id below root, the processor's model and threads, and the UUIDs or
 * kinds of accelerators; without an id and a UUID (containers) also over the boot's id,
 * which is the machine's until it starts again. False, out "": nothing of these is
 * there, which leaves nothing that another machine of the kind has not. */
bool identity_digest(const char *root, const struct cpu_facts *cpu,
                     const struct gpu_facts *gpu, const struct neuron_facts *neuron,
                     char out[DIGEST_HEX_BYTES]);

#endif
