/* Signals, each case in a process of its own: what they leave cannot be taken back. */
#include "cli/stop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/cli.h"

#define NOT_REACHED 99

/* The cases return what their process exits with. */
static int none_came(void)
{
    return stop_requested(NULL) || stop_hung_up() || stop_signal() != 0;
}

static int one_asks(void)
{
    raise(SIGTERM);
    return stop_requested(NULL) && !stop_hung_up() && stop_signal() == SIGTERM ? 0 : 1;
}

static int the_second_ends(void)
{
    raise(SIGINT);
    raise(SIGTERM);
    return NOT_REACHED;
}

static int the_second_names_the_folder(void)
{
    char command[64] = "inferbench recover '/my results/raw_1'\x1b[2J";
    stop_name_recovery(command);
    memset(command, 'x', sizeof command - 1); /* a copy was kept */
    return the_second_ends();
}

static int a_hangup_is_noted(void)
{
    raise(SIGHUP);
    raise(SIGHUP);
    return stop_hung_up() && !stop_requested(NULL) ? 0 : 1;
}

static int a_closed_pipe_is_an_error(void)
{
    int fds[2];
    if (pipe(fds) != 0)
        return 1;
    close(fds[0]);
    return write(fds[1], "x", 1) == -1 ? 0 : 1;
}

struct scene {
    enum stop_what what;
    int (*act)(void);
    int exit_code;
    const char *said; /* part of standard error; NULL: nothing */
};

static void ends_as_it_should(void **state)
{
    const struct scene *s = *state;
    int fds[2], status;
    char said[400] = "";
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(fds[1], STDERR_FILENO);
        stop_install(s->what);
        _exit(s->act());
    }
    close(fds[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    ssize_t n = read(fds[0], said, sizeof said - 1);
    close(fds[0]);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), s->exit_code);
    assert_true(s->said == NULL ? n == 0 : strstr(said, s->said) != NULL);
}

int main(void)
{
    static struct scene scenes[] = {
        {STOP_RUN, none_came, 0, NULL},
        {STOP_RUN, one_asks, 0, NULL},
        {STOP_RUN, the_second_ends, CLI_SIGNAL, "inferbench recover RAW_DIR"},
        {STOP_SERVE, the_second_ends, CLI_SIGNAL, "end of the log"},
        {STOP_SELFTEST, the_second_ends, CLI_SIGNAL, "selftest: stopped at once"},
        {STOP_RUN, a_hangup_is_noted, 0, NULL},
        {STOP_RUN, a_closed_pipe_is_an_error, 0, NULL},
        {STOP_RUN, the_second_names_the_folder, CLI_SIGNAL,
         "measured: inferbench recover '/my results/raw_1'\\x1b[2J\n"},
    };
    const struct CMUnitTest tests[] = {
        {"none came", ends_as_it_should, NULL, NULL, &scenes[0]},
        {"one asks", ends_as_it_should, NULL, NULL, &scenes[1]},
        {"the second ends", ends_as_it_should, NULL, NULL, &scenes[2]},
        {"the second ends a server", ends_as_it_should, NULL, NULL, &scenes[3]},
        {"the second ends a selftest", ends_as_it_should, NULL, NULL, &scenes[4]},
        {"a hangup is noted", ends_as_it_should, NULL, NULL, &scenes[5]},
        {"a closed pipe", ends_as_it_should, NULL, NULL, &scenes[6]},
        {"the folder is named", ends_as_it_should, NULL, NULL, &scenes[7]},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
