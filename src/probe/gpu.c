#include "probe/gpu.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/proc.h"

#define SMI_TIMEOUT_S 10
#define MIB           1048576

/* Columns asked of nvidia-smi, in this order; older ones do not know the last. */
#define SMI_COLUMNS                                                                  \
    "index,name,uuid,pci.bus_id,driver_version,memory.total,memory.used,power.draw," \
    "power.limit,clocks.sm,clocks.max.sm,clocks.max.mem,temperature.gpu,"            \
    "pcie.link.gen.current,pcie.link.width.current"
enum { COLUMN_INDEX = 0, COLUMN_NAME = 1, COLUMN_DRIVER = 4, COLUMN_COUNT = 16 };

/* How a member is kept, and what is unknown. */
enum kind {
    TEXT,   /* char[]: "" */
    BYTES,  /* int64_t: -1 */
    NUMBER, /* double: NAN */
    COUNT,  /* int: -1 */
    MODE    /* int, 0 or 1: -1 */
};

/* Members of a device, in the order of its JSON. */
static const struct member {
    const char *key;
    enum kind kind;
    size_t offset, size;
    int column; /* of nvidia-smi; -1: it is not asked */
} members[] = {
#define MEMBER(key, kind, field, column)                    \
    {                                                       \
        key, kind, offsetof(struct gpu_device, field),      \
            sizeof(((struct gpu_device *)0)->field), column \
    }
    MEMBER("index", COUNT, index, COLUMN_INDEX),
    MEMBER("name", TEXT, name, COLUMN_NAME),
    MEMBER("uuid", TEXT, uuid, 2),
    MEMBER("pci_bus_id", TEXT, bus, 3),
    MEMBER("compute_capability", TEXT, compute_capability, 15),
    MEMBER("memory_total_mb", BYTES, total_bytes, 5),
    MEMBER("memory_used_mb", BYTES, used_bytes, 6),
    MEMBER("power_w", NUMBER, power_w, 7),
    MEMBER("power_limit_w", NUMBER, power_limit_w, 8),
    MEMBER("sm_clock_mhz", NUMBER, sm_clock_mhz, 9),
    MEMBER("sm_clock_max_mhz", NUMBER, sm_clock_max_mhz, 10),
    MEMBER("memory_clock_max_mhz", NUMBER, memory_clock_max_mhz, 11),
    MEMBER("temperature_c", NUMBER, temperature_c, 12),
    MEMBER("pcie_generation", COUNT, pcie_generation, 13),
    MEMBER("pcie_width", COUNT, pcie_width, 14),
    MEMBER("persistence_mode", MODE, is_persistent, -1),
    MEMBER("mig_mode", MODE, is_mig, -1),
    MEMBER("ecc_mode", MODE, is_ecc, -1),
#undef MEMBER
};
static const size_t member_count = sizeof members / sizeof members[0];

/* A text of nvidia-smi: "[N/A]" and "[Not Supported]" are unknown. */
static void copy(char *out, size_t size, struct str text)
{
    bool is_missing = text.len > 0 && text.ptr[0] == '[';
    snprintf(out, size, "%.*s", is_missing ? 0 : (int)text.len, text.ptr);
}

/* What stands in a cell; what is no number is unknown. */
static void set(struct gpu_device *d, const struct member *m, struct str cell)
{
    void *at = (char *)d + m->offset;
    double value;
    bool is_number = str_to_double(cell, &value);
    switch (m->kind) {
    case TEXT: copy(at, m->size, cell); break;
    case BYTES: *(int64_t *)at = is_number ? (int64_t)(value * MIB) : -1; break;
    case NUMBER: *(double *)at = is_number ? value : (double)NAN; break;
    case COUNT:
    case MODE: *(int *)at = is_number ? (int)value : -1; break;
    }
}

struct gpu_device gpu_blank(int index)
{
    struct gpu_device d;
    for (size_t i = 0; i < member_count; i++)
        set(&d, &members[i], str_from(""));
    d.index = index;
    return d;
}

static void parse_line(struct str line, struct gpu_facts *out)
{
    struct str cells[COLUMN_COUNT];
    for (int i = 0; i < COLUMN_COUNT; i++)
        cells[i] = str_trim(str_cut(&line, ','));
    int64_t index;
    if (!str_to_i64(cells[COLUMN_INDEX], &index) || cells[COLUMN_NAME].len == 0)
        return;
    struct gpu_device *d = &out->devices[out->count++];
    for (size_t i = 0; i < member_count; i++)
        set(d, &members[i],
            members[i].column >= 0 ? cells[members[i].column] : str_from(""));
    copy(out->driver, sizeof out->driver, cells[COLUMN_DRIVER]);
}

void gpu_parse_smi(struct str csv, struct gpu_facts *out)
{
    out->count = 0;
    while (csv.len > 0 && out->count < GPU_MAX_DEVICES)
        parse_line(str_trim(str_cut(&csv, '\n')), out);
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
    bool ran = run_smi("--query-gpu=" SMI_COLUMNS ",compute_cap", &text, &exit_code);
    if (ran && exit_code != 0)
        ran = run_smi("--query-gpu=" SMI_COLUMNS, &text, &exit_code);
    if (ran && exit_code == 0)
        gpu_parse_smi(str_from(buf_cstr(&text)), out);
    else if (ran)
        out->problem = "nvidia-smi failed";
    if (out->count > 0)
        out->source = "nvidia-smi";
    buf_fini(&text);
    return out->count > 0;
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

static void write_text(struct jsonw *w, const char *key, const char *text)
{
    jsonw_str(w, key, text[0] != '\0' ? text : NULL);
}

static void write_member(const struct gpu_device *d, const struct member *m,
                         struct jsonw *w)
{
    const void *at = (const char *)d + m->offset;
    int64_t bytes;
    switch (m->kind) {
    case TEXT: write_text(w, m->key, at); break;
    case BYTES:
        bytes = *(const int64_t *)at;
        jsonw_num(w, m->key, bytes >= 0 ? (double)bytes / 1e6 : (double)NAN);
        break;
    case NUMBER: jsonw_num(w, m->key, *(const double *)at); break;
    case COUNT: jsonw_count(w, m->key, *(const int *)at); break;
    case MODE:
        if (*(const int *)at >= 0)
            jsonw_bool(w, m->key, *(const int *)at != 0);
        else
            jsonw_null(w, m->key);
    }
}

static void write_device(const struct gpu_device *d, struct jsonw *w)
{
    for (size_t i = 0; i < member_count; i++)
        write_member(d, &members[i], w);
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
