/* The processor: model, layout, frequency, flags, NUMA. */
#ifndef PROBE_CPU_H
#define PROBE_CPU_H

#include <stdint.h>

#include "base/arena.h"
#include "text/jsonw.h"

#define CPU_MAX_NODES 64

struct cpu_node {
    int64_t id;
    const char *cpus; /* "0-15" */
    double memory_mb; /* NAN unknown */
};

/* -1, NAN or NULL: unknown. Strings live in the arena. */
struct cpu_facts {
    const char *model, *vendor;
    const char *flags;               /* separated by blanks */
    const char *governor;            /* of the first processor */
    int64_t sockets, cores, threads; /* of the machine, online */
    int64_t usable_threads;          /* by this process's affinity */
    double mhz, max_mhz;
    int64_t l3_kb;
    struct cpu_node nodes[CPU_MAX_NODES];
    size_t node_count;
};

void cpu_probe(const char *root, struct arena *a, struct cpu_facts *out);
/* Writes members into the object that is open. */
void cpu_write(const struct cpu_facts *f, struct jsonw *w);

#endif
