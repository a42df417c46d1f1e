#include "net/ranks_mpi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "folder_fixture.h"

static char dir[FOLDER_FIXTURE_BYTES];

static int setup(void **state)
{
    static const char *const variables[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
                                            "SLURM_STEP_NUM_TASKS", "PMIX_RANK",
                                            "SLURM_PROCID"};
    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        assert_int_equal(unsetenv(variables[i]), 0);
    folder_fixture_make(dir);
    return setenv("INFERBENCH_PLUGIN_DIR", dir, 1);
}

static int tear_down(void **state)
{
    (void)state;
    folder_fixture_remove(dir);
    return 0;
}

static void started_by(const char *variable, const char *value)
{
    assert_int_equal(setenv(variable, value, 1), 0);
}

static void expect(const char *which, enum status s, const char *text)
{
    const struct ranks_link *link = NULL;
    struct err e = {0};
    enum status got = ranks_mpi_find(which, &link, &e);
    if (got != s || link != NULL || strstr(e.what, text) == NULL)
        fail_msg("status %d instead of %d, \"%s\" instead of \"%s\"", (int)got, (int)s,
                 e.what, text);
}

static void test_alone(void **state)
{
    (void)state;
    expect("auto", STATUS_OK, "");
    expect("openmpi", STATUS_OK, "");
    started_by("PMI_SIZE", "1");
    expect("auto", STATUS_OK, "");
    started_by("PMI_SIZE", "4");
    expect("none", STATUS_OK, "");
}

static void test_refused(void **state)
{
    (void)state;
    started_by("SLURM_STEP_NUM_TASKS", "4");
    started_by("SLURM_PROCID", "2");
    expect("auto", STATUS_UNSUPPORTED, "4 processes were started without MPI");
    started_by("OMPI_COMM_WORLD_SIZE", "4");
    expect("auto", STATUS_NOT_FOUND, "OMPI_COMM_WORLD_SIZE is set, but the plugin");
}

/* A library with the symbol and a number behind it, as a plugin of another build is. */
static void compile(const char *name, const char *symbol)
{
    char command[512];
    (void)snprintf(command, sizeof command,
                   "echo 'const int %s[16] = {7};' |"
                   " cc -shared -fPIC -x c - -o %s/inferbench-mpi-%s.so 2>/dev/null",
                   symbol, dir, name);
    if (system(command) != 0) /* NOLINT: a command of the test's own */
        skip();
}

static void test_other_version(void **state)
{
    (void)state;
    compile("mpich", RANKS_LINK_SYMBOL);
    compile("openmpi", "something_else");
    started_by("PMI_SIZE", "4");
    expect("auto", STATUS_UNSUPPORTED, "version 7 of the plugin, 1 is needed");
    expect("openmpi", STATUS_UNSUPPORTED, RANKS_LINK_SYMBOL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, tear_down)
    const struct CMUnitTest tests[] = {TEST(test_alone), TEST(test_refused),
                                       TEST(test_other_version)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
