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

/* A device, or one of its slices as gpu_device.slices numbers them. */
struct nvml_unit {
    int device, slice; /* slice -1: the whole device */
};

struct nvml_process {
    int32_t pid;
    int64_t used_bytes; /* of device memory; -1 unknown */
};

/* What a sampler wants of a unit: bytes in use (-1 unknown) and watts (NAN unknown, as
 * those of a slice are). */
void nvml_sample(struct nvml *n, struct nvml_unit u, int64_t *used_bytes,
                 double *power_w);
/* Processes that compute there: up to cap are written, the number written is returned;
 * 0 where the driver does not tell (in containers pids of the host are told). */
size_t nvml_processes(struct nvml *n, struct nvml_unit u, struct nvml_process *out,
                      size_t cap);

#endif
