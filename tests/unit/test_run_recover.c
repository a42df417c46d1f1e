#include "run/recover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/file.h"
#include "journal_fixture.h"
#include "ranks_fixture.h"

#define RAW "raw_20251125_180807"

static struct ranks_fixture fx;

static int setup(void **state)
{
    (void)state;
    ranks_fixture_init(&fx, 160);
    ranks_fixture_write(&fx);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ranks_fixture_fini(&fx);
    return 0;
}

/* Recovers those folders, and compares the place with `want` in fx.dir. */
static void expect_place(const struct recover_from *from, const char *want)
{
    struct arena a;
    struct recovery r;
    struct err e;
    const char *raw_dir;
    char path[160];
    arena_init(&a, (size_t)1 << 30);
    if (run_recover(from, &a, &r, &raw_dir, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    (void)snprintf(path, sizeof path, "%s%s", fx.dir, want);
    assert_string_equal(raw_dir, path);
    assert_int_equal(r.run.repeat_count, RANKS_FIXTURE_REPEATS);
    assert_int_equal(r.results.failed_rows, 0);
    assert_true(file_exists(r.results.results_path));
    arena_fini(&a);
}

static void expect_failure(const struct recover_from *from, const char *text)
{
    struct arena a;
    struct recovery r;
    struct err e;
    const char *raw_dir;
    arena_init(&a, (size_t)1 << 30);
    assert_int_not_equal(run_recover(from, &a, &r, &raw_dir, &e), STATUS_OK);
    journal_fixture_has(e.what, text);
    arena_fini(&a);
}

/* The folder that holds them, or each of them. */
static void test_one_place(void **state)
{
    const char *dir = fx.dir, *one = fx.dirs[3];
    (void)state;
    expect_place(&(struct recover_from){&dir, 1, fx.merged}, "");
    expect_place(&(struct recover_from){fx.dirs, RANKS_FIXTURE_COUNT, fx.merged}, "");
    expect_failure(&(struct recover_from){&one, 1, fx.merged},
                   "the journal of rank 0 is missing");
}

/* Copied from the machines, each as it was there. */
static void test_copies(void **state)
{
    static char dirs[RANKS_FIXTURE_COUNT][128];
    const char *list[RANKS_FIXTURE_COUNT];
    char to[160], out[96];
    struct err e;
    (void)state;
    for (int k = 0; k < RANKS_FIXTURE_COUNT; k++) {
        (void)snprintf(dirs[k], sizeof dirs[k], "%s/m%d/" RAW, fx.dir, k);
        (void)snprintf(to, sizeof to, "%.127s/rank_%d", dirs[k], k);
        assert_int_equal(file_make_dirs(dirs[k], &e), STATUS_OK);
        assert_int_equal(rename(fx.raw[k], to), 0);
        list[k] = dirs[k];
    }
    struct recover_from from = {list, RANKS_FIXTURE_COUNT, NULL};
    expect_failure(&from, "the folders of the ranks are in different places");
    (void)snprintf(out, sizeof out, "%s/all", fx.dir);
    from.output_dir = out;
    expect_place(&from, "/all/" RAW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_place, setup, tear_down),
        cmocka_unit_test_setup_teardown(test_copies, setup, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
