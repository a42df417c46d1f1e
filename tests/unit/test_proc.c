/* proc.c: helpers, and children that nothing may outlive. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/proc.h"

/* A tree: sh, a sleeper, a sleeper in a session of its own, one more below a subshell
 * that ends at once. Each writes its pid to descriptor 9. `trap ''`: SIGTERM is
 * ignored. */
#define TREE                                                                       \
    "trap '' TERM; echo $$ >&9; sleep 300 & echo $! >&9; "                         \
    "setsid sh -c 'trap \"\" TERM; echo $$ >&9; sleep 300 & echo $! >&9; wait' & " \
    "(sleep 300 & echo $! >&9); wait"
#define TREE_SIZE 5

static bool is_alive(int pid)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return false;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    const char *state = strrchr(text, ')');
    return state != NULL && state[2] != 'Z' && state[2] != 'X';
}

/* Waits up to ten seconds for all to be gone; returns how many are left. */
static int count_alive(const int *pids, int n)
{
    int alive = n;
    for (int i = 0; i < 1000 && alive > 0; i++) {
        alive = 0;
        for (int k = 0; k < n; k++)
            alive += is_alive(pids[k]);
        if (alive > 0)
            usleep(10000);
    }
    return alive;
}

/* Makes descriptor 9 a pipe's write end; returns the read end. */
static int open_pid_pipe(void)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(dup2(fds[1], 9), 9);
    close(fds[1]);
    return fds[0];
}

static void read_pids(int fd, int *pids, int n)
{
    char text[512];
    size_t len = 0;
    for (int lines = 0; lines < n;) {
        ssize_t got = read(fd, text + len, sizeof text - 1 - len);
        assert_true(got > 0);
        for (ssize_t i = 0; i < got; i++)
            lines += text[len + (size_t)i] == '\n';
        len += (size_t)got;
    }
    text[len] = 0;
    char *p = text;
    for (int i = 0; i < n; i++) {
        pids[i] = (int)strtol(p, &p, 10);
        assert_true(pids[i] > 1);
    }
}

static enum status start_shell(const char *script, struct proc *p)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    struct proc_spec spec = {.argv = argv, .pass = {9}, .pass_count = 1};
    struct err e;
    return proc_start(&spec, p, &e);
}

static struct proc_end await(struct proc *p)
{
    struct proc_end end = {.exit_code = -2};
    for (int i = 0; i < 1000 && !proc_has_ended(p, &end); i++)
        usleep(10000);
    return end;
}

static void run_captures_output(void **state)
{
    (void)state;
    const char *argv[] = {"sh", "-c", "echo out; echo err >&2; exit 3", NULL};
    struct buf out;
    struct err e;
    int code = -1;
    buf_init(&out, 100);
    assert_int_equal(proc_run(argv, clock_seconds(10), &out, &code, &e), STATUS_OK);
    assert_int_equal(code, 3);
    assert_string_equal(buf_cstr(&out), "out\n");
    buf_fini(&out);
}

/* Of a helper that fails without a word on stdout, what it says on stderr: 64 KiB at
 * most. */
static void run_tells_why_a_silent_one_failed(void **state)
{
    (void)state;
    const char *argv[] = {"sh", "-c", "echo why >&2; exit 3", NULL};
    const char *fine[] = {"sh", "-c", "echo warning >&2", NULL};
    const char *chatty[] = {"sh", "-c",
                            "head -c 300000 /dev/zero | tr '\\0' x >&2; exit 1", NULL};
    struct buf out;
    struct err e;
    int code = -1;
    buf_init(&out, 1 << 20);
    assert_int_equal(proc_run(argv, clock_seconds(10), &out, &code, &e), STATUS_OK);
    assert_string_equal(buf_cstr(&out), "why\n");
    buf_clear(&out);
    assert_int_equal(proc_run(fine, clock_seconds(10), &out, &code, &e), STATUS_OK);
    assert_int_equal(out.len, 0);
    assert_int_equal(proc_run(chatty, clock_seconds(10), &out, &code, &e), STATUS_OK);
    assert_int_equal(code, 1);
    assert_true(out.len > 0 && out.len <= 64 << 10);
    buf_fini(&out);
}

static void run_drops_what_is_over_the_cap(void **state)
{
    (void)state;
    const char *argv[] = {"sh", "-c",
                          "i=0; while [ $i -lt 9999 ]; do echo 0123456789; "
                          "i=$((i+1)); done; kill -9 $$",
                          NULL};
    struct buf out;
    struct err e;
    int code = -1;
    buf_init(&out, 25);
    assert_int_equal(proc_run(argv, clock_seconds(60), &out, &code, &e), STATUS_OK);
    assert_int_equal(code, 128 + SIGKILL);
    assert_string_equal(buf_cstr(&out), "0123456789\n0123456789\n012");
    buf_fini(&out);
}

