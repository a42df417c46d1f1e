#include "probe/gpu.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/proc.h"

#define SMI_TIMEOUT_S 10
#define MIB           1048576
#define CELL_MAX      1e9 /* of MiB, MHz, W: more is no figure */

/* Columns asked of nvidia-smi, in this order. */
#define SMI_COLUMNS                                                                  \
    "index,name,uuid,pci.bus_id,driver_version,memory.total,memory.used,power.draw," \
    "power.limit,clocks.sm,clocks.max.sm,clocks.max.mem,temperature.gpu,"            \
    "pcie.link.gen.current,pcie.link.width.current"
enum {
    COLUMN_INDEX = 0,
    COLUMN_NAME = 1,
    COLUMN_DRIVER = 4,
    COLUMN_MEMORY = 5,
    COLUMN_COUNT = 17
};

/* What newer ones also know, least common last. */
static const char *const smi_queries[] = {
    "--query-gpu=" SMI_COLUMNS ",compute_cap,mig.mode.current",
    "--query-gpu=" SMI_COLUMNS ",compute_cap",
    "--query-gpu=" SMI_COLUMNS,
};

/* How a member is kept, and what is unknown. */
enum kind {
    TEXT,   /* char[]: "" */
    BYTES,  /* int64_t: -1 */
    NUMBER, /* double: NAN */
    COUNT,  /* int: -1 */
    MODE    /* int, 0 or 1, of nvidia-smi "Enabled": -1 */
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
    MEMBER("mig_mode", MODE, is_mig, 16),
    MEMBER("ecc_mode", MODE, is_ecc, -1),
    MEMBER("memory_is_shared", MODE, is_shared, -1),
#undef MEMBER
};
static const size_t member_count = sizeof members / sizeof members[0];

/* A text of nvidia-smi: "[N/A]", "N/A" and "[Not Supported]" are unknown. */
static void copy(char *out, size_t size, struct str text)
{
    bool is_missing = (text.len > 0 && text.ptr[0] == '[') || str_is(text, "N/A");
    snprintf(out, size, "%.*s", is_missing ? 0 : (int)text.len, text.ptr);
}

/* What stands in a cell; what is no number is unknown. */
static void set(struct gpu_device *d, const struct member *m, struct str cell)
{
    void *at = (char *)d + m->offset;
    double value;
    bool is_number = str_to_double(cell, &value) && fabs(value) < CELL_MAX;
    switch (m->kind) {
    case TEXT: copy(at, m->size, cell); break;
    case BYTES: *(int64_t *)at = is_number ? (int64_t)(value * MIB) : -1; break;
    case NUMBER: *(double *)at = is_number ? value : (double)NAN; break;
    case COUNT: *(int *)at = is_number ? (int)value : -1; break;
    case MODE:
        *(int *)at = str_is(cell, "Enabled") ? 1 : str_is(cell, "Disabled") ? 0 : -1;
        break;
    }
}

struct gpu_device gpu_blank(int index)
{
    struct gpu_device d;
    for (size_t i = 0; i < member_count; i++)
        set(&d, &members[i], str_from(""));
    d.index = index;
    d.is_shared = 0;
    d.slice_count = 0;
    return d;
}

/* Not merely unknown at this moment, as "[Unknown Error]" or "[GPU is lost]" is. */
static bool is_not_supported(struct str cell)
{
    return str_is(cell, "[N/A]") || str_is(cell, "N/A") ||
           str_is(cell, "[Not Supported]");
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
    *d = gpu_blank((int)index);
    for (size_t i = 0; i < member_count; i++)
        set(d, &members[i],
            members[i].column >= 0 ? cells[members[i].column] : str_from(""));
    d->is_shared = d->is_mig != 1 && is_not_supported(cells[COLUMN_MEMORY]) &&
                   is_not_supported(cells[COLUMN_MEMORY + 1]);
    copy(out->driver, sizeof out->driver, cells[COLUMN_DRIVER]);
}

void gpu_parse_smi(struct str csv, struct gpu_facts *out)
{
    out->count = 0;
    while (csv.len > 0 && out->count < GPU_MAX_DEVICES)
        parse_line(str_trim(str_cut(&csv, '\n')), out);
}

static enum status run_smi(const char *columns, struct buf *out, int *exit_code)
{
    const char *argv[] = {"nvidia-smi", columns, "--format=csv,noheader,nounits", NULL};
    struct span limit = clock_seconds(SMI_TIMEOUT_S);
    buf_clear(out);
    return proc_run(argv, limit, out, exit_code, NULL);
}

