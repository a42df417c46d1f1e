#include "track/pull.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "http_fixture.h"

#define API       "/api/2.0/mlflow"
#define ARTIFACTS "/api/2.0/mlflow-artifacts/artifacts/1/"
#define HEALTH                   \
    {                            \
        "GET /health", 200, "OK" \
    }
#define LOOK_UP "GET " API "/experiments/get-by-name?experiment_name=load%20test"
#define EXPERIMENT(stage)                                                       \
    {                                                                           \
        LOOK_UP, 200,                                                           \
            "{\"experiment\": {\"experiment_id\": \"1\", \"lifecycle_stage\": " \
            "\"" stage "\"}}"                                                   \
    }
#define RUN(id, name, unique, uri)                                             \
    "{\"info\": {\"run_id\": \"" id "\", \"run_name\": \"" name                \
    "\", \"start_time\": 5, \"artifact_uri\": \"" uri "/" id "/artifacts\"}, " \
    "\"data\": {\"tags\": [{\"key\": \"inferbench.row\", \"value\": \"" unique "\"}]}}"
#define PROXIED "mlflow-artifacts:/1"
#define SEARCH(runs)                                              \
    {                                                             \
        "POST " API "/runs/search", 200, "{\"runs\": [" runs "]}" \
    }
#define ROW(id, status, text)                                   \
    {                                                           \
        "GET " ARTIFACTS id "/artifacts/row.json", status, text \
    }

struct talk {
    struct http_fixture server;
    struct account account;
    struct pull_options o;
    struct arena arena;
    struct pull_result result;
    char folder[64], output[96];
    size_t told;
    struct err e;
};

static void tell(void *arg, size_t done, size_t total)
{
    struct talk *t = arg;
    assert_true(done < total);
    t->told++;
}

static int set_up(void **state)
{
    struct talk *t = mem_alloc(1, sizeof *t);
    assert_non_null(t);
    (void)snprintf(t->folder, sizeof t->folder, "/tmp/test_pull.XXXXXX");
    assert_non_null(mkdtemp(t->folder));
    (void)snprintf(t->output, sizeof t->output, "%s/rows.json", t->folder);
    arena_init(&t->arena, 1 << 26);
    t->o = (struct pull_options){.experiment = "load test",
                                 .output = t->output,
                                 .tool = "inferbench 1",
                                 .progress = tell,
                                 .arg = t};
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct talk *t = *state;
    (void)unlink(t->output);
    assert_int_equal(rmdir(t->folder), 0);
    arena_fini(&t->arena);
    mem_free(t);
    return 0;
}

static enum status ask(struct talk *t, const struct http_fixture_page *pages,
                       size_t count)
{
    t->server = (struct http_fixture){
        .pages = pages, .page_count = count, .answer = NULL};
    http_fixture_start(&t->server);
    t->account = (struct account){.base = t->server.url};
    enum status s = pull_rows(&t->account, &t->o, &t->arena, &t->result, &t->e);
    http_fixture_stop(&t->server);
    assert_int_equal(file_exists(t->output), s == STATUS_OK);
    return s;
}

#define ASK(t, pages) ask(t, pages, sizeof(pages) / sizeof(pages)[0])

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void test_rows(void **state)
{
    struct talk *t = *state;
    const struct http_fixture_page pages[] = {
        HEALTH,
        EXPERIMENT("active"),
        SEARCH(RUN("r1", "b", "aa/1", PROXIED) "," RUN("r0", "a", "aa/0", PROXIED)),
        ROW("r0", 200, "{\n  \"run_id\": \"aa\",\n  \"row\": 0,\n  \"error\": null\n}\n"),
        ROW("r1", 200,
            "{\n  \"run_id\": \"aa\",\n  \"row\": 1,\n  \"error\": \"x\"\n}\n"),
        {"GET " API "/artifacts/list?run_id=r0&path=environment", 200,
         "{\"files\": [{\"path\": \"environment/env.json\", \"is_dir\": false}]}"},
        {"GET " ARTIFACTS "r0/artifacts/environment/env.json", 200, "{\"cpu\": 7}"},
    };
    struct buf text;
    assert_int_equal(ASK(t, pages), STATUS_OK);
    assert_int_equal(t->result.rows, 2);
    assert_int_equal(t->result.skipped.count, 0);
    assert_int_equal(t->told, 2);
    buf_init(&text, 1 << 20);
    assert_int_equal(file_read(t->output, &text, &t->e), STATUS_OK);
    has(buf_cstr(&text), "\"total_runs\": 2,\n    \"failed_rows\": 1,");
    has(buf_cstr(&text), "\"run_id\": \"aa\",\n          \"env\": {\n");
    has(buf_cstr(&text), "/#/experiments/1\"");
    has(buf_cstr(&text),
        "\"results\": [\n    {\n      \"run_id\": \"aa\",\n      \"row\": 0,\n"
        "      \"error\": null\n    },\n    {\n      \"run_id\": \"aa\",\n"
        "      \"row\": 1,\n      \"error\": \"x\"\n    }\n  ]\n}\n");
    buf_fini(&text);
}

