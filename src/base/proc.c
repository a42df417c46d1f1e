#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc_env.h"

/* Between fork and exec, and in the guardian for its whole life, only async-signal-safe
 * calls are made: inferbench has threads, and a fork copies none but the caller's. */

#define KEEP_MAX    (PROC_PASS_MAX + 4)
#define STDERR_KEPT (64 << 10)

/* What the guardian writes to its status pipe; shorter than PIPE_BUF, so never in
 * pieces. */
struct report {
    enum { REPORT_STARTED, REPORT_EXEC_FAILED, REPORT_ENDED } kind;
    int32_t value; /* pid; errno; wait status */
};

/* What a child needs, all made before the fork. */
struct plan {
    const char *path;
    char *const *argv;
    char **env;
    int log_fd;
    const struct proc_spec *spec;
    int life_r, status_w;
};

/* ---- in any process ---------------------------------------------------------------- */

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

enum status proc_find(const char *name, char *out, size_t size, struct err *e)
{
    if (strchr(name, '/') != NULL) {
        if (!is_program(name))
            return status_fail(e, STATUS_NOT_FOUND, name, "no such program");
        snprintf(out, size, "%s", name);
        return STATUS_OK;
    }
    const char *path = getenv("PATH");
    struct str rest = str_from(path != NULL ? path : "/usr/local/bin:/usr/bin:/bin");
    for (struct str dir; (dir = proc_env_folder(&rest)).len > 0;) {
        int n = snprintf(out, size, "%.*s/%s", (int)dir.len, dir.ptr, name);
        if (n > 0 && (size_t)n < size && is_program(out))
            return STATUS_OK;
    }
    return status_fail(e, STATUS_NOT_FOUND, name, "no such program in PATH");
}

/* Insertion sort: qsort may allocate. */
static void sort_ints(int *values, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t k = i; k > 0 && values[k - 1] > values[k]; k--) {
            int swap = values[k];
            values[k] = values[k - 1];
            values[k - 1] = swap;
        }
    }
}

/* Closes every descriptor from 3 up but those of keep. */
static void close_all_but(int *keep, size_t n)
{
    sort_ints(keep, n);
    unsigned from = 3;
    for (size_t i = 0; i <= n; i++) {
        unsigned to = i < n ? (unsigned)keep[i] : ~0U;
        if (to > from && syscall(SYS_close_range, from, i < n ? to - 1 : to, 0U) != 0)
            for (unsigned fd = from; fd < to && fd < 65536; fd++)
                close((int)fd); /* a kernel before 5.9 */
        from = to >= from ? to + 1 : from;
    }
}

static void reset_signals(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    for (int s = 1; s < NSIG; s++)
        sigaction(s, &plain, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void read_fully(int fd, void *data, size_t size, ssize_t *got)
{
    do {
        *got = read(fd, data, size);
    } while (*got < 0 && errno == EINTR);
}

/* ---- in the child, before exec
 * --------------------------------------------------------- */

static _Noreturn void become_child(const struct plan *plan, int exec_w)
{
    int keep[KEEP_MAX];
    size_t n = 0;
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null_fd = open("/dev/null", O_RDWR);
    dup2(null_fd, 0);
    dup2(plan->log_fd >= 0 ? plan->log_fd : null_fd, 1);
    dup2(plan->log_fd >= 0 ? plan->log_fd : null_fd, 2);
    for (size_t i = 0; i < plan->spec->pass_count; i++) {
        fcntl(plan->spec->pass[i], F_SETFD, 0);
        keep[n++] = plan->spec->pass[i];
    }
    keep[n++] = exec_w;
    close_all_but(keep, n);
    reset_signals();
    execve(plan->path, plan->argv, plan->env);
    int32_t error = errno;
    ssize_t written = write(exec_w, &error, sizeof error);
    _exit(written > 0 ? 127 : 126);
}

/* ---- in the guardian
 * ------------------------------------------------------------------- */

static void send_report(int fd, int kind, int32_t value)
{
    struct report r = {.kind = (unsigned)kind, .value = value};
    ssize_t ignored = write(fd, &r, sizeof r);
    (void)ignored; /* the reader may be gone: then nobody needs it */
}

/* Reaps what has ended. Reports the child's own end. False once no child is left. */
static bool reap(pid_t child, int status_fd)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == child)
            send_report(status_fd, REPORT_ENDED, status);
        if (pid == 0)
            return true;
        if (pid < 0 && errno != EINTR)
            return false;
    }
}

