/* A thread beside the benchmark that reads memory and power once a second, and machine
 * counters at the ends of a repeat. One sampler a run. */
#ifndef PROBE_SAMPLER_H
#define PROBE_SAMPLER_H

#include "base/status.h"
#include "core/field.h"

struct sampler;

/* root_pid: root of the engine's processes (all its descendants count), 0: none (then
 * memory is of this process). hardware_type: "gpu" reads NVML (dlopen; nvidia-smi as
 * fallback), "neuron" sysfs, else PSS of the processes. */
MUST_CHECK enum status sampler_start(int32_t root_pid, const char *hardware_type,
                                     struct sampler **out, struct err *e);
/* Reads once, now, and keeps that as "memory after load" (memory_used_mb). */
void sampler_after_load(struct sampler *s);
/* Starts a repeat: forgets the peak, notes the machine's counters. */
void sampler_begin(struct sampler *s);
/* Ends it; sets memory_used_mb, peak_memory_mb, power_mean_w, energy_j, cpu_user_s,
 * cpu_system_s, steal_ratio, throttled_s, client_rss_mb (null where unknown). */
void sampler_end(struct sampler *s, struct row *fields);
void sampler_stop(struct sampler *s); /* NULL is fine */

#endif
