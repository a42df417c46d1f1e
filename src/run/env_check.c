#include "run/env_check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/proc.h"
#include "engines/vllm_rules.h"
#include "probe/sysfile.h"
#include "text/json.h"
#include "text/jsonw.h"

#define LEAST_DISK_MB   2000
#define LEAST_MEMORY_MB 2000
#define WIDTH           80
#define INDENT          15

#define VISIBLE_MAX       512
#define HOLDERS_CAP_BYTES ((size_t)4 << 10)

static void add(struct env_check_list *list, const char *code, bool is_short,
                const char *text)
{
    list->items[list->count++] = (struct env_check){
        code, is_short, text != NULL ? text : "out of memory"};
}

static void check_engine(const struct env_check_facts *f, struct arena *a,
                         struct env_check_list *out)
{
    if (f->python != NULL)
        add(out, "ENGINE", false,
            arena_printf(a, "vLLM %s in %s", f->python->vllm, f->python->path));
    else
        add(out, "ENGINE", true, f->why);
}

static void check_disk(struct arena *a, struct env_check_list *out)
{
    struct statvfs fs;
    if (statvfs(".", &fs) != 0) {
        add(out, "DISK", true, "the current folder cannot be examined");
        return;
    }
    double free_mb = (double)fs.f_bavail * (double)fs.f_frsize / 1e6;
    bool is_short = free_mb < LEAST_DISK_MB;
    add(out, "DISK", is_short,
        arena_printf(a, "%.1f GB free in the current folder%s", free_mb / 1e3,
                     is_short ? "; results and logs need 2 GB" : ""));
}

static void check_proc(struct env_check_list *out)
{
    const char *root = sysfile_root();
    char text[64];
    bool is_read = sysfile_read(root, "/proc/stat", text, sizeof text) &&
                   sysfile_read(root, "/proc/self/statm", text, sizeof text);
    add(out, "PROC", !is_read,
        is_read ? "/proc is readable"
                : "/proc is not readable: memory and CPU of a run would be unknown");
}

static void check_memory(const json_t *env, struct arena *a, struct env_check_list *out)
{
    const json_t *memory = json_object_get(env, "memory");
    double mb = fmin(json_num_of(memory, "available_mb"),
                     json_num_of(memory, "limit_mb"));
    if (isnan(mb)) {
        add(out, "MEMORY", true, "the memory of this machine is unknown");
        return;
    }
    bool is_short = mb < LEAST_MEMORY_MB;
    add(out, "MEMORY", is_short,
        arena_printf(a, "%.1f GB available%s", mb / 1e3,
                     is_short ? "; a small model needs 2 GB or more" : ""));
}

/* Whether NEURON_RT_VISIBLE_CORES lets a run use a core of the device. */
static bool may_use(const json_t *device)
{
    int visible[VISIBLE_MAX];
    const char *list = getenv("NEURON_RT_VISIBLE_CORES");
    size_t count = list != NULL ? sysfile_cpu_list(list, visible, VISIBLE_MAX) : 0;
    const json_t *ids = json_object_get(device, "core_ids");
    if (count == 0 || json_array_size(ids) == 0)
        return true;
    for (size_t i = 0; i < json_array_size(ids); i++)
        for (size_t k = 0; k < count && k < VISIBLE_MAX; k++)
            if (json_integer_value(json_array_get(ids, i)) == visible[k])
                return true;
    return false;
}

/* Appends "1966680, 1966681 (device 0)" of a device that other processes hold. */
static void add_holders(const json_t *device, struct buf *out)
{
    const json_t *pids = json_object_get(device, "process_ids");
    long long count = (long long)json_int_of(device, "process_count", 0);
    if (count <= 0 || !may_use(device))
        return;
    buf_printf(out, "%s", out->len > 0 ? "; " : "");
    for (size_t i = 0; i < json_array_size(pids); i++)
        buf_printf(out, "%s%lld", i > 0 ? ", " : "",
                   (long long)json_integer_value(json_array_get(pids, i)));
    if (json_array_size(pids) == 0)
        buf_printf(out, "%lld unnamed", count);
    buf_printf(out, " (device %lld)", (long long)json_int_of(device, "index", 0));
}

/* A process has its NeuronCores for itself: who holds those that a run would take? NULL:
 * nobody. */
static const char *busy_cores(const json_t *neuron, struct arena *a)
{
    const json_t *devices = json_object_get(neuron, "devices");
    const char *text = NULL;
    struct buf holders;
    buf_init(&holders, HOLDERS_CAP_BYTES);
    for (size_t i = 0; i < json_array_size(devices); i++)
        add_holders(json_array_get(devices, i), &holders);
    if (holders.len > 0)
        text = arena_printf(a,
                            "NeuronCores in use by process %s: a run would find them "
                            "taken. End it, or name free cores in "
                            "NEURON_RT_VISIBLE_CORES",
                            buf_cstr(&holders));
    buf_fini(&holders);
    return text;
}

