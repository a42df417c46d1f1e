#include "probe/cgroup.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "probe/sysfile.h"

#define NO_LIMIT_V1 (INT64_C(1) << 60) /* v1 writes a huge number for "no limit" */

struct mount {
    struct str root, point, type, options;
};

static bool has_word(struct str list, const char *word)
{
    while (list.len > 0)
        if (str_is(str_cut(&list, ','), word))
            return true;
    return false;
}

/* A line of mountinfo: id parent dev root point options [tags...] - type source
 * options */
static bool parse_mount(struct str line, struct mount *m)
{
    struct str word = {"", 0};
    for (int i = 0; i < 5; i++) {
        word = str_cut(&line, ' ');
        if (i == 3)
            m->root = word;
    }
    m->point = word;
    while (line.len > 0 && !str_is(str_cut(&line, ' '), "-"))
        continue;
    m->type = str_cut(&line, ' ');
    str_cut(&line, ' ');
    m->options = line;
    return m->point.len > 0 && m->type.len > 0;
}

/* The group's path for a v1 controller, or for v2 if controller is "". */
static bool group_path(struct str groups, const char *controller, struct str *out)
{
    while (groups.len > 0) {
        struct str line = str_cut(&groups, '\n');
        str_cut(&line, ':');
        struct str controllers = str_cut(&line, ':');
        bool match = *controller == '\0' ? controllers.len == 0
                                         : has_word(controllers, controller);
        if (match) {
            *out = line;
            return true;
        }
    }
    return false;
}

static void join(struct cgroup_dir *d, int version, const struct mount *m,
                 struct str path)
{
    if (m->root.len > 1) {
        size_t n = m->root.len;
        bool below = path.len >= n && memcmp(path.ptr, m->root.ptr, n) == 0;
        path = below ? (struct str){path.ptr + n, path.len - n} : (struct str){"", 0};
    }
    if (str_is(path, "/") || str_starts(path, "/.."))
        path.len = 0;
    int n = snprintf(d->path, sizeof d->path, "%.*s%.*s", (int)m->point.len, m->point.ptr,
                     (int)path.len, path.ptr);
    d->version = n > 0 && (size_t)n < sizeof d->path ? version : 0;
    d->mount_len = m->point.len;
}

static void find_controller(struct str groups, struct str mounts, const char *controller,
                            struct cgroup_dir *out)
{
    struct str v1 = {"", 0};
    struct str v2 = {"", 0};
    bool has_v1 = group_path(groups, controller, &v1);
    bool has_v2 = group_path(groups, "", &v2);
    *out = (struct cgroup_dir){.version = 0, .mount_len = 0, .path = ""};
    while (mounts.len > 0) {
        struct mount m = {0};
        if (!parse_mount(str_cut(&mounts, '\n'), &m))
            continue;
        if (has_v1 && str_is(m.type, "cgroup") && has_word(m.options, controller)) {
            join(out, 1, &m, v1);
            return;
        }
        if (!has_v1 && has_v2 && str_is(m.type, "cgroup2")) {
            join(out, 2, &m, v2);
            return;
        }
    }
}

void cgroup_find(const char *root, struct cgroup *out)
{
    char groups[8192];
    char mounts[65536];
    sysfile_read(root, "/proc/self/cgroup", groups, sizeof groups);
    sysfile_read(root, "/proc/self/mountinfo", mounts, sizeof mounts);
    find_controller(str_from(groups), str_from(mounts), "cpu", &out->cpu);
    find_controller(str_from(groups), str_from(mounts), "memory", &out->memory);
}

/* Cuts the last folder off *len; false at the mount point. */
static bool go_up(const struct cgroup_dir *d, size_t *len)
{
    if (*len <= d->mount_len)
        return false;
    while (*len > d->mount_len && d->path[*len - 1] != '/')
        (*len)--;
    if (*len > d->mount_len)
        (*len)--;
    return true;
}

static double cpu_limit_at(const char *root, const struct cgroup_dir *d, int len)
{
    int64_t quota;
    int64_t period;
    if (d->version == 2) {
        char text[64];
        if (!sysfile_readf(root, text, sizeof text, "%.*s/cpu.max", len, d->path))
            return NAN;
        struct str rest = str_from(text);
        if (!str_to_i64(str_cut(&rest, ' '), &quota) || !str_to_i64(rest, &period))
            return NAN;
    } else {
        quota = sysfile_i64f(root, -1, "%.*s/cpu.cfs_quota_us", len, d->path);
        period = sysfile_i64f(root, -1, "%.*s/cpu.cfs_period_us", len, d->path);
    }
    return quota > 0 && period > 0 ? (double)quota / (double)period : NAN;
}

static int64_t memory_limit_at(const char *root, const struct cgroup_dir *d, int len)
{
    const char *file = d->version == 2 ? "memory.max" : "memory.limit_in_bytes";
    int64_t bytes = sysfile_i64f(root, -1, "%.*s/%s", len, d->path, file);
    return bytes >= 0 && bytes < NO_LIMIT_V1 ? bytes : -1;
}

void cgroup_limits(const char *root, const struct cgroup *g, struct cgroup_limits *out)
{
    *out = (struct cgroup_limits){NAN, -1};
    size_t len = strlen(g->cpu.path);
    if (g->cpu.version != 0)
        do {
            double cores = cpu_limit_at(root, &g->cpu, (int)len);
            out->cpu_limit_cores = fmin(out->cpu_limit_cores, cores);
        } while (go_up(&g->cpu, &len));
    if (g->memory.version == 0)
        return;
    len = strlen(g->memory.path);
    do {
        int64_t bytes = memory_limit_at(root, &g->memory, (int)len);
        if (bytes >= 0 &&
            (out->memory_limit_bytes < 0 || bytes < out->memory_limit_bytes))
            out->memory_limit_bytes = bytes;
    } while (go_up(&g->memory, &len));
}

double cgroup_throttled_s(const char *root, const struct cgroup *g, int64_t *periods)
{
    double total_s = 0;
    int64_t count = 0;
    size_t len = strlen(g->cpu.path);
    if (g->cpu.version != 0) {
        do {
            char text[2048];
            sysfile_readf(root, text, sizeof text, "%.*s/cpu.stat", (int)len,
                          g->cpu.path);
            if (g->cpu.version == 2)
                total_s += (double)sysfile_field_i64(text, "throttled_usec", 0, 0) / 1e6;
            else
                total_s += (double)sysfile_field_i64(text, "throttled_time", 0, 0) / 1e9;
            count += sysfile_field_i64(text, "nr_throttled", 0, 0);
        } while (go_up(&g->cpu, &len));
    }
    if (periods != NULL)
        *periods = count;
    return total_s;
}
