/* When results so far are saved, and that they are the journal's; tests/e2e and
 * tests/track have whole runs. */
#include "run/checkpoint.h"

#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "journal_fixture.h"
#include "run/mode.h"

struct fixture {
    struct journal_fixture fx;
    struct log out;
    struct run_host host;
    struct run_opts opts;
    struct arena arena;
    struct run run;
    int log[2];
    char told[2048];
    struct err e;
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    journal_fixture_init(&f.fx);
    assert_int_equal(pipe2(f.log, O_NONBLOCK | O_CLOEXEC), 0);
    log_init(&f.out, LOG_NOTE);
    f.out.fd = f.log[1];
    f.host = (struct run_host){.log = &f.out};
    f.opts = (struct run_opts){.output_dir = f.fx.dir, .save_every_ns = 60 * NS_PER_S};
    f.run = (struct run){.mode = &run_online,
                         .host = &f.host,
                         .opts = &f.opts,
                         .arena = &f.arena,
                         .data = f.fx.f.run,
                         .tracking = {.is_off = true},
                         .raw_dir = f.fx.dir,
                         .journal_path = f.fx.path,
                         .saved = clock_now()};
    arena_init(&f.arena, 1 << 20);
    assert_int_equal(journal_create(&f.run.journal, f.fx.path, clock_now(), &f.e),
                     STATUS_OK);
    assert_int_equal(journal_run(&f.run.journal, &f.run.data, &f.e), STATUS_OK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    journal_close(&f->run.journal);
    arena_fini(&f->arena);
    close(f->log[0]);
    close(f->log[1]);
    journal_fixture_fini(&f->fx);
    return 0;
}

/* Files of results after a pause between two cells. */
static size_t saved(struct fixture *f)
{
    char path[192];
    glob_t g;
    struct driver_pause pause = run_checkpoint(&f->run);
    pause.run(pause.arg);
    snprintf(path, sizeof path, "%s/*_results_*.json", f->fx.dir);
    size_t count = glob(path, 0, NULL, &g) == 0 ? g.gl_pathc : 0;
    ssize_t got = read(f->log[0], f->told, sizeof f->told - 1);
    f->told[got > 0 ? got : 0] = '\0';
    if (count > 0)
        assert_int_equal(unlink(g.gl_pathv[0]), 0);
    globfree(&g);
    return count;
}

static void once_a_minute(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(saved(f), 0);
    f->run.saved.ns -= 61 * NS_PER_S;
    assert_int_equal(saved(f), 1);
    assert_int_equal(saved(f), 0);
    assert_true(f->run.save_s > 0);
}

static void less_often_where_it_is_dear(void **state)
{
    struct fixture *f = *state;
    f->run.save_s = 2;
    f->run.saved.ns -= 199 * NS_PER_S;
    assert_int_equal(saved(f), 0);
    f->run.saved.ns -= 2 * NS_PER_S;
    assert_int_equal(saved(f), 1);
}

static void after_every_cell(void **state)
{
    struct fixture *f = *state;
    f->opts.save_every_ns = 0;
    f->run.save_s = 2;
    assert_int_equal(saved(f), 1);
    f->run.save_s = 2;
    assert_int_equal(saved(f), 1);
}

static void not_with_a_huge_journal(void **state)
{
    struct fixture *f = *state;
    f->opts.save_every_ns = 0;
    assert_int_equal(truncate(f->fx.path, ((off_t)256 << 20) + 1), 0);
    assert_int_equal(saved(f), 0);
}

static void what_fails_is_told(void **state)
{
    struct fixture *f = *state;
    f->opts.save_every_ns = 0;
    f->opts.output_dir = "/nowhere/at/all";
    assert_int_equal(saved(f), 0);
    journal_fixture_has(f->told, "/nowhere/at/all");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(once_a_minute),      TEST(less_often_where_it_is_dear),
        TEST(after_every_cell),   TEST(not_with_a_huge_journal),
        TEST(what_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