static void drain_signals(int signal_fd)
{
    struct signalfd_siginfo info;
    while (read(signal_fd, &info, sizeof info) > 0) {
    }
}

/* Waits until the child has ended or inferbench speaks or dies.
 * Returns the grace it gave in ms: 0 when it is gone or the child has ended by itself. */
static int32_t guard(pid_t child, int life_r, int status_w, int signal_fd)
{
    struct pollfd fds[2] = {{.fd = life_r, .events = POLLIN},
                            {.fd = signal_fd, .events = POLLIN}};
    for (;;) {
        poll(fds, 2, -1);
        if (fds[0].revents != 0) {
            int32_t grace_ms = 0;
            ssize_t got;
            read_fully(life_r, &grace_ms, sizeof grace_ms, &got);
            return got == (ssize_t)sizeof grace_ms ? grace_ms : 0;
        }
        drain_signals(signal_fd);
        siginfo_t info = {.si_pid = 0};
        bool has_ended = waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) !=
                             0 ||
                         info.si_pid == child;
        if (!reap(child, status_w) || has_ended)
            return 0;
    }
}

/* SIGTERM to the child's group and up to grace_ms for all to end; then SIGKILL to all. */
static void end_all(pid_t child, int32_t grace_ms, int status_w, int signal_fd)
{
    struct pollfd fds = {.fd = signal_fd, .events = POLLIN};
    if (grace_ms > 0) {
        kill(-child, SIGTERM);
        int64_t end_ns = clock_now().ns + grace_ms * NS_PER_MS;
        while (clock_now().ns < end_ns && reap(child, status_w)) {
            poll(&fds, 1, 20);
            drain_signals(signal_fd);
        }
    }
    kill(-child, SIGKILL);
    while (reap(child, status_w)) {
        proc_tree_kill_children();
        poll(&fds, 1, 5);
        drain_signals(signal_fd);
    }
}

/* Ignores what a terminal may send; SIGCHLD is read from a descriptor. */
static int prepare_guardian(void)
{
    setsid();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_NAME, "inferbench-grd");
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    const int ignored[] = {SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGPIPE, SIGTSTP};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        sigaction(ignored[i], &ignore, NULL);
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &plain, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_SETMASK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static _Noreturn void become_guardian(const struct plan *plan)
{
    int exec_pipe[2];
    int signal_fd = prepare_guardian();
    if (signal_fd < 0 || pipe2(exec_pipe, O_CLOEXEC) != 0) {
        send_report(plan->status_w, REPORT_EXEC_FAILED, errno);
        _exit(1);
    }
    pid_t child = fork();
    if (child == 0)
        become_child(plan, exec_pipe[1]);
    if (child < 0) {
        send_report(plan->status_w, REPORT_EXEC_FAILED, errno);
        _exit(1);
    }
    int keep[] = {plan->life_r, plan->status_w, signal_fd, exec_pipe[0]};
    close_all_but(keep, sizeof keep / sizeof *keep);
    int null_fd = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(null_fd, fd);
    int32_t error = 0;
    ssize_t got;
    read_fully(exec_pipe[0], &error, sizeof error, &got);
    if (got > 0) {
        send_report(plan->status_w, REPORT_EXEC_FAILED, error);
        _exit(1);
    }
    send_report(plan->status_w, REPORT_STARTED, (int32_t)child);
    int32_t grace_ms = guard(child, plan->life_r, plan->status_w, signal_fd);
    end_all(child, grace_ms, plan->status_w, signal_fd);
    _exit(0);
}

/* ---- in inferbench
 * ----------------------------------------------------------------------- */

static enum status fork_guardian(struct plan *plan, struct proc *out, struct err *e)
{
    int life[2], status[2];
    if (pipe2(life, O_CLOEXEC) != 0)
        return status_errno(e, plan->path, "cannot make a pipe");
    if (pipe2(status, O_CLOEXEC) != 0) {
        close(life[0]);
        close(life[1]);
        return status_errno(e, plan->path, "cannot make a pipe");
    }
    plan->life_r = life[0];
    plan->status_w = status[1];
    pid_t pid = fork();
    if (pid == 0) {
        close(life[1]);
        become_guardian(plan);
    }
    int error = errno;
    close(life[0]);
    close(status[1]);
    out->guardian_pid = (int32_t)pid;
    out->life_fd = life[1];
    out->status_fd = status[0];
    if (pid < 0) {
        close(life[1]);
        close(status[0]);
        errno = error;
        return status_errno(e, plan->path, "cannot start a process");
    }
    return STATUS_OK;
}

