/* Facts about NVIDIA GPUs, and nvidia-smi, which tells them where NVML does not. */
#ifndef PROBE_GPU_H
#define PROBE_GPU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "probe/tool_words.h"
#include "text/jsonw.h"

#define GPU_MAX_DEVICES 32
#define GPU_MAX_SLICES  8 /* MIG: of one device */

/* A part of a device that MIG gives to a job. */
struct gpu_slice {
    char uuid[96]; /* "MIG-..." */
    int64_t total_bytes, used_bytes;
};

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
    int is_shared; /* 1: it has no memory but the machine's; 0: it has, or that is not
                      known */
    struct gpu_slice slices[GPU_MAX_SLICES];
    size_t slice_count;
};

struct gpu_facts {
    const char *source;             /* "nvml", "nvidia-smi", or NULL: no GPU found */
    char problem[TOOL_WORDS_BYTES]; /* why a driver that is there gave nothing; "" if
                                       nothing is wrong */
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
/* Whether CUDA_VISIBLE_DEVICES (visible; NULL: unset) lets a process use the device; a
 * slice that it names is in any device whose slices are not known. */
bool gpu_is_visible(const struct gpu_device *d, const char *visible);

#endif
