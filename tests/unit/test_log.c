#include "base/log.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* What was written into a pipe since the last call. */
static const char *written(int fd)
{
    static char text[10000];
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void count_call(void *arg)
{
    ++*(int *)arg;
}

static void levels_and_hooks(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    struct log log;
    log_init(&log, LOG_NOTE);
    assert_int_equal(log.fd, 2);
    int calls = 0;
    log.fd = fds[1];
    log.before = count_call;
    log.after = count_call;
    log.hook_arg = &calls;
    log_line(&log, LOG_DEBUG, "not %s", "shown");
    assert_int_equal(calls, 0);
    log_line(&log, LOG_NOTE, "note %d", 1);
    log_line(&log, LOG_ERROR, "error");
    assert_string_equal(written(fds[0]), "note 1\nerror\n");
    assert_int_equal(calls, 4);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void long_lines_are_cut_and_end(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    struct log log;
    log_init(&log, LOG_NOTE);
    log.fd = fds[1];
    log_line(&log, LOG_NOTE, "%09000d", 7);
    const char *text = written(fds[0]);
    size_t len = strlen(text);
    assert_in_range(len, 4000, 4096);
    assert_int_equal(text[len - 1], '\n');
    assert_int_equal(strspn(text, "0"), len - 1);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void errors_in_a_pipe_are_one_line(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    struct log log;
    log_init(&log, LOG_ERROR);
    log.fd = fds[1];
    struct err e;
    (void)status_fail(&e, STATUS_BAD_OPTION, "--num-runs",
                      "\"ten\" is not a whole number");
    (void)status_hint(&e, "Write e.g. 3");
    log_error(&log, &e);
    assert_string_equal(written(fds[0]), "inferbench: --num-runs: \"ten\" is not a whole "
                                         "number. Write e.g. 3.\n");
    (void)status_fail(&e, STATUS_IO, "f", "%0380d", 0);
    log_error(&log, &e);
    assert_int_equal(strlen(written(fds[0])), strlen("inferbench: f: .\n") + 380);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* Lines written on the terminal `tty`; the first begins with `start`, the others are
 * indented. The kernel hands them to `master` in pieces, later: read up to a mark. */
static int folded_lines(int master, int tty, const char *start)
{
    char text[2000] = "";
    assert_int_equal(write(tty, "#", 1), 1);
    for (size_t used = 0; used == 0 || text[used - 1] != '#';) {
        ssize_t n = read(master, text + used, sizeof text - 1 - used);
        assert_true(n > 0);
        used += (size_t)n;
    }
    *strchr(text, '#') = '\0';
    int lines = 0;
    for (char *line = text; *line != '\0'; lines++) {
        const char *begin = lines == 0 ? start : "    ";
        size_t len = strcspn(line, "\r\n");
        char *next = line + len + strspn(line + len, "\r\n");
        line[len] = '\0';
        assert_true(len <= 80 || strchr(line + 4, ' ') == NULL);
        assert_int_equal(strncmp(line, begin, strlen(begin)), 0);
        line = next;
    }
    return lines;
}

static void lines_on_a_terminal_are_wrapped(void **state)
{
    (void)state;
    int master = -1, slave = -1;
    if (openpty(&master, &slave, NULL, NULL, NULL) != 0)
        skip();
    struct log log;
    log_init(&log, LOG_ERROR);
    log.fd = slave;
    struct err e;
    (void)status_fail(&e, STATUS_TIMEOUT, "http://10.0.0.5:8000/v1/models",
                      "refused the connection for 30 s, and went on doing so");
    (void)status_hint(&e,
                      "Is the model loaded? Try --ready-timeout 600, and see whether "
                      "a-very-long-word-without-blanks-%070d helps",
                      0);
    log_error(&log, &e);
    assert_in_range(folded_lines(master, slave, "inferbench: "), 4, 5);
    log_line(&log, LOG_ERROR, "exit 1: 2 of 4 cells failed; first cause: %s", e.what);
    assert_int_equal(folded_lines(master, slave, "exit 1: "), 2);
    log_line(&log, LOG_ERROR, "[1/6]  short bs=4 cache=off  warm-up");
    assert_int_equal(folded_lines(master, slave, "[1/6]  short bs=4 cache=off  warm-up"),
                     1);
    (void)close(master);
    (void)close(slave);
}

static void words_from_outside_steer_no_terminal(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    struct log log;
    struct err e;
    log_init(&log, LOG_NOTE);
    log.fd = fds[1];
    log_line(&log, LOG_NOTE, "server: %s",
             "\x1b]0;x\x07\xc2\x9b"
             "2J\xe2\x80\xae");
    assert_string_equal(written(fds[0]), "server: \\x1b]0;x\\x07\\u009b2J\\u202e\n");
    (void)status_fail(&e, STATUS_ENGINE, "a\x1b[31m", "%s",
                      "no\ninferbench: all is well");
    log_error(&log, &e);
    assert_string_equal(written(fds[0]),
                        "inferbench: a\\x1b[31m: no\\ninferbench: all is well.\n");
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void a_closed_stderr_is_no_crash(void **state)
{
    (void)state;
    struct log log;
    int calls = 0;
    log_init(&log, LOG_NOTE);
    log.fd = -1;
    log.before = count_call;
    log.after = count_call;
    log.hook_arg = &calls;
    log_line(&log, LOG_NOTE, "into the void");
    assert_int_equal(calls, 2); /* what a progress line hid is shown again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_and_hooks),
        cmocka_unit_test(long_lines_are_cut_and_end),
        cmocka_unit_test(errors_in_a_pipe_are_one_line),
        cmocka_unit_test(lines_on_a_terminal_are_wrapped),
        cmocka_unit_test(words_from_outside_steer_no_terminal),
        cmocka_unit_test(a_closed_stderr_is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
