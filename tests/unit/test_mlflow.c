/* mlflow.c: what is made of a server's answers; tests/track has a real one. */
#include "track/mlflow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "http_fixture.h"

#define GET_BY_NAME "GET /api/2.0/mlflow/experiments/get-by-name"

struct fixture {
    struct http_fixture server;
    struct http_fixture_page pages[4];
    struct account account;
    struct mlflow m;
    struct arena arena;
    struct err e;
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    arena_init(&f.arena, 1 << 20);
    f.server.answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>";
    f.server.pages = f.pages;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mlflow_close(&f->m);
    mlflow_close(&f->m);
    http_fixture_stop(&f->server);
    arena_fini(&f->arena);
    return 0;
}

static void start(struct fixture *f)
{
    http_fixture_start(&f->server);
    f->account = (struct account){.base = f->server.url};
    assert_int_equal(mlflow_open(&f->m, &f->account, &f->e), STATUS_OK);
}

static void page(struct fixture *f, const char *request, int status, const char *body)
{
    f->pages[f->server.page_count++] = (struct http_fixture_page){request, status, body};
}

static void an_experiment(void **state)
{
    struct fixture *f = *state;
    const char *id;
    page(f, GET_BY_NAME, 200,
         "{\"experiment\": {\"experiment_id\": \"7\", \"lifecycle_stage\": \"active\"}}");
    start(f);
    assert_int_equal(mlflow_experiment(&f->m, "a b/\xC3\xA9", &f->arena, &id, &f->e),
                     STATUS_OK);
    assert_string_equal(id, "7");
    assert_true(http_fixture_saw(&f->server, "experiment_name=a%20b%2F%C3%A9 "));
}

static enum status count_run(void *arg, json_t *run, struct err *e)
{
    (void)run, (void)e;
    ++*(int *)arg;
    return STATUS_OK;
}

#define SEARCH "POST /api/2.0/mlflow/runs/search"

static enum status search(struct fixture *f, int *count)
{
    const struct mlflow_query q = {
        .experiment_id = "7", .filter = "", .take = count_run, .arg = count};
    *count = 0;
    return mlflow_search(&f->m, &q, &f->e);
}

static void pages_that_do_not_end_are_left(void **state)
{
    struct fixture *f = *state;
    int count;
    page(f, SEARCH, 200, "{\"runs\": [{}], \"next_page_token\": \"again\"}");
    start(f);
    assert_int_equal(search(f, &count), STATUS_BAD_INPUT);
    assert_string_equal(f->e.what, "its list of runs does not end");
    assert_int_equal(f->server.requests, 2);
}

static bool stop_now(void *unused)
{
    (void)unused;
    return true;
}

static int asked;

static bool stop_soon(void *unused)
{
    (void)unused;
    return asked++ > 0;
}

/* Asked for before: what was measured is still logged. */
static void a_stop_ends_a_search(void **state)
{
    struct fixture *f = *state;
    int count;
    page(f, SEARCH, 200, "{\"runs\": [{}, {}]}");
    start(f);
    f->m.stop = stop_now;
    assert_int_equal(search(f, &count), STATUS_OK);
    assert_int_equal(count, 2);
    f->m.stop = stop_soon;
    assert_int_equal(search(f, &count), STATUS_INTERRUPTED);
    assert_int_equal(count, 0);
}

static void names_of_a_server_lead_nowhere_else(void **state)
{
    struct fixture *f = *state;
    json_t *run = NULL;
    page(f, "GET /api/2.0/mlflow/runs/get?run_id=..%2F..%2Fx%3F%26y%23%0D%0A", 200,
         "{\"run\": {}}");
    page(f, "GET /api/2.0/mlflow-artifacts/artifacts/1/r%3Fa%23b%2520/row%3F.json", 200,
         "x");
    start(f);
    assert_int_equal(mlflow_get(&f->m, "../../x?&y#\r\n", &run, &f->e), STATUS_OK);
    json_decref(run);
    assert_int_equal(
        mlflow_fetch(&f->m, "mlflow-artifacts://1//r?a#b%20", "row?.json", &f->e),
        STATUS_OK);
    static const char *const uris[] = {"mlflow-artifacts:/1/../../../../admin",
                                       "mlflow-artifacts:..", "mlflow-artifacts:/1/./x"};
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++)
        assert_int_equal(mlflow_fetch(&f->m, uris[i], "row.json", &f->e),
                         STATUS_BAD_INPUT);
    assert_int_equal(
        mlflow_put(&f->m, "mlflow-artifacts:/1", "../row.json", str_from("x"), &f->e),
        STATUS_BAD_INPUT);
    assert_non_null(strstr(f->e.what, "leads out of"));
    assert_int_equal(f->server.requests, 2);
}

