/* tracking.c: MLflow at the start and at the end of a run, with a server that is not
 * there; tests/mlflow has a real one. */
#include "track/tracking.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "results_file_fixture.h"

#define NOBODY "http://127.0.0.1:1"

struct fixture {
    struct results_file_fixture files;
    struct log log;
    struct tracking t;
    struct err e;
    int pipe[2];
    char text[4096];
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    results_file_fixture_init(&f.files);
    assert_int_equal(pipe2(f.pipe, O_NONBLOCK | O_CLOEXEC), 0);
    log_init(&f.log, LOG_NOTE);
    f.log.fd = f.pipe[1];
    f.t = (struct tracking){.log = &f.log,
                            .arena = &f.files.arena,
                            .uri = NOBODY,
                            .default_experiment = ENTRY_OFFLINE_EXPERIMENT};
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    close(f->pipe[0]);
    close(f->pipe[1]);
    results_file_fixture_fini(&f->files);
    return 0;
}

static const char *told(struct fixture *f)
{
    ssize_t got = read(f->pipe[0], f->text, sizeof f->text - 1);
    f->text[got > 0 ? got : 0] = '\0';
    return f->text;
}

static void nobody_at_a_named_server(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(tracking_choose(&f->t, &f->e), STATUS_OK);
    tracking_greet(&f->t);
    assert_false(f->t.is_off);
    assert_non_null(strstr(told(f), "sent again at the end"));
    const char *path = results_file_fixture_put(
        &f->files, "offline_results_1.json",
        "{\"metadata\": {\"format\": 1}, \"results\": [{\"run_id\": \"ab\", \"row\": 0, "
        "\"serving_mode\": \"offline\", \"experiment_id\": \"x\", "
        "\"timestamp\": \"2026-01-01T00:00:00\"}]}");
    assert_null(tracking_log(&f->t, path, "/my raw_1"));
    const char *text = told(f);
    assert_non_null(strstr(text, "1 of 1 rows are not logged"));
    assert_non_null(strstr(text, "inferbench mlflow sync '/my raw_1'"));
}

static void nobody_at_the_default_address(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(tracking_choose(&f->t, &f->e), STATUS_OK);
    f->t.account.is_default = true;
    tracking_greet(&f->t);
    assert_true(f->t.is_off);
    assert_non_null(strstr(told(f), "no MLflow server"));
    assert_null(tracking_log(&f->t, "/nowhere.json", "raw_1"));
    assert_string_equal(told(f), "");
}

static void switched_off(void **state)
{
    struct fixture *f = *state;
    f->t.is_off = true;
    f->t.uri = "sqlite:///x";
    assert_int_equal(tracking_choose(&f->t, &f->e), STATUS_OK);
    tracking_greet(&f->t);
    assert_null(tracking_log(&f->t, "/nowhere.json", "raw_1"));
    assert_string_equal(told(f), "");
}

static void no_server_at_all(void **state)
{
    struct fixture *f = *state;
    f->t.uri = "sqlite:///x";
    assert_int_equal(tracking_choose(&f->t, &f->e), STATUS_BAD_OPTION);
}

static void who_runs_it(void **state)
{
    (void)state;
    assert_int_equal(setenv("USER", "jane", 1), 0);
    assert_string_equal(tracking_user(), "jane");
    assert_int_equal(unsetenv("USER"), 0);
    (void)tracking_user();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nobody_at_a_named_server),
        TEST(nobody_at_the_default_address),
        TEST(switched_off),
        TEST(no_server_at_all),
        TEST(who_runs_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