static void run_kills_at_the_deadline(void **state)
{
    (void)state;
    int fd = open_pid_pipe(), pids[1], code;
    const char *argv[] = {"sh", "-c", "echo $PPID; sleep 300", NULL};
    struct buf out;
    struct err e;
    buf_init(&out, 100);
    assert_int_equal(proc_run(argv, clock_seconds(2), &out, &code, &e), STATUS_TIMEOUT);
    assert_non_null(strstr(e.what, "killed"));
    pids[0] = (int)strtol(buf_cstr(&out), NULL, 10);
    assert_int_equal(pids[0], getpid());
    buf_fini(&out);
    close(fd);
    close(9);
}

static void run_names_a_missing_program(void **state)
{
    (void)state;
    const char *argv[] = {"no-such-program-here", NULL};
    struct buf out;
    struct err e;
    int code;
    buf_init(&out, 100);
    assert_int_equal(proc_run(argv, clock_seconds(1), &out, &code, &e), STATUS_NOT_FOUND);
    assert_string_equal(e.where, "no-such-program-here");
    argv[0] = "/etc/passwd";
    assert_int_equal(proc_run(argv, clock_seconds(1), &out, &code, &e), STATUS_NOT_FOUND);
    buf_fini(&out);
}

/* What we ignore (a closed pipe, a limit on the size of files) would reach children, who
 * do not expect it. */
static void children_ignore_nothing(void **state)
{
    (void)state;
    static const int ours[] = {SIGXFSZ, SIGPIPE, SIGHUP, SIGINT};
    const char *argv[] = {"grep", "SigIgn", "/proc/self/status", NULL};
    char log_path[] = "/tmp/inferbench-log-XXXXXX", text[64] = "";
    struct sigaction before[sizeof ours / sizeof *ours], ignore = {.sa_handler = SIG_IGN};
    struct buf out;
    struct proc p;
    struct err e;
    int code = -1, log_fd = mkstemp(log_path);
    buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigaction(ours[i], &ignore, &before[i]);
    assert_int_equal(proc_run(argv, clock_seconds(10), &out, &code, &e), STATUS_OK);
    struct proc_spec spec = {.argv = argv, .log_path = log_path};
    assert_int_equal(proc_start(&spec, &p, &e), STATUS_OK);
    for (int i = 0; i < 1000 && !proc_has_ended(&p, NULL); i++)
        usleep(10000);
    proc_stop(&p, (struct span){0});
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigaction(ours[i], &before[i], NULL);
    assert_string_equal(buf_cstr(&out), "SigIgn:\t0000000000000000\n");
    assert_true(pread(log_fd, text, sizeof text - 1, 0) > 0);
    assert_string_equal(text, buf_cstr(&out));
    buf_fini(&out);
    close(log_fd);
    unlink(log_path);
}

static void start_passes_env_log_and_descriptor(void **state)
{
    (void)state;
    char log[] = "/tmp/test_proc_XXXXXX", text[64] = "";
    int log_fd = mkstemp(log), fd = open_pid_pipe();
    const char *argv[] = {"sh", "-c",
                          "echo $A$HOME; echo $B >&2; echo 7 >&9; "
                          "set -- /proc/$$/fd/*; echo $# >&9; exit 5",
                          NULL};
    const char *env[] = {"A=1", "HOME=2", "B=three", NULL};
    struct proc_spec spec = {
        .argv = argv, .env = env, .log_path = log, .pass = {9}, .pass_count = 1};
    struct proc p = {0};
    struct err e;
    int numbers[2], leak = open("/dev/null", O_RDONLY);
    assert_int_equal(proc_start(&spec, &p, &e), STATUS_OK);
    close(9);
    read_pids(fd, numbers, 2);
    assert_int_equal(numbers[0], 7);
    assert_in_range(numbers[1], 4, 5); /* 0 1 2 9, and the folder that is read; no leak */
    struct proc_end end = await(&p);
    assert_int_equal(end.exit_code, 5);
    assert_int_equal(end.signal, 0);
    proc_stop(&p, (struct span){0});
    proc_stop(&p, (struct span){0});
    assert_true(read(log_fd, text, sizeof text - 1) > 0);
    assert_string_equal(text, "12\nthree\n");
    assert_int_equal(read(fd, text, 1), 0); /* the guardian holds no copy of
                                               descriptor 9 */
    close(fd);
    close(leak);
    close(log_fd);
    unlink(log);
}

static void start_names_what_cannot_run(void **state)
{
    (void)state;
    char path[] = "/tmp/test_proc_XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "#!/no/such/interpreter\n", 23), 23);
    close(fd);
    assert_int_equal(chmod(path, 0700), 0);
    const char *argv[] = {path, NULL};
    struct proc_spec spec = {.argv = argv};
    struct proc p = {0};
    struct err e;
    assert_int_equal(proc_start(&spec, &p, &e), STATUS_IO);
    assert_string_equal(e.where, path);
    assert_int_equal(p.guardian_pid, 0);
    proc_stop(&p, (struct span){0});
    unlink(path);
}

