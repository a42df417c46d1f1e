#include "engines/openai_cpu.h"

#include <sched.h>
#include <string.h>

#include "engines/model_dir.h"
#include "probe/cgroup.h"
#include "probe/sysfile.h"

#define CPUS_MAX            CPU_SETSIZE
#define BLOCK_TOKENS        INT64_C(128) /* of vLLM on a CPU */
#define UNKNOWN_TOKEN_BYTES ((int64_t)256 << 10)
#define LEAST_BYTES         ((int64_t)64 << 20)

/* Bytes that may still be taken: of the machine, or of the control group if less. */
static int64_t memory_free(struct arena *a)
{
    const char *root = sysfile_root();
    const char *info = sysfile_load(root, "/proc/meminfo", a);
    int64_t free = 0;
    if (info != NULL)
        free = sysfile_field_i64(info, "MemAvailable", ':', 0) * 1024;
    struct cgroup group;
    struct cgroup_limits limits;
    cgroup_find(root, &group);
    cgroup_limits(root, &group, &limits);
    bool is_limited = limits.memory_limit_bytes >= 0 && limits.memory_used_bytes >= 0;
    int64_t left = limits.memory_limit_bytes - limits.memory_used_bytes;
    return is_limited && left < free ? left : free;
}

int64_t openai_cpu_kv_bytes(const struct openai_cpu_need *n, struct arena *a)
{
    bool is_float32 = n->dtype != NULL && strcmp(n->dtype, "float32") == 0;
    int64_t token = model_dir_token_bytes(n->folder, is_float32 ? 4 : 2, a);
    int64_t share = memory_free(a) / 4;
    if (token <= 0)
        token = UNKNOWN_TOKEN_BYTES;
    int64_t wanted = n->max_num_seqs * n->max_model_len +
                     BLOCK_TOKENS * (n->max_num_seqs + 2);
    int64_t least = (n->max_model_len + 2 * BLOCK_TOKENS) * token;
    wanted = wanted * token < share ? wanted * token : share;
    least = least > LEAST_BYTES ? least : LEAST_BYTES;
    return wanted > least ? wanted : least;
}

/* True where a sibling of that CPU is among `cpus`. *is_known false: nobody says. */
static bool has_sibling(const char *root, int cpu, const int *cpus, size_t count,
                        bool *is_known)
{
    char text[256];
    int siblings[64];
    *is_known = sysfile_readf(
        root, text, sizeof text,
        "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    size_t n = *is_known ? sysfile_cpu_list(text, siblings, 64) : 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < count; k++)
            if (siblings[i] == cpus[k])
                return true;
    return false;
}

/* One CPU of each core; 0 where the cores are unknown. */
static size_t one_a_core(const char *root, const int *all, size_t count, int *out)
{
    size_t n = 0;
    bool is_known = true;
    for (size_t i = 0; i < count && is_known; i++)
        if (!has_sibling(root, all[i], out, n, &is_known) && is_known)
            out[n++] = all[i];
    return is_known ? n : 0;
}

const char *openai_cpu_list(const char *root, struct arena *a)
{
    cpu_set_t set;
    int all[CPUS_MAX], first[CPUS_MAX];
    size_t count = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return NULL;
    for (int i = 0; i < CPUS_MAX; i++)
        if (CPU_ISSET(i, &set))
            all[count++] = i;
    size_t firsts = one_a_core(root, all, count, first);
    const int *taken = firsts >= 2 ? first : all;
    const char *list = "";
    size_t n = firsts >= 2 ? firsts : count;
    for (size_t i = 0; i < n && list != NULL; i++)
        list = arena_printf(a, "%s%s%d", list, i > 0 ? "," : "", taken[i]);
    return list;
}
