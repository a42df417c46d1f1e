/* Operating system, kernel, memory, and who made the machine. */
#ifndef PROBE_MACHINE_H
#define PROBE_MACHINE_H

#include <stdbool.h>

#include "base/arena.h"
#include "text/jsonw.h"

/* NULL, NAN: unknown. Strings live in the arena. */
struct machine_facts {
    const char *system, *kernel, *kernel_version, *arch, *hostname;
    const char *os, *os_id, *os_version; /* of /etc/os-release */
    const char *container;        /* "docker", "podman", "kubernetes", NULL: none seen */
    const char *vendor, *product; /* DMI sys_vendor and product_name */
    const char *clocksource;
    bool is_ec2;            /* DMI or the hypervisor says so: Nitro and Xen */
    const char *huge_pages; /* transparent: "always", "madvise", "never" */
    double total_mb, available_mb, swap_mb;
};

void machine_probe(const char *root, struct arena *a, struct machine_facts *out);
/* Members of "platform" and of "memory", into the object that is open. */
void machine_write_platform(const struct machine_facts *f, struct jsonw *w);
void machine_write_memory(const struct machine_facts *f, struct jsonw *w);

#endif
