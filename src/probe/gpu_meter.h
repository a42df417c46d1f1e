/* NVIDIA GPUs, and memory and power of those that the engine uses, read again and
 * again. */
#ifndef PROBE_GPU_METER_H
#define PROBE_GPU_METER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "probe/gpu.h"

/* All devices as they are now: through NVML, else through nvidia-smi. */
void gpu_meter_probe(struct gpu_facts *out);

struct gpu_meter;

/* NOT_FOUND: neither NVML nor nvidia-smi answers. */
MUST_CHECK enum status gpu_meter_open(struct gpu_meter **out, struct err *e);
/* Settles which devices count: those on which processes of the tree compute, as far as
 * the driver names them (in a container it names pids of the host: then none is known),
 * else those that CUDA_VISIBLE_DEVICES allows, else all. Called once the engine has
 * loaded. */
void gpu_meter_choose(struct gpu_meter *m, const int32_t *pids, size_t count);
/* Sums over those devices: bytes in use (-1 unknown), watts (NAN unknown). */
void gpu_meter_read(struct gpu_meter *m, int64_t *used_bytes, double *power_w);
void gpu_meter_close(struct gpu_meter *m); /* NULL is fine */

#endif
