#include "plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/opt.h"
#include "base/rng.h"
#include "plan/scenario.h"
#include "plan_fixture.h"

#define ARENA_BYTES ((size_t)256 << 20)

static int setup(void **state)
{
    struct scenario_list builtin = scenario_builtin();
    int failed = plan_fixture_set_up(state);
    struct plan_fixture *f = *state;
    f->loads[0].batch_size = 1;
    f->loads[1].batch_size = 4;
    f->o.load_count = 2;
    f->o.scenarios = builtin.items;
    f->o.scenario_count = builtin.count;
    f->o.max_model_len = 4096;
    return failed;
}

static void test_cells(void **state)
{
    struct plan_fixture *f = *state;
    struct plan p = plan_fixture_build(f);

    assert_int_equal(p.cell_count, 20);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(p.cells[i].setting->caching, i >= 10);
        assert_int_equal(p.cells[i].position, i / 10);
        assert_ptr_equal(p.cells[i].scenario, &f->o.scenarios[i / 2 % 5]);
        assert_int_equal(p.cells[i].load->batch_size, i % 2 == 0 ? 1 : 4);
        assert_int_equal(p.cells[i].max_tokens,
                         strcmp(p.cells[i].scenario->name, "long_generation") == 0 ? 1024
                                                                                   : 128);
    }
    f->o.max_tokens = 7;
    p = plan_fixture_build(f);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(p.cells[i].max_tokens, 7);
}

/* A load that is known only while the run goes on: drawn as if it had been there. */
static void test_added(void **state)
{
    struct plan_fixture *f = *state;
    struct load late = f->loads[1];
    f->o.setting_count = 1;
    f->o.scenario_count = 1;
    struct plan whole = plan_fixture_build(f);
    f->o.load_count = 1;
    f->o.more_cells = 1;
    struct plan p = plan_fixture_build(f);
    assert_int_equal(p.cell_count, 1);
    assert_int_equal(p.cell_room, 2);
    assert_int_equal(plan_add(&p, &late, &f->a, &f->e), STATUS_OK);
    late.batch_size = 1; /* it was copied */
    assert_int_equal(p.cell_count, 2);
    assert_string_equal(p.cells[1].sha256, whole.cells[1].sha256);
    assert_int_equal(p.cells[1].counts[0], 4);
    struct plan_repeat got = plan_fixture_draw(f, &p, 1, 2, 0),
                       want = plan_fixture_draw(f, &whole, 1, 2, 0);
    assert_int_equal(got.count, want.count);
    for (size_t i = 0; i < got.count; i++) {
        assert_int_equal(got.requests[i].id_count, want.requests[i].id_count);
        assert_memory_equal(got.requests[i].ids, want.requests[i].ids,
                            got.requests[i].id_count * sizeof *got.requests[i].ids);
    }
    assert_int_equal(plan_add(&p, &late, &f->a, &f->e), STATUS_INTERNAL);
    p.cell_room = 3;
    late.batch_size = 0;
    assert_int_equal(plan_add(&p, &late, &f->a, &f->e), STATUS_BAD_OPTION);
    assert_int_equal(p.cell_count, 2);
}

static void test_refused(void **state)
{
    struct plan_fixture *f = *state;
    struct plan_options good = f->o;

    f->o.max_model_len = 2175;
    plan_fixture_refused(f, "scenario long",
                         "2048 prompt and 128 output tokens make 2176",
                         "--max-model-len 2176");
    f->o.max_model_len = 2176;
    plan_fixture_build(f);
    f->o.max_tokens = 2176;
    plan_fixture_refused(f, "scenario short", "more than --max-model-len 2176",
                         "smaller --max-tokens");
    f->o = good;
    f->o.max_tokens = 0;
    plan_fixture_refused(f, "--max-tokens", "0 must be positive", "");
    f->o = good;
    f->o.num_runs = 1;
    plan_fixture_refused(f, "--num-runs", "run 0 is the warm-up", "2 or more");
    f->o = good;
    f->loads[1].batch_size = 1;
    plan_fixture_refused(f, "--batch-sizes", "1 given twice", "");
    f->loads[1].batch_size = 0;
    plan_fixture_refused(f, "--batch-sizes", "0 is not in 1..", "");
    f->loads[1].batch_size = 4;
    f->o.load_count = 0;
    struct plan none = {.cell_count = 77};
    assert_int_equal(plan_build(&f->o, &f->a, &none, &f->e), STATUS_INTERNAL);
    assert_string_equal(f->e.what, "no loads");
    f->o = good;
    f->o.scenario_count = 0;
    plan_fixture_refused(f, "--scenarios", "none", "");
    struct scenario twice[2] = {good.scenarios[0], good.scenarios[0]};
    f->o.scenarios = twice;
    f->o.scenario_count = 2;
    plan_fixture_refused(f, "scenario short", "twice", "");
}

