/* Device memory in use on Neuron devices, read again and again: from a `neuron-monitor`
 * of our own, and from sysfs where it is missing or has not reported yet. */
#ifndef PROBE_NEURON_METER_H
#define PROBE_NEURON_METER_H

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct neuron_meter;

MUST_CHECK enum status neuron_meter_open(const char *root, struct neuron_meter **out,
                                         struct err *e);
/* Bytes in use over all devices; -1 unknown. Never blocks. */
int64_t neuron_meter_read(struct neuron_meter *m);
void neuron_meter_close(struct neuron_meter *m); /* NULL is fine */

/* Sum over all applications of one report of neuron-monitor; -1 where it holds none. */
int64_t neuron_meter_parse(struct str line);
/* Sum over all cores below sysfs; -1 where there is none. */
int64_t neuron_meter_sysfs(const char *root);

#endif
