/* The plan of an online run: cells, due times, prompts, what is refused. */
#include "plan/load.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/opt.h"
#include "plan/plan.h"
#include "plan_fixture.h"

#define ARENA_BYTES ((size_t)256 << 20)

static int setup(void **state)
{
    const struct load closed = {.kind = LOAD_CLOSED,
                                .concurrency = 2,
                                .rate_rps = NAN,
                                .burstiness = NAN,
                                .max_concurrency = OPT_INT_UNSET,
                                .num_prompts = 6,
                                .duration_s = NAN};
    int failed = plan_fixture_set_up(state);
    struct plan_fixture *f = *state;
    f->scenarios[0] = (struct scenario){.name = "own", .own_tokens = 40, .max_tokens = 8};
    f->scenarios[1] = (struct scenario){
        .name = "shared", .shared_tokens = 32, .own_tokens = 8, .max_tokens = 9};
    f->o.scenarios = f->scenarios;
    f->o.scenario_count = 2;
    f->loads[0] = f->loads[1] = f->loads[2] = closed;
    f->loads[1].concurrency = 4;
    f->loads[2].kind = LOAD_OPEN;
    f->loads[2].rate_rps = 5;
    f->o.load_count = 3;
    return failed;
}

static struct plan_repeat draw(struct plan_fixture *f, const struct plan *p, size_t cell,
                               int64_t repeat)
{
    return plan_fixture_draw(f, p, cell, repeat, 16);
}

static void names(void **state)
{
    struct plan_fixture *f = *state;
    char name[LOAD_NAME_BYTES];
    load_name(&f->loads[1], name);
    assert_string_equal(name, "c4");
    load_name(&f->loads[2], name);
    assert_string_equal(name, "r5");
    f->loads[2].rate_rps = 0.25;
    load_name(&f->loads[2], name);
    assert_string_equal(name, "r0.25");
    f->loads[2].rate_rps = INFINITY;
    load_name(&f->loads[2], name);
    assert_string_equal(name, "rinf");
}

static void cells(void **state)
{
    struct plan_fixture *f = *state;
    struct plan p = plan_fixture_build(f);
    assert_int_equal(p.cell_count, 12);
    for (size_t i = 0; i < 12; i++) {
        const struct plan_cell *c = &p.cells[i];
        assert_int_equal(c->setting->caching, i >= 6);
        assert_int_equal(c->position, i / 6);
        assert_ptr_equal(c->scenario, &f->scenarios[i / 3 % 2]);
        assert_ptr_equal(c->load, &f->loads[i % 3]);
        assert_int_equal(c->max_tokens, i / 3 % 2 == 0 ? 8 : 9);
        assert_int_equal(c->most, 6);
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(c->counts[k], 6);
    }
    assert_true(isnan(plan_send_s(&p, 0, 1)));
}

static void counts_by_time(void **state)
{
    struct plan_fixture *f = *state;
    for (size_t i = 0; i < 3; i++) {
        f->loads[i].num_prompts = OPT_INT_UNSET;
        f->loads[i].duration_s = 4;
    }
    struct plan p = plan_fixture_build(f);
    assert_int_equal(p.cells[0].counts[1], 5000); /* 2 slots, 8 tokens of 0.2 ms */
    assert_int_equal(p.cells[1].counts[1], 10000);
    assert_true(p.cells[2].counts[0] != p.cells[2].counts[1] ||
                p.cells[2].counts[1] != p.cells[2].counts[2]); /* each drawn */
    for (int64_t k = 0; k < 3; k++) {
        struct plan_repeat r = draw(f, &p, 2, k);
        assert_int_equal(r.count, p.cells[2].counts[k]);
        assert_true(r.count <= (size_t)p.cells[2].most);
        assert_true(r.due_ns[r.count - 1] < 4 * NS_PER_S);
        assert_true(plan_send_s(&p, 2, k) == (double)r.due_ns[r.count - 1] / 1e9);
    }
    assert_true(plan_send_s(&p, 0, 1) == 4);
    f->o.max_tokens = 1;
    assert_int_equal(plan_fixture_build(f).cells[0].counts[1], 8000); /* 1 ms a request */
    f->o.max_tokens = 1000;
    assert_int_equal(plan_fixture_build(f).cells[0].counts[1], 40);
    f->loads[0].duration_s = 1e6;
    assert_int_equal(plan_fixture_build(f).cells[0].most, 200000);
    f->scenarios[0].own_tokens = 1 << 20;
    assert_int_equal(plan_fixture_build(f).cells[0].most, 256); /* 2^28 ids */
    f->loads[0].concurrency = 300;
    assert_int_equal(plan_fixture_build(f).cells[0].most, 300);
}

