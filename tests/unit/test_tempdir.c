#include "base/tempdir.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"

static const char *const names[] = {"a", "b", NULL};
static char where[64];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(where, sizeof where, "/tmp/test_tempdir_XXXXXX");
    if (mkdtemp(where) == NULL)
        return -1;
    return setenv("TMPDIR", where, 1);
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(where); /* nothing is left */
}

static const char *at(const char *folder, const char *name)
{
    static char path[2][4200];
    static int turn;
    turn = !turn;
    (void)snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void put(const char *folder, const char *name)
{
    struct err e;
    assert_int_equal(file_replace(at(folder, name), (struct str){"x", 1}, &e), STATUS_OK);
}

/* As if it were made an hour ago. */
static void age(const char *path)
{
    const struct timespec then = {.tv_sec = (time_t)(clock_wall().ns / NS_PER_S) - 3600};
    const struct timespec times[2] = {then, then};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void it_is_private_and_goes(void **state)
{
    (void)state;
    struct tempdir d;
    struct err e;
    struct stat st;
    assert_int_equal(tempdir_make(&d, "worker", names, &e), STATUS_OK);
    assert_int_equal(stat(d.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    put(d.path, "a");
    char path[TEMPDIR_BYTES];
    memcpy(path, d.path, sizeof path);
    tempdir_drop(&d, names);
    tempdir_drop(&d, names);
    assert_false(file_exists(path));
}

static void what_was_left_is_cleared(void **state)
{
    (void)state;
    struct tempdir alive, next;
    struct err e;
    char left[128];
    (void)snprintf(left, sizeof left, "%s/inferbench-worker-abcdef", where);
    assert_int_equal(mkdir(left, 0700), 0);
    put(left, "a");
    put(left, "b");
    age(left);
    assert_int_equal(mkdir(at(where, "inferbench-other-abcdef"), 0700), 0);
    age(at(where, "inferbench-other-abcdef"));
    assert_int_equal(mkdir(at(where, "inferbench-worker-young1"), 0700), 0);
    assert_int_equal(
        symlink("inferbench-other-abcdef", at(where, "inferbench-worker-link01")), 0);
    assert_int_equal(tempdir_make(&alive, "worker", names, &e), STATUS_OK);
    assert_false(file_exists(at(where, "inferbench-worker-abcdef")));
    age(alive.path);
    assert_int_equal(tempdir_make(&next, "worker", names, &e), STATUS_OK);
    assert_true(file_exists(alive.path)); /* it is locked */
    assert_true(file_exists(at(where, "inferbench-other-abcdef")));
    assert_true(file_exists(at(where, "inferbench-worker-young1")));
    tempdir_drop(&alive, names);
    tempdir_drop(&next, names);
    assert_int_equal(unlink(at(where, "inferbench-worker-link01")), 0);
    assert_int_equal(rmdir(at(where, "inferbench-worker-young1")), 0);
    assert_int_equal(rmdir(at(where, "inferbench-other-abcdef")), 0);
}

static void no_place_is_said(void **state)
{
    (void)state;
    struct tempdir d;
    struct err e;
    setenv("TMPDIR", "/proc/none", 1);
    assert_int_not_equal(tempdir_make(&d, "worker", names, &e), STATUS_OK);
    assert_string_equal(e.where, "/proc/none");
    assert_non_null(strstr(e.hint, "TMPDIR"));
    tempdir_drop(&d, names);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(it_is_private_and_goes),
                                       TEST(what_was_left_is_cleared),
                                       TEST(no_place_is_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
