#include "store/results.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/file.h"
#include "journal_fixture.h"
#include "text/json.h"

static int setup(void **state)
{
    static struct journal_fixture fx;
    journal_fixture_init(&fx);
    fx.f.run.is_complete = true;
    *state = &fx;
    return 0;
}

static enum status write_all(struct journal_fixture *fx, struct arena *a,
                             struct results *r, struct err *e)
{
    enum status s = results_build(&fx->f.run, fx->dir, a, r, e);
    return s == STATUS_OK ? results_write(&fx->f.run, r, e) : s;
}

static json_t *load(const char *path)
{
    json_t *out = NULL;
    struct err e;
    if (json_from_file(path, 1 << 24, &out, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    return out;
}

static void test_files(void **state)
{
    struct journal_fixture *fx = *state;
    struct arena a;
    struct results r;
    struct err e;
    arena_init(&a, 64 << 20);
    if (write_all(fx, &a, &r, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    json_t *results = load(r.results_path), *summary = load(r.summary_path),
           *env = load(r.env_path);
    const json_t *meta = json_object_get(results, "metadata");
    assert_int_equal(json_array_size(json_object_get(results, "results")), 3);
    assert_int_equal(json_int_of(meta, "total_runs", -1), 3);
    assert_true(json_bool_of(meta, "complete", false));
    assert_null(json_object_get(json_object_get(meta, "env"), "client"));
    assert_int_equal(json_object_size(json_object_get(summary, "summary")), 1);
    assert_non_null(json_object_get(env, "client"));
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(env, "engine"), "settings")), 1);
    json_decref(results);
    json_decref(summary);
    json_decref(env);
    arena_fini(&a);
}

static void test_no_memory(void **state)
{
    struct journal_fixture *fx = *state;
    struct buf want, got;
    struct arena a;
    struct results r;
    struct err e;
    arena_init(&a, 64 << 20);
    assert_int_equal(write_all(fx, &a, &r, &e), STATUS_OK);
    journal_fixture_read(r.results_path, &want);
    arena_fini(&a);
    struct alloc_fixture alloc = {0};
    while (alloc_fixture_next(&alloc)) {
        e = (struct err){.code = STATUS_OK};
        arena_init(&a, 64 << 20);
        alloc_fixture_arm(&alloc);
        enum status s = write_all(fx, &a, &r, &e);
        alloc_fixture_judge(&alloc, s);
        if (s == STATUS_OK) {
            journal_fixture_read(r.results_path, &got);
            assert_string_equal(buf_cstr(&got), buf_cstr(&want));
            buf_fini(&got);
        }
        assert_int_equal(e.code, s);
        arena_fini(&a);
    }
    buf_fini(&want);
}

static void test_claim(void **state)
{
    struct journal_fixture *fx = *state;
    static const char *const stamps[] = {"20251125_180807", "20251125_180807-2",
                                         "20251125_180807-3"};
    struct arena a;
    struct err e;
    char sub[128];
    (void)snprintf(sub, sizeof sub, "%s/a/b", fx->dir);
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < 3; i++) {
        const char *raw;
        assert_int_equal(results_claim(sub, &fx->f.run, &a, &raw, &e), STATUS_OK);
        assert_string_equal(fx->f.run.stamp, stamps[i]);
        assert_true(file_is_dir(raw));
        const char *path = arena_printf(&a, "%s/online_results_%s.json", sub, stamps[i]);
        assert_string_equal(results_raw_dir(path, &a), raw);
    }
    static const char *const others[] = {"merged_results.json", "online_results_.json",
                                         "online_results_20251125_180807",
                                         "online_results_20251125_180808.json"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_null(results_raw_dir(arena_printf(&a, "%s/%s", sub, others[i]), &a));
    const char *raw;
    assert_int_equal(results_claim("/proc/none", &fx->f.run, &a, &raw, &e), STATUS_IO);
    journal_fixture_has(e.hint, "folder");
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files, setup, journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, journal_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_claim, setup, journal_fixture_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
