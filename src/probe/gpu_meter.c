#include "probe/gpu_meter.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "probe/nvml.h"

#define PIDS_MAX 64

struct gpu_meter {
    struct nvml *nvml; /* NULL: nvidia-smi is asked */
    struct gpu_facts facts;
    bool is_used[GPU_MAX_DEVICES];
};

/* NVML, which stays open; NULL: nvidia-smi was asked. */
static struct nvml *ask(struct gpu_facts *out)
{
    struct nvml *n = NULL;
    struct err e;
    *out = (struct gpu_facts){.count = 0};
    enum status code = nvml_open(&n, &e);
    if (code == STATUS_OK) {
        nvml_facts(n, out);
        return n;
    }
    bool is_known = gpu_ask_smi(out) || out->problem != NULL;
    if (!is_known && code == STATUS_UNSUPPORTED)
        out->problem = "NVML is installed but does not answer";
    return NULL;
}

void gpu_meter_probe(struct gpu_facts *out)
{
    nvml_close(ask(out));
    if (out->count == 0)
        out->source = NULL;
}

static void choose_visible(struct gpu_meter *m)
{
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    for (size_t i = 0; i < m->facts.count; i++)
        m->is_used[i] = gpu_is_visible(&m->facts.devices[i], visible);
}

enum status gpu_meter_open(struct gpu_meter **out, struct err *e)
{
    struct gpu_meter *m = mem_alloc(1, sizeof *m);
    if (m == NULL)
        return status_no_memory(e, "GPU");
    m->nvml = ask(&m->facts);
    if (m->facts.count == 0) {
        gpu_meter_close(m);
        return status_fail(e, STATUS_NOT_FOUND, "GPU", "no NVIDIA device responds");
    }
    choose_visible(m);
    *out = m;
    return STATUS_OK;
}

static bool has_any(const int32_t *pids, size_t count, const int32_t *found, size_t n)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < n; k++)
            if (pids[i] == found[k])
                return true;
    return false;
}

void gpu_meter_choose(struct gpu_meter *m, const int32_t *pids, size_t count)
{
    bool is_used[GPU_MAX_DEVICES] = {false};
    bool any = false;
    for (size_t i = 0; m->nvml != NULL && i < m->facts.count; i++) {
        int32_t found[PIDS_MAX];
        size_t n = nvml_processes(m->nvml, (int)i, found, PIDS_MAX);
        is_used[i] = has_any(pids, count, found, n);
        any = any || is_used[i];
    }
    choose_visible(m);
    for (size_t i = 0; any && i < m->facts.count; i++)
        m->is_used[i] = is_used[i];
}

void gpu_meter_read(struct gpu_meter *m, int64_t *used_bytes, double *power_w)
{
    *used_bytes = -1;
    *power_w = NAN;
    if (m->nvml == NULL) {
        struct gpu_facts now = {.count = 0};
        if (!gpu_ask_smi(&now) || now.count != m->facts.count)
            return;
        m->facts = now;
    }
    int64_t bytes = 0;
    double watts = 0;
    size_t devices = 0;
    for (size_t i = 0; i < m->facts.count; i++) {
        struct gpu_device *d = &m->facts.devices[i];
        if (!m->is_used[i])
            continue;
        if (m->nvml != NULL)
            nvml_sample(m->nvml, (int)i, &d->used_bytes, &d->power_w);
        if (d->used_bytes < 0)
            return;
        bytes += d->used_bytes;
        watts += d->power_w;
        devices++;
    }
    if (devices > 0) {
        *used_bytes = bytes;
        *power_w = watts;
    }
}

void gpu_meter_close(struct gpu_meter *m)
{
    if (m == NULL)
        return;
    nvml_close(m->nvml);
    mem_free(m);
}
