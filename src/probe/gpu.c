#include "probe/gpu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/proc.h"
#include "probe/nvml.h"

#define SMI_TIMEOUT_S 10
#define MIB           1048576

/* Columns asked of nvidia-smi, in this order; older ones do not know the last. */
#define SMI_COLUMNS                                                                  \
    "index,name,uuid,pci.bus_id,driver_version,memory.total,memory.used,power.draw," \
    "power.limit,clocks.sm,clocks.max.sm,clocks.max.mem,temperature.gpu,"            \
    "pcie.link.gen.current,pcie.link.width.current"
enum {
    COL_INDEX,
    COL_NAME,
    COL_UUID,
    COL_BUS,
    COL_DRIVER,
    COL_TOTAL,
    COL_USED,
    COL_POWER,
    COL_LIMIT,
    COL_CLOCK,
    COL_CLOCK_MAX,
    COL_MEMORY_CLOCK,
    COL_HEAT,
    COL_LINK_GEN,
    COL_LINK_WIDTH,
    COL_COUNT
};

struct gpu_device gpu_blank(int index)
{
    return (struct gpu_device){
        .index = index,
        .name = "",
        .uuid = "",
        .bus = "",
        .total_bytes = -1,
        .used_bytes = -1,
        .power_w = NAN,
        .power_limit_w = NAN,
        .sm_clock_mhz = NAN,
        .sm_clock_max_mhz = NAN,
        .memory_clock_max_mhz = NAN,
        .temperature_c = NAN,
        .compute_capability = "",
        .pcie_generation = -1,
        .pcie_width = -1,
        .is_mig = -1,
        .is_ecc = -1,
        .is_persistent = -1,
    };
}

static double number(struct str text)
{
    double value;
    return str_to_double(text, &value) ? value : NAN; /* "[N/A]", "[Not Supported]" */
}

static int64_t mib(struct str text)
{
    double value = number(text);
    return isnan(value) ? -1 : (int64_t)(value * MIB);
}

static void copy(char *out, size_t size, struct str text)
{
    bool is_missing = text.len > 0 && text.ptr[0] == '[';
    snprintf(out, size, "%.*s", is_missing ? 0 : (int)text.len, text.ptr);
}

static int small(struct str text)
{
    double value = number(text);
    return isnan(value) ? -1 : (int)value;
}

static void parse_line(struct str line, bool with_capability, struct gpu_facts *out)
{
    struct str cells[COL_COUNT];
    for (int i = 0; i < COL_COUNT; i++)
        cells[i] = str_trim(str_cut(&line, ','));
    int64_t index;
    if (!str_to_i64(cells[COL_INDEX], &index) || cells[COL_NAME].len == 0)
        return;
    struct gpu_device *d = &out->devices[out->count++];
    *d = gpu_blank((int)index);
    copy(d->name, sizeof d->name, cells[COL_NAME]);
    copy(d->uuid, sizeof d->uuid, cells[COL_UUID]);
    copy(d->bus, sizeof d->bus, cells[COL_BUS]);
    copy(out->driver, sizeof out->driver, cells[COL_DRIVER]);
    d->total_bytes = mib(cells[COL_TOTAL]);
    d->used_bytes = mib(cells[COL_USED]);
    d->power_w = number(cells[COL_POWER]);
    d->power_limit_w = number(cells[COL_LIMIT]);
    d->sm_clock_mhz = number(cells[COL_CLOCK]);
    d->sm_clock_max_mhz = number(cells[COL_CLOCK_MAX]);
    d->memory_clock_max_mhz = number(cells[COL_MEMORY_CLOCK]);
    d->temperature_c = number(cells[COL_HEAT]);
    d->pcie_generation = small(cells[COL_LINK_GEN]);
    d->pcie_width = small(cells[COL_LINK_WIDTH]);
    if (with_capability)
        copy(d->compute_capability, sizeof d->compute_capability,
             str_trim(str_cut(&line, ',')));
}

void gpu_parse_smi(struct str csv, bool with_capability, struct gpu_facts *out)
{
    out->count = 0;
    while (csv.len > 0 && out->count < GPU_MAX_DEVICES)
        parse_line(str_trim(str_cut(&csv, '\n')), with_capability, out);
}

static bool run_smi(const char *columns, struct buf *out, int *exit_code)
{
    const char *argv[] = {"nvidia-smi", columns, "--format=csv,noheader,nounits", NULL};
    struct span limit = clock_seconds(SMI_TIMEOUT_S);
    buf_clear(out);
    return proc_run(argv, limit, out, exit_code, NULL) == STATUS_OK;
}