/* Reads the guardian's first word: started, or why not. */
static enum status await_start(const char *path, struct proc *p, struct err *e)
{
    struct report r = {.kind = REPORT_EXEC_FAILED, .value = EIO};
    ssize_t got;
    read_fully(p->status_fd, &r, sizeof r, &got);
    if (got == (ssize_t)sizeof r && r.kind == REPORT_STARTED) {
        p->child_pid = r.value;
        fcntl(p->status_fd, F_SETFL, O_NONBLOCK);
        return STATUS_OK;
    }
    proc_stop(p, (struct span){0});
    errno = r.value;
    return status_errno(e, path, "cannot be executed");
}

enum status proc_start(const struct proc_spec *spec, struct proc *out, struct err *e)
{
    char path[4096];
    enum status st = proc_find(spec->argv[0], path, sizeof path, e);
    if (st != STATUS_OK)
        return st;
    struct plan plan = {
        .path = path, .argv = (char *const *)spec->argv, .spec = spec, .log_fd = -1};
    if (spec->log_path != NULL) {
        plan.log_fd = open(spec->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                           0666);
        if (plan.log_fd < 0)
            return status_errno(e, spec->log_path, "cannot be written");
    }
    struct proc_env env;
    struct proc p = {0};
    st = proc_env_make(&env, spec->env) ? STATUS_OK : status_no_memory(e, path);
    plan.env = env.vars;
    if (st == STATUS_OK)
        st = fork_guardian(&plan, &p, e);
    if (st == STATUS_OK)
        st = await_start(path, &p, e);
    proc_env_drop(&env);
    if (plan.log_fd >= 0)
        close(plan.log_fd);
    if (st == STATUS_OK)
        *out = p;
    return st;
}

bool proc_has_ended(struct proc *p, struct proc_end *end)
{
    struct report r = {.kind = REPORT_STARTED};
    ssize_t got = -1;
    if (!p->is_ended && p->guardian_pid > 0)
        read_fully(p->status_fd, &r, sizeof r, &got);
    if (got == 0) { /* the guardian itself was killed: the child died with it */
        p->is_ended = true;
        p->end = (struct proc_end){.exit_code = -1, .signal = SIGKILL};
    }
    if (got == (ssize_t)sizeof r && r.kind == REPORT_ENDED) {
        p->is_ended = true;
        p->end.exit_code = WIFEXITED(r.value) ? WEXITSTATUS(r.value) : -1;
        p->end.signal = WIFSIGNALED(r.value) ? WTERMSIG(r.value) : 0;
    }
    if (p->is_ended && end != NULL)
        *end = p->end;
    return p->is_ended;
}

void proc_stop(struct proc *p, struct span grace)
{
    if (p->guardian_pid <= 0)
        return;
    int32_t grace_ms = (int32_t)(grace.ns / NS_PER_MS);
    if (grace_ms > 0) {
        /* a guardian that has just ended is fine, its SIGPIPE is not */
        struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
        sigaction(SIGPIPE, &ignore, &before);
        ssize_t ignored = write(p->life_fd, &grace_ms, sizeof grace_ms);
        (void)ignored;
        sigaction(SIGPIPE, &before, NULL);
    }
    close(p->life_fd);
    while (waitpid(p->guardian_pid, NULL, 0) < 0 && errno == EINTR) {
    }
    proc_has_ended(p, NULL);
    close(p->status_fd);
    p->guardian_pid = 0;
    p->is_ended = true;
}

void proc_end_text(struct proc_end end, char *out, size_t size)
{
    if (end.signal != 0)
        snprintf(out, size, "signal %d (%s)", end.signal, strsignal(end.signal));
    else
        snprintf(out, size, "exit status %d", end.exit_code);
}

/* ---- short helpers
 * ----------------------------------------------------------------------- */

/* A file in memory for a helper's stderr, which takes STDERR_KEPT bytes and refuses more;
 * -1: none. */
