#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report/progress.h"

struct fixture {
    int pipe[2];
    struct log log;
    struct progress p;
    char text[4096];
};

static void set_up(struct fixture *f, bool is_terminal)
{
    assert_int_equal(pipe(f->pipe), 0);
    assert_int_equal(fcntl(f->pipe[0], F_SETFL, O_NONBLOCK), 0);
    log_init(&f->log, LOG_NOTE);
    f->log.fd = f->pipe[1];
    progress_init(&f->p, &f->log, false);
    assert_false(f->p.line.is_terminal);
    f->p.line.is_terminal = is_terminal;
    f->p.num_runs = 3;
    f->p.repeats_planned = 6;
}

static const char *drain(struct fixture *f)
{
    ssize_t got = read(f->pipe[0], f->text, sizeof f->text - 1);
    f->text[got > 0 ? got : 0] = '\0';
    return f->text;
}

static void tear_down(struct fixture *f)
{
    progress_end(&f->p);
    assert_null(f->log.before);
    close(f->pipe[0]);
    close(f->pipe[1]);
}

static void a_pipe_gets_plain_lines(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, false);
    struct engine_progress ep = {.stage = "loading", .since = clock_now()};
    progress_tick(&f.p, &ep);
    assert_string_equal(drain(&f), "loading\n");
    progress_tick(&f.p, &ep);
    assert_string_equal(drain(&f), "");
    progress_repeat(&f.p, "short bs=4 cache=off", 0, 512);
    static const char *const silent[] = {"ready", "running", "ready", "running"};
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        ep.stage = silent[i];
        progress_tick(&f.p, &ep);
        assert_string_equal(drain(&f), "");
    }
    progress_repeat_done(&f.p, 412.34, NULL);
    assert_non_null(
        strstr(drain(&f), "[1/6]  short bs=4 cache=off  warm-up  412.3 tokens/s"));
    progress_repeat(&f.p, "short bs=4 cache=off", 1, 512);
    progress_repeat_done(&f.p, NAN, "worker died");
    drain(&f);
    assert_non_null(
        strstr(f.text, "[2/6]  short bs=4 cache=off  run 1/2  failed: worker died"));
    assert_null(strchr(f.text, '\r'));
    assert_int_equal(f.p.repeats_done, 2);
    ep.stage = "loading"; /* another engine */
    progress_tick(&f.p, &ep);
    assert_int_equal(strncmp(drain(&f), "loading  about", 14), 0);
    f.p.line.last_shown.ns -= 61 * NS_PER_S;
    ep.since.ns -= 61 * NS_PER_S;
    progress_tick(&f.p, &ep);
    assert_int_equal(strncmp(drain(&f), "loading  for 1:01", 17), 0);
    tear_down(&f);
}

static void a_pipe_hears_once_a_minute(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, false);
    struct engine_progress ep = {.stage = "running", .tokens_out = 256};
    progress_repeat(&f.p, "short bs=4 cache=off", 1, 512);
    progress_tick(&f.p, &ep);
    assert_string_equal(drain(&f), "");
    f.p.start.ns -= 61 * NS_PER_S;
    progress_tick(&f.p, &ep);
    assert_non_null(strstr(drain(&f), "run 1/2"));
    assert_non_null(strstr(f.text, "50%"));
    progress_tick(&f.p, &ep);
    assert_string_equal(drain(&f), "");
    f.p.line.last_shown.ns -= 61 * NS_PER_S;
    progress_tick(&f.p, &ep);
    assert_non_null(strstr(drain(&f), "run 1/2"));
    tear_down(&f);
}

static void a_terminal_gets_one_live_line(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, true);
    f.p.line.columns = 60;
    f.p.planned_s = 1000.0;
    progress_repeat(&f.p, "a very long name of a scenario bs=16 cache=off", 1, 512);
    struct engine_progress ep = {.stage = "running", .tokens_out = 256};
    progress_tick(&f.p, &ep);
    const char *text = drain(&f);
    assert_int_equal(text[0], '\r');
    assert_null(strchr(text, '\n'));
    assert_int_equal(strlen(text), 1 + 59 + 3);
    progress_tick(&f.p, &ep);
    assert_string_equal(drain(&f), "");
    log_line(&f.log, LOG_WARN, "watch out");
    drain(&f);
    assert_int_equal(strncmp(f.text, "\r\033[K", 4), 0);
    assert_non_null(strstr(f.text, "watch out\n"));
    progress_repeat_done(&f.p, 1.0, NULL);
    assert_string_equal(drain(&f), "");
    tear_down(&f);
}

static void time_left_comes_from_the_plan_or_the_pace(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, true);
    f.p.line.columns = 200;
    f.p.planned_s = 605.0;
    struct engine_progress ep = {.stage = "loading", .since = clock_now()};
    progress_tick(&f.p, &ep);
    assert_non_null(strstr(drain(&f), "about 10:0"));
    f.p.planned_s = NAN;
    progress_repeat(&f.p, "short bs=4 cache=off", 1, 512);
    f.p.repeats_done = 2;
    f.p.first_repeat.ns -= 200 * NS_PER_S;
    f.p.line.last_shown.ns = 0;
    ep.stage = "running";
    progress_tick(&f.p, &ep);
    assert_non_null(strstr(drain(&f), "[3/6]"));
    assert_non_null(strstr(f.text, "about 6:40 left"));
    tear_down(&f);
}

