#include "probe/neuron.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/proc.h"
#include "probe/sysfile.h"
#include "probe/tool_words.h"
#include "text/json.h"

#define LS_TIMEOUT_S 10
#define LS_CAP_BYTES ((size_t)4 << 20)

const char *neuron_tool(const char *root, const char *name, char *out, size_t size)
{
    char path[SYSFILE_PATH_BYTES];
    snprintf(path, sizeof path, NEURON_TOOLS "%s", name);
    bool is_there = sysfile_exists(root, path);
    snprintf(out, size, "%s%s", is_there ? root : "", is_there ? path : name);
    return out;
}

static const char *copy_str(const json_t *obj, const char *key, struct arena *a)
{
    const char *text = json_str_of(obj, key);
    return text != NULL && text[0] != '\0' ? arena_strdup(a, text) : NULL;
}

/* numa_node is a string, "-1" for none. */
static int64_t numa_node(const json_t *device)
{
    int64_t node = json_range_of(device, "numa_node", 0, INT32_MAX, -1);
    const char *text = json_str_of(device, "numa_node");
    if (text != NULL && (!str_to_i64(str_from(text), &node) || node > INT32_MAX))
        node = -1;
    return node;
}

static void copy_processes(const json_t *processes, struct neuron_device *d)
{
    if (!json_is_array(processes))
        return;
    d->processes = (int64_t)json_array_size(processes);
    for (size_t i = 0; i < json_array_size(processes) && d->pid_count < NEURON_MAX_PIDS;
         i++) {
        int64_t pid = json_range_of(json_array_get(processes, i), "pid", 1, INT32_MAX,
                                    -1);
        if (pid > 0)
            d->pids[d->pid_count++] = pid;
    }
}

static bool parse_device(const json_t *element, struct arena *a, struct neuron_facts *f)
{
    int64_t index = json_range_of(element, "neuron_device", 0, INT32_MAX, -1);
    if (index < 0 || f->count == NEURON_MAX_DEVICES)
        return false;
    struct neuron_device *d = &f->devices[f->count++];
    *d = (struct neuron_device){
        .index = index,
        .cores = json_range_of(element, "nc_count", 0, 1024, -1),
        .memory_bytes = json_range_of(element, "memory_size", 0, JSON_BYTES_MAX, -1),
        .numa_node = numa_node(element),
        .processes = -1,
        .bus = copy_str(element, "bdf", a),
        .cpu_affinity = copy_str(element, "cpu_affinity", a),
    };
    const json_t *ids = json_object_get(element, "neuroncore_ids");
    for (size_t i = 0; i < json_array_size(ids) && d->core_id_count < NEURON_MAX_CORES;
         i++)
        if (json_is_integer(json_array_get(ids, i)))
            d->core_ids[d->core_id_count++] = json_integer_value(json_array_get(ids, i));
    const json_t *processes = json_object_get(element, "neuron_processes");
    copy_processes(processes, d);
    if (f->runtime == NULL)
        f->runtime = copy_str(json_array_get(processes, 0), "neuron_runtime_version", a);
    if (f->instance_type == NULL)
        f->instance_type = copy_str(element, "instance_type", a);
    return true;
}

/* The array of devices: the value itself, or an object's member that is an array. */
static const json_t *device_array(json_t *top, struct arena *a, struct neuron_facts *f)
{
    if (json_is_array(top))
        return top;
    f->instance_type = copy_str(top, "instance_type", a);
    const char *key;
    json_t *value;
    json_object_foreach(top, key, value)
    {
        if (json_is_array(value))
            return value;
    }
    return NULL;
}

bool neuron_parse_ls(struct str json, struct arena *a, struct neuron_facts *out)
{
    json_t *top = NULL;
    struct err e;
    if (json_from_text(json, "neuron-ls", &top, &e) != STATUS_OK)
        return false;
    const json_t *list = device_array(top, a, out);
    size_t skipped = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        skipped += !parse_device(json_array_get(list, i), a, out);
    if (skipped > 0)
        out->problem = arena_printf(
            a, "%zu of %zu elements of neuron-ls were not understood", skipped,
            json_array_size(list));
    json_decref(top);
    return list != NULL;
}

static const char *why_ls_failed(const char *how, struct str said, struct arena *a)
{
    char text[TOOL_WORDS_BYTES];
    tool_words_say("neuron-ls", how, said, text, sizeof text);
    return arena_strdup(a, text);
}