/* The hash knows all that decides the prompts, and nothing else. */
static void test_hash(void **state)
{
    struct plan_fixture *f = *state;
    struct plan p = plan_fixture_build(f), q;
    struct plan_options good = f->o;
    struct scenario s[5];

    assert_int_equal(strlen(p.sha256), 64);
#define SAME(equal)                                               \
    do {                                                          \
        q = plan_fixture_build(f);                                \
        assert_int_equal(strcmp(p.sha256, q.sha256) == 0, equal); \
        f->o = good;                                              \
    } while (0)
    SAME(1);
    f->o.setting_count = 1;
    SAME(1);
    f->o.max_model_len = 5000;
    SAME(1);
    f->o.seed = 1;
    SAME(0);
    f->o.num_runs = 4;
    SAME(0);
    f->o.max_tokens = 128;
    SAME(0);
    f->o.is_prefix_warm = true;
    SAME(0);
    f->o.load_count = 1;
    SAME(0);
    f->o.scenario_count = 4;
    SAME(0);
    memcpy(s, good.scenarios, sizeof s);
    s[2].own_tokens++;
    f->o.scenarios = s;
    SAME(0);
    struct scenario_text text = {.text = "a", .max_tokens = OPT_INT_UNSET};
    memcpy(s, good.scenarios, sizeof s);
    s[2].texts = &text;
    s[2].text_count = 1;
    f->o.scenarios = s;
    p = plan_fixture_build(f);
    text.text = "b";
    SAME(0);
#undef SAME
}

/* One id, one order; over many ids each about as often. */
static void test_order_of_settings(void **state)
{
    (void)state;
    int on_first = 0;

    for (int i = 0; i < 400; i++) {
        char id[16];
        struct plan_setting two[2] = {{.caching = false}, {.caching = true}};
        struct plan_setting again[2] = {two[0], two[1]}, one[1] = {two[1]};
        snprintf(id, sizeof id, "run%d", i);
        plan_order_settings(two, 2, id);
        plan_order_settings(again, 2, id);
        assert_true(two[0].caching != two[1].caching);
        assert_int_equal(two[0].caching, again[0].caching);
        plan_order_settings(one, 1, id);
        assert_true(one[0].caching);
        on_first += two[0].caching;
    }
    assert_in_range(on_first, 140, 260); /* 200 +- 6 standard deviations */
}

/* The order is neither in the plan's digest nor in a cell's. */
static void test_order_changes_nothing(void **state)
{
    struct plan_fixture *f = *state;
    struct plan p = plan_fixture_build(f);

    struct plan_setting reversed[] = {f->settings[1], f->settings[0]};
    f->o.settings = reversed;
    struct plan q = plan_fixture_build(f);
    size_t half = p.cell_count / 2;
    assert_string_equal(p.sha256, q.sha256);
    for (size_t i = 0; i < half; i++) {
        assert_string_equal(p.cells[i].sha256, q.cells[i].sha256);
        assert_true(!p.cells[i].setting->caching && q.cells[i].setting->caching);
        assert_int_equal(q.cells[half + i].position, 1);
    }
}

/* A cell's digest knows its own work alone. */
static void test_hash_of_a_cell(void **state)
{
    struct plan_fixture *f = *state;
    struct plan p = plan_fixture_build(f), q;
    struct plan_options good = f->o;
    size_t half = p.cell_count / 2;
    struct scenario s[5];

    assert_int_equal(strlen(p.cells[0].sha256), 64);
    for (size_t i = 0; i < half; i++) {
        assert_string_equal(p.cells[i].sha256, p.cells[half + i].sha256); /* OFF, ON */
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(p.cells[i].sha256, p.cells[k].sha256);
    }
#define SAME(equal)                                                                 \
    do {                                                                            \
        q = plan_fixture_build(f);                                                  \
        assert_int_equal(strcmp(p.cells[0].sha256, q.cells[0].sha256) == 0, equal); \
        f->o = good;                                                                \
    } while (0)
    f->o.num_runs = 9;
    f->o.setting_count = 1;
    f->o.load_count = 1;
    f->o.scenario_count = 1;
    SAME(1);
    f->o.max_tokens = good.scenarios[0].max_tokens; /* as it is anyway */
    SAME(1);
    f->o.max_tokens = good.scenarios[0].max_tokens + 1;
    SAME(0);
    f->o.seed = 1;
    SAME(0);
    f->o.is_prefix_warm = true;
    SAME(0);
    memcpy(s, good.scenarios, sizeof s);
    s[1].own_tokens++;
    f->o.scenarios = s;
    SAME(1);
    s[0].own_tokens++;
    f->o.scenarios = s;
    SAME(0);
    struct scenario_text text = {.text = "a", .max_tokens = OPT_INT_UNSET};
    memcpy(s, good.scenarios, sizeof s);
    s[0].texts = &text;
    s[0].text_count = 1;
    f->o.scenarios = s;
    p = plan_fixture_build(f);
    text.text = "b";
    SAME(0);
#undef SAME
}

