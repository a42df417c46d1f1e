/* What the control group of this process allows, and how often it was throttled; v1 and
 * v2, also within a container (the mount's root is taken off the group's path). */
#ifndef PROBE_CGROUP_H
#define PROBE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "text/jsonw.h"

#define CGROUP_PATH_BYTES 512

/* Folder of one controller: the mount and the group below it. version 0: not mounted. */
struct cgroup_dir {
    int version;
    size_t mount_len; /* the part of path that is the mount point */
    char path[CGROUP_PATH_BYTES];
};

struct cgroup {
    struct cgroup_dir cpu, memory;
};

struct cgroup_limits {
    double cpu_limit_cores; /* NAN: no limit; the least of the group and its parents */
    int64_t memory_limit_bytes; /* -1: no limit */
};

void cgroup_find(const char *root, struct cgroup *out);
void cgroup_limits(const char *root, const struct cgroup *g, struct cgroup_limits *out);
/* Time during which the group or a parent was throttled, since it was made, summed over
 * processors as the kernel counts it. 0 where no controller could throttle; *periods (may
 * be NULL) counts the periods with throttling. */
double cgroup_throttled_s(const char *root, const struct cgroup *g, int64_t *periods);

#endif
