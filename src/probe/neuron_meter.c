#include "probe/neuron_meter.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "probe/neuron.h"
#include "probe/sysfile.h"
#include "text/json.h"

#define PENDING_CAP_BYTES ((size_t)4 << 20)
#define GRACE_S           2
#define PIDS_MAX          256
#define VISIBLE_MAX       512
#define STALE_S           5 /* a report older than five periods says nothing about now */

static const char monitor_config[] =
    "{\"period\": \"1s\", \"neuron_runtimes\": [{\"tag_filter\": \".*\", \"metrics\": "
    "[{\"type\": \"memory_used\"}]}], \"system_metrics\": []}\n";

struct neuron_meter {
    const char *root;
    struct proc monitor;
    bool is_running;
    int config_fd, read_fd;
    struct buf pending; /* what was read behind the last whole line */
    int64_t last_bytes; /* of the last report with an application; UNKNOWN: none yet */
    struct instant last_at;
    int32_t pids[PIDS_MAX]; /* of the engine */
    size_t pid_count;
    char tag[256];
};

const char *neuron_meter_tag(char *out, size_t size)
{
    const char *given = getenv("NEURON_PROCESS_TAG");
    if (given != NULL && *given != '\0')
        snprintf(out, size, "%s", given);
    else
        snprintf(out, size, "inferbench-%d", (int)getpid());
    return out;
}

/* Device memory of one application; -1 unknown. */
static int64_t used_by(const json_t *application)
{
    const json_t *report = json_object_get(application, "report");
    const json_t *group = json_object_get(report, "memory_used");
    const char *error = json_str_of(group, "error");
    if (error != NULL && *error != '\0')
        return -1;
    return json_range_of(json_object_get(group, "neuron_runtime_used_bytes"),
                         "neuron_device", 0, JSON_BYTES_MAX, -1);
}

static bool is_own(const json_t *application, const struct neuron_meter_own *own)
{
    int64_t pid = json_range_of(application, "pid", 1, INT32_MAX, -1);
    const char *tag = json_str_of(application, "neuron_runtime_tag");
    for (size_t i = 0; i < own->pid_count; i++)
        if (own->pids[i] == pid)
            return true;
    return tag != NULL && own->tag != NULL && strcmp(tag, own->tag) == 0;
}

/* An only application may be ours under another number (a container's), unless its own is
 * that of a process that we see beside ours. */
static bool may_be_own(const json_t *application, const struct neuron_meter_own *own)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%lld/stat",
             (long long)json_range_of(application, "pid", 1, INT32_MAX, -1));
    return own->pid_count == 0 || !sysfile_exists(own->root, path);
}

int64_t neuron_meter_parse(struct str line, const struct neuron_meter_own *own)
{
    json_t *top = NULL;
    struct err e;
    if (json_from_text(line, "neuron-monitor", &top, &e) != STATUS_OK)
        return NEURON_METER_UNKNOWN;
    const json_t *list = json_object_get(top, "neuron_runtime_data");
    size_t count = json_array_size(list);
    int64_t sum = NEURON_METER_UNKNOWN;
    bool has_own = false;
    for (size_t i = 0; i < count; i++) {
        const json_t *application = json_array_get(list, i);
        if (!is_own(application, own))
            continue;
        int64_t bytes = used_by(application);
        has_own = true;
        if (bytes >= 0)
            sum = (sum < 0 ? 0 : sum) + bytes;
    }
    if (!has_own && count == 1 && may_be_own(json_array_get(list, 0), own))
        sum = used_by(json_array_get(list, 0));
    else if (!has_own && count > 0)
        sum = NEURON_METER_OTHERS;
    json_decref(top);
    return sum;
}

/* Whether NEURON_RT_VISIBLE_CORES (unset: all) gives us a core; it counts over all
 * devices. */
static bool is_visible(int core)
{
    int visible[VISIBLE_MAX];
    const char *list = getenv("NEURON_RT_VISIBLE_CORES");
    size_t count = list != NULL ? sysfile_cpu_list(list, visible, VISIBLE_MAX) : 0;
    for (size_t i = 0; i < count && i < VISIBLE_MAX; i++)
        if (visible[i] == core)
            return true;
    return count == 0;
}

/* `total` is the memory in use by the guide, `present` by another project that found
 * total 0: the greater of the two holds under either reading. */
static int64_t core_bytes(const char *root, int device, int core)
{
    const char *dir = NEURON_SYSFS
        "/neuron%d/neuron_core%d/stats/memory_usage/device_mem/%s";
    char total_path[256];
    char present_path[256];
    snprintf(total_path, sizeof total_path, dir, device, core, "total");
    snprintf(present_path, sizeof present_path, dir, device, core, "present");
    int64_t total = sysfile_i64f(root, -1, "%s", total_path);
    int64_t present = sysfile_i64f(root, -1, "%s", present_path);
    return total > present ? total : present;
}

