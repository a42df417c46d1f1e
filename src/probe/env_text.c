#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "probe/env.h"
#include "text/json.h"

#define WIDTH  80
#define INDENT 18

/* Instructions that decide how fast a CPU runs a model. */
static const char *const telling_flags[] = {
    "avx2",        "fma",      "avx_vnni", "avx512f",  "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "asimd",       "asimddp",
    "bf16",        "i8mm",     "sve",      "sve2",
};

/* "label   value", the value wrapped at blanks with a hanging indent. */
static void put(struct buf *out, const char *label, const char *value)
{
    buf_printf(out, "%-*s", INDENT, label);
    size_t column = INDENT;
    struct str rest = str_from(value);
    bool is_first = true;
    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');
        if (word.len == 0)
            continue;
        if (!is_first && column + 1 + word.len > WIDTH) {
            buf_printf(out, "\n%*s", INDENT, "");
            column = INDENT;
        } else if (!is_first) {
            buf_char(out, ' ');
            column++;
        }
        buf_append(out, word.ptr, word.len);
        column += word.len;
        is_first = false;
    }
    buf_char(out, '\n');
}

PRINTF_LIKE(3, 4)
static void put_line(struct buf *out, const char *label, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    put(out, label, text);
}

static const char *or_unknown(const char *text)
{
    return text != NULL ? text : "unknown";
}

/* "12.3 GB" of a member in MB, or "unknown". */
static const char *gigabytes(const json_t *obj, const char *key, char out[32])
{
    double mb = json_num_of(obj, key);
    if (isnan(mb))
        snprintf(out, 32, "unknown");
    else
        snprintf(out, 32, "%.1f GB", mb / 1e3);
    return out;
}

static void text_platform(const json_t *top, struct buf *out)
{
    const json_t *p = json_object_get(top, "platform");
    put(out, "Host", or_unknown(json_str_of(p, "hostname")));
    put_line(out, "System", "%s, kernel %s, %s", or_unknown(json_str_of(p, "os")),
             or_unknown(json_str_of(p, "kernel")), or_unknown(json_str_of(p, "machine")));
    if (json_str_of(p, "container") != NULL)
        put(out, "Container", json_str_of(p, "container"));
    if (json_str_of(p, "vendor") != NULL)
        put_line(out, "Made by", "%s, %s", json_str_of(p, "vendor"),
                 or_unknown(json_str_of(p, "product")));
}

static void text_flags(const json_t *cpu, struct buf *out)
{
    char text[512] = "";
    size_t len = 0;
    const json_t *flags = json_object_get(cpu, "flags");
    for (size_t k = 0; k < sizeof telling_flags / sizeof telling_flags[0]; k++)
        for (size_t i = 0; i < json_array_size(flags); i++) {
            const char *flag = json_string_value(json_array_get(flags, i));
            if (flag != NULL && strcmp(flag, telling_flags[k]) == 0)
                len += (size_t)snprintf(text + len, sizeof text - len, "%s ", flag);
        }
    put(out, "  of its flags", len > 0 ? text : "none of those that speed up models");
}

static void text_cpu(const json_t *top, struct buf *out)
{
    const json_t *cpu = json_object_get(top, "cpu");
    put(out, "CPU", or_unknown(json_str_of(cpu, "model")));
    put_line(out, "  layout",
             "%lld socket(s), %lld cores, %lld threads (%lld usable), %zu NUMA node(s)",
             (long long)json_int_of(cpu, "sockets", 0),
             (long long)json_int_of(cpu, "cores", 0),
             (long long)json_int_of(cpu, "threads", 0),
             (long long)json_int_of(cpu, "usable_threads", 0),
             json_array_size(json_object_get(cpu, "numa_nodes")));
    double mhz = json_num_of(cpu, "frequency_mhz");
    const char *governor = json_str_of(cpu, "governor");
    if (!isnan(mhz))
        put_line(out, "  frequency", "%.0f MHz%s%s", mhz,
                 governor != NULL ? ", governor " : "", governor != NULL ? governor : "");
    text_flags(cpu, out);
    double limit = json_num_of(cpu, "limit_cores");
    if (!isnan(limit))
        put_line(out, "  cgroup", "limited to %.2f cores, throttled for %.1f s so far",
                 limit, json_num_of(cpu, "throttled_s"));
}