static void stop_leaves_nothing(void **state)
{
    int grace_ms = *(int *)*state;
    int fd = open_pid_pipe(), pids[TREE_SIZE + 1];
    struct proc p = {0};
    assert_int_equal(start_shell(TREE, &p), STATUS_OK);
    close(9);
    read_pids(fd, pids, TREE_SIZE);
    pids[TREE_SIZE] = p.guardian_pid;
    assert_false(proc_has_ended(&p, NULL));
    proc_stop(&p, (struct span){grace_ms * NS_PER_MS});
    assert_int_equal(count_alive(pids, TREE_SIZE + 1), 0);
    assert_true(proc_has_ended(&p, NULL));
    close(fd);
}

static void a_polite_child_may_finish(void **state)
{
    (void)state;
    int fd = open_pid_pipe(), pids[1];
    struct proc p = {0};
    struct proc_end end;
    assert_int_equal(
        start_shell("trap 'exit 42' TERM; echo $$ >&9; while :; do sleep 0.05; done", &p),
        STATUS_OK);
    close(9);
    read_pids(fd, pids, 1);
    proc_stop(&p, clock_seconds(30));
    assert_true(proc_has_ended(&p, &end));
    assert_int_equal(end.exit_code, 42);
    close(fd);
}

static void a_killed_child_takes_its_children_along(void **state)
{
    (void)state;
    int fd = open_pid_pipe(), pids[TREE_SIZE];
    char text[64];
    struct proc p = {0};
    assert_int_equal(start_shell(TREE, &p), STATUS_OK);
    close(9);
    read_pids(fd, pids, TREE_SIZE);
    kill(p.child_pid, SIGKILL);
    struct proc_end end = await(&p);
    assert_int_equal(end.signal, SIGKILL);
    assert_int_equal(count_alive(pids, TREE_SIZE), 0);
    proc_end_text(end, text, sizeof text);
    assert_string_equal(text, "signal 9 (Killed)");
    proc_stop(&p, clock_seconds(1));
    close(fd);
}

static void a_killed_guardian_takes_the_child_along(void **state)
{
    (void)state;
    int fd = open_pid_pipe(), pids[1];
    struct proc p = {0};
    assert_int_equal(start_shell("echo $$ >&9; exec sleep 300", &p), STATUS_OK);
    close(9);
    read_pids(fd, pids, 1);
    kill(p.guardian_pid, SIGKILL);
    struct proc_end end = await(&p);
    assert_int_equal(end.signal, SIGKILL);
    assert_int_equal(count_alive(pids, 1), 0);
    proc_stop(&p, (struct span){0});
    close(fd);
}

/* The parent dies in the way of `signal`; nothing of the tree may be left. */
static void a_dead_parent_leaves_nothing(void **state)
{
    int signal = *(int *)*state;
    int fd = open_pid_pipe(), pids[TREE_SIZE];
    pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        struct proc p = {0};
        close(fd);
        enum status st = start_shell(TREE, &p);
        close(9);
        while (st == STATUS_OK)
            pause();
        _exit(1);
    }
    close(9);
    read_pids(fd, pids, TREE_SIZE);
    kill(parent, signal);
    waitpid(parent, NULL, 0);
    assert_int_equal(count_alive(pids, TREE_SIZE), 0);
    close(fd);
}

int main(void)
{
    static int none = 0, short_grace = 100, kill_9 = SIGKILL, alarmed = SIGALRM,
               term = SIGTERM;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_captures_output),
        cmocka_unit_test(run_tells_why_a_silent_one_failed),
        cmocka_unit_test(run_drops_what_is_over_the_cap),
        cmocka_unit_test(run_kills_at_the_deadline),
        cmocka_unit_test(run_names_a_missing_program),
        cmocka_unit_test(children_ignore_nothing),
        cmocka_unit_test(start_passes_env_log_and_descriptor),
        cmocka_unit_test(start_names_what_cannot_run),
        cmocka_unit_test_prestate(stop_leaves_nothing, &none),
        cmocka_unit_test_prestate(stop_leaves_nothing, &short_grace),
        cmocka_unit_test(a_polite_child_may_finish),
        cmocka_unit_test(a_killed_child_takes_its_children_along),
        cmocka_unit_test(a_killed_guardian_takes_the_child_along),
        cmocka_unit_test_prestate(a_dead_parent_leaves_nothing, &kill_9),
        cmocka_unit_test_prestate(a_dead_parent_leaves_nothing, &alarmed),
        cmocka_unit_test_prestate(a_dead_parent_leaves_nothing, &term),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
