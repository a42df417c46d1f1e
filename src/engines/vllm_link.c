#include "engines/vllm_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "embed.h"
#include "engines/vllm_errors.h"
#include "probe/neuron_meter.h"
#include "text/json.h"

#define BEAT_BYTES      4096
#define LINE_CAP_BYTES  ((size_t)1 << 30)
#define TICK_MS         100
#define PATHS_CAP_BYTES ((size_t)64 << 10)
#define CLOSE_GRACE_S   20

static int64_t log_size(const struct vllm_link *l)
{
    struct stat st;
    return l->log_path != NULL && stat(l->log_path, &st) == 0 ? st.st_size : 0;
}

/* --- start */

static const char *const files[] = {"vllm_worker.py", "engine.log", NULL};

static enum status write_worker(const char *path, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return status_errno(e, path, "cannot write the worker");
    struct str source = {(const char *)embed_vllm_worker_py, embed_vllm_worker_py_size};
    enum status st = file_write_all(fd, path, source, e);
    close(fd);
    return st;
}

static enum status make_beat(struct vllm_link *l, int *fd, struct err *e)
{
    *fd = memfd_create("inferbench-beat", MFD_CLOEXEC);
    void *page = MAP_FAILED;
    if (*fd >= 0 && ftruncate(*fd, BEAT_BYTES) == 0)
        page = mmap(NULL, BEAT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (page == MAP_FAILED) {
        enum status st = status_errno(e, "vllm", "cannot make the shared page");
        if (*fd >= 0)
            close(*fd);
        *fd = -1;
        return st;
    }
    l->beat = page;
    return STATUS_OK;
}

static enum status start_worker(struct vllm_link *l, const char *python, const int fds[2],
                                struct err *e)
{
    char line[64], beat[64], tag[256], process[300];
    snprintf(line, sizeof line, "INFERBENCH_FD=%d", fds[0]);
    snprintf(beat, sizeof beat, "INFERBENCH_BEAT_FD=%d", fds[1]);
    const char *argv[] = {python, l->worker, NULL};
    snprintf(process, sizeof process, "NEURON_PROCESS_TAG=%s",
             neuron_meter_tag(tag, sizeof tag));
    const char *env[] = {line, beat, process, "PYTHONUNBUFFERED=1", l->guard.variable,
                         NULL};
    struct proc_spec spec = {.argv = argv,
                             .env = env,
                             .log_path = l->log_path,
                             .pass = {fds[0], fds[1]},
                             .pass_count = 2};
    return proc_start(&spec, &l->proc, e);
}

static enum status start_with_socket(struct vllm_link *l, const char *python,
                                     struct err *e)
{
    int pair[2], beat_fd;
    enum status st = make_beat(l, &beat_fd, e);
    if (st != STATUS_OK)
        return st;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        st = status_errno(e, "vllm", "cannot make a socket for the worker");
        close(beat_fd);
        return st;
    }
    st = start_worker(l, python, (const int[2]){pair[1], beat_fd}, e);
    close(pair[1]);
    close(beat_fd);
    if (st != STATUS_OK) {
        close(pair[0]);
        return st;
    }
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    l->fd = pair[0];
    return STATUS_OK;
}

enum status vllm_link_start(struct vllm_link *l, const struct vllm_python *python,
                            const char *raw_dir, struct err *e)
{
    *l = (struct vllm_link){.fd = -1};
    buf_init(&l->in, LINE_CAP_BYTES);
    arena_init(&l->paths, PATHS_CAP_BYTES);
    enum status st = tempdir_make(&l->dir, "worker", files, e);
    if (st != STATUS_OK)
        return st;
    l->own_log = arena_printf(&l->paths, "%s/engine.log", l->dir.path);
    l->log_path = raw_dir != NULL ? arena_printf(&l->paths, "%s/engine.log", raw_dir)
                                  : l->own_log;
    l->worker = arena_printf(&l->paths, "%s/vllm_worker.py", l->dir.path);
    if (l->own_log == NULL || l->log_path == NULL || l->worker == NULL)
        return status_no_memory(e, "vllm");
    l->log_from = log_size(l);
    st = write_worker(l->worker, e);
    if (st == STATUS_OK)
        st = vllm_guard_make(&l->guard, python->python, &l->paths, e);
    return st == STATUS_OK ? start_with_socket(l, python->path, e) : st;
}

/* --- death */

/* The worker is lost: ends what is left of it and explains. `event`: its "error", or
 * NULL. */
