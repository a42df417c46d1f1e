/* bundle.c: a results file and what stands beside it. */
#include "track/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "results_file_fixture.h"
#include "text/json.h"

#define OURS                                                                           \
    "{\"metadata\": {\"format\": 1, \"plan_sha256\": \"ab\", \"options\": {\"seed\": " \
    "7}},\n \"results\": [{\"row\": 0,   \"x\": {\"b\": 1}}, {\"row\": 1}]}"

static int setup(void **state)
{
    static struct results_file_fixture f;
    memset(&f, 0, sizeof f);
    results_file_fixture_init(&f);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    results_file_fixture_fini(*state);
    return 0;
}

static void open_ok(struct results_file_fixture *f, const char *path, struct bundle *b)
{
    struct err e;
    if (bundle_open(path, &f->arena, b, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
}

static void a_run_with_all_its_files(void **state)
{
    struct results_file_fixture *f = *state;
    struct bundle b;
    (void)results_file_fixture_put(f, "raw_20260101_000000/journal.jsonl", "");
    const char *env = results_file_fixture_put(f, "env_info_20260101_000000.json", "{}");
    const char *sum = results_file_fixture_put(f, "online_summary_20260101_000000.json",
                                               "{}");
    open_ok(f, results_file_fixture_put(f, "online_results_20260101_000000.json", OURS),
            &b);
    assert_int_equal(b.count, 2);
    assert_true(str_is(b.rows[0].as_written,
                       "{\n  \"row\": 0,\n  \"x\": {\n    \"b\": 1\n  }\n}\n"));
    assert_int_equal(json_int_of(b.rows[1].row, "row", -1), 1);
    assert_true(str_is(b.rows[1].as_written, "{\n  \"row\": 1\n}\n"));
    assert_string_equal(b.env_path, env);
    assert_string_equal(b.summary_path, sum);
    assert_non_null(strstr(b.ledger_path, "/raw_20260101_000000/mlflow.json"));
    assert_false(b.is_merged);
    assert_string_equal(json_str_of(b.metadata, "plan_sha256"), "ab");
    assert_true(bundle_is_of_run(&b, NULL)); /* it names no run */
    assert_true(bundle_is_of_run(&b, "r"));
    bundle_close(&b);
    bundle_close(&b);
}

static void a_file_alone(void **state)
{
    struct results_file_fixture *f = *state;
    struct bundle b;
    open_ok(f,
            results_file_fixture_put(f, "merged.json",
                                     "{\"metadata\": {\"format\": 1, \"sources\": []}, "
                                     "\"results\": []}"),
            &b);
    assert_null(b.env_path);
    assert_null(b.summary_path);
    assert_non_null(strstr(b.ledger_path, "/merged.json.mlflow"));
    assert_true(b.is_merged);
    assert_int_equal(b.count, 0);
    bundle_close(&b);
}

static void the_published_tools_file(void **state)
{
    struct results_file_fixture *f = *state;
    struct bundle b;
    open_ok(
        f,
        results_file_fixture_put(f, "results.json",
                                 "{\"metadata\": {\"total_runs\": 1}, \"results\": "
                                 "[{\"experiment_id\": \"x\", \"total_time\": NaN}]}"),
        &b);
    assert_null(b.metadata);
    assert_true(json_is_null(json_object_get(b.rows[0].row, "total_time")));
    bundle_close(&b);
}

static void rows_of_another_run(void **state)
{
    struct results_file_fixture *f = *state;
    struct bundle b;
    open_ok(f,
            results_file_fixture_put(f, "results.json",
                                     "{\"metadata\": {\"format\": 2, \"run_id\": \"r\"}, "
                                     "\"results\": []}"),
            &b);
    assert_true(bundle_is_of_run(&b, "r"));
    assert_false(bundle_is_of_run(&b, "r2"));
    assert_false(bundle_is_of_run(&b, NULL));
    bundle_close(&b);
}

static void rows_of_a_notebook(void **state)
{
    struct results_file_fixture *f = *state;
    struct bundle b;
    open_ok(f,
            results_file_fixture_put(f, "results.json",
                                     "[{\"row\": 0}, {\"row\": 1.0}, {\"row\": 2}, "
                                     "{\"row\": \"3\"}]"),
            &b);
    assert_int_equal(b.count, 2);
    assert_int_equal(json_int_of(b.rows[1].row, "row", -1), 2);
    assert_int_equal(b.refused, 2);
    assert_non_null(strstr(b.refusal.where, "/results.json"));
    assert_string_equal(b.refusal.what, "row 1: row is 1.0, not a whole number");
    bundle_close(&b);
}

static void what_cannot_be_read(void **state)
{
    struct results_file_fixture *f = *state;
    struct bundle b;
    struct err e;
    assert_int_equal(bundle_open("/nowhere.json", &f->arena, &b, &e), STATUS_IO);
    const char *broken = results_file_fixture_put(f, "broken.json", "{\"results\": [{");
    assert_int_equal(bundle_open(broken, &f->arena, &b, &e), STATUS_BAD_INPUT);
    assert_int_equal(b.lock_fd, -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_run_with_all_its_files), TEST(a_file_alone),
        TEST(the_published_tools_file), TEST(rows_of_another_run),
        TEST(rows_of_a_notebook),       TEST(what_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