int64_t neuron_meter_sysfs(const char *root)
{
    int64_t sum = NEURON_METER_UNKNOWN;
    int number = 0;
    for (int d = 0; d < NEURON_MAX_DEVICES; d++) {
        for (int c = 0; c < NEURON_MAX_CORES; c++) {
            int64_t bytes = core_bytes(root, d, c);
            if (bytes < 0)
                break;
            if (is_visible(number++))
                sum = (sum < 0 ? 0 : sum) + bytes;
        }
    }
    return sum;
}

/* The monitor writes into a pipe (as its log) and reads its configuration from a file
 * that exists in memory only. */
static void start_monitor(struct neuron_meter *m)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return;
    m->read_fd = fds[0];
    m->config_fd = memfd_create("neuron-monitor.json", MFD_CLOEXEC);
    struct err e;
    char tool[SYSFILE_PATH_BYTES];
    char config[64];
    char log[64];
    snprintf(config, sizeof config, "/proc/self/fd/%d", m->config_fd);
    snprintf(log, sizeof log, "/proc/self/fd/%d", fds[1]);
    const char *argv[] = {neuron_tool(m->root, "neuron-monitor", tool, sizeof tool), "-c",
                          config, NULL};
    struct proc_spec spec = {
        .argv = argv, .log_path = log, .pass = {m->config_fd}, .pass_count = 1};
    struct str text = {monitor_config, sizeof monitor_config - 1};
    m->is_running = m->config_fd >= 0 && fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0 &&
                    file_write_all(m->config_fd, config, text, &e) == STATUS_OK &&
                    lseek(m->config_fd, 0, SEEK_SET) == 0 &&
                    proc_start(&spec, &m->monitor, &e) == STATUS_OK;
    close(fds[1]);
}

enum status neuron_meter_open(const char *root, struct neuron_meter **out, struct err *e)
{
    struct neuron_meter *m = mem_alloc(1, sizeof *m);
    if (m == NULL)
        return status_no_memory(e, "Neuron");
    *m = (struct neuron_meter){
        .root = root, .config_fd = -1, .read_fd = -1, .last_bytes = NEURON_METER_UNKNOWN};
    neuron_meter_tag(m->tag, sizeof m->tag);
    buf_init(&m->pending, PENDING_CAP_BYTES);
    start_monitor(m);
    *out = m;
    return STATUS_OK;
}

void neuron_meter_choose(struct neuron_meter *m, const int32_t *pids, size_t count)
{
    m->pid_count = count < PIDS_MAX ? count : PIDS_MAX;
    for (size_t i = 0; i < m->pid_count; i++)
        m->pids[i] = pids[i];
}

static void take_reports(struct neuron_meter *m)
{
    char chunk[16384];
    ssize_t got;
    const struct neuron_meter_own own = {m->pids, m->pid_count, m->tag, m->root};
    while ((got = read(m->read_fd, chunk, sizeof chunk)) > 0)
        (void)buf_append(&m->pending, chunk, (size_t)got);
    if (m->pending.failed != STATUS_OK)
        buf_clear(&m->pending);
    const char *end;
    while (m->pending.len > 0 &&
           (end = memchr(m->pending.data, '\n', m->pending.len)) != NULL) {
        size_t len = (size_t)(end - m->pending.data);
        int64_t bytes = neuron_meter_parse((struct str){m->pending.data, len}, &own);
        if (bytes != NEURON_METER_UNKNOWN) {
            m->last_bytes = bytes;
            m->last_at = clock_now();
        }
        buf_drop_front(&m->pending, len + 1);
    }
}

int64_t neuron_meter_read(struct neuron_meter *m)
{
    if (m->is_running) {
        take_reports(m);
        bool is_fresh = clock_to_s(clock_since(m->last_at)) < STALE_S;
        if (m->last_bytes != NEURON_METER_UNKNOWN && is_fresh)
            return m->last_bytes == NEURON_METER_OTHERS ? -1 : m->last_bytes;
    }
    return neuron_meter_sysfs(m->root);
}

void neuron_meter_close(struct neuron_meter *m)
{
    if (m == NULL)
        return;
    if (m->is_running)
        proc_stop(&m->monitor, clock_seconds(GRACE_S));
    if (m->config_fd >= 0)
        close(m->config_fd);
    if (m->read_fd >= 0)
        close(m->read_fd);
    buf_fini(&m->pending);
    mem_free(m);
}