bool gpu_ask_smi(struct gpu_facts *out)
{
    struct buf text;
    int exit_code = -1;
    buf_init(&text, 65536);
    bool with_capability = true;
    bool ran = run_smi("--query-gpu=" SMI_COLUMNS ",compute_cap", &text, &exit_code);
    if (ran && exit_code != 0) {
        with_capability = false;
        ran = run_smi("--query-gpu=" SMI_COLUMNS, &text, &exit_code);
    }
    if (ran && exit_code == 0)
        gpu_parse_smi(str_from(buf_cstr(&text)), with_capability, out);
    else if (ran)
        out->problem = "nvidia-smi failed";
    if (out->count > 0)
        out->source = "nvidia-smi";
    buf_fini(&text);
    return out->count > 0;
}

void gpu_probe(struct gpu_facts *out)
{
    struct nvml *n;
    struct err e;
    *out = (struct gpu_facts){.source = NULL, .problem = NULL, .count = 0};
    enum status code = nvml_open(&n, &e);
    if (code == STATUS_OK) {
        nvml_facts(n, out);
        nvml_close(n);
    } else {
        if (code == STATUS_UNSUPPORTED)
            out->problem = "NVML is installed but does not answer";
        if (gpu_ask_smi(out))
            out->problem = NULL;
    }
    if (out->count == 0)
        out->source = NULL;
}

bool gpu_is_visible(const struct gpu_device *d, const char *visible)
{
    if (visible == NULL)
        return true;
    struct str rest = str_from(visible);
    while (rest.len > 0) {
        struct str word = str_trim(str_cut(&rest, ','));
        int64_t index;
        if (str_to_i64(word, &index)) {
            if (index < 0)
                return false; /* CUDA stops at the first number that is no device */
            if (index == d->index)
                return true;
        } else if (word.len > 0 && strncmp(d->uuid, word.ptr, word.len) == 0) {
            return true; /* a UUID may be shortened */
        } else if (str_starts(word, "MIG-")) {
            return true; /* which device holds that slice is not known here */
        }
    }
    return false;
}

static void write_bytes(struct jsonw *w, const char *key, int64_t bytes)
{
    jsonw_num(w, key, bytes >= 0 ? (double)bytes / 1e6 : NAN);
}

static void write_text(struct jsonw *w, const char *key, const char *text)
{
    jsonw_str(w, key, text[0] != '\0' ? text : NULL);
}

static void write_mode(struct jsonw *w, const char *key, int value)
{
    if (value >= 0)
        jsonw_bool(w, key, value != 0);
    else
        jsonw_null(w, key);
}

static void write_device(const struct gpu_device *d, struct jsonw *w)
{
    jsonw_int(w, "index", d->index);
    write_text(w, "name", d->name);
    write_text(w, "uuid", d->uuid);
    write_text(w, "pci_bus_id", d->bus);
    write_text(w, "compute_capability", d->compute_capability);
    write_bytes(w, "memory_total_mb", d->total_bytes);
    write_bytes(w, "memory_used_mb", d->used_bytes);
    jsonw_num(w, "power_w", d->power_w);
    jsonw_num(w, "power_limit_w", d->power_limit_w);
    jsonw_num(w, "sm_clock_mhz", d->sm_clock_mhz);
    jsonw_num(w, "sm_clock_max_mhz", d->sm_clock_max_mhz);
    jsonw_num(w, "memory_clock_max_mhz", d->memory_clock_max_mhz);
    jsonw_num(w, "temperature_c", d->temperature_c);
    jsonw_count(w, "pcie_generation", d->pcie_generation);
    jsonw_count(w, "pcie_width", d->pcie_width);
    write_mode(w, "persistence_mode", d->is_persistent);
    write_mode(w, "mig_mode", d->is_mig);
    write_mode(w, "ecc_mode", d->is_ecc);
}

void gpu_write(const struct gpu_facts *f, struct jsonw *w, const char *key)
{
    if (f->count == 0 && f->problem == NULL) {
        jsonw_null(w, key);
        return;
    }
    jsonw_object(w, key);
    if (f->count > 0)
        write_device(&f->devices[0], w);
    jsonw_int(w, "count", (int64_t)f->count);
    write_text(w, "driver_version", f->driver);
    write_text(w, "cuda_version", f->cuda);
    jsonw_str(w, "source", f->source);
    jsonw_str(w, "problem", f->problem);
    jsonw_array(w, "devices");
    for (size_t i = 0; i < f->count; i++) {
        jsonw_object(w, NULL);
        write_device(&f->devices[i], w);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    jsonw_object_end(w);
}