static enum status bury(struct vllm_link *l, const json_t *event, bool has_hung,
                        struct err *e)
{
    struct vllm_failure f = {
        .type = json_str_of(event, "type"),
        .text = json_str_of(event, "text"),
        .stage = l->stage,
        .log_path = l->log_path,
        .is_running = l->pulse == LINK_PULSE_TOKENS,
        .has_hung = has_hung,
        .limit = l->pulse_limit,
    };
    struct buf tail;
    for (int i = 0; i < 100 && !has_hung && !proc_has_ended(&l->proc, &f.end); i++)
        poll(NULL, 0, 20); /* its last words go to the log first */
    if (!l->proc.is_ended)
        f.end = (struct proc_end){.exit_code = 0};
    proc_stop(&l->proc, (struct span){0});
    l->is_dead = true;
    int64_t from = log_size(l) - VLLM_LOG_TAIL_BYTES;
    vllm_errors_read_log(l->log_path, from > l->log_from ? from : l->log_from, &tail);
    f.log_tail = buf_cstr(&tail);
    enum status st = vllm_errors_explain(&f, e);
    buf_fini(&tail);
    return st;
}

/* --- the line */

static uint64_t pulse_now(const struct vllm_link *l)
{
    if (l->pulse == LINK_PULSE_TOKENS)
        return __atomic_load_n(&l->beat[1], __ATOMIC_RELAXED);
    return (uint64_t)log_size(l);
}

void vllm_link_expect(struct vllm_link *l, const char *stage, enum link_pulse pulse,
                      struct span limit)
{
    if (strcmp(l->stage, stage) != 0) {
        snprintf(l->stage, sizeof l->stage, "%s", stage);
        l->stage_since = clock_now();
    }
    l->pulse = pulse;
    l->pulse_limit = limit;
    l->pulse_value = 0;
    if (pulse == LINK_PULSE_TOKENS && l->beat != NULL)
        memset(l->beat, 0, BEAT_BYTES);
    l->pulse_since = clock_now();
}

/* Tells the watch; fails on its stop or on a hang. */
static enum status tick(struct vllm_link *l, struct err *e)
{
    struct engine_progress p = {.stage = l->stage, .since = l->stage_since};
    if (l->pulse == LINK_PULSE_TOKENS)
        p.tokens_out = (int64_t)__atomic_load_n(&l->beat[1], __ATOMIC_RELAXED);
    if (l->watch != NULL && l->watch->tick != NULL)
        l->watch->tick(l->watch->arg, &p);
    if (l->watch != NULL && l->watch->stop != NULL && l->watch->stop(l->watch->arg))
        return status_fail(e, STATUS_INTERRUPTED, "vllm", "stopped while %s", l->stage);
    uint64_t value = pulse_now(l);
    if (l->pulse == LINK_PULSE_NONE || value != l->pulse_value) {
        l->pulse_value = value;
        l->pulse_since = clock_now();
    }
    if (l->pulse_limit.ns > 0 && clock_since(l->pulse_since).ns > l->pulse_limit.ns)
        return bury(l, NULL, true, e);
    return STATUS_OK;
}

static enum status refuse_dead(struct err *e)
{
    return status_fail(e, STATUS_DIED, "vllm", "the worker is no longer running");
}

enum status vllm_link_send(struct vllm_link *l, struct str line, struct err *e)
{
    struct str parts[2] = {line, {"\n", 1}};
    if (l->is_dead || l->fd < 0)
        return refuse_dead(e);
    for (int i = 0; i < 2;) {
        struct pollfd p = {.fd = l->fd, .events = POLLOUT};
        ssize_t n = send(l->fd, parts[i].ptr, parts[i].len, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            poll(&p, 1, TICK_MS);
            enum status st = tick(l, e);
            if (st != STATUS_OK)
                return st;
        } else if (n < 0 && errno != EINTR) {
            return bury(l, NULL, false, e);
        } else if (n >= 0) {
            parts[i].ptr += n;
            parts[i].len -= (size_t)n;
            i += parts[i].len == 0;
        }
    }
    return STATUS_OK;
}

/* Takes one whole line off the buffer; false if there is none yet. */
static bool take_line(struct vllm_link *l, struct str *line)
{
    if (l->in.len == l->taken)
        return false;
    const char *start = l->in.data + l->taken;
    const char *end = memchr(start, '\n', l->in.len - l->taken);
    if (end == NULL) {
        buf_drop_front(&l->in, l->taken);
        l->taken = 0;
        return false;
    }
    *line = (struct str){start, (size_t)(end - start)};
    l->taken += line->len + 1;
    return true;
}