static void text_memory(const json_t *top, struct buf *out)
{
    const json_t *memory = json_object_get(top, "memory");
    char total[32];
    char available[32];
    put_line(out, "Memory", "%s, %s available", gigabytes(memory, "total_mb", total),
             gigabytes(memory, "available_mb", available));
    if (!isnan(json_num_of(memory, "limit_mb")))
        put_line(out, "  cgroup", "limited to %s", gigabytes(memory, "limit_mb", total));
}

static void text_gpu(const json_t *top, struct buf *out)
{
    const json_t *gpu = json_object_get(top, "gpu");
    if (!json_is_object(gpu)) {
        put(out, "GPU", "none found");
        return;
    }
    const json_t *devices = json_object_get(gpu, "devices");
    for (size_t i = 0; i < json_array_size(devices); i++) {
        const json_t *d = json_array_get(devices, i);
        char total[32];
        char used[32];
        put_line(
            out, i == 0 ? "GPU" : "", "%lld: %s, %s, %s used",
            (long long)json_int_of(d, "index", -1), or_unknown(json_str_of(d, "name")),
            gigabytes(d, "memory_total_mb", total), gigabytes(d, "memory_used_mb", used));
    }
    if (json_str_of(gpu, "problem") != NULL)
        put(out, json_array_size(devices) > 0 ? "  problem" : "GPU",
            json_str_of(gpu, "problem"));
    else
        put_line(out, "  driver", "%s, CUDA %s (from %s)",
                 or_unknown(json_str_of(gpu, "driver_version")),
                 or_unknown(json_str_of(gpu, "cuda_version")),
                 or_unknown(json_str_of(gpu, "source")));
    if (json_str_of(gpu, "note") != NULL)
        put(out, "  note", json_str_of(gpu, "note"));
}

static void text_neuron(const json_t *top, struct buf *out)
{
    const json_t *neuron = json_object_get(top, "neuron");
    if (!json_is_object(neuron)) {
        put(out, "Neuron", "none found");
        return;
    }
    char total[32];
    put_line(out, "Neuron", "%lld x %s, %lld cores, %s (from %s)",
             (long long)json_int_of(neuron, "device_count", 0),
             json_str_of(neuron, "name") != NULL ? json_str_of(neuron, "name") : "device",
             (long long)json_int_of(neuron, "core_count", 0),
             gigabytes(neuron, "memory_total_mb", total),
             or_unknown(json_str_of(neuron, "source")));
    if (json_str_of(neuron, "problem") != NULL)
        put(out, "  problem", json_str_of(neuron, "problem"));
}

static void text_instance(const json_t *top, struct buf *out)
{
    const json_t *instance = json_object_get(top, "instance");
    if (!json_is_object(instance)) {
        put(out, "EC2", "no (DMI does not say Amazon)");
        return;
    }
    put_line(out, "EC2", "%s, %s, %s, %s", or_unknown(json_str_of(instance, "type")),
             or_unknown(json_str_of(instance, "availability_zone")),
             or_unknown(json_str_of(instance, "ami_id")),
             or_unknown(json_str_of(instance, "life_cycle")));
    if (json_str_of(instance, "problem") != NULL)
        put(out, "  problem", json_str_of(instance, "problem"));
}

/* Members that are strings, in lines like "name value": one a line. */
static void text_members(const json_t *obj, const char *label, struct buf *out)
{
    const char *key;
    json_t *value;
    bool is_first = true;
    json_object_foreach((json_t *)obj, key, value)
    {
        if (!json_is_string(value))
            continue;
        put_line(out, is_first ? label : "", "%s %s", key, json_string_value(value));
        is_first = false;
    }
    if (is_first)
        put(out, label, "none");
}

enum status env_text(const char *json, struct buf *out, struct err *e)
{
    json_t *top = NULL;
    enum status code = json_from_text(str_from(json), "environment", &top, e);
    if (code != STATUS_OK)
        return code;
    put(out, "Date", or_unknown(json_str_of(top, "timestamp")));
    text_platform(top, out);
    text_cpu(top, out);
    text_memory(top, out);
    text_gpu(top, out);
    text_neuron(top, out);
    text_instance(top, out);
    text_members(json_object_get(top, "python_packages"), "Python", out);
    text_members(json_object_get(top, "environment_variables"), "Variables", out);
    put(out, "Tool", or_unknown(json_str_of(top, "tool")));
    json_decref(top);
    return out->failed == STATUS_OK ? STATUS_OK
                                    : status_fail(e, out->failed, "environment", "%s",
                                                  status_text(out->failed));
}
