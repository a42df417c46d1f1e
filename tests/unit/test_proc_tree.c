#include "base/proc.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* A child that waits to be killed, under a name that makes /proc/PID/stat hard to
 * read. */
static pid_t sleeper(const char *name)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_NAME, name);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        alarm(30);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void assert_killed(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void every_child_is_killed(void **state)
{
    (void)state;
    pid_t children[3] = {sleeper("plain"), sleeper(") S 1 (x"), sleeper("a b) R 1 1")};
    proc_tree_kill_children();
    for (int i = 0; i < 3; i++)
        assert_killed(children[i]);
    proc_tree_kill_children(); /* harmless without one */
}

/* A grandchild stays: it holds the pipe open until its own end. */
static void others_are_left_alone(void **state)
{
    int fds[2];
    pid_t grandchild;
    (void)state;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        grandchild = sleeper("grandchild");
        if (write(fds[1], &grandchild, sizeof grandchild) != (ssize_t)sizeof grandchild)
            _exit(1);
        for (;;)
            pause();
    }
    close(fds[1]);
    struct pollfd end = {.fd = fds[0], .events = POLLIN};
    assert_int_equal(read(fds[0], &grandchild, sizeof grandchild), sizeof grandchild);
    proc_tree_kill_children();
    assert_killed(child);
    assert_int_equal(poll(&end, 1, 50), 0);
    assert_int_equal(kill(grandchild, SIGKILL), 0);
    assert_int_equal(poll(&end, 1, 10000), 1);
    close(fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_child_is_killed),
        cmocka_unit_test(others_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