/* OFF and ON differ in nothing but the number of expected hits. */
static void caching_changes_nothing(void **state)
{
    struct plan_fixture *f = *state;
    f->o.warmup_requests = 2;
    struct plan p = plan_fixture_build(f);
    for (size_t cell = 0; cell < 6; cell++) {
        struct plan_repeat off = draw(f, &p, cell, 1), on = draw(f, &p, cell + 6, 1);
        assert_int_equal(off.count, 8);
        assert_int_equal(on.count, 8);
        for (size_t i = 0; i < off.count; i++) {
            const struct engine_request *a = &off.requests[i], *b = &on.requests[i];
            assert_int_equal(a->index, i);
            assert_int_equal(a->max_tokens, b->max_tokens);
            assert_int_equal(a->id_count, b->id_count);
            assert_memory_equal(a->ids, b->ids, a->id_count * sizeof *a->ids);
            assert_string_equal(a->salt, b->salt);
        }
        assert_int_equal(off.due_ns != NULL, cell % 3 == 2);
        if (off.due_ns != NULL)
            assert_memory_equal(off.due_ns, on.due_ns, 6 * sizeof *off.due_ns);
        assert_int_equal(off.expected_cached_tokens, 0);
        assert_int_equal(on.expected_cached_tokens, cell < 3 ? 0 : 5 * 32);
        assert_int_equal(on.shares_prefix, cell >= 3);
        assert_int_equal(on.longest_tokens, 40);
    }
}

/* Cells of one server share its cache: their prompts have nothing in common. */
static void cells_share_nothing(void **state)
{
    struct plan_fixture *f = *state;
    struct plan p = plan_fixture_build(f);
    struct plan_repeat a = draw(f, &p, 3, 1), b = draw(f, &p, 4, 1),
                       c = draw(f, &p, 3, 2);
    assert_memory_not_equal(a.requests[0].ids, b.requests[0].ids, 16 * sizeof(int32_t));
    assert_memory_not_equal(a.requests[0].ids, c.requests[0].ids, 16 * sizeof(int32_t));
    assert_string_not_equal(a.requests[0].salt, b.requests[0].salt);
    assert_string_not_equal(a.requests[0].salt, c.requests[0].salt);
    f->o.run = "77";
    p = plan_fixture_build(f);
    assert_string_not_equal(draw(f, &p, 3, 1).requests[0].salt, a.requests[0].salt);
}

static void warmups_are_others(void **state)
{
    struct plan_fixture *f = *state;
    struct plan p = plan_fixture_build(f);
    struct plan_repeat without = draw(f, &p, 9, 1);
    f->o.warmup_requests = 3;
    p = plan_fixture_build(f);
    struct plan_repeat with = draw(f, &p, 9, 1);
    assert_int_equal(with.count, 9);
    assert_int_equal(with.warmup_count, 3);
    assert_int_equal(without.warmup_count, 0);
    assert_int_equal(with.expected_cached_tokens, without.expected_cached_tokens);
    for (size_t i = 0; i < 6; i++)
        assert_memory_equal(with.requests[i].ids, without.requests[i].ids, 40 * 4);
    for (size_t i = 6; i < 9; i++) {
        assert_int_equal(with.requests[i].index, i);
        assert_memory_not_equal(with.requests[i].ids, with.requests[0].ids, 16 * 4);
        assert_string_not_equal(with.requests[i].salt, with.requests[0].salt);
    }
}

static void chat_sends_texts(void **state)
{
    struct plan_fixture *f = *state;
    f->o.is_chat = true;
    struct plan p = plan_fixture_build(f);
    struct plan_repeat r = draw(f, &p, 9, 1);
    for (size_t i = 0; i < r.count; i++) {
        assert_null(r.requests[i].ids);
        assert_non_null(r.requests[i].text);
    }
    assert_int_equal(r.longest_tokens, TOKENS_UNKNOWN);
    assert_int_equal(r.expected_cached_tokens, TOKENS_UNKNOWN);
    assert_true(r.shares_prefix);
}

static void given_texts(void **state)
{
    struct plan_fixture *f = *state;
    struct scenario_text texts[] = {{.text = "one", .max_tokens = 5},
                                    {.text = "two", .max_tokens = OPT_INT_UNSET}};
    f->scenarios[0] = (struct scenario){
        .name = "t", .texts = texts, .text_count = 2, .max_tokens = 7};
    f->o.warmup_requests = 1;
    f->loads[0].num_prompts = 3;
    struct plan p = plan_fixture_build(f);
    struct plan_repeat r = draw(f, &p, 0, 0);
    assert_int_equal(p.cells[0].max_tokens, 7);
    assert_string_equal(r.requests[2].text, "one");
    assert_string_equal(r.requests[3].text, "two"); /* the warm-up goes on from there */
    assert_int_equal(r.requests[2].max_tokens, 5);
}

