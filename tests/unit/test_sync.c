/* sync.c: what is sent, left alone and left over, with pages in place of a server;
 * tests/track has a real one. */
#include "track/sync.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "results_file_fixture.h"
#include "http_fixture.h"

#define API       "/api/2.0/mlflow/"
#define ARTIFACTS "PUT /api/2.0/mlflow-artifacts/artifacts/1/r/artifacts/"
#define NO        "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"
#define RUN(stage)                                                                    \
    "{\"info\": {\"run_id\": \"r\", \"lifecycle_stage\": \"" stage                    \
    "\", \"start_time\": 5, \"artifact_uri\": \"mlflow-artifacts:/1/r/artifacts\"}, " \
    "\"data\": {\"tags\": [{\"key\": \"inferbench.row\", \"value\": \"ab/0\"}]}}"
#define EXPERIMENT                                                              \
    {                                                                           \
        "GET " API "experiments/get-by-name", 200,                              \
            "{\"experiment\": {\"experiment_id\": \"1\", \"lifecycle_stage\": " \
            "\"active\"}}"                                                      \
    }
#define SEARCH(runs)                                             \
    {                                                            \
        "POST " API "runs/search", 200, "{\"runs\": [" runs "]}" \
    }
#define LOG                                                                          \
    {"POST " API "runs/create", 200, "{\"run\": " RUN("active") "}"},                \
        {"POST " API "runs/log-batch", 200, "{}"},                                   \
        {"POST " API "runs/log-inputs", 200, "{}"}, {ARTIFACTS "row.json", 200, ""}, \
    {                                                                                \
        "POST " API "runs/update", 200, "{}"                                         \
    }

struct fixture {
    struct results_file_fixture files;
    struct account account;
    struct sync_options o;
    struct sync_outcome out;
    const char *path;
    struct err e;
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    results_file_fixture_init(&f.files);
    f.path = results_file_fixture_put(
        &f.files, "offline_results_1.json",
        "{\"metadata\": {\"format\": 1}, \"results\": [{\"run_id\": \"ab\", \"row\": 0, "
        "\"serving_mode\": \"offline\", \"experiment_id\": \"x\", "
        "\"timestamp\": \"2026-01-01T00:00:00\"}]}");
    f.o = (struct sync_options){
        .account = &f.account, .row_limit_s = INFINITY, .limit_s = INFINITY, .tries = 1};
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    results_file_fixture_fini(&((struct fixture *)*state)->files);
    return 0;
}

/* What is asked beyond the pages is refused. */
static enum status go(struct fixture *f, const struct http_fixture_page *pages,
                      size_t count)
{
    struct http_fixture server = {
        .pages = pages, .page_count = count, .answer = NO, .end = HTTP_FIXTURE_CLOSE};
    http_fixture_start(&server);
    f->account = (struct account){.base = server.url};
    enum status s = sync_file(f->path, &f->o, &f->files.arena, &f->out, &f->e);
    http_fixture_stop(&server);
    assert_int_equal(f->out.first.code, s);
    return s;
}

#define GO(f, pages) go(f, pages, sizeof(pages) / sizeof(pages)[0])

static void the_last_row_takes_the_files_along(void **state)
{
    struct fixture *f = *state;
    const struct http_fixture_page all[] = {
        EXPERIMENT, SEARCH(""), LOG, {ARTIFACTS "offline_results_1.json", 200, ""}};
    const struct http_fixture_page refuses[] = {EXPERIMENT, SEARCH(""), LOG};
    assert_int_equal(GO(f, refuses), STATUS_BAD_INPUT);
    assert_int_equal(f->out.pending, 1);
    assert_int_equal(f->out.sent, 0);
    assert_null(f->out.link);
    assert_int_equal(GO(f, all), STATUS_OK);
    assert_int_equal(f->out.sent, 1);
    assert_int_equal(f->out.pending, 0);
    assert_non_null(strstr(f->out.link, "/#/experiments/1/runs"));
    assert_true(file_exists(f->out.ledger_path));
}

static void not_where_more_rows_will_follow(void **state)
{
    struct fixture *f = *state;
    const struct http_fixture_page pages[] = {EXPERIMENT, SEARCH(""), LOG};
    f->o.is_partial = true;
    assert_int_equal(GO(f, pages), STATUS_OK);
    assert_int_equal(f->out.sent, 1);
}

