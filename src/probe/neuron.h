/* AWS Neuron devices: through `neuron-ls -j`, else sysfs. Written from Neuron's guides
 * and captures, never run on a device. */
#ifndef PROBE_NEURON_H
#define PROBE_NEURON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "text/jsonw.h"

#define NEURON_MAX_DEVICES 64
#define NEURON_MAX_CORES   8  /* of one device */
#define NEURON_MAX_PIDS    16 /* that are named of one device */
#define NEURON_SYSFS       "/sys/devices/virtual/neuron_device"
#define NEURON_TOOLS       "/opt/aws/neuron/bin/"

/* -1, NULL: unknown. */
struct neuron_device {
    int64_t index, cores, memory_bytes, numa_node, processes;
    const char *bus, *cpu_affinity;
    int64_t core_ids[NEURON_MAX_CORES]; /* as NEURON_RT_VISIBLE_CORES takes them */
    size_t core_id_count;
    int64_t pids[NEURON_MAX_PIDS]; /* of the processes, as far as they are named */
    size_t pid_count;
};

struct neuron_facts {
    const char *source;  /* "neuron-ls", "sysfs", or NULL: no device found */
    const char *problem; /* what failed or was not understood, or NULL */
    const char *device_name, *instance_type, *driver, *runtime;
    struct neuron_device devices[NEURON_MAX_DEVICES];
    size_t count;
};

void neuron_probe(const char *root, struct arena *a, struct neuron_facts *out);
/* The value of "neuron", or null where there is none. */
void neuron_write(const struct neuron_facts *f, struct jsonw *w, const char *key);
/* The answer of `neuron-ls -j`: an array, or an object that holds it; an element that is
 * not understood is skipped and named in `problem`. False where it is no such JSON at
 * all. */
bool neuron_parse_ls(struct str json, struct arena *a, struct neuron_facts *out);
/* Path of a Neuron tool below root, or its bare name where it is not there (then
 * PATH). */
const char *neuron_tool(const char *root, const char *name, char *out, size_t size);

#endif