/* Plugins after 0.5 serve Trainium alone. */
static bool is_too_new(const json_t *neuron, const char *plugin)
{
    const char *name = json_str_of(neuron, "name");
    struct str rest = str_from(plugin);
    struct str major = str_cut(&rest, '.'), minor = str_cut(&rest, '.');
    int64_t first, second;
    return name != NULL && strcmp(name, "Inferentia2") == 0 &&
           str_to_i64(major, &first) && str_to_i64(minor, &second) &&
           (first > 0 || second > 5);
}

/* What is wrong with the interpreter's vllm-neuron; NULL: nothing that is known. */
static const char *plugin_fault(const json_t *neuron, const struct vllm_python *p,
                                struct arena *a)
{
    if (p != NULL && p->neuron == NULL)
        return arena_printf(a,
                            "%s lacks the vllm-neuron plugin; for Inferentia2 use 0.4.1, "
                            "as in the Neuron Deep Learning AMI of SDK 2.28",
                            p->path);
    if (p != NULL && is_too_new(neuron, p->neuron))
        return arena_printf(a, "vllm-neuron %s is too new for Inferentia2. %s", p->neuron,
                            VLLM_INF2_HINT);
    return NULL;
}

/* Only where a device is there, or should be: a machine without one has a CPU. */
static void check_devices(const json_t *env, const struct env_check_facts *f,
                          struct arena *a, struct env_check_list *out)
{
    const json_t *gpu = json_object_get(env, "gpu");
    const char *problem = json_str_of(gpu, "problem");
    if (problem != NULL)
        add(out, "GPU", true, arena_strdup(a, problem));
    else if (json_str_of(gpu, "note") != NULL)
        add(out, "GPU", false, arena_strdup(a, json_str_of(gpu, "note")));
    const json_t *neuron = json_object_get(env, "neuron");
    if (!json_is_object(neuron))
        return;
    const char *busy = busy_cores(neuron, a);
    problem = json_str_of(neuron, "problem");
    if (problem != NULL)
        add(out, "NEURON", true, arena_strdup(a, problem));
    else if (busy != NULL)
        add(out, "NEURON", true, busy);
    const char *plugin = problem == NULL ? plugin_fault(neuron, f->python, a) : NULL;
    if (plugin != NULL)
        add(out, "NEURON", true, plugin);
}

static void check_gnuplot(struct env_check_list *out)
{
    char path[1024];
    struct err e;
    bool is_there = proc_find("gnuplot", path, sizeof path, &e) == STATUS_OK;
    add(out, "GNUPLOT", false,
        is_there ? "gnuplot draws the plots"
                 : "no gnuplot: analyze writes scripts and data, but no images");
}

void env_check_all(const struct env_check_facts *f, struct arena *a,
                   struct env_check_list *out)
{
    json_t *env = NULL;
    struct err e;
    out->count = 0;
    check_engine(f, a, out);
    check_disk(a, out);
    check_proc(out);
    if (json_from_text(str_from(f->env_json), "environment", &env, &e) == STATUS_OK) {
        check_memory(env, a, out);
        check_devices(env, f, a, out);
        json_decref(env);
    }
    check_gnuplot(out);
}

bool env_check_is_short(const struct env_check_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].is_short)
            return true;
    return false;
}

static void put_wrapped(struct buf *out, const char *text)
{
    size_t column = INDENT;
    struct str rest = str_from(text);
    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');
        if (column > INDENT && column + 1 + word.len > WIDTH) {
            buf_printf(out, "\n%*s", INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            buf_char(out, ' ');
            column++;
        }
        buf_append(out, word.ptr, word.len);
        column += word.len;
    }
    buf_char(out, '\n');
}

void env_check_text(const struct env_check_list *list, struct buf *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct env_check *c = &list->items[i];
        buf_printf(out, "%-5s %-8s ", c->is_short ? "SHORT" : "ok", c->code);
        put_wrapped(out, c->text);
    }
}

void env_check_json(const struct env_check_list *list, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out, 2);
    jsonw_array(&w, NULL);
    for (size_t i = 0; i < list->count; i++) {
        jsonw_object(&w, NULL);
        jsonw_str(&w, "code", list->items[i].code);
        jsonw_bool(&w, "is_short", list->items[i].is_short);
        jsonw_str(&w, "text", list->items[i].text);
        jsonw_object_end(&w);
    }
    jsonw_array_end(&w);
    buf_char(out, '\n');
}
