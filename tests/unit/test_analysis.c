#include "stats/analysis.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "analysis_fixture.h"

#define set_up    analysis_fixture_set_up
#define tear_down analysis_fixture_tear_down
#define add       analysis_fixture_add

static void test_default_by(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *a = add(f, "g5", "short", 1, 100), *b = add(f, "g5", "short", 1, 50);
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(f->x.by, FIELD_label);
    assert_int_equal(f->x.machines.side_count, 1);
    b->v[FIELD_instance_type] = value_str("inf2");
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(f->x.by, FIELD_instance_type);
    assert_int_equal(f->x.machines.group_count, 1);
    a->v[FIELD_label] = value_str("mine");
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(f->x.by, FIELD_label);
    analysis_fixture_build(f, "model_name", NULL);
    assert_int_equal(f->x.by, FIELD_model_name);
    assert_int_equal(f->x.machines.side_count, 1);
}

static void test_baseline(void **state)
{
    struct analysis_fixture *f = *state;
    struct analysis_options o = {.baseline = "trn1"};
    struct err e;
    add(f, "g5", "short", 1, 100);
    add(f, "inf2", "short", 1, 50);
    analysis_fixture_build(f, NULL, NULL);
    assert_string_equal(f->x.machines.groups[0].baseline, "g5");
    analysis_fixture_build(f, NULL, "inf2");
    assert_string_equal(f->x.machines.groups[0].baseline, "inf2");
    assert_string_equal(f->x.sides[0].name, "inf2");
    assert_int_equal(analysis_build(analysis_fixture_rows(f), &o, &f->arena, &f->x, &e),
                     STATUS_BAD_OPTION);
    assert_non_null(strstr(e.what, "\"trn1\""));
    assert_string_equal(e.hint, "There are: g5, inf2.");
    o = (struct analysis_options){.by = "colour"};
    assert_int_equal(analysis_build(analysis_fixture_rows(f), &o, &f->arena, &f->x, &e),
                     STATUS_BAD_OPTION);
}

static void test_nameless(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *a = add(f, NULL, "short", 1, 100);
    struct row *b = add(f, "unknown", "short", 1, 100);
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(f->x.machines.side_count, 1);
    assert_string_equal(f->x.machines.sides[0], "this machine");
    a->v[FIELD_label] = value_str("");
    b->v[FIELD_label] = value_null();
    f->loaded.file_count = 2;
    f->of[1].file = "two.more.json";
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(f->x.machines.side_count, 2);
    assert_string_equal(f->x.machines.sides[0], "? one");
    assert_string_equal(f->x.machines.sides[1], "? two.more");
}

/* A run that took ON first is shown like any other. */
static void test_off_comes_first(void **state)
{
    struct analysis_fixture *f = *state;
    for (int i = 0; i < 8; i++) {
        struct row *r = add(f, "g5", "short", 1 + i % 2, 100);
        r->v[FIELD_enable_prefix_caching] = value_bool(i / 2 % 2 == 0);
        r->v[FIELD_run_id] = value_str(i < 4 ? "a" : "b");
        r->v[FIELD_dtype] = value_str(i < 4 ? "x" : "y"); /* two runs, other cells */
    }
    analysis_fixture_build(f, NULL, NULL);
    static const bool caching[] = {false, false, true, true, false, false, true, true};
    static const char *const types[] = {"x", "x", "x", "x", "y", "y", "y", "y"};
    assert_int_equal(f->x.machines.cell_count, 8);
    for (size_t i = 0; i < 8; i++) {
        const struct row *row = f->x.machines.cells[i].row;
        assert_int_equal(row->v[FIELD_enable_prefix_caching].b, caching[i]);
        assert_string_equal(field_str(row, FIELD_dtype), types[i]);
        assert_int_equal(row->v[FIELD_batch_size].i, 1 + i % 2);
    }
}

