#include "stats/match_cell.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "stats_fixture.h"

struct bench {
    struct arena arena;
    struct row rows[8];
    struct match_row inputs[8];
    size_t count;
    struct match_cells out;
};

static int set_up(void **state)
{
    static struct bench b;
    memset(&b, 0, sizeof b);
    arena_init(&b.arena, 16 << 20);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    mem_fail_at(0);
    arena_fini(&b->arena);
    return 0;
}

static struct row *add(struct bench *b, const char *scenario, double tokens_per_second)
{
    struct row *r = &b->rows[b->count];
    b->inputs[b->count++] = (struct match_row){.row = r};
    r->v[FIELD_instance_type] = value_str("g5");
    r->v[FIELD_scenario] = value_str(scenario);
    r->v[FIELD_model_name] = value_str("m");
    r->v[FIELD_batch_size] = value_int(4);
    r->v[FIELD_enable_prefix_caching] = value_bool(false);
    r->v[FIELD_tokens_per_second] = value_num(tokens_per_second);
    return r;
}

static void collect(struct bench *b, enum match_by by, size_t want)
{
    const struct match_input in = {.rows = b->inputs, .count = b->count};
    assert_int_equal(match_cell_collect(&in, by, &b->arena, &b->out), STATUS_OK);
    assert_int_equal(b->out.count, want);
}

static void test_rows_of_a_cell(void **state)
{
    struct bench *b = *state;
    add(b, "short", 1e9)->v[FIELD_is_warmup] = value_bool(true);
    add(b, "short", 1e9)->v[FIELD_error] = value_str("died");
    add(b, "short", 10);
    add(b, "long", 7);
    add(b, "short", 20)->v[FIELD_verdict] = value_str("INVALID");
    collect(b, MATCH_BY_INSTANCE, 2);
    const struct match_cell *c = &b->out.cells[0];
    assert_int_equal(c->warmups, 1);
    assert_int_equal(c->failed, 1);
    assert_int_equal(c->measured, 2);
    assert_int_equal(c->counts[MATCH_throughput], 2);
    assert_int_equal(c->counts[MATCH_ttft], 0);
    assert_true(isnan(c->metrics[MATCH_ttft].mean));
    stats_fixture_near(c->metrics[MATCH_throughput].mean, 15, 1e-12);
    stats_fixture_near(c->metrics[MATCH_throughput].max, 20, 0);
    assert_ptr_equal(c->row, &b->rows[2]); /* the first that was measured */
    assert_false(c->is_valid);
    assert_true(b->out.cells[1].is_valid);
    assert_string_equal(c->side, "g5");
    assert_string_equal(c->name, "short bs=4 cache=off");
}

static void test_names(void **state)
{
    struct bench *b = *state;
    add(b, "short", 1)->v[FIELD_input_length] = value_int(32);
    add(b, "short", 1)->v[FIELD_input_length] = value_int(64);
    struct row *r = add(b, "short", 1);
    r->v[FIELD_instance_type] = value_null();
    r->v[FIELD_batch_size] = r->v[FIELD_enable_prefix_caching] = value_null();
    r->v[FIELD_request_rate] = value_num(2.5);
    r->v[FIELD_serving_mode] = value_str("online");
    r->v[FIELD_window_tokens_per_second] = value_num(99);
    r = add(b, "short", 1);
    r->v[FIELD_serving_mode] = value_str("online"); /* 4 slots are no batch of 4 */
    r->v[FIELD_request_rate] = value_null();
    collect(b, MATCH_BY_INSTANCE, 4);
    assert_string_equal(b->out.cells[3].name, "short c=4 cache=off");
    assert_string_equal(b->out.cells[0].name, "short bs=4 cache=off in=32 out=");
    assert_string_equal(b->out.cells[1].name, "short bs=4 cache=off in=64 out=");
    assert_string_equal(b->out.cells[2].name, "short rate=2.5");
    assert_string_equal(b->out.cells[2].side, MATCH_UNKNOWN);
    stats_fixture_near(b->out.cells[2].metrics[MATCH_throughput].mean, 99, 0);
    collect(b, MATCH_BY_CACHING, 4);
    assert_string_equal(b->out.cells[0].side, "OFF");
    assert_string_equal(b->out.cells[2].side, MATCH_UNKNOWN);
    assert_null(strstr(b->out.cells[0].name, "cache="));
}