/* OFF and ON differ in nothing but the number of expected hits. */
static void test_caching_changes_nothing(void **state)
{
    struct plan_fixture *f = *state;
    struct plan p = plan_fixture_build(f);

    for (size_t cell = 0; cell < 10; cell++) {
        struct plan_repeat off = plan_fixture_draw(f, &p, cell, 1, 16);
        struct plan_repeat on = plan_fixture_draw(f, &p, cell + 10, 1, 16);
        assert_int_equal(off.count, on.count);
        assert_int_equal(off.longest_tokens, on.longest_tokens);
        for (size_t i = 0; i < off.count; i++) {
            const struct engine_request *a = &off.requests[i], *b = &on.requests[i];
            assert_int_equal(a->id_count, b->id_count);
            assert_int_equal(a->max_tokens, b->max_tokens);
            assert_memory_equal(a->ids, b->ids, a->id_count * sizeof *a->ids);
        }
        assert_int_equal(off.expected_cached_tokens, 0);
        assert_int_equal(off.shares_prefix, on.shares_prefix);
    }
}

static void test_hits(void **state)
{
    struct plan_fixture *f = *state;
    struct plan p = plan_fixture_build(f);
    size_t prefix1 = 18, prefix4 = 19, short4 = 11;

    assert_string_equal(p.cells[prefix4].scenario->name, "prefix_caching");
    /* cold: 3 of 4 find the first one's 1,024 */
    assert_int_equal(plan_fixture_draw(f, &p, prefix4, 0, 16).expected_cached_tokens,
                     3 * 1024);
    assert_int_equal(plan_fixture_draw(f, &p, prefix4, 2, 32).expected_cached_tokens,
                     3 * 1024);
    assert_int_equal(plan_fixture_draw(f, &p, prefix4, 2, 100).expected_cached_tokens,
                     3 * 1000);
    assert_int_equal(plan_fixture_draw(f, &p, prefix4, 2, 2000).expected_cached_tokens,
                     0);
    assert_int_equal(plan_fixture_draw(f, &p, prefix4, 2, 0).expected_cached_tokens,
                     TOKENS_UNKNOWN);
    assert_true(plan_fixture_draw(f, &p, prefix4, 2, 0).shares_prefix);
    assert_false(plan_fixture_draw(f, &p, prefix4, 2, 2000).shares_prefix);
    assert_int_equal(plan_fixture_draw(f, &p, prefix1, 1, 16).expected_cached_tokens, 0);
    assert_false(plan_fixture_draw(f, &p, prefix1, 1, 16).shares_prefix);
    assert_false(plan_fixture_draw(f, &p, short4, 1, 16).shares_prefix);
    assert_int_equal(plan_fixture_draw(f, &p, short4, 1, 16).longest_tokens, 32);
    /* warm: the prefix is there from repeat 1 on */
    f->o.is_prefix_warm = true;
    p = plan_fixture_build(f);
    assert_int_equal(plan_fixture_draw(f, &p, prefix4, 0, 16).expected_cached_tokens,
                     3 * 1024);
    assert_int_equal(plan_fixture_draw(f, &p, prefix4, 1, 16).expected_cached_tokens,
                     4 * 1024);
    assert_int_equal(plan_fixture_draw(f, &p, prefix1, 0, 16).expected_cached_tokens, 0);
    assert_true(plan_fixture_draw(f, &p, prefix1, 0, 16).shares_prefix);
    assert_int_equal(plan_fixture_draw(f, &p, prefix1, 1, 16).expected_cached_tokens,
                     1024);
    assert_false(plan_fixture_draw(f, &p, short4, 0, 16).shares_prefix);
}

/* Texts of random lengths over two letters, as an engine's tokenizer would leave them. */
static void fill_texts(struct plan_fixture *f, struct rng *rng, struct scenario_text *t,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        t[i] = (struct scenario_text){
            .text = "x", .max_tokens = OPT_INT_UNSET, .id_count = 1 + rng_below(rng, 30)};
        t[i].ids = arena_alloc(&f->a, t[i].id_count, sizeof *t[i].ids);
        for (size_t k = 0; k < t[i].id_count; k++)
            t[i].ids[k] = (int32_t)rng_below(rng, 2);
    }
}