/* Two machines that nobody named, in one merged file. */
static void test_nameless_in_one_file(void **state)
{
    struct analysis_fixture *f = *state;
    for (int i = 0; i < 4; i++) {
        struct row *r = add(f, "unknown", "short", 1, 100);
        r->v[FIELD_machine_sha256] = value_str(i == 3   ? NULL
                                               : i == 1 ? "bbbbbbbbbbbbbbbb"
                                                        : "aaaaaaaaaaaaaaaa");
    }
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(f->x.machines.side_count, 3);
    assert_string_equal(f->x.machines.sides[0], "? aaaaaaaa");
    assert_string_equal(f->x.machines.sides[1], "? bbbbbbbb");
    assert_string_equal(f->x.machines.sides[2], "this machine");
    assert_int_equal(f->x.machines.group_count, 2);
    for (int i = 0; i < 4; i++) {
        f->rows[i].v[FIELD_label] = value_null();
        f->rows[i].v[FIELD_machine_sha256] = value_str("aaaaaaaaaaaaaaaa");
    }
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(f->x.machines.side_count, 1);
    for (int i = 0; i < 4; i++)
        f->rows[i].v[FIELD_label] = value_null();
    f->rows[1].v[FIELD_machine_sha256] = value_str("bbbbbbbbbbbbbbbb");
    f->loaded.file_count = 2;
    f->of[3].file = "two.json";
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(f->x.machines.side_count, 3);
    assert_string_equal(f->x.machines.sides[0], "? one aaaaaaaa");
    assert_string_equal(f->x.machines.sides[1], "? one bbbbbbbb");
    assert_string_equal(f->x.machines.sides[2], "? two");
}

/* A model is what its files are, not what they are called. */
static void test_models(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *a = add(f, "g5", "short", 1, 100), *b = add(f, "g5", "short", 1, 100);
    a->v[FIELD_model_fingerprint] = b->v[FIELD_model_fingerprint] = value_str("f");
    b->v[FIELD_model_name] = value_str("/models/m");
    b->v[FIELD_engine_version] = value_str("2");
    a->v[FIELD_engine_version] = value_str("1");
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(f->x.by, FIELD_engine_version);
    assert_int_equal(f->x.machines.group_count, 1);
    analysis_fixture_build(f, "model_name", NULL);
    assert_int_equal(f->x.machines.side_count, 1);
    assert_string_equal(f->x.machines.sides[0], "m");
    b->v[FIELD_model_fingerprint] = value_str("g");
    b->v[FIELD_model_name] = value_str("n");
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(f->x.by, FIELD_model_name);
}

/* ON against OFF of each machine, however long its name. */
static void test_caching(void **state)
{
    struct analysis_fixture *f = *state;
    char name[200];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    add(f, "g5", "short", 1, 100);
    add(f, name, "short", 1, 100);
    add(f, name, "short", 1, 150)->v[FIELD_enable_prefix_caching] = value_bool(true);
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(f->x.machines.side_count, 2);
    assert_int_equal(f->x.sides[0].caching.group_count, 0);
    assert_string_equal(f->x.sides[1].name, name);
    assert_int_equal(f->x.sides[1].caching.group_count, 1);
    const struct match_group *g = &f->x.sides[1].caching.groups[0];
    assert_true(fabs(g->pairs[0].ratios[METRIC_tokens_per_second].ratio - 1.5) < 1e-12);
}

static void test_marks(void **state)
{
    struct analysis_fixture *f = *state;
    struct row *r = add(f, "g5", "short", 1, 100);
    analysis_fixture_build(f, NULL, NULL);
    assert_false(f->x.is_simulated || f->x.has_dummy_weights);
    add(f, "g5", "long", 1, 100)->v[FIELD_is_simulated] = value_bool(true);
    r->v[FIELD_weights] = value_str("dummy");
    analysis_fixture_build(f, NULL, NULL);
    assert_true(f->x.is_simulated && f->x.has_dummy_weights);
    f->loaded.count = 0;
    analysis_fixture_build(f, NULL, NULL);
    assert_int_equal(f->x.machines.side_count, 0);
}

static void test_no_memory(void **state)
{
    struct analysis_fixture *f = *state;
    enum status st = STATUS_NO_MEMORY;
    add(f, "g5", "short", 1, 100);
    add(f, "inf2", "short", 1, 100);
    add(f, "inf2", "short", 1, 150)->v[FIELD_enable_prefix_caching] = value_bool(true);
    for (size_t cap = 0; st != STATUS_OK; cap += 512) {
        const struct analysis_options o = {.baseline = "inf2"};
        struct arena a;
        struct err e;
        arena_init(&a, cap);
        st = analysis_build(analysis_fixture_rows(f), &o, &a, &f->x, &e);
        if (st != STATUS_OK && st != STATUS_NO_MEMORY)
            fail_msg("%zu bytes: %s: %s", cap, e.where, e.what);
        assert_true(cap < (1 << 20));
        if (st == STATUS_OK)
            assert_int_equal(f->x.sides[0].caching.group_count, 1);
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_default_by, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_baseline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nameless, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_off_comes_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nameless_in_one_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_models, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_caching, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_marks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