static void test_long_names(void **state)
{
    struct bench *b = *state;
    char path[2][400];
    for (int i = 0; i < 2; i++) {
        memset(path[i], 'p', sizeof path[i]);
        (void)snprintf(path[i] + 390, 10, "%d", i);
        add(b, "short", 1)->v[FIELD_model_name] = value_str(path[i]);
    }
    collect(b, MATCH_BY_MODEL, 2);
    assert_string_equal(b->out.cells[1].side, path[1]);
}

/* Of cells that differ in one field, by each comparison. */
static void hinders(struct bench *b, enum field_id id, struct value v, const char *want)
{
    char got[] = "?????"; /* a letter a comparison: Obstacle, Context, - */
    b->count = 0;
    memset(b->rows, 0, sizeof b->rows);
    add(b, "short", 1)->v[FIELD_hardware_type] = value_str("gpu");
    add(b, "short", 1)->v[FIELD_hardware_type] = value_str("gpu");
    b->rows[1].v[id] = v;
    for (int by = MATCH_BY_CACHING; by <= MATCH_BY_VERSION; by++) {
        collect(b, (enum match_by)by, 2);
        const struct match_cell *x = &b->out.cells[0], *y = &b->out.cells[1];
        size_t obstacles = match_cell_obstacles(x, y, (enum match_by)by);
        size_t context = match_cell_context(x, y, (enum match_by)by);
        assert_true(obstacles + context <= 1);
        assert_true(match_cell_context_count() > context);
        got[by] = obstacles > 0 ? 'O' : context > 0 ? 'C' : '-';
    }
    if (strcmp(got, want) != 0)
        fail_msg("%s: %s, not %s", field_table[id].name, got, want);
}

static void test_roles(void **state)
{
    struct bench *b = *state; /* caching, label, instance, model, version */
    hinders(b, FIELD_scenario, value_str("long"), "OOOOO");
    hinders(b, FIELD_batch_size, value_int(8), "OOOOO");
    hinders(b, FIELD_max_num_seqs, value_int(8), "OOOOO");
    hinders(b, FIELD_enable_prefix_caching, value_bool(true), "-OOOO");
    hinders(b, FIELD_model_name, value_str("n"), "OOO-O");
    hinders(b, FIELD_instance_type, value_str("inf2"), "OC-OO");
    hinders(b, FIELD_label, value_str("mine"), "O-CCC");
    hinders(b, FIELD_engine_version, value_str("0.13"), "OCCC-");
    hinders(b, FIELD_temperature, value_num(1), "CCCCC");
}

/* Between a GPU and Neuron the compiled batch is another by nature. */
static void test_by_nature(void **state)
{
    struct bench *b = *state;
    add(b, "short", 1)->v[FIELD_hardware_type] = value_str("gpu");
    add(b, "short", 1)->v[FIELD_hardware_type] = value_str("neuron");
    b->rows[1].v[FIELD_max_num_seqs] = value_int(8);
    collect(b, MATCH_BY_INSTANCE, 2);
    const struct match_cell *x = &b->out.cells[0], *y = &b->out.cells[1];
    const char *text;
    assert_int_equal(match_cell_obstacles(x, y, MATCH_BY_INSTANCE), 0);
    assert_int_equal(match_cell_obstacles(x, y, MATCH_BY_VERSION), 2);
    assert_int_equal(match_cell_differences(x, y, MATCH_BY_INSTANCE, &b->arena, &text),
                     STATUS_OK);
    assert_string_equal(text, "max_num_seqs unknown / 8");
}