static int64_t shared(const struct engine_request *a, const struct engine_request *b)
{
    size_t s = 0;

    while (s < a->id_count && s < b->id_count && a->ids[s] == b->ids[s])
        s++;
    return (int64_t)s;
}

/* The definition of DESIGN, request against request, over all repeats drawn one by
 * one. */
static int64_t reference(const struct plan_repeat *r, int64_t repeat, bool is_warm,
                         int64_t block)
{
    int64_t sum = 0;

    for (size_t i = 0; i < r[repeat].count; i++) {
        const struct engine_request *q = &r[repeat].requests[i];
        int64_t s = 0;
        for (int64_t k = is_warm ? 0 : repeat; k <= repeat; k++) {
            for (size_t j = 0; j < (k == repeat ? i : r[k].count); j++) {
                int64_t t = shared(q, &r[k].requests[j]);
                s = t > s ? t : s;
            }
        }
        s = s < (int64_t)q->id_count - 1 ? s : (int64_t)q->id_count - 1;
        sum += s / block * block;
    }
    return sum;
}

static void test_hits_reference(void **state)
{
    struct plan_fixture *f = *state;
    struct rng rng;

    rng_init(&rng, 1, "test");
    f->o.num_runs = 4;
    f->o.scenario_count = 1;
    f->settings[0].caching = true;
    f->o.setting_count = 1;
    f->o.load_count = 1;
    for (int round = 0; round < 300; round++) {
        struct scenario_text texts[6];
        struct scenario s = {.name = "r", .max_tokens = 8};
        if (round % 2 == 0) {
            s.text_count = 1 + rng_below(&rng, 6);
            s.texts = texts;
            fill_texts(f, &rng, texts, s.text_count);
        } else {
            s.shared_tokens = (int64_t)rng_below(&rng, 20);
            s.own_tokens = 4 + (int64_t)rng_below(&rng, 20);
        }
        f->o.scenarios = &s;
        f->o.is_prefix_warm = rng_below(&rng, 2) == 0;
        f->o.seed = round;
        f->loads[0].batch_size = 1 + (int64_t)rng_below(&rng, 9);
        struct plan p = plan_fixture_build(f);
        struct plan_repeat r[4];
        for (int64_t k = 0; k < 4; k++) {
            int64_t block = 1 + (int64_t)rng_below(&rng, 6);
            r[k] = plan_fixture_draw(f, &p, 0, k, block);
            assert_int_equal(r[k].expected_cached_tokens,
                             reference(r, k, f->o.is_prefix_warm, block));
        }
    }
}

static void test_texts(void **state)
{
    struct plan_fixture *f = *state;
    int32_t ids[] = {5, 6, 7};
    struct scenario_text texts[] = {
        {.text = "a", .max_tokens = 9, .ids = ids, .id_count = 3},
        {.text = "b", .max_tokens = OPT_INT_UNSET, .ids = ids, .id_count = 2}};
    struct scenario s = {.name = "t", .max_tokens = 50, .texts = texts, .text_count = 2};

    f->o.scenarios = &s;
    f->o.scenario_count = 1;
    f->o.max_model_len = 60;
    struct plan p = plan_fixture_build(f);
    assert_int_equal(p.cells[0].max_tokens, 9); /* batch 1 never reaches the
                                                   second text */
    assert_int_equal(p.cells[1].max_tokens, 50);
    struct plan_repeat r1 = plan_fixture_draw(f, &p, 1, 1, 1),
                       r2 = plan_fixture_draw(f, &p, 1, 2, 1);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(r1.requests[i].index, i);
        assert_int_equal(r1.requests[i].id_count, i % 2 == 0 ? 3 : 2);
        assert_int_equal(r1.requests[i].max_tokens, i % 2 == 0 ? 9 : 50);
        assert_string_equal(r1.requests[i].salt, r1.requests[0].salt);
        assert_string_not_equal(r1.requests[i].salt, r2.requests[i].salt);
    }
    assert_string_not_equal(r1.requests[0].salt,
                            plan_fixture_draw(f, &p, 0, 1, 1).requests[0].salt);
    f->o.is_prefix_warm = true;
    p = plan_fixture_build(f);
    assert_string_equal(plan_fixture_draw(f, &p, 1, 1, 1).requests[0].salt,
                        plan_fixture_draw(f, &p, 1, 2, 1).requests[0].salt);

    assert_int_equal(plan_check_texts(&p, &f->e), STATUS_OK);
    texts[1].id_count = 11;
    assert_int_equal(plan_check_texts(&p, &f->e), STATUS_BAD_OPTION);
    assert_string_equal(f->e.where, "scenario t, text 2");
    assert_non_null(strstr(f->e.what, "11 prompt and 50 output tokens"));
    texts[1].id_count = 0;
    assert_int_equal(plan_check_texts(&p, &f->e), STATUS_BAD_INPUT);
    texts[1].ids = NULL;
    struct plan_which w = {.cell = 1, .vocab_size = 100};
    struct plan_repeat none;
    assert_int_equal(plan_draw(&p, &w, &f->a, &none, &f->e), STATUS_INTERNAL);
    w.repeat = 3;
    assert_int_equal(plan_draw(&p, &w, &f->a, &none, &f->e), STATUS_INTERNAL);
}