static void test_without_row(void **state)
{
    struct talk *t = *state;
    const struct http_fixture_page pages[] = {
        HEALTH,
        EXPERIMENT("active"),
        SEARCH(RUN("r0", "a", "aa/0", PROXIED) "," RUN(
            "r1", "b", "aa/1", PROXIED) "," RUN("r2", "c", "aa/2", PROXIED)),
        ROW("r0", 404, "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\"}"),
        ROW("r1", 200, "{\"run_id\": \"aa\", \"row\": 1, \"tot"),
        ROW("r2", 200, "{\"run_id\": \"aa\", \"row\": 2}"),
        {"GET " API "/artifacts/list", 200, "{}"},
    };
    assert_int_equal(ASK(t, pages), STATUS_OK);
    assert_int_equal(t->result.rows, 1);
    assert_int_equal(t->result.skipped.count, 2);
    assert_int_equal(t->result.skipped.bad_count, 1);
    assert_false(t->result.skipped.items[0].is_bad);
    has(t->result.skipped.items[0].why,
        "row.json of MLflow run a (r0): is missing. Send");
    assert_true(t->result.skipped.items[1].is_bad);
    has(t->result.skipped.items[1].why, "row.json of MLflow run b (r1):1: ");
}

static void test_no_rows(void **state)
{
    struct talk *t = *state;
    const struct http_fixture_page none[] = {HEALTH, EXPERIMENT("active"), SEARCH("")};
    assert_int_equal(ASK(t, none), STATUS_NOT_FOUND);
    has(t->e.what, "\"load test\" has no inferbench runs");
    has(t->e.hint, "mlflow sync");
    t->o.filter = "tags.label = 'g5'";
    assert_int_equal(ASK(t, none), STATUS_NOT_FOUND);
    has(t->e.hint, "--filter");
}

static void test_not_served(void **state)
{
    struct talk *t = *state;
    const struct http_fixture_page on_disk[] = {
        HEALTH, EXPERIMENT("active"), SEARCH(RUN("r0", "a", "aa/0", "/srv/mlruns/1"))};
    assert_int_equal(ASK(t, on_disk), STATUS_UNSUPPORTED);
    has(t->e.where, "MLflow run a (r0)");
    has(t->e.what, "--no-serve-artifacts");
    has(t->e.what, "/srv/mlruns/1/r0/artifacts");
    const struct http_fixture_page off[] = {
        HEALTH, EXPERIMENT("active"), SEARCH(RUN("r0", "a", "aa/0", PROXIED)),
        ROW("r0", 503, "{\"detail\": \"artifacts are not served\"}")};
    assert_int_equal(ASK(t, off), STATUS_UNSUPPORTED);
    has(t->e.what, "--no-serve-artifacts");
}

static void test_experiments(void **state)
{
    struct talk *t = *state;
    const struct http_fixture_page missing[] = {
        HEALTH,
        {LOOK_UP, 404, "{\"error_code\": \"RESOURCE_DOES_NOT_EXIST\"}"},
        {"GET " API "/experiments/search", 200,
         "{\"experiments\": [{\"name\": \"Default\"}, {\"name\": \"night\"}]}"},
    };
    assert_int_equal(ASK(t, missing), STATUS_NOT_FOUND);
    has(t->e.what, "\"load test\"");
    assert_string_equal(t->e.hint, "There are: Default, night");
    t->o.experiment = NULL;
    assert_int_equal(ASK(t, missing), STATUS_BAD_OPTION);
    assert_string_equal(t->e.where, "--experiment");
    assert_string_equal(t->e.hint, "There are: Default, night");
    t->o.experiment = "load test";
    const struct http_fixture_page deleted[] = {HEALTH, EXPERIMENT("deleted")};
    assert_int_equal(ASK(t, deleted), STATUS_NOT_FOUND);
    has(t->e.what, "is deleted");
    has(t->e.hint, "restore --experiment-id 1");
}

static void test_bad_filter(void **state)
{
    struct talk *t = *state;
    const struct http_fixture_page pages[] = {
        HEALTH,
        EXPERIMENT("active"),
        {"POST " API "/runs/search", 400,
         "{\"error_code\": \"INVALID_PARAMETER_VALUE\", "
         "\"message\": \"Invalid x\\nmore\"}"},
    };
    t->o.filter = "x";
    assert_int_equal(ASK(t, pages), STATUS_BAD_OPTION);
    has(t->e.what, "Invalid x");
    assert_null(strstr(t->e.what, "more"));
    has(t->e.hint, "tags.label");
}

static void test_refused(void **state)
{
    struct talk *t = *state;
    const struct http_fixture_page credentials[] = {HEALTH, {"GET /api", 401, "<html>"}};
    assert_int_equal(ASK(t, credentials), STATUS_UNSUPPORTED);
    has(t->e.hint, "MLFLOW_TRACKING_USERNAME");
    const struct http_fixture_page host[] = {
        HEALTH, {"GET /api", 403, "Invalid Host header - possible DNS rebinding"}};
    assert_int_equal(ASK(t, host), STATUS_UNSUPPORTED);
    has(t->e.hint, "--allowed-hosts");
    const struct http_fixture_page rows[] = {HEALTH, EXPERIMENT("active"),
                                             SEARCH(RUN("r0", "a", "aa/0", PROXIED)),
                                             ROW("r0", 403, "Permission denied")};
    assert_int_equal(ASK(t, rows), STATUS_UNSUPPORTED);
    has(t->e.what, "403");
}

static void test_nobody(void **state)
{
    struct talk *t = *state;
    char url[64];
    const struct http_fixture_page pages[] = {HEALTH, EXPERIMENT("deleted")};
    (void)ASK(t, pages);
    (void)snprintf(url, sizeof url, "%s", t->server.url);
    t->account.base = url;
    assert_int_equal(pull_rows(&t->account, &t->o, &t->arena, &t->result, &t->e),
                     STATUS_CLOSED);
    has(t->e.what, "refused");
    has(t->e.hint, "Is the server running");
    t->account.is_default = true;
    assert_int_equal(pull_rows(&t->account, &t->o, &t->arena, &t->result, &t->e),
                     STATUS_CLOSED);
    has(t->e.hint, "--mlflow-uri");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_experiments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_filter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