/* A query that one of nvidia-smi's versions does not know is asked again without what is
 * new; any other failure is the same for all. */
static enum status ask_columns(struct buf *out, int *exit_code)
{
    enum status st = STATUS_OK;
    for (size_t i = 0; i < sizeof smi_queries / sizeof *smi_queries; i++) {
        st = run_smi(smi_queries[i], out, exit_code);
        if (st != STATUS_OK || *exit_code == 0 || tool_words_cure(buf_str(out)) != NULL)
            break;
    }
    return st;
}

bool gpu_ask_smi(struct gpu_facts *out)
{
    struct buf text;
    int exit_code = -1;
    buf_init(&text, 65536);
    enum status st = ask_columns(&text, &exit_code);
    char end[48];
    snprintf(end, sizeof end, "ended with exit status %d", exit_code);
    if (st == STATUS_OK && exit_code == 0)
        gpu_parse_smi(str_from(buf_cstr(&text)), out);
    if (st == STATUS_TIMEOUT)
        tool_words_say("nvidia-smi", "did not answer within 10 s", buf_str(&text),
                       out->problem, sizeof out->problem);
    else if (st == STATUS_OK && out->count == 0 && (exit_code != 0 || text.len > 0))
        tool_words_say("nvidia-smi", exit_code != 0 ? end : "lists no device",
                       buf_str(&text), out->problem, sizeof out->problem);
    if (out->count > 0)
        out->source = "nvidia-smi";
    buf_fini(&text);
    return out->count > 0;
}

/* A slice's name may be shortened as a device's may; the older form is
 * MIG-GPU-<device>/<instance>/<instance>. */
static bool may_hold_slice(const struct gpu_device *d, struct str word)
{
    struct str device = {word.ptr + 4, word.len - 4};
    if (str_starts(device, "GPU-")) {
        device = str_cut(&device, '/');
        return strncmp(d->uuid, device.ptr, device.len) == 0;
    }
    for (size_t i = 0; i < d->slice_count; i++)
        if (strncmp(d->slices[i].uuid, word.ptr, word.len) == 0)
            return true;
    return d->slice_count == 0 && d->is_mig != 0;
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
        } else if (str_starts(word, "MIG-") && may_hold_slice(d, word)) {
            return true;
        }
    }
    return false;
}

static void write_text(struct jsonw *w, const char *key, const char *text)
{
    jsonw_str(w, key, text[0] != '\0' ? text : NULL);
}

static double megabytes(int64_t bytes)
{
    return bytes >= 0 ? (double)bytes / 1e6 : (double)NAN;
}

static void write_member(const struct gpu_device *d, const struct member *m,
                         struct jsonw *w)
{
    const void *at = (const char *)d + m->offset;
    switch (m->kind) {
    case TEXT: write_text(w, m->key, at); break;
    case BYTES: jsonw_num(w, m->key, megabytes(*(const int64_t *)at)); break;
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
    jsonw_array(w, "mig_devices");
    for (size_t i = 0; i < d->slice_count; i++) {
        jsonw_object(w, NULL);
        write_text(w, "uuid", d->slices[i].uuid);
        jsonw_num(w, "memory_total_mb", megabytes(d->slices[i].total_bytes));
        jsonw_num(w, "memory_used_mb", megabytes(d->slices[i].used_bytes));
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
}

/* What of the figures of a run is not known here, or stands for something else. */
static void write_note(const struct gpu_facts *f, struct jsonw *w)
{
    char text[200] = "";
    for (size_t i = 0; i < f->count && text[0] == '\0'; i++) {
        if (f->devices[i].is_mig == 1)
            snprintf(text, sizeof text,
                     "device %d is divided (MIG): a run's power and energy are null, its "
                     "memory is that of its slice",
                     f->devices[i].index);
        else if (f->devices[i].is_shared == 1)
            snprintf(text, sizeof text,
                     "device %d shares the machine's memory: a run's memory is what its "
                     "processes have, or else what the machine has in use",
                     f->devices[i].index);
    }
    write_text(w, "note", text);
}

void gpu_write(const struct gpu_facts *f, struct jsonw *w, const char *key)
{
    if (f->count == 0 && f->problem[0] == '\0') {
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
    write_text(w, "problem", f->problem);
    write_note(f, w);
    jsonw_array(w, "devices");
    for (size_t i = 0; i < f->count; i++) {
        jsonw_object(w, NULL);
        write_device(&f->devices[i], w);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    jsonw_object_end(w);
}