static void the_hash_of_a_cell(void **state)
{
    struct plan_fixture *f = *state;
    struct plan_fixture good = *f;
    struct plan p = plan_fixture_build(f), q;
    size_t half = p.cell_count / 2;
    for (size_t i = 0; i < half; i++) {
        assert_string_equal(p.cells[i].sha256, p.cells[half + i].sha256); /* OFF, ON */
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(p.cells[i].sha256, p.cells[k].sha256);
    }
#define SAME(equal)                                                                 \
    do {                                                                            \
        q = plan_fixture_build(f);                                                  \
        assert_int_equal(strcmp(p.cells[0].sha256, q.cells[0].sha256) == 0, equal); \
        memcpy(f->loads, good.loads, sizeof f->loads);                              \
        f->o = good.o;                                                              \
    } while (0)
    f->o.num_runs = 9;
    f->o.setting_count = 1;
    f->o.load_count = f->o.scenario_count = 1;
    f->o.run = "another";
    SAME(1);
    f->loads[1].concurrency = 5; /* another cell's */
    SAME(1);
    f->o.seed = 1;
    SAME(0);
    f->o.max_tokens = 9;
    SAME(0);
    f->o.is_chat = true;
    SAME(0);
    f->o.is_prefix_warm = true;
    SAME(0);
    f->o.warmup_requests = 1;
    SAME(0);
    f->loads[0].num_prompts = 7;
    SAME(0);
    f->loads[0].duration_s = 7;
    SAME(0);
    f->loads[0].ramp_up_s = 7;
    SAME(0);
#undef SAME
}

static void the_hash(void **state)
{
    struct plan_fixture *f = *state;
    struct plan_fixture good = *f;
    struct plan p = plan_fixture_build(f), q;
#define SAME(equal)                                               \
    do {                                                          \
        q = plan_fixture_build(f);                                \
        assert_int_equal(strcmp(p.sha256, q.sha256) == 0, equal); \
        memcpy(f->loads, good.loads, sizeof f->loads);            \
        f->o = good.o;                                            \
    } while (0)
    assert_int_equal(strlen(p.sha256), 64);
    SAME(1);
    f->o.setting_count = 1;
    SAME(1);
    f->o.max_model_len = 500;
    SAME(1);
    f->o.run = "another";
    SAME(1);
    f->o.seed = 1;
    SAME(0);
    f->o.num_runs = 4;
    SAME(0);
    f->o.max_tokens = 8;
    SAME(0);
    f->o.is_prefix_warm = true;
    SAME(0);
    f->o.is_chat = true;
    SAME(0);
    f->o.warmup_requests = 1;
    SAME(0);
    f->o.load_count = 2;
    SAME(0);
    f->o.scenario_count = 1;
    SAME(0);
    f->loads[0].concurrency = 3;
    SAME(0);
    f->loads[0].num_prompts = 7;
    SAME(0);
    f->loads[0].duration_s = 7;
    SAME(0);
    f->loads[0].ramp_up_s = 7;
    SAME(0);
    f->loads[2].rate_rps = 7;
    SAME(0);
    f->loads[2].max_concurrency = 7;
    SAME(0);
    f->loads[2].arrival = LOAD_CONSTANT;
    SAME(0);
    f->loads[2].burstiness = 3; /* Poisson has none */
    SAME(1);
    f->loads[2].arrival = LOAD_GAMMA;
    f->loads[2].burstiness = 3;
    SAME(0);
#undef SAME
}

/* Just so many, and one more. */
static void the_largest_that_may_be(void **state)
{
    struct plan_fixture *f = *state;
    struct err e;
    struct load batch = {.kind = LOAD_BATCH, .batch_size = 1000000};
    assert_int_equal(load_check(&batch, &e), STATUS_OK);
    batch.batch_size++;
    assert_int_equal(load_check(&batch, &e), STATUS_BAD_OPTION);
    assert_non_null(strstr(e.what, "1000001 is not in 1..1000000"));
    struct load *closed = &f->loads[0];
    closed->num_prompts = 10000000;
    assert_int_equal(load_check(closed, &e), STATUS_OK);
    closed->num_prompts++;
    assert_int_equal(load_check(closed, &e), STATUS_BAD_OPTION);
    assert_non_null(strstr(e.what, "10000001 is not in 1..10000000"));
}

