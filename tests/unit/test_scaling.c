#include "stats/scaling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "analysis_fixture.h"

#define set_up    analysis_fixture_set_up
#define tear_down analysis_fixture_tear_down
#define add       analysis_fixture_add

static struct scaling build(struct analysis_fixture *f)
{
    struct scaling lines;
    analysis_fixture_build(f, NULL, NULL);
    scaling_build(&f->x, FIELD_batch_size, &f->arena, &lines);
    assert_false(f->arena.has_failed);
    return lines;
}

static void check_line(const struct scaling *lines, size_t at, const char *name,
                       const int64_t *sizes, size_t count)
{
    assert_true(at < lines->count);
    const struct scaling_line *l = &lines->items[at];
    assert_string_equal(l->name, name);
    assert_int_equal(l->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(l->cells[i]->row->v[FIELD_batch_size].i, sizes[i]);
}

#define CHECK(lines, at, name, ...)                             \
    check_line(lines, at, name, (const int64_t[]){__VA_ARGS__}, \
               sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* Another argument makes another line, of another variant. */
static void test_unlike_cells(void **state)
{
    struct analysis_fixture *f = *state;
    for (int64_t i = 0; i < 4; i++) {
        struct row *r = add(f, "g5", "short", 8 - 7 * (i % 2), 10);
        r->v[FIELD_engine_args] = value_json(i < 2 ? "[\"kv_cache_dtype=fp8\"]" : "[]");
        r->v[FIELD_definitions] = value_int(2);
    }
    struct scaling lines = build(f);
    assert_int_equal(lines.count, 2);
    CHECK(&lines, 0, "g5, caching OFF, engine_args=[\"kv_cache_dtype=fp8\"]", 1, 8);
    CHECK(&lines, 1, "g5, caching OFF, engine_args=[]", 1, 8);
    assert_int_equal(lines.items[0].variant, 0);
    assert_int_equal(lines.items[1].variant, 1);
}

/* A name is that of the same line in every scenario; without a rival it is short. */
static void test_names(void **state)
{
    struct analysis_fixture *f = *state;
    static const char *const types[] = {"a", "b", "b"};
    for (int64_t i = 0; i < 6; i++) {
        struct row *r = add(f, "g5", i < 4 ? "short" : "long", 1 + i % 2, 10);
        r->v[FIELD_dtype] = value_str(types[i / 2]);
        add(f, "inf2", i < 4 ? "short" : "long", 1 + i % 2, 10)->v[FIELD_dtype] =
            value_str(i < 4 ? "a" : "b");
    }
    struct scaling lines = build(f);
    assert_int_equal(lines.count, 5);
    CHECK(&lines, 0, "g5, caching OFF, dtype=a", 1, 2);
    CHECK(&lines, 1, "inf2, caching OFF", 1, 2);
    CHECK(&lines, 2, "g5, caching OFF, dtype=b", 1, 2);
    CHECK(&lines, 3, "g5, caching OFF, dtype=b", 1, 2);
    CHECK(&lines, 4, "inf2, caching OFF", 1, 2);
    assert_int_equal(lines.items[2].variant, 1);
    assert_int_equal(lines.items[3].variant, 1);
    assert_int_equal(lines.items[1].variant, 0);
}

/* An engine that is compiled for its batch; on others the limit is a setting. */
static void test_compiled(void **state)
{
    struct analysis_fixture *f = *state;
    for (int64_t i = 0; i < 2; i++) {
        struct row *r = add(f, "inf2", "short", 1 + 3 * i, 10);
        r->v[FIELD_max_num_seqs] = value_int(1 + 3 * i);
        r->v[FIELD_settings_sha256] = value_str(i == 0 ? "a" : "b");
        r->v[FIELD_kv_cache_tokens] = value_int(4096 * (1 + 3 * i));
        r = add(f, "g5", "short", 1 + 3 * i, 10);
        r->v[FIELD_max_num_seqs] = value_int(128 * (1 + i));
    }
    struct scaling lines = build(f);
    assert_int_equal(lines.count, 3);
    CHECK(&lines, 0, "inf2, caching OFF", 1, 4);
    CHECK(&lines, 1, "g5, caching OFF, max_num_seqs=128", 1);
    CHECK(&lines, 2, "g5, caching OFF, max_num_seqs=256", 4);
}

/* More requests for more slots is one line; of one size they are two. */
static void test_closed_loads(void **state)
{
    struct analysis_fixture *f = *state;
    static const int64_t sizes[] = {1, 8, 8, 1}, prompts[] = {33, 72, 100, 100};
    for (int i = 0; i < 4; i++) {
        struct row *r = add(f, "g5", "short", sizes[i], 10);
        r->v[FIELD_serving_mode] = value_str("online");
        r->v[FIELD_num_prompts] = value_int(prompts[i]);
        r->v[FIELD_plan_sha256] = value_str(i < 2 ? "a" : "b");
        r->v[FIELD_definitions] = value_int(2);
    }
    struct scaling lines = build(f);
    assert_int_equal(lines.count, 2);
    CHECK(&lines, 0, "g5, online, caching OFF, num_prompts=33", 1, 8);
    CHECK(&lines, 1, "g5, online, caching OFF, num_prompts=100", 1, 8);
}

/* What only cells of other sizes tell apart is no name: a number is. */
static void test_numbers(void **state)
{
    struct analysis_fixture *f = *state;
    for (int64_t i = 0; i < 2; i++) {
        struct row *r = add(f, "g5", "short", 1, 10);
        r->v[FIELD_engine_args] = value_json(
            i == 0 ? "[\"an argument that is longer than a name may be: a\"]"
                   : "[\"an argument that is longer than a name may be: b\"]");
        r->v[FIELD_definitions] = value_int(2);
    }
    struct scaling lines = build(f);
    assert_int_equal(lines.count, 2);
    assert_non_null(strstr(lines.items[1].name, "... #2"));
    add(f, "g5", "short", 2, 10)->v[FIELD_tokens_per_second] = value_null();
    add(f, "g5", "short", 2, 10)->v[FIELD_batch_size] = value_null();
    add(f, "g5", "short", 2, 10)->v[FIELD_is_warmup] = value_bool(true);
    assert_int_equal(build(f).count, 2);
}

static void test_no_memory(void **state)
{
    struct analysis_fixture *f = *state;
    enum status st = STATUS_NO_MEMORY;
    for (int i = 0; i < 4; i++)
        add(f, "g5", "short", 1 + i / 2, 10)->v[FIELD_dtype] = value_str(
            i % 2 == 0 ? "a" : "b");
    analysis_fixture_build(f, NULL, NULL);
    for (size_t cap = 0; st != STATUS_OK; cap += 8) {
        struct scaling lines;
        struct arena a;
        arena_init(&a, cap);
        scaling_build(&f->x, FIELD_batch_size, &a, &lines);
        st = a.has_failed ? STATUS_NO_MEMORY : STATUS_OK;
        assert_true(cap < (1 << 20));
        if (st == STATUS_OK)
            assert_string_equal(lines.items[1].name, "g5, caching OFF, dtype=b");
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unlike_cells, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_compiled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closed_loads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
