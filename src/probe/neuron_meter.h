/* Device memory in use on Neuron devices, read again and again: from a `neuron-monitor`
 * of our own, and from sysfs where it is missing or has not reported yet. */
#ifndef PROBE_NEURON_METER_H
#define PROBE_NEURON_METER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct neuron_meter;

MUST_CHECK enum status neuron_meter_open(const char *root, struct neuron_meter **out,
                                         struct err *e);
/* Names the engine's processes, once it has loaded. */
void neuron_meter_choose(struct neuron_meter *m, const int32_t *pids, size_t count);
/* Bytes that the engine has in use over all devices; -1 unknown. Never blocks. */
int64_t neuron_meter_read(struct neuron_meter *m);
void neuron_meter_close(struct neuron_meter *m); /* NULL is fine */

/* What tells our application from others in a report. */
struct neuron_meter_own {
    const int32_t *pids;
    size_t pid_count; /* 0: not known */
    const char *tag;
    const char *root; /* of /proc */
};

/* The value of NEURON_PROCESS_TAG for engines that we start, into out: the user's own, or
 * one with our pid. */
const char *neuron_meter_tag(char *out, size_t size);

#define NEURON_METER_UNKNOWN (-1)
#define NEURON_METER_OTHERS  (-2) /* applications are there, and none is ours for sure */

/* Bytes of our applications in one report of neuron-monitor, or one of the above. */
int64_t neuron_meter_parse(struct str line, const struct neuron_meter_own *own);
/* Sum over the cores below sysfs that NEURON_RT_VISIBLE_CORES allows, whoever uses them;
 * -1 where there is none. */
int64_t neuron_meter_sysfs(const char *root);

#endif