static struct progress_load load_of(int64_t failed)
{
    return (struct progress_load){.phase = "drain",
                                  .sent = 420,
                                  .done = 410,
                                  .failed = failed,
                                  .in_flight = 8,
                                  .share = 0.5,
                                  .tokens_per_s = 1234.5,
                                  .ttft_p50_ms = 23.4,
                                  .ttft_p99_ms = 145.2,
                                  .itl_p50_ms = 9.87,
                                  .itl_p99_ms = 12.3};
}

/* The widest line that the terminal holds; the load itself is the last to go. The time
 * left, 6:40, is that of a clock. */
static void a_load_fits_its_terminal(void **state)
{
    static const struct {
        int64_t columns, failed;
        const char *line;
    } cases[] = {
        {160, 2,
         "[3/6]  short c=8 cache=off  run 1/2  drain  420 sent  410 done  2 failed  8 "
         "open  1234 tok/s  TTFT 23/145 ms  ITL 9.9/12 ms  6:4"},
        {110, 2,
         "[3/6] run 1/2 drain 420 sent 410 done 2 failed 8 open 1234 tok/s TTFT 23/145 "
         "ms ITL 9.9/12 ms 6:4"},
        {86, 2,
         "drain 420 sent 410 done 2 failed 8 open 1234 tok/s TTFT 23/145 ms ITL 9.9/12 "
         "ms 6:4"},
        {80, 2,
         "drain 420 sent 410 done 2 failed 8 open 1234 tok/s TTFT 23/145 ITL 9.9/12 6:4"},
        {80, 0,
         "drain 420 sent 410 done 8 open 1234 tok/s TTFT 23/145 ms ITL 9.9/12 ms 6:4"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        set_up(&f, true);
        f.p.line.columns = cases[i].columns;
        progress_repeat(&f.p, "short c=8 cache=off", 1, 0);
        f.p.repeats_done = 2;
        f.p.first_repeat.ns -= 2 * NS_PER_S * 1000 / 7; /* 2.5 repeats of 6 */
        struct progress_load load = load_of(cases[i].failed);
        progress_load(&f.p, &load);
        size_t length = strlen(cases[i].line);
        const char *text = drain(&f);
        if (strncmp(text + 1, cases[i].line, length) != 0)
            fail_msg("%d columns: %s", (int)cases[i].columns, text);
        assert_string_equal(text + 1 + length + 1, i < 2 ? " left\033[K" : "\033[K");
        progress_load(&f.p, &load); /* not yet again */
        assert_string_equal(drain(&f), "");
        tear_down(&f);
    }
}

static void what_a_load_does_not_know_is_left_out(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, true);
    f.p.line.columns = 200;
    f.p.repeats_planned = 0;
    progress_repeat(&f.p, "short 4/s", 0, 0);
    struct progress_load load = {.phase = "ramp-up",
                                 .share = NAN,
                                 .tokens_per_s = NAN,
                                 .ttft_p50_ms = 1500,
                                 .ttft_p99_ms = NAN,
                                 .itl_p50_ms = NAN,
                                 .itl_p99_ms = NAN};
    progress_load(&f.p, &load);
    assert_string_equal(
        drain(&f), "\rshort 4/s  warm-up  ramp-up  0 sent  0 done  0 failed  0 open  "
                   "TTFT 1500/- ms\033[K");
    tear_down(&f);
}

static void a_pipe_gets_a_line_for_each_load(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, false);
    struct progress_load load = load_of(2);
    progress_repeat(&f.p, "short c=8", 1, 0);
    progress_load(&f.p, &load);
    assert_string_equal(drain(&f), "");
    progress_load_done(&f.p, &load, NULL);
    assert_string_equal(drain(&f), "[1/6]  short c=8  run 1/2  410 done  2 failed  1234 "
                                   "tok/s  TTFT 23/145 ms  ITL 9.9/12 ms\n");
    assert_int_equal(f.p.repeats_done, 1);
    progress_repeat(&f.p, "short c=8", 2, 0);
    f.p.line.last_shown.ns -= 61 * NS_PER_S;
    progress_load(&f.p, &load);
    assert_non_null(strstr(drain(&f), "run 2/2  drain  420 sent"));
    progress_load_done(&f.p, &load, "the server is gone");
    assert_non_null(strstr(drain(&f), "  failed: the server is gone\n"));
    tear_down(&f);
}

static void a_lost_terminal_is_left_alone(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, true);
    int file[2];
    assert_int_equal(pipe(file), 0);
    progress_detach(&f.p, file[1]);
    struct engine_progress ep = {.stage = "loading", .since = clock_now()};
    progress_tick(&f.p, &ep);
    assert_string_equal(drain(&f), "");
    ssize_t got = read(file[0], f.text, sizeof f.text - 1);
    assert_true(got > 0);
    f.text[got] = '\0';
    assert_non_null(strstr(f.text, "loading"));
    progress_detach(&f.p, -1);
    ep.stage = "compiling";
    progress_tick(&f.p, &ep);
    close(file[0]);
    close(file[1]);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_gets_plain_lines),
        cmocka_unit_test(a_pipe_hears_once_a_minute),
        cmocka_unit_test(a_terminal_gets_one_live_line),
        cmocka_unit_test(time_left_comes_from_the_plan_or_the_pace),
        cmocka_unit_test(a_load_fits_its_terminal),
        cmocka_unit_test(what_a_load_does_not_know_is_left_out),
        cmocka_unit_test(a_pipe_gets_a_line_for_each_load),
        cmocka_unit_test(a_lost_terminal_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
