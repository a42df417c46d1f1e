#include "bench/setting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct bench {
    struct arena arena;
    struct engine_facts facts;
    struct row row;
    struct setting_place place;
};

static int set_up(void **state)
{
    static struct bench b;
    memset(&b, 0, sizeof b);
    arena_init(&b.arena, 1 << 20);
    b.place = (struct setting_place){
        .run_id = "run", .engine = "null", .opening = 1, .position = 1};
    b.row.v[FIELD_dtype] = value_str("bfloat16");
    b.row.v[FIELD_max_num_seqs] = value_int(8);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    arena_fini(&b->arena);
    return 0;
}

static void fill(struct bench *b)
{
    struct err e;
    assert_int_equal(setting_fill(&b->place, &b->facts, &b->arena, &b->row, &e),
                     STATUS_OK);
}

static const char *launch(struct bench *b, const char *source)
{
    fill(b);
    assert_string_equal(field_str(&b->row, FIELD_launch_source), source);
    const char *id = field_str(&b->row, FIELD_launch_id);
    assert_int_equal(strlen(id), 32);
    assert_int_equal(strspn(id, "0123456789abcdef"), 32);
    return id;
}

static const char *digest(struct bench *b)
{
    fill(b);
    const char *hex = field_str(&b->row, FIELD_settings_sha256);
    assert_int_equal(strlen(hex), 64);
    return hex;
}

/* Each opening of ours is a launch; the same one gives the same id in every cell. */
static void test_launches_of_ours(void **state)
{
    struct bench *b = *state;
    const char *first = launch(b, "started");
    assert_string_equal(launch(b, "started"), first);
    b->place.opening = 2;
    const char *second = launch(b, "started");
    assert_string_not_equal(second, first);
    b->place.run_id = "other";
    assert_string_not_equal(launch(b, "started"), second);
}

/* One process of a server is one launch for every run that meets it. */
static void test_launches_of_a_server(void **state)
{
    struct bench *b = *state;
    b->facts.process = "http://h:1 1795974127.500;";
    const char *first = launch(b, "metrics");
    b->place = (struct setting_place){
        .run_id = "other", .engine = "null", .opening = 5, .position = 2};
    assert_string_equal(launch(b, "metrics"), first);
    b->facts.process = "http://h:1 1795974128.000;";
    assert_string_not_equal(launch(b, "metrics"), first);
    b->facts.process = "";
    const char *of_run = launch(b, "run");
    b->place.opening = 6; /* it may be the same process: nobody knows */
    assert_string_equal(launch(b, "run"), of_run);
    b->place.run_id = "run";
    assert_string_not_equal(launch(b, "run"), of_run);
}

static void test_digest(void **state)
{
    struct bench *b = *state;
    const char *first = digest(b);
    b->place.opening = 9;
    b->row.v[FIELD_kv_cache_tokens] = value_int(77); /* of this launch alone */
    b->row.v[FIELD_scenario] = value_str("short");   /* no setting */
    b->row.v[FIELD_quantization] = value_null();
    assert_string_equal(digest(b), first);
    b->row.v[FIELD_max_num_seqs] = value_int(9);
    assert_string_not_equal(digest(b), first);
    b->row.v[FIELD_max_num_seqs] = value_str("8");
    assert_string_not_equal(digest(b), first);
    b->row.v[FIELD_max_num_seqs] = value_int(8);
    assert_string_equal(digest(b), first);
    assert_string_equal(field_str(&b->row, FIELD_engine), "null");
    b->place.engine = "other";
    assert_string_not_equal(digest(b), first);
    b->place.engine = "null";
    b->row.v[FIELD_engine_args] = value_json("[\"a=1\"]");
    assert_string_not_equal(digest(b), first);
}

static void test_unopened(void **state)
{
    struct bench *b = *state;
    struct err e;
    b->place.position = 2;
    assert_int_equal(setting_fill(&b->place, NULL, &b->arena, &b->row, &e), STATUS_OK);
    assert_int_equal(b->row.v[FIELD_setting_position].i, 2);
    assert_false(value_is_known(b->row.v[FIELD_launch_id]));
    assert_false(value_is_known(b->row.v[FIELD_settings_sha256]));
}

static void test_no_memory(void **state)
{
    struct bench *b = *state;
    for (size_t cap = 0; cap < 64; cap += 16) {
        struct arena a;
        struct err e;
        arena_init(&a, cap);
        assert_int_equal(setting_fill(&b->place, &b->facts, &a, &b->row, &e),
                         STATUS_NO_MEMORY);
        arena_fini(&a);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_launches_of_ours), TEST(test_launches_of_a_server),
        TEST(test_digest),           TEST(test_unopened),
        TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