/* Waits a tick at most and receives what is there; *is_over at the end of the stream. */
static enum status receive(struct vllm_link *l, struct instant until, bool *is_over,
                           struct err *e)
{
    char block[65536];
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    int64_t left_ms = (until.ns - clock_now().ns) / NS_PER_MS + 1;
    poll(&p, 1, left_ms < 0 ? 0 : left_ms < TICK_MS ? (int)left_ms : TICK_MS);
    ssize_t n = recv(l->fd, block, sizeof block, MSG_DONTWAIT);
    *is_over = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    if (n > 0 && buf_append(&l->in, block, (size_t)n) != STATUS_OK)
        return status_fail(e, STATUS_TOO_BIG, "vllm", "the worker's message is too long");
    return STATUS_OK;
}

/* Handles a line: *out stays NULL for what only the link itself needs. */
static enum status take_event(struct vllm_link *l, struct str line, json_t **out,
                              struct err *e)
{
    json_t *event = NULL;
    enum status st = json_from_text(line, "the vLLM worker", &event, e);
    if (st != STATUS_OK)
        return st;
    const char *name = json_str_of(event, "ev");
    if (name != NULL && strcmp(name, "stage") == 0) {
        const char *stage = json_str_of(event, "name");
        vllm_link_expect(l, stage != NULL ? stage : "loading", l->pulse, l->pulse_limit);
    } else if (name != NULL && strcmp(name, "error") == 0) {
        st = bury(l, event, false, e);
    } else {
        if (name != NULL && strcmp(name, "ready") == 0)
            l->log_from = log_size(l);
        *out = json_incref(event);
    }
    json_decref(event);
    return st;
}

enum status vllm_link_read(struct vllm_link *l, struct instant until, json_t **out,
                           struct err *e)
{
    *out = NULL;
    if (l->is_dead || l->fd < 0)
        return refuse_dead(e);
    for (;;) {
        struct str line;
        bool is_over = false;
        enum status st = STATUS_OK;
        while (take_line(l, &line)) {
            st = take_event(l, line, out, e);
            if (st != STATUS_OK || *out != NULL)
                return st;
        }
        st = tick(l, e);
        if (st == STATUS_OK)
            st = receive(l, until, &is_over, e);
        if (st != STATUS_OK)
            return st;
        if (is_over)
            return bury(l, NULL, false, e);
        if (!clock_before(clock_now(), until) &&
            memchr(buf_cstr(&l->in) + l->taken, '\n', l->in.len - l->taken) == NULL)
            return STATUS_OK;
    }
}

enum status vllm_link_await(struct vllm_link *l, const char *name, json_t **out,
                            struct err *e)
{
    for (;;) {
        json_t *event = NULL;
        struct instant soon = clock_after(clock_now(), clock_seconds(1));
        enum status st = vllm_link_read(l, soon, &event, e);
        const char *got = json_str_of(event, "ev");
        if (st != STATUS_OK || (got != NULL && strcmp(got, name) == 0)) {
            *out = event;
            return st;
        }
        json_decref(event);
    }
}

/* Asks the worker to end by itself and waits for that. */
static void part_politely(struct vllm_link *l)
{
    struct err e;
    json_t *event = NULL;
    l->watch = NULL;
    vllm_link_expect(l, "closing", LINK_PULSE_LOG, clock_seconds(CLOSE_GRACE_S));
    if (vllm_link_send(l, str_from("{\"op\":\"close\"}"), &e) == STATUS_OK &&
        vllm_link_await(l, "bye", &event, &e) == STATUS_OK)
        for (int i = 0; i < 250 && !proc_has_ended(&l->proc, NULL); i++)
            poll(NULL, 0, 20);
    json_decref(event);
}

void vllm_link_close(struct vllm_link *l)
{
    if (!l->is_dead && l->fd >= 0 && l->pulse == LINK_PULSE_NONE)
        part_politely(l);
    proc_stop(&l->proc, (struct span){0});
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    l->is_dead = true;
    if (l->beat != NULL) {
        munmap(l->beat, BEAT_BYTES);
        l->beat = NULL;
    }
    tempdir_drop(&l->dir, files);
    vllm_guard_drop(&l->guard);
    l->worker = l->own_log = l->log_path = NULL;
    arena_fini(&l->paths);
    buf_fini(&l->in);
}
