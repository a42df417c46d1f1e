/* Facts about NVIDIA GPUs, and nvidia-smi, which tells them where NVML does not. */
#ifndef PROBE_GPU_H
#define PROBE_GPU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "text/jsonw.h"

#define GPU_MAX_DEVICES 32

/* -1, NAN, "": unknown. */
struct gpu_device {
    int index;
    char name[96], uuid[96], bus[40];
    int64_t total_bytes, used_bytes; /* used: without what the driver reserves, as
                                        nvidia-smi */
    double power_w, power_limit_w;
    double sm_clock_mhz, sm_clock_max_mhz, memory_clock_max_mhz, temperature_c;
    char compute_capability[16];
    int pcie_generation, pcie_width;
    int is_mig, is_ecc, is_persistent; /* 0, 1 or -1 */
};

struct gpu_facts {
    const char *source;  /* "nvml", "nvidia-smi", or NULL: no GPU found */
    const char *problem; /* why a driver that is there gave nothing; NULL if nothing is
                            wrong */
    char driver[80], cuda[16];
    struct gpu_device devices[GPU_MAX_DEVICES];
    size_t count;
};

/* The value of "gpu": the first device with all in "devices", or null. */
void gpu_write(const struct gpu_facts *f, struct jsonw *w, const char *key);
/* Everything unknown. */
struct gpu_device gpu_blank(int index);
/* nvidia-smi's --query-gpu answer (csv,noheader,nounits; columns of gpu.c) into
 * devices. */
void gpu_parse_smi(struct str csv, struct gpu_facts *out);
/* Runs nvidia-smi; false where it is missing or fails. */
bool gpu_ask_smi(struct gpu_facts *out);
/* Whether CUDA_VISIBLE_DEVICES (visible; NULL: unset) lets a process use the device. */
bool gpu_is_visible(const struct gpu_device *d, const char *visible);

#endif
