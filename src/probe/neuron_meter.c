#include "probe/neuron_meter.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
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
    int64_t last_bytes; /* of the last report with an application; -1: none yet */
    struct instant last_at;
};

int64_t neuron_meter_parse(struct str line)
{
    json_t *top = NULL;
    struct err e;
    if (json_from_text(line, "neuron-monitor", &top, &e) != STATUS_OK)
        return -1;
    const json_t *runtimes = json_object_get(top, "neuron_runtime_data");
    int64_t sum = -1;
    for (size_t i = 0; i < json_array_size(runtimes); i++) {
        const json_t *report = json_object_get(json_array_get(runtimes, i), "report");
        const json_t *group = json_object_get(report, "memory_used");
        const char *error = json_str_of(group, "error");
        int64_t bytes = json_int_of(json_object_get(group, "neuron_runtime_used_bytes"),
                                    "neuron_device", -1);
        if (bytes >= 0 && (error == NULL || *error == '\0'))
            sum = (sum < 0 ? 0 : sum) + bytes;
    }
    json_decref(top);
    return sum;
}

/* `total` is the memory in use by the guide, `present` by another project that found
 * total 0: the greater of the two holds under either reading. */
int64_t neuron_meter_sysfs(const char *root)
{
    int64_t sum = -1;
    for (int d = 0; d < NEURON_MAX_DEVICES; d++) {
        for (int c = 0; c < NEURON_MAX_CORES; c++) {
            const char *dir = NEURON_SYSFS
                "/neuron%d/neuron_core%d/stats/memory_usage/device_mem/%s";
            char total_path[256];
            char present_path[256];
            snprintf(total_path, sizeof total_path, dir, d, c, "total");
            snprintf(present_path, sizeof present_path, dir, d, c, "present");
            int64_t total = sysfile_i64f(root, -1, "%s", total_path);
            int64_t present = sysfile_i64f(root, -1, "%s", present_path);
            int64_t bytes = total > present ? total : present;
            if (bytes < 0)
                break;
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
        .root = root, .config_fd = -1, .read_fd = -1, .last_bytes = -1};
    buf_init(&m->pending, PENDING_CAP_BYTES);
    start_monitor(m);
    *out = m;
    return STATUS_OK;
}

static void take_reports(struct neuron_meter *m)
{
    char chunk[16384];
    ssize_t got;
    while ((got = read(m->read_fd, chunk, sizeof chunk)) > 0)
        (void)buf_append(&m->pending, chunk, (size_t)got);
    if (m->pending.failed != STATUS_OK)
        buf_clear(&m->pending);
    const char *end;
    while (m->pending.len > 0 &&
           (end = memchr(m->pending.data, '\n', m->pending.len)) != NULL) {
        size_t len = (size_t)(end - m->pending.data);
        int64_t bytes = neuron_meter_parse((struct str){m->pending.data, len});
        if (bytes >= 0) {
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
        if (m->last_bytes >= 0 && clock_to_s(clock_since(m->last_at)) < STALE_S)
            return m->last_bytes;
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
