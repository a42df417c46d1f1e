#include "report/meter.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct fixture {
    int pipe[2];
    struct log log;
    struct meter m;
    char text[2048];
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    assert_int_equal(pipe2(f.pipe, O_NONBLOCK | O_CLOEXEC), 0);
    log_init(&f.log, LOG_NOTE);
    f.log.fd = f.pipe[1];
    meter_begin(&f.m, &f.log, "rows sent to MLflow");
    assert_false(f.m.line.is_terminal);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    meter_end(&f->m);
    assert_null(f->log.before);
    close(f->pipe[0]);
    close(f->pipe[1]);
    return 0;
}

static const char *told(struct fixture *f)
{
    ssize_t got = read(f->pipe[0], f->text, sizeof f->text - 1);
    f->text[got > 0 ? got : 0] = '\0';
    return f->text;
}

static void pass(struct fixture *f, int64_t seconds)
{
    f->m.start.ns -= seconds * NS_PER_S;
    f->m.line.last_shown.ns -= seconds * NS_PER_S;
}

static void a_pipe_gets_a_line_now_and_then(void **state)
{
    struct fixture *f = *state;
    meter_tick(&f->m, 10, 40);
    assert_string_equal(told(f), "");
    pass(f, 11);
    meter_tick(&f->m, 10, 40);
    assert_int_equal(strncmp(told(f), "10/40 rows sent to MLflow  0.9", 30), 0);
    assert_non_null(strstr(f->text, "/s  about 0:33 left\n"));
    meter_tick(&f->m, 11, 40);
    assert_string_equal(told(f), "");
    pass(f, 11);
    meter_tick(&f->m, 0, 40); /* no rate yet */
    assert_string_equal(told(f), "0/40 rows sent to MLflow\n");
}

static void a_terminal_gets_one_line(void **state)
{
    struct fixture *f = *state;
    f->m.line.is_terminal = true;
    pass(f, 1);
    meter_tick(&f->m, 1, 2);
    assert_int_equal(strncmp(told(f), "\r1/2 rows sent to MLflow", 24), 0);
    assert_non_null(strstr(f->text, "left\033[K"));
    assert_null(strchr(f->text, '\n'));
    log_line(&f->log, LOG_WARN, "aside");
    assert_string_equal(told(f), "\r\033[Kaside\n");
    meter_tick(&f->m, 1, 2); /* back at once */
    assert_true(f->m.line.is_open);
    told(f);
    meter_end(&f->m);
    assert_string_equal(told(f), "\r\033[K");
    meter_end(&f->m);
    assert_string_equal(told(f), "");
}

static void quiet_is_quiet(void **state)
{
    struct fixture *f = *state;
    f->log.level = LOG_WARN;
    pass(f, 100);
    meter_tick(&f->m, 1, 2);
    assert_string_equal(told(f), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_pipe_gets_a_line_now_and_then),
        TEST(a_terminal_gets_one_line),
        TEST(quiet_is_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
