#include "folder_fixture.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define MOST 16

/* What is left to the end of this process, and of no child of it. */
static const char *left[MOST];
static int left_count;
static pid_t owner;

void folder_fixture_make(char dir[FOLDER_FIXTURE_BYTES])
{
    (void)snprintf(dir, FOLDER_FIXTURE_BYTES, "/tmp/inferbench_test_XXXXXX");
    assert_non_null(mkdtemp(dir));
}

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int remove_all(const char *dir)
{
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void folder_fixture_remove(const char *dir)
{
    assert_true(access(dir, F_OK) != 0 || remove_all(dir) == 0);
}

static void remove_left(void)
{
    for (int i = 0; getpid() == owner && i < left_count; i++)
        (void)remove_all(left[i]);
}

void folder_fixture_remove_at_exit(const char *dir)
{
    assert_true(left_count < MOST);
    if (left_count == 0)
        assert_int_equal(atexit(remove_left), 0);
    owner = getpid();
    left[left_count++] = dir;
}
