#include "probe/gpu_meter.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "probe/nvml.h"
#include "probe/sysfile.h"

#define PIDS_MAX  64
#define TREE_MAX  256
#define SLICE_ANY (-2) /* one of the device's, not known which */
#define SLICE_NO  (-1) /* the device is not divided */

struct gpu_meter {
    struct nvml *nvml; /* NULL: nvidia-smi is asked */
    struct gpu_facts facts;
    bool is_used[GPU_MAX_DEVICES];
    int slice[GPU_MAX_DEVICES]; /* of a device in use */
    int32_t pids[TREE_MAX];     /* of the engine */
    size_t pid_count;
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
    bool is_known = gpu_ask_smi(out) || out->problem[0] != '\0';
    if (!is_known && code == STATUS_UNSUPPORTED)
        tool_words_say("NVML", "does not start", str_from(e.what), out->problem,
                       sizeof out->problem);
    return NULL;
}

void gpu_meter_probe(struct gpu_facts *out)
{
    nvml_close(ask(out));
    if (out->count == 0)
        out->source = NULL;
}

/* --- what of the machine is the engine's */

static bool is_mine(const struct gpu_meter *m, int32_t pid)
{
    for (size_t i = 0; i < m->pid_count; i++)
        if (m->pids[i] == pid)
            return true;
    return false;
}

/* Bytes of the engine's processes there; -1: it has none, or the driver does not say.
 * *has_any: it has one. */
static int64_t own_bytes(const struct gpu_meter *m, struct nvml_unit u, bool *has_any)
{
    struct nvml_process found[PIDS_MAX];
    size_t n = m->nvml != NULL ? nvml_processes(m->nvml, u, found, PIDS_MAX) : 0;
    int64_t sum = -1;
    *has_any = false;
    for (size_t i = 0; i < n; i++) {
        if (!is_mine(m, found[i].pid))
            continue;
        *has_any = true;
        if (found[i].used_bytes < 0)
            return -1;
        sum = (sum < 0 ? 0 : sum) + found[i].used_bytes;
    }
    return sum;
}

/* The slice of a divided device that the engine has: where its processes compute, else
 * the one that CUDA_VISIBLE_DEVICES names, else the only one there is. */
static int find_slice(const struct gpu_meter *m, int i, const char *visible)
{
    const struct gpu_device *d = &m->facts.devices[i];
    bool is_named = visible != NULL && strstr(visible, "MIG-") != NULL;
    int named = 0;
    int slice = SLICE_ANY;
    if (d->is_mig != 1)
        return is_named && d->is_mig != 0 ? SLICE_ANY : SLICE_NO;
    for (int k = 0; k < (int)d->slice_count; k++) {
        bool is_here;
        (void)own_bytes(m, (struct nvml_unit){i, k}, &is_here);
        if (is_here)
            return k;
        if (d->slice_count == 1 || (is_named && d->slices[k].uuid[0] != '\0' &&
                                    strstr(visible, d->slices[k].uuid) != NULL)) {
            slice = k;
            named++;
        }
    }
    return named == 1 ? slice : SLICE_ANY;
}

static void choose_visible(struct gpu_meter *m)
{
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    for (int i = 0; i < (int)m->facts.count; i++) {
        m->is_used[i] = gpu_is_visible(&m->facts.devices[i], visible);
        m->slice[i] = find_slice(m, i, visible);
    }
}

static bool computes_on(const struct gpu_meter *m, int i)
{
    bool is_here;
    (void)own_bytes(m, (struct nvml_unit){i, -1}, &is_here);
    for (int k = 0; !is_here && k < (int)m->facts.devices[i].slice_count; k++)
        (void)own_bytes(m, (struct nvml_unit){i, k}, &is_here);
    return is_here;
}

void gpu_meter_choose(struct gpu_meter *m, const int32_t *pids, size_t count)
{
    bool is_used[GPU_MAX_DEVICES] = {false};
    bool any = false;
    m->pid_count = count < TREE_MAX ? count : TREE_MAX;
    for (size_t i = 0; i < m->pid_count; i++)
        m->pids[i] = pids[i];
    for (int i = 0; i < (int)m->facts.count; i++) {
        is_used[i] = computes_on(m, i);
        any = any || is_used[i];
    }
    choose_visible(m);
    for (size_t i = 0; any && i < m->facts.count; i++)
        m->is_used[i] = is_used[i];
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

/* --- reading */

/* Memory of the machine in use, bytes; -1 unknown. */
static int64_t machine_bytes(void)
{
    char text[4096];
    sysfile_read(sysfile_root(), "/proc/meminfo", text, sizeof text);
    int64_t total_kib = sysfile_field_i64(text, "MemTotal", ':', -1);
    int64_t free_kib = sysfile_field_i64(text, "MemAvailable", ':', -1);
    return total_kib >= 0 && free_kib >= 0 ? (total_kib - free_kib) * 1024 : -1;
}

/* Of a device without memory of its own: what the engine's processes have there, else all
 * that the machine has in use, counted once. */
static int64_t shared_bytes(const struct gpu_meter *m, int i)
{
    bool is_here;
    int64_t bytes = own_bytes(m, (struct nvml_unit){i, -1}, &is_here);
    if (bytes >= 0)
        return bytes;
    for (int k = 0; k < i; k++)
        if (m->is_used[k] && m->facts.devices[k].is_shared == 1)
            return 0;
    return machine_bytes();
}

/* Of one device in use: bytes and watts, each unknown by itself. */
static void read_device(struct gpu_meter *m, int i, int64_t *bytes, double *watts)
{
    struct gpu_device *d = &m->facts.devices[i];
    *bytes = -1;
    *watts = NAN;
    if (m->slice[i] == SLICE_ANY)
        return;
    if (m->nvml != NULL)
        nvml_sample(m->nvml, (struct nvml_unit){i, m->slice[i]}, &d->used_bytes,
                    &d->power_w);
    *bytes = d->used_bytes;
    *watts = d->power_w;
    if (d->is_shared == 1 && *bytes < 0)
        *bytes = shared_bytes(m, i);
}

void gpu_meter_read(struct gpu_meter *m, int64_t *used_bytes, double *power_w)
{
    int64_t bytes = 0;
    double watts = 0;
    size_t devices = 0;
    *used_bytes = -1;
    *power_w = NAN;
    if (m->nvml == NULL) {
        struct gpu_facts now = {.count = 0};
        if (!gpu_ask_smi(&now) || now.count != m->facts.count)
            return;
        m->facts = now;
    }
    for (int i = 0; i < (int)m->facts.count; i++) {
        int64_t device_bytes;
        double device_watts;
        if (!m->is_used[i])
            continue;
        read_device(m, i, &device_bytes, &device_watts);
        bytes = bytes < 0 || device_bytes < 0 ? -1 : bytes + device_bytes;
        watts += device_watts;
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