static void a_deleted_experiment_is_restored(void **state)
{
    struct fixture *f = *state;
    const char *id;
    page(
        f, GET_BY_NAME, 200,
        "{\"experiment\": {\"experiment_id\": \"7\", \"lifecycle_stage\": \"deleted\"}}");
    page(f, "POST /api/2.0/mlflow/experiments/restore", 200, "{}");
    start(f);
    assert_int_equal(mlflow_experiment(&f->m, "x", &f->arena, &id, &f->e), STATUS_OK);
    assert_true(http_fixture_saw(&f->server, "{\"experiment_id\":\"7\"}"));
}

static void one_that_cannot_be_restored_is_named(void **state)
{
    struct fixture *f = *state;
    const char *id;
    page(
        f, GET_BY_NAME, 200,
        "{\"experiment\": {\"experiment_id\": \"7\", \"lifecycle_stage\": \"deleted\"}}");
    page(f, "POST /api/2.0/mlflow/experiments/restore", 400,
         "{\"error_code\": \"BAD_REQUEST\", \"message\": \"no\\nmore\"}");
    start(f);
    assert_int_not_equal(mlflow_experiment(&f->m, "old one", &f->arena, &id, &f->e),
                         STATUS_OK);
    assert_string_equal(f->e.where, "old one");
    assert_non_null(strstr(f->e.what, "BAD_REQUEST: no"));
    assert_null(strstr(f->e.what, "more"));
    assert_non_null(strstr(f->e.hint, "--mlflow-experiment"));
}

static void something_else_at_that_address(void **state)
{
    struct fixture *f = *state;
    const char *id;
    start(f);
    assert_int_not_equal(mlflow_experiment(&f->m, "x", &f->arena, &id, &f->e), STATUS_OK);
    assert_non_null(strstr(f->e.what, "answers 404"));
    assert_non_null(strstr(f->e.hint, "Is there an MLflow server"));
    assert_null(strstr(f->e.what, "html"));
}

static void a_busy_server_is_asked_again(void **state)
{
    struct fixture *f = *state;
    f->server.answer = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n";
    start(f);
    f->m.tries = 3;
    json_t *run = NULL;
    assert_int_not_equal(mlflow_get(&f->m, "abc", &run, &f->e), STATUS_OK);
    assert_null(run);
    assert_int_equal(f->server.requests, 3);
}

static void a_store_that_takes_nothing_is_not(void **state)
{
    struct fixture *f = *state;
    page(f, "PUT /api/2.0/mlflow-artifacts/artifacts/1/r/artifacts/row.json", 503,
         "{\"detail\": \"disabled\"}");
    start(f);
    assert_int_equal(mlflow_put(&f->m, "mlflow-artifacts:/1/r/artifacts", "row.json",
                                str_from("{}"), &f->e),
                     STATUS_UNSUPPORTED);
    assert_int_equal(f->server.requests, 1);
    assert_int_equal(
        mlflow_put(&f->m, "/mnt/mlruns/1", "row.json", str_from("{}"), &f->e),
        STATUS_UNSUPPORTED);
    assert_int_equal(f->server.requests, 1);
}

/* The name of a file is one name, whatever it would mean in a URL. */
static void names_of_artifacts(void **state)
{
    static const char odd[] = "environment/a b%2e%2e%2f?x#y\n.json";
    struct fixture *f = *state;
    page(f,
         "PUT /api/2.0/mlflow-artifacts/artifacts/1/r/artifacts/"
         "environment/a%20b%252e%252e%252f%3Fx%23y%0A.json",
         200, "{}");
    start(f);
    assert_int_equal(
        mlflow_put(&f->m, "mlflow-artifacts:/1/r/artifacts", odd, str_from("{}"), &f->e),
        STATUS_OK);
}

static void time_is_over(void **state)
{
    struct fixture *f = *state;
    json_t *run = NULL;
    start(f);
    f->m.give_up = clock_now();
    assert_int_equal(mlflow_get(&f->m, "abc", &run, &f->e), STATUS_TIMEOUT);
    assert_int_equal(f->server.requests, 0);
}

static void members_of_a_run(void **state)
{
    (void)state;
    json_t *run = json_pack("{s:{s:s},s:{s:[{s:s,s:s}]}}", "info", "run_id", "r", "data",
                            "tags", "key", "a", "value", "b");
    assert_string_equal(mlflow_info(run, "run_id"), "r");
    assert_string_equal(mlflow_tag(run, "a"), "b");
    assert_null(mlflow_tag(run, "c"));
    assert_null(mlflow_info(NULL, "run_id"));
    json_decref(run);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_experiment),
        TEST(pages_that_do_not_end_are_left),
        TEST(a_stop_ends_a_search),
        TEST(names_of_a_server_lead_nowhere_else),
        TEST(a_deleted_experiment_is_restored),
        TEST(one_that_cannot_be_restored_is_named),
        TEST(something_else_at_that_address),
        TEST(a_busy_server_is_asked_again),
        TEST(a_store_that_takes_nothing_is_not),
        TEST(names_of_artifacts),
        TEST(time_is_over),
        cmocka_unit_test(members_of_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