static void a_deleted_run_stays_deleted(void **state)
{
    struct fixture *f = *state;
    const struct http_fixture_page pages[] = {EXPERIMENT, SEARCH(RUN("deleted"))};
    assert_int_equal(GO(f, pages), STATUS_OK);
    assert_int_equal(f->out.deleted, 1);
    assert_int_equal(f->out.sent + f->out.there + f->out.pending, 0);
}

static void a_run_that_is_half_there_is_filled(void **state)
{
    struct fixture *f = *state;
    const struct http_fixture_page pages[] = {
        EXPERIMENT,
        SEARCH(RUN("active")),
        {"POST " API "runs/log-batch", 200, "{}"},
        {"POST " API "runs/log-inputs", 200, "{}"},
        {ARTIFACTS, 200, ""},
        {"POST " API "runs/update", 200, "{}"}}; /* none is created */
    assert_int_equal(GO(f, pages), STATUS_OK);
    assert_int_equal(f->out.sent, 1);
    assert_int_equal(f->out.there, 0);
}

static void a_server_without_artifacts(void **state)
{
    struct fixture *f = *state;
    const struct http_fixture_page pages[] = {
        EXPERIMENT,
        SEARCH(""),
        {"PUT /api", 503, "{\"detail\": \"no artifacts here\"}"},
        LOG};
    assert_int_equal(GO(f, pages), STATUS_OK);
    assert_true(f->out.no_artifacts);
    assert_int_equal(f->out.sent, 1);
}

#define SOUND                                                          \
    "{\"run_id\": \"ab\", \"row\": 0, \"serving_mode\": \"offline\", " \
    "\"experiment_id\": \"x\", \"timestamp\": \"2026-01-01T00:00:00\"}"
#define REWRITTEN "{\"run_id\": \"ab\", \"row\": 1, \"is_warmup\": 1.0}"

static void rows_of_a_notebook(void **state)
{
    struct fixture *f = *state;
    const struct http_fixture_page pages[] = {
        EXPERIMENT, SEARCH(""), LOG, {ARTIFACTS "offline_results_1.json", 200, ""}};
    f->path = results_file_fixture_put(&f->files, "offline_results_1.json",
                                       "[" SOUND ", " REWRITTEN ", " REWRITTEN "]");
    assert_int_equal(GO(f, pages), STATUS_BAD_INPUT);
    assert_int_equal(f->out.rows, 3);
    assert_int_equal(f->out.sent, 1);
    assert_int_equal(f->out.refused, 2);
    assert_int_equal(f->out.pending, 2);
    assert_string_equal(f->e.what, "row 1: is_warmup is 1.0, not true or false");
    assert_non_null(strstr(f->e.hint, "2 rows were changed after they were written"));
    f->path = results_file_fixture_put(&f->files, "results.json", "[" REWRITTEN "]");
    assert_int_equal(GO(f, pages), STATUS_BAD_INPUT); /* nobody is asked */
    assert_int_equal(f->out.sent, 0);
    assert_int_equal(f->out.pending, 1);
    assert_string_equal(f->e.what, "row 0: is_warmup is 1.0, not true or false");
}

static bool at_once(void *arg)
{
    (void)arg;
    return true;
}

static void stopped(void **state)
{
    struct fixture *f = *state;
    const struct http_fixture_page pages[] = {EXPERIMENT, SEARCH(""), LOG};
    f->o.stop = at_once;
    assert_int_equal(GO(f, pages), STATUS_INTERRUPTED);
    assert_int_equal(f->out.pending, 1);
}

static void no_such_file(void **state)
{
    struct fixture *f = *state;
    f->path = "/nowhere/offline_results_1.json";
    const struct http_fixture_page pages[] = {EXPERIMENT};
    assert_int_equal(GO(f, pages), STATUS_IO);
    assert_int_equal(f->out.rows, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_last_row_takes_the_files_along),
        TEST(not_where_more_rows_will_follow),
        TEST(a_deleted_run_stays_deleted),
        TEST(a_run_that_is_half_there_is_filled),
        TEST(a_server_without_artifacts),
        TEST(rows_of_a_notebook),
        TEST(stopped),
        TEST(no_such_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
