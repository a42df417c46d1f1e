#include "probe/cpu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "probe/sysfile.h"

#define MAX_THREADS 2048
#define CPU_DIR     "/sys/devices/system/cpu"

struct arm_part {
    int64_t implementer, part;
    const char *name;
};

/* Arm's cores in cloud machines; MIDR_EL1 implementer and part numbers. */
static const struct arm_part arm_parts[] = {
    {0x41, 0xd08, "Arm Cortex-A72 (Graviton)"}, {0x41, 0xd0c, "Arm Neoverse-N1"},
    {0x41, 0xd40, "Arm Neoverse-V1"},           {0x41, 0xd49, "Arm Neoverse-N2"},
    {0x41, 0xd4f, "Arm Neoverse-V2"},
};

static const char *copy_field(const char *text, const char *key, struct arena *a)
{
    struct str value = sysfile_field(text, key, ':');
    return value.len > 0 ? arena_str(a, value) : NULL;
}

static int64_t hex_field(const char *text, const char *key)
{
    struct str value = sysfile_field(text, key, ':');
    char copy[32];
    snprintf(copy, sizeof copy, "%.*s", (int)(value.len < 31 ? value.len : 31),
             value.ptr);
    char *end = copy;
    unsigned long number = strtoul(copy, &end, 16);
    return end != copy ? (int64_t)number : -1;
}

static const char *arm_model(const char *cpuinfo, struct arena *a)
{
    int64_t implementer = hex_field(cpuinfo, "CPU implementer");
    int64_t part = hex_field(cpuinfo, "CPU part");
    if (implementer < 0 || part < 0)
        return NULL;
    for (size_t i = 0; i < sizeof arm_parts / sizeof arm_parts[0]; i++)
        if (arm_parts[i].implementer == implementer && arm_parts[i].part == part)
            return arm_parts[i].name;
    return arena_printf(a, "implementer 0x%02x part 0x%03x", (unsigned)implementer,
                        (unsigned)part);
}

static void read_cpuinfo(const char *root, struct arena *a, struct cpu_facts *f)
{
    char head[16384]; /* the first processor's block is enough */
    sysfile_read(root, "/proc/cpuinfo", head, sizeof head);
    f->model = copy_field(head, "model name", a);
    if (f->model == NULL)
        f->model = arm_model(head, a);
    f->vendor = copy_field(head, "vendor_id", a);
    f->flags = copy_field(head, "flags", a);
    if (f->flags == NULL)
        f->flags = copy_field(head, "Features", a);
    double mhz;
    if (str_to_double(sysfile_field(head, "cpu MHz", ':'), &mhz))
        f->mhz = mhz;
}

/* How many different values there are among keys[0..count). */
static int64_t distinct(const int64_t *keys, size_t count)
{
    int64_t found = 0;
    for (size_t i = 0; i < count; i++) {
        size_t j = 0;
        while (j < i && keys[j] != keys[i])
            j++;
        found += j == i;
    }
    return found;
}

static void read_topology(const char *root, struct arena *a, struct cpu_facts *f)
{
    char list[1024];
    int *ids = arena_alloc(a, MAX_THREADS, sizeof *ids);
    int64_t *sockets = arena_alloc(a, MAX_THREADS, sizeof *sockets);
    int64_t *cores = arena_alloc(a, MAX_THREADS, sizeof *cores);
    if (ids == NULL || sockets == NULL || cores == NULL ||
        !sysfile_read(root, CPU_DIR "/online", list, sizeof list))
        return;
    size_t count = sysfile_cpu_list(list, ids, MAX_THREADS);
    if (count == 0)
        return;
    f->threads = (int64_t)count;
    count = count < MAX_THREADS ? count : MAX_THREADS;
    for (size_t i = 0; i < count; i++) {
        int64_t socket = sysfile_i64f(
            root, -1, CPU_DIR "/cpu%d/topology/physical_package_id", ids[i]);
        int64_t core = sysfile_i64f(root, -1, CPU_DIR "/cpu%d/topology/core_id", ids[i]);
        if (core < 0)
            return;
        sockets[i] = socket;
        cores[i] = socket * 1000000 + core;
    }
    f->sockets = distinct(sockets, count);
    f->cores = distinct(cores, count);
}

