/* NVIDIA's management library, opened at run time with our own declarations; machines
 * without a driver lack it. Thread-safe once open. */
#ifndef PROBE_NVML_H
#define PROBE_NVML_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "probe/gpu.h"

struct nvml;

/* NOT_FOUND: no such library; UNSUPPORTED: it could not start (what says why). */
MUST_CHECK enum status nvml_open(struct nvml **out, struct err *e);
void nvml_close(struct nvml *n); /* NULL is fine */
/* All devices and the driver's version. */
void nvml_facts(struct nvml *n, struct gpu_facts *out);
/* What a sampler wants of device i: bytes in use (-1 unknown) and watts (NAN unknown). */
void nvml_sample(struct nvml *n, int i, int64_t *used_bytes, double *power_w);
/* Pids that compute on device i: up to cap are written, the number written is returned;
 * 0 where the driver does not tell (in containers pids of the host are told). */
size_t nvml_processes(struct nvml *n, int i, int32_t *pids, size_t cap);

#endif