static void what_cannot_be_is_refused(void **state)
{
    struct plan_fixture *f = *state;
    struct plan_fixture good = *f;
#define REFUSED(load, member, value, where, what)      \
    do {                                               \
        f->loads[load].member = (value);               \
        plan_fixture_refused(f, where, what, "");      \
        memcpy(f->loads, good.loads, sizeof f->loads); \
        f->o = good.o;                                 \
    } while (0)
    REFUSED(0, concurrency, 0, "--concurrency", "must be positive");
    REFUSED(1, concurrency, 2, "--concurrency", "2 given twice");
    REFUSED(1, concurrency, 7, "--num-prompts", "6 requests cannot fill 7 slots");
    f->loads[1].concurrency = 6; /* just so: one for each slot */
    (void)plan_fixture_build(f);
    f->loads[1].concurrency = 4;
    REFUSED(0, num_prompts, 0, "--num-prompts", "not in 1..");
    REFUSED(0, num_prompts, 10000001, "--num-prompts", "not in 1..");
    REFUSED(0, num_prompts, OPT_INT_UNSET, "--num-prompts",
            "no limit on the length of a repeat");
    REFUSED(0, duration_s, 0, "--duration", "must be a positive, finite duration");
    REFUSED(0, duration_s, INFINITY, "--duration", "must be a positive, finite duration");
    REFUSED(0, ramp_up_s, -1, "--ramp-up", "no time at full load");
    f->loads[0].duration_s = 5;
    REFUSED(0, ramp_up_s, 5, "--ramp-up", "no time at full load");
    REFUSED(2, rate_rps, 0, "--request-rate", "must be positive");
    REFUSED(2, rate_rps, (double)NAN, "--request-rate", "must be positive");
    REFUSED(2, max_concurrency, 0, "--max-concurrency", "must be positive");
    f->loads[2].rate_rps = INFINITY;
    REFUSED(2, ramp_up_s, 1, "--ramp-up", "cannot ramp up");
    f->loads[2].rate_rps = INFINITY;
    f->loads[2].duration_s = 5;
    REFUSED(2, num_prompts, OPT_INT_UNSET, "--request-rate", "at once");
    f->loads[2].arrival = LOAD_GAMMA;
    REFUSED(2, burstiness, 0, "--burstiness", "must be positive");
    f->loads[2].duration_s = 1e-6;
    REFUSED(2, num_prompts, OPT_INT_UNSET, "--duration", "none is due");
    f->loads[2].duration_s = 100;
    f->loads[2].rate_rps = 1e9;
    REFUSED(2, num_prompts, OPT_INT_UNSET, "--num-prompts", "more than 10000000");
    f->o.num_runs = 1000;
    REFUSED(0, num_prompts, 5000000, "--num-prompts", "1000 repeats");
#undef REFUSED
    f->o.num_runs = 1;
    plan_fixture_refused(f, "--num-runs", "warm-up", "");
    f->o = good.o;
    f->o.load_count = 0;
    struct plan none = {.cell_count = 77};
    assert_int_equal(plan_build(&f->o, &f->a, &none, &f->e), STATUS_INTERNAL);
    assert_string_equal(f->e.what, "no loads");
    f->o = good.o;
    f->o.warmup_requests = -1;
    plan_fixture_refused(f, "--warmup-requests", "-1", "");
    f->o = good.o;
    f->o.max_model_len = 45;
    plan_fixture_refused(f, "scenario own", "40 prompt and 8 output tokens", "");
    struct plan p;
    struct plan_repeat r;
    struct plan_which w = {.cell = 12, .vocab_size = 100};
    f->o = good.o;
    p = plan_fixture_build(f);
    assert_int_equal(plan_draw(&p, &w, &f->a, &r, &f->e), STATUS_INTERNAL);
    w = (struct plan_which){.repeat = 3, .vocab_size = 100};
    assert_int_equal(plan_draw(&p, &w, &f->a, &r, &f->e), STATUS_INTERNAL);
    w = (struct plan_which){.vocab_size = 32};
    assert_int_equal(plan_draw(&p, &w, &f->a, &r, &f->e), STATUS_BAD_OPTION);
}

static void memory_may_run_out(void **state)
{
    struct plan_fixture *f = *state;
    f->o.warmup_requests = 1;
    struct alloc_fixture alloc = {.least = 3};
    while (alloc_fixture_next(&alloc)) {
        struct arena a;
        struct plan p;
        struct plan_repeat r;
        struct plan_which w = {.cell = 2, .vocab_size = 1000};
        arena_init(&a, ARENA_BYTES);
        alloc_fixture_arm(&alloc);
        enum status s = plan_build(&f->o, &a, &p, &f->e);
        if (s == STATUS_OK)
            s = plan_draw(&p, &w, &a, &r, &f->e);
        alloc_fixture_judge(&alloc, s);
        arena_fini(&a);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, plan_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(names),
        TEST(cells),
        TEST(counts_by_time),
        TEST(caching_changes_nothing),
        TEST(cells_share_nothing),
        TEST(warmups_are_others),
        TEST(chat_sends_texts),
        TEST(given_texts),
        TEST(the_hash_of_a_cell),
        TEST(the_hash),
        TEST(the_largest_that_may_be),
        TEST(what_cannot_be_is_refused),
        TEST(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