static void test_no_memory(void **state)
{
    struct plan_fixture *f = *state;

    f->o.is_prefix_warm = true;
    struct alloc_fixture alloc = {.least = 6};
    while (alloc_fixture_next(&alloc)) {
        struct arena a;
        struct plan p;
        struct plan_repeat r;
        struct plan_which w = {
            .cell = 19, .repeat = 1, .vocab_size = 1000, .block_size = 1};
        arena_init(&a, ARENA_BYTES);
        f->e = (struct err){.code = STATUS_OK};
        alloc_fixture_arm(&alloc);
        enum status s = plan_build(&f->o, &a, &p, &f->e);
        if (s == STATUS_OK)
            s = plan_draw(&p, &w, &a, &r, &f->e);
        alloc_fixture_judge(&alloc, s);
        assert_int_equal(f->e.code, s);
        arena_fini(&a);
    }
}

/* A B B A A B: launches of two settings, all of one draw. */
static void test_launches(void **state)
{
    struct plan_fixture *f = *state;
    struct plan p;
    f->o.launches = 3;
    p = plan_fixture_build(f);
    size_t half = p.cell_count / 6; /* cells of an engine that is opened */
    static const size_t settings[] = {0, 1, 1, 0, 0, 1};
    assert_int_equal(p.cell_count % 6, 0);
    for (size_t i = 0; i < p.cell_count; i++) {
        const struct plan_cell *c = &p.cells[i], *first = &p.cells[i % half];
        assert_int_equal(c->position, settings[i / half]);
        assert_int_equal(c->launch, i / half / 2);
        assert_ptr_equal(c->setting, &f->settings[c->position]);
        assert_ptr_equal(c->counts, first->counts);
        assert_string_equal(c->sha256, first->sha256);
    }
}

/* Of 2 to 9 settings: each launch has all of them; in `count` launches (an odd count:
 * twice as many) each has had each place equally often, and each has followed each other
 * one in a launch equally often (Williams 1949). What grows evenly over the run hits all
 * alike after every second launch. */
static void test_squares(void **state)
{
    (void)state;
    enum { MOST = 9 };
    assert_int_equal(plan_setting_at(1, 7, 0), 0);
    for (size_t n = 2; n <= MOST; n++) {
        size_t launches = n % 2 == 0 ? n : 2 * n, opened = 0;
        size_t at[MOST][MOST] = {{0}}, after[MOST][MOST] = {{0}}, drift[MOST] = {0};
        for (size_t l = 0; l < launches; l++) {
            for (size_t place = 0; place < n; place++) {
                size_t now = plan_setting_at(n, l, place);
                assert_true(now < n);
                at[now][place]++;
                drift[now] += opened++;
                if (place > 0)
                    after[plan_setting_at(n, l, place - 1)][now]++;
            }
            for (size_t k = 1; l % 2 == 1 && k < n; k++)
                assert_int_equal(drift[k], drift[0]);
        }
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n; k++) {
                assert_int_equal(at[i][k], launches / n);
                assert_int_equal(after[i][k], i == k ? 0 : launches / n);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cells, setup, plan_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_added, setup, plan_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_launches, setup, plan_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_refused, setup, plan_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_hash, setup, plan_fixture_tear_down),
        cmocka_unit_test(test_order_of_settings),
        cmocka_unit_test(test_squares),
        cmocka_unit_test_setup_teardown(test_order_changes_nothing, setup,
                                        plan_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_hash_of_a_cell, setup,
                                        plan_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_caching_changes_nothing, setup,
                                        plan_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_hits, setup, plan_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_hits_reference, setup,
                                        plan_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_texts, setup, plan_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, plan_fixture_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
