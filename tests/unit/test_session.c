/* What is opened is closed again, whichever step fails. */
#include "bench/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "base/mem.h"

/* open reaches it through the watch. */
struct fake {
    int opens, closes, lanes, texts;
    bool fails_open_half_way, fails_lane, fails_tokenize;
};

struct engine_lane {
    int unused;
};

struct engine {
    struct fake *fake;
    struct engine_lane lane;
};

static enum status fake_open(const struct engine_settings *s,
                             const struct engine_watch *w, struct engine **out,
                             struct engine_facts *facts, struct err *e)
{
    struct fake *f = w->arg;
    (void)s;
    f->opens++;
    *out = mem_alloc(1, sizeof **out);
    if (*out == NULL)
        return status_fail(e, STATUS_NO_MEMORY, "fake", "out of memory");
    (*out)->fake = f;
    *facts = (struct engine_facts){.vocab_size = 1000, .hardware_type = "cpu"};
    if (f->fails_open_half_way)
        return status_fail(e, STATUS_ENGINE, "fake", "half-way");
    return STATUS_OK;
}

static enum status fake_lane(struct engine *en, struct engine_lane **out, struct err *e)
{
    if (en->fake->fails_lane)
        return status_fail(e, STATUS_ENGINE, "fake", "no lane");
    en->fake->lanes++;
    *out = &en->lane;
    return STATUS_OK;
}

/* One id a byte, 16 more than its code. */
static enum status fake_tokenize(struct engine *en, struct engine_text *texts,
                                 size_t count, struct arena *a, struct err *e)
{
    if (en->fake->fails_tokenize)
        return status_fail(e, STATUS_ENGINE, "fake", "no tokens");
    for (size_t i = 0; i < count; i++) {
        struct engine_text *t = &texts[i];
        t->id_count = strlen(t->text);
        t->ids = arena_alloc(a, t->id_count, sizeof *t->ids);
        if (t->ids == NULL)
            return status_fail(e, STATUS_NO_MEMORY, "fake", "out of memory");
        for (size_t k = 0; k < t->id_count; k++)
            t->ids[k] = t->text[k] + 16;
    }
    en->fake->texts += (int)count;
    return STATUS_OK;
}

static void fake_close(struct engine *en)
{
    if (en != NULL)
        en->fake->closes++;
    mem_free(en);
}

static const struct engine_ops ops = {.name = "fake",
                                      .open = fake_open,
                                      .lane_new = fake_lane,
                                      .tokenize = fake_tokenize,
                                      .close = fake_close};

struct bed {
    struct fake fake;
    struct session session;
    struct arena arena;
    struct err e;
};

static int setup(void **state)
{
    static struct bed b;
    memset(&b, 0, sizeof b);
    arena_init(&b.arena, 16 << 20);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    struct bed *b = *state;
    mem_fail_at(0);
    session_close(&b->session);
    arena_fini(&b->arena);
    return 0;
}

static enum status open_session(struct bed *b)
{
    const struct engine_watch w = {.arg = &b->fake};
    const struct engine_settings s = {.model = "m", .max_num_seqs = 4};
    b->session = (struct session){.ops = &ops, .settings = s, .lane_count = 1};
    return session_open(&b->session, &w, &b->e);
}

static void expect_closed(const struct bed *b)
{
    assert_null(b->session.engine);
    assert_null(b->session.sampler);
    assert_int_equal(b->fake.closes, b->fake.opens);
}

static void opens_and_closes(void **state)
{
    struct bed *b = *state;
    assert_int_equal(open_session(b), STATUS_OK);
    assert_non_null(b->session.engine);
    assert_non_null(b->session.lanes[0]);
    assert_non_null(b->session.sampler);
    assert_int_equal(b->session.settings.max_num_seqs, 4);
    assert_int_equal(b->session.facts.vocab_size, 1000);
    session_close(&b->session);
    expect_closed(b);
    session_close(&b->session);
    expect_closed(b);
}

static void a_failure_leaves_nothing_open(void **state)
{
    struct bed *b = *state;
    b->fake.fails_open_half_way = true;
    assert_int_equal(open_session(b), STATUS_ENGINE);
    expect_closed(b);
    assert_string_equal(b->e.what, "half-way");
    b->fake = (struct fake){.fails_lane = true};
    assert_int_equal(open_session(b), STATUS_ENGINE);
    expect_closed(b);
    assert_string_equal(b->e.what, "no lane");
}

static void memory_may_run_out(void **state)
{
    struct bed *b = *state;
    struct alloc_fixture alloc = {.least = 2};
    while (alloc_fixture_next(&alloc)) {
        b->fake = (struct fake){0};
        alloc_fixture_arm(&alloc);
        enum status s = open_session(b);
        alloc_fixture_judge(&alloc, s);
        b->fake.opens -= alloc.failures == 1; /* the first one is the engine itself */
        if (s != STATUS_OK)
            expect_closed(b);
    }
}

/* Three scenarios: lengths, two texts, and texts that have their ids already. */
struct work {
    struct scenario_text texts[2], known[1];
    struct scenario scenarios[3];
    struct plan plan;
};

static void make_work(struct work *w)
{
    static int32_t ids[] = {20, 21};
    *w = (struct work){
        .texts = {{.text = "abc", .max_tokens = 4}, {.text = "defgh", .max_tokens = 4}},
        .known = {{.text = "xy", .max_tokens = 4, .ids = ids, .id_count = 2}},
        .scenarios = {{.name = "lengths", .own_tokens = 8, .max_tokens = 4},
                      {.name = "faq", .max_tokens = 4, .text_count = 2},
                      {.name = "known", .max_tokens = 4, .text_count = 1}}};
    w->scenarios[1].texts = w->texts;
    w->scenarios[2].texts = w->known;
    w->plan.options = (struct plan_options){.scenarios = w->scenarios,
                                            .scenario_count = 3,
                                            .max_tokens = OPT_INT_UNSET,
                                            .max_model_len = 16};
}

static void texts_become_ids_once(void **state)
{
    struct bed *b = *state;
    struct work w;
    make_work(&w);
    assert_int_equal(open_session(b), STATUS_OK);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(session_tokenize(&b->session, &w.plan, &b->arena, &b->e),
                         STATUS_OK);
        assert_int_equal(b->fake.texts, 2);
    }
    assert_int_equal(w.texts[1].id_count, 5);
    assert_int_equal(w.texts[1].ids[0], 'd' + 16);
    assert_int_equal(w.known[0].ids[0], 20);
}

static void a_text_may_be_too_long(void **state)
{
    struct bed *b = *state;
    struct work w;
    make_work(&w);
    w.texts[1].text = "thirteen byte";
    assert_int_equal(open_session(b), STATUS_OK);
    assert_int_not_equal(session_tokenize(&b->session, &w.plan, &b->arena, &b->e),
                         STATUS_OK);
    assert_non_null(strstr(b->e.where, "faq"));
    make_work(&w);
    b->fake.fails_tokenize = true;
    assert_int_equal(session_tokenize(&b->session, &w.plan, &b->arena, &b->e),
                     STATUS_ENGINE);
    assert_null(w.texts[0].ids);
    b->fake.fails_tokenize = false;
    arena_fini(&b->arena);
    arena_init(&b->arena, 16);
    assert_int_equal(session_tokenize(&b->session, &w.plan, &b->arena, &b->e),
                     STATUS_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(opens_and_closes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_leaves_nothing_open, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_run_out, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_become_ids_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_text_may_be_too_long, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