static void ask_ls(const char *root, struct arena *a, struct neuron_facts *f)
{
    char tool[SYSFILE_PATH_BYTES];
    const char *argv[] = {neuron_tool(root, "neuron-ls", tool, sizeof tool), "-j", NULL};
    struct buf text;
    struct err e;
    int exit_code = -1;
    buf_init(&text, LS_CAP_BYTES);
    enum status code = proc_run(argv, clock_seconds(LS_TIMEOUT_S), &text, &exit_code, &e);
    struct str answer = str_trim(buf_str(&text));
    char end[48];
    snprintf(end, sizeof end, "ended with exit status %d", exit_code);
    if (code == STATUS_TIMEOUT)
        f->problem = why_ls_failed("did not answer within 10 s", answer, a);
    else if (code == STATUS_OK && answer.len > 0 && exit_code != 0)
        f->problem = why_ls_failed(end, answer, a);
    else if (code == STATUS_OK && answer.len > 0 && !neuron_parse_ls(answer, a, f))
        f->problem = why_ls_failed("gave an answer that is not understood", answer, a);
    if (f->count > 0)
        f->source = "neuron-ls";
    buf_fini(&text);
}

static void ask_sysfs(const char *root, struct neuron_facts *f)
{
    char path[SYSFILE_PATH_BYTES];
    for (int i = 0; i < NEURON_MAX_DEVICES; i++) {
        snprintf(path, sizeof path, NEURON_SYSFS "/neuron%d", i);
        if (!sysfile_exists(root, path))
            break;
        f->devices[f->count++] = (struct neuron_device){
            .index = i,
            .cores = sysfile_i64f(root, -1, NEURON_SYSFS "/neuron%d/core_count", i),
            .memory_bytes = -1,
            .numa_node = -1,
            .processes = -1,
        };
        f->source = "sysfs";
    }
}

static const char *sysfs_text(const char *root, const char *path, struct arena *a)
{
    char text[256];
    if (!sysfile_read(root, path, text, sizeof text) || text[0] == '\0')
        return NULL;
    return arena_strdup(a, text);
}

void neuron_probe(const char *root, struct arena *a, struct neuron_facts *out)
{
    *out = (struct neuron_facts){.source = NULL};
    ask_ls(root, a, out);
    if (out->count == 0)
        ask_sysfs(root, out);
    if (out->count == 0)
        return;
    const char *arch = NEURON_SYSFS "/neuron0/info/architecture/";
    char path[SYSFILE_PATH_BYTES];
    snprintf(path, sizeof path, "%sdevice_name", arch);
    out->device_name = sysfs_text(root, path, a);
    snprintf(path, sizeof path, "%sinstance_type", arch);
    if (out->instance_type == NULL)
        out->instance_type = sysfs_text(root, path, a);
    out->driver = sysfs_text(root, "/sys/module/neuron/version", a);
}

static double megabytes(int64_t bytes)
{
    return bytes >= 0 ? (double)bytes / 1e6 : NAN;
}

static void write_device(const struct neuron_device *d, struct jsonw *w)
{
    jsonw_object(w, NULL);
    jsonw_int(w, "index", d->index);
    jsonw_str(w, "pci_bus_id", d->bus);
    jsonw_count(w, "core_count", d->cores);
    jsonw_array(w, "core_ids");
    for (size_t i = 0; i < d->core_id_count; i++)
        jsonw_int(w, NULL, d->core_ids[i]);
    jsonw_array_end(w);
    jsonw_num(w, "memory_total_mb", megabytes(d->memory_bytes));
    jsonw_str(w, "cpu_affinity", d->cpu_affinity);
    jsonw_count(w, "numa_node", d->numa_node);
    jsonw_count(w, "process_count", d->processes);
    jsonw_array(w, "process_ids");
    for (size_t i = 0; i < d->pid_count; i++)
        jsonw_int(w, NULL, d->pids[i]);
    jsonw_array_end(w);
    jsonw_object_end(w);
}

/* Sum of a member over all devices; -1 where one of them is unknown. */
static int64_t sum_of(const struct neuron_facts *f, size_t member_offset)
{
    int64_t sum = 0;
    for (size_t i = 0; i < f->count; i++) {
        const char *device = (const char *)&f->devices[i];
        int64_t value = *(const int64_t *)(const void *)(device + member_offset);
        if (value < 0)
            return -1;
        sum += value;
    }
    return sum;
}

void neuron_write(const struct neuron_facts *f, struct jsonw *w, const char *key)
{
    if (f->count == 0 && f->problem == NULL) {
        jsonw_null(w, key);
        return;
    }
    int64_t memory_bytes = sum_of(f, offsetof(struct neuron_device, memory_bytes));
    jsonw_object(w, key);
    jsonw_str(w, "name", f->device_name);
    jsonw_int(w, "device_count", (int64_t)f->count);
    jsonw_count(w, "core_count", sum_of(f, offsetof(struct neuron_device, cores)));
    jsonw_num(w, "memory_total_mb", f->count > 0 ? megabytes(memory_bytes) : NAN);
    jsonw_str(w, "instance_type", f->instance_type);
    jsonw_str(w, "driver_version", f->driver);
    jsonw_str(w, "runtime_version", f->runtime);
    jsonw_str(w, "source", f->source);
    jsonw_str(w, "problem", f->problem);
    jsonw_array(w, "devices");
    for (size_t i = 0; i < f->count; i++)
        write_device(&f->devices[i], w);
    jsonw_array_end(w);
    jsonw_object_end(w);
}