static int stderr_file(void)
{
    int fd = memfd_create("stderr", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && (ftruncate(fd, STDERR_KEPT) != 0 ||
                    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static pid_t fork_helper(const struct plan *plan, int out_w, int err_w)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null_fd = open("/dev/null", O_RDWR);
    dup2(null_fd, 0);
    dup2(out_w, 1);
    dup2(err_w >= 0 ? err_w : null_fd, 2);
    int none[1] = {0};
    close_all_but(none, 0);
    reset_signals();
    execve(plan->path, plan->argv, plan->env);
    _exit(127);
}

/* Appends what fits below the cap. */
static enum status append_some(struct buf *out, const char *data, size_t len)
{
    size_t room = out->cap_bytes > out->len ? out->cap_bytes - out->len : 0;
    size_t take = len < room ? len : room;
    return take > 0 ? buf_append(out, data, take) : STATUS_OK;
}

/* Reads until end of file or the deadline; bytes over the cap are dropped. */
static void read_output(int fd, struct instant deadline, struct buf *out)
{
    char block[4096];
    for (;;) {
        int64_t left_ns = deadline.ns - clock_now().ns;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left_ns <= 0)
            return;
        if (poll(&p, 1, (int)(left_ns / NS_PER_MS) + 1) <= 0)
            continue;
        ssize_t n;
        read_fully(fd, block, sizeof block, &n);
        if (n <= 0 || append_some(out, block, (size_t)n) != STATUS_OK)
            return;
    }
}

/* What a helper wrote on stderr; the rest of that file is zeros. */
static void append_stderr(int fd, struct buf *out)
{
    char block[4096];
    ssize_t n;
    off_t at = 0;
    while ((n = pread(fd, block, sizeof block, at)) > 0) {
        size_t len = strnlen(block, (size_t)n);
        if (append_some(out, block, len) != STATUS_OK || len < (size_t)n)
            return;
        at += n;
    }
}

/* Waits for a helper that has closed its output; kills the group at the deadline. */
static bool await_end(pid_t pid, struct instant deadline, int *wait_status)
{
    for (;;) {
        pid_t got = waitpid(pid, wait_status, WNOHANG);
        if (got == pid)
            return true;
        if (got == 0 && !clock_before(clock_now(), deadline)) {
            kill(-pid, SIGKILL);
            kill(pid, SIGKILL);
            while (waitpid(pid, wait_status, 0) < 0 && errno == EINTR) {
            }
            return false;
        }
        poll(NULL, 0, 1);
    }
}

enum status proc_run(const char *const *argv, struct span timeout, struct buf *out,
                     int *exit_code, struct err *e)
{
    char path[4096];
    int fds[2], wait_status = 0;
    enum status st = proc_find(argv[0], path, sizeof path, e);
    if (st != STATUS_OK)
        return st;
    struct proc_env env;
    if (!proc_env_make(&env, NULL))
        return status_no_memory(e, path);
    const struct plan plan = {.path = path, .argv = (char *const *)argv, .env = env.vars};
    if (pipe2(fds, O_CLOEXEC) != 0) {
        proc_env_drop(&env);
        return status_errno(e, path, "cannot make a pipe");
    }
    struct instant deadline = clock_after(clock_now(), timeout);
    int err_fd = stderr_file();
    pid_t pid = fork_helper(&plan, fds[1], err_fd);
    close(fds[1]);
    proc_env_drop(&env);
    if (pid < 0) {
        close(fds[0]);
        close(err_fd); /* -1 is refused */
        return status_errno(e, path, "cannot start a process");
    }
    read_output(fds[0], deadline, out);
    bool is_in_time = await_end(pid, deadline, &wait_status);
    close(fds[0]);
    if (is_in_time && out->len == 0 && wait_status != 0)
        append_stderr(err_fd, out);
    close(err_fd);
    if (!is_in_time) {
        return status_fail(e, STATUS_TIMEOUT, path, "still running after %.0f s: killed",
                           clock_to_s(timeout));
    }
    *exit_code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
                                        : 128 + WTERMSIG(wait_status);
    return out->failed == STATUS_NO_MEMORY
               ? status_fail(e, STATUS_NO_MEMORY, path, "out of memory for its output")
               : STATUS_OK;
}
