/* A whole run as a library: no process, no command line, the null engine. */
#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "run/execute.h"
#include "run/finish.h"
#include "run_fixture.h"

struct fixture {
    struct run_fixture fx;
    struct buf printed;
};

static bool print(void *arg, const char *text)
{
    buf_text(arg, text);
    return true;
}

static int setup(void **state)
{
    static struct fixture f;
    run_fixture_init(&f.fx, &run_offline);
    buf_init(&f.printed, 1 << 20);
    f.fx.host.print = print;
    f.fx.host.arg = &f.printed;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    buf_fini(&f->printed);
    run_fixture_fini(&f->fx);
    return 0;
}

static size_t files(struct fixture *f, const char *pattern)
{
    char path[192];
    glob_t g;
    snprintf(path, sizeof path, "%s/%s", f->fx.fx.dir, pattern);
    size_t count = glob(path, 0, NULL, &g) == 0 ? g.gl_pathc : 0;
    globfree(&g);
    return count;
}

static void from_options_to_table(void **state)
{
    struct fixture *f = *state;
    struct run *r = &f->fx.run;
    run_fixture_ok(&f->fx, "--quiet --scenarios short --batch-sizes 1 2 --max-tokens 8");
    r->tracking.is_off = true;
    if (run_fixture_open(&f->fx) != STATUS_OK)
        fail_msg("%s: %s", f->fx.e.where, f->fx.e.what);
    enum status s = run_execute(r, &f->fx.e);
    assert_int_equal(run_finish(r, s, &f->fx.e), RUN_DONE);
    assert_int_equal(r->outcome.cells_failed, 0);
    journal_fixture_has(buf_cstr(&f->printed), "inferbench merge collected/*/*.json");
    journal_fixture_has(buf_cstr(&f->printed),
                        "/offline_results_*.json' collected/HOST/\n");
    journal_fixture_has(buf_cstr(&f->printed), "short");
    assert_int_equal(files(f, "offline_results_*.json"), 1);
    assert_int_equal(files(f, "raw_*/journal.jsonl"), 1);
}

static void a_folder_that_cannot_be_made(void **state)
{
    struct fixture *f = *state;
    run_fixture_ok(&f->fx, "--output-dir /proc/nowhere");
    assert_int_not_equal(run_fixture_open(&f->fx), STATUS_OK);
    assert_int_equal(f->fx.run.journal.fd, -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(from_options_to_table),
        TEST(a_folder_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