static void read_frequency(const char *root, struct arena *a, struct cpu_facts *f)
{
    char text[64];
    int64_t khz = sysfile_i64f(root, -1, CPU_DIR "/cpu0/cpufreq/cpuinfo_max_freq");
    if (khz > 0)
        f->max_mhz = (double)khz / 1e3;
    khz = sysfile_i64f(root, -1, CPU_DIR "/cpu0/cpufreq/scaling_cur_freq");
    if (khz > 0 && isnan(f->mhz))
        f->mhz = (double)khz / 1e3;
    if (sysfile_read(root, CPU_DIR "/cpu0/cpufreq/scaling_governor", text, sizeof text))
        f->governor = arena_strdup(a, text);
    if (sysfile_read(root, CPU_DIR "/cpu0/cache/index3/size", text, sizeof text)) {
        struct str rest = str_from(text);
        int64_t kb;
        if (str_to_i64(str_cut(&rest, 'K'), &kb))
            f->l3_kb = kb;
    }
}

static void read_nodes(const char *root, struct arena *a, struct cpu_facts *f)
{
    char list[256];
    int ids[CPU_MAX_NODES];
    if (!sysfile_read(root, "/sys/devices/system/node/online", list, sizeof list))
        return;
    size_t count = sysfile_cpu_list(list, ids, CPU_MAX_NODES);
    for (size_t i = 0; i < count && i < CPU_MAX_NODES; i++) {
        struct cpu_node *node = &f->nodes[f->node_count++];
        char text[4096];
        *node = (struct cpu_node){.id = ids[i], .cpus = NULL, .memory_mb = NAN};
        if (sysfile_readf(root, text, sizeof text,
                          "/sys/devices/system/node/node%d/cpulist", ids[i]))
            node->cpus = arena_strdup(a, text);
        sysfile_readf(root, text, sizeof text, "/sys/devices/system/node/node%d/meminfo",
                      ids[i]);
        char key[64];
        snprintf(key, sizeof key, "Node %d MemTotal", ids[i]);
        int64_t kib = sysfile_field_i64(text, key, ':', -1);
        if (kib >= 0)
            node->memory_mb = (double)kib * 1024 / 1e6;
    }
}

void cpu_probe(const char *root, struct arena *a, struct cpu_facts *out)
{
    *out = (struct cpu_facts){.sockets = -1,
                              .cores = -1,
                              .threads = -1,
                              .usable_threads = -1,
                              .mhz = NAN,
                              .max_mhz = NAN,
                              .l3_kb = -1};
    read_cpuinfo(root, a, out);
    read_topology(root, a, out);
    read_frequency(root, a, out);
    read_nodes(root, a, out);
    char status[8192];
    sysfile_read(root, "/proc/self/status", status, sizeof status);
    struct str allowed = sysfile_field(status, "Cpus_allowed_list", ':');
    if (allowed.len > 0) {
        char list[1024];
        snprintf(list, sizeof list, "%.*s", (int)allowed.len, allowed.ptr);
        out->usable_threads = (int64_t)sysfile_cpu_list(list, NULL, 0);
    }
}

static void write_flags(const char *flags, struct jsonw *w)
{
    if (flags == NULL) {
        jsonw_null(w, "flags");
        return;
    }
    jsonw_array(w, "flags");
    struct str rest = str_from(flags);
    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)word.len, word.ptr);
        if (word.len > 0)
            jsonw_str(w, NULL, text);
    }
    jsonw_array_end(w);
}

void cpu_write(const struct cpu_facts *f, struct jsonw *w)
{
    jsonw_str(w, "model", f->model);
    jsonw_str(w, "vendor", f->vendor);
    jsonw_count(w, "sockets", f->sockets);
    jsonw_count(w, "cores", f->cores);
    jsonw_count(w, "threads", f->threads);
    jsonw_count(w, "usable_threads", f->usable_threads);
    jsonw_num(w, "frequency_mhz", f->mhz);
    jsonw_num(w, "frequency_max_mhz", f->max_mhz);
    jsonw_str(w, "governor", f->governor);
    jsonw_count(w, "l3_kb", f->l3_kb);
    jsonw_array(w, "numa_nodes");
    for (size_t i = 0; i < f->node_count; i++) {
        jsonw_object(w, NULL);
        jsonw_int(w, "node", f->nodes[i].id);
        jsonw_str(w, "cpus", f->nodes[i].cpus);
        jsonw_num(w, "memory_mb", f->nodes[i].memory_mb);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    write_flags(f->flags, w);
}