static void test_published(void **state)
{
    struct bench *b = *state;
    add(b, "short", 1)->v[FIELD_input_length] = value_int(32);
    add(b, "short", 1)->v[FIELD_input_length] = value_int(180);
    b->rows[0].v[FIELD_dtype] = value_str("bf16");
    collect(b, MATCH_BY_INSTANCE, 2);
    assert_int_equal(
        match_cell_obstacles(&b->out.cells[0], &b->out.cells[1], MATCH_BY_INSTANCE), 2);
    b->inputs[1].is_published = true; /* characters, and it knows no dtype */
    collect(b, MATCH_BY_INSTANCE, 2);
    assert_int_equal(
        match_cell_obstacles(&b->out.cells[0], &b->out.cells[1], MATCH_BY_INSTANCE), 0);
}

static void test_fingerprint(void **state)
{
    struct bench *b = *state;
    add(b, "short", 1)->v[FIELD_model_fingerprint] = value_str("f");
    add(b, "short", 1)->v[FIELD_model_fingerprint] = value_str("f");
    b->rows[1].v[FIELD_model_name] = value_str("/elsewhere/m");
    collect(b, MATCH_BY_INSTANCE, 2);
    const struct match_cell *x = &b->out.cells[0], *y = &b->out.cells[1];
    assert_int_equal(match_cell_obstacles(x, y, MATCH_BY_INSTANCE), 0);
    b->rows[1].v[FIELD_model_fingerprint] = value_str("g");
    b->rows[1].v[FIELD_model_name] = value_str("m");
    assert_int_equal(match_cell_obstacles(x, y, MATCH_BY_INSTANCE), 1);
}

static void test_explain(void **state)
{
    struct bench *b = *state;
    const char *text;
    add(b, "short", 1);
    struct row *r = add(b, "short", 1);
    r->v[FIELD_instance_type] = value_str("inf2");
    collect(b, MATCH_BY_INSTANCE, 2);
    const struct match_cell *x = &b->out.cells[0], *y = &b->out.cells[1];
    assert_int_equal(match_cell_explain(x, y, MATCH_BY_INSTANCE, &b->arena, &text),
                     STATUS_OK);
    assert_string_equal(text, "its match of inf2 is paired with a cell nearer to it");
    assert_int_equal(match_cell_differences(x, y, MATCH_BY_INSTANCE, &b->arena, &text),
                     STATUS_OK);
    assert_null(text);
    r->v[FIELD_batch_size] = value_int(8);
    r->v[FIELD_enable_prefix_caching] = value_null();
    assert_int_equal(match_cell_explain(x, y, MATCH_BY_INSTANCE, &b->arena, &text),
                     STATUS_OK);
    assert_string_equal(text, "nearest cell of inf2 differs in batch_size (4, there 8), "
                              "enable_prefix_caching (off, there unknown)");
}

static void test_no_memory(void **state)
{
    struct bench *b = *state;
    enum status st = STATUS_NO_MEMORY;
    add(b, "short", 1)->v[FIELD_input_length] = value_int(32);
    add(b, "short", 2)->v[FIELD_input_length] = value_int(64);
    const struct match_input in = {.rows = b->inputs, .count = b->count};
    for (size_t cap = 0; st != STATUS_OK; cap += 16) {
        struct arena a;
        arena_init(&a, cap);
        st = match_cell_collect(&in, MATCH_BY_INSTANCE, &a, &b->out);
        assert_true(st == STATUS_OK || st == STATUS_NO_MEMORY);
        assert_true(cap < (1 << 16));
        if (st == STATUS_OK)
            assert_string_equal(b->out.cells[1].name, "short bs=4 cache=off in=64 out=");
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_of_a_cell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_roles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_by_nature, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_published, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fingerprint, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_explain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
