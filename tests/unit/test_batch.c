/* A batch on an engine that tells the events of a script. */
#include "bench/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "journal_fixture.h"

#define COUNT 3
#define MOST  32

struct engine_lane {
    const struct event *events; /* [count], told in one turn */
    size_t count;
    bool is_told;
};

struct engine {
    struct engine_lane lane;
};

static enum status open_engine(const struct engine_settings *s,
                               const struct engine_watch *w, struct engine **out,
                               struct engine_facts *facts, struct err *e)
{
    (void)s;
    (void)e;
    *out = w->arg;
    *facts = (struct engine_facts){.hardware_type = "cpu"};
    return STATUS_OK;
}

static enum status lane_new(struct engine *en, struct engine_lane **out, struct err *e)
{
    (void)e;
    *out = &en->lane;
    return STATUS_OK;
}

static enum status submit(struct engine_lane *l, const struct engine_request *r,
                          struct err *e)
{
    (void)l;
    (void)r;
    (void)e;
    return STATUS_OK;
}

/* What the script leaves out never comes: the engine dies. */
static enum status next(struct engine_lane *l, struct instant until,
                        const struct engine_watch *w, struct event_list *out,
                        struct err *e)
{
    (void)until;
    (void)w;
    if (l->is_told)
        return status_fail(e, STATUS_DIED, "fake", "late");
    l->is_told = true;
    memcpy(out->items, l->events, l->count * sizeof *l->events);
    out->count = l->count;
    return STATUS_OK;
}

static enum status counters(struct engine *en, struct row *fields, struct err *e)
{
    (void)en;
    (void)fields;
    (void)e;
    return STATUS_OK;
}

static void close_engine(struct engine *en)
{
    (void)en;
}

static const struct engine_ops ops = {.name = "fake",
                                      .open = open_engine,
                                      .lane_new = lane_new,
                                      .submit = submit,
                                      .next = next,
                                      .counters = counters,
                                      .close = close_engine};

struct fixture {
    struct journal_fixture fx;
    struct journal journal;
    struct arena arena;
    struct engine engine;
    struct event events[MOST];
    size_t count;
    struct engine_request requests[COUNT];
    struct bench bench;
    struct bench_repeat r;
    struct err why, e;
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    journal_fixture_init(&f.fx);
    arena_init(&f.arena, 1 << 20);
    for (int32_t i = 0; i < COUNT; i++)
        f.requests[i] = (struct engine_request){.index = i, .max_tokens = 4};
    assert_int_equal(journal_create(&f.journal, f.fx.path, clock_now(), &f.e), STATUS_OK);
    assert_int_equal(journal_run(&f.journal, &f.fx.f.run, &f.e), STATUS_OK);
    f.bench = (struct bench){.session = {.ops = &ops, .lane_count = 1},
                             .journal = &f.journal,
                             .watch = {.arg = &f.engine},
                             .with_gaps = true};
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    journal_close(&f->journal);
    arena_fini(&f->arena);
    journal_fixture_fini(&f->fx);
    return 0;
}

static void tell(struct fixture *f, enum event_kind kind, int32_t request, int64_t at_ns,
                 int64_t tokens)
{
    assert_true(f->count < MOST);
    f->events[f->count++] = (struct event){.kind = kind,
                                           .request = request,
                                           .at = {f->journal.start.ns + at_ns},
                                           .tokens = tokens,
                                           .tokens_in = 10,
                                           .tokens_out = tokens,
                                           .tokens_cached = TOKENS_UNKNOWN,
                                           .prefill_ns = 7,
                                           .decode_ns = 8,
                                           .source = TOKEN_SOURCE_engine,
                                           .fail = kind == EVENT_FAILED ? FAIL_engine
                                                                        : FAIL_none,
                                           .text = kind == EVENT_FAILED ? "why" : NULL};
}

static enum status run_within(struct fixture *f, struct arena *a)
{
    f->engine.lane = (struct engine_lane){f->events, f->count, false};
    f->r = (struct bench_repeat){.plan = {.requests = f->requests, .count = COUNT},
                                 .arena = a};
    f->e.code = STATUS_OK;
    assert_int_equal(session_open(&f->bench.session, &f->bench.watch, &f->e), STATUS_OK);
    enum status s = batch_run(&f->bench, &f->r, &f->why, &f->e);
    session_close(&f->bench.session);
    assert_int_equal(f->e.code, STATUS_OK);
    return s;
}

static const struct request_record *run(struct fixture *f, enum status expected)
{
    assert_int_equal(run_within(f, &f->arena), expected);
    assert_int_equal(f->r.data.request_count, COUNT);
    const struct request_record *r = f->r.data.requests;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(r[i].index, i);
        assert_int_equal(r[i].status == RECORD_FAILED, r[i].fail != FAIL_none);
    }
    return r;
}

/* Every event with its arrival and its tokens. */
static void events(void **state)
{
    struct fixture *f = *state;
    tell(f, EVENT_DUE, -1, 5, 0);
    for (int32_t i = 0; i < COUNT; i++)
        tell(f, EVENT_SENT, i, 6 + i, 0);
    tell(f, EVENT_TOKENS, 0, 100, 1);
    tell(f, EVENT_TOKENS, 1, 100, 2);
    tell(f, EVENT_TOKENS, 0, 110, 1);
    tell(f, EVENT_TOKENS, 1, 111, 1);
    tell(f, EVENT_TOKENS, 0, 125, 2);
    tell(f, EVENT_TOKENS, 1, 131, 1);
    tell(f, EVENT_DONE, 0, 126, 4);
    tell(f, EVENT_DONE, 1, 140, 4);
    tell(f, EVENT_DONE, 2, 141, 0); /* an answer without a token */
    const struct request_record *r = run(f, STATUS_OK);
    assert_int_equal(r[0].due_ns, 5);
    assert_int_equal(r[0].ready_ns, 5);
    assert_int_equal(r[2].sent_ns, 8);
    assert_int_equal(r[0].at_ns[0], 100);
    assert_int_equal(r[0].at_ns[2], 125);
    assert_int_equal(r[0].done_ns, 126);
    assert_true(r[0].is_counted);
    assert_null(r[0].marks);
    assert_int_equal(r[0].classes[EVENT_TEXT].last_ns, 125);
    assert_int_equal(r[0].event_count, 3);
    assert_int_equal(r[0].event_tokens[2], 2);
    assert_int_equal(r[0].first_event_tokens, 1);
    assert_int_equal(r[1].first_event_tokens, 2);
    assert_int_equal(r[1].event_count, 3);
    assert_int_equal(r[1].tokens_in, 10);
    assert_int_equal(r[1].prefill_ns, 7);
    assert_int_equal(r[1].decode_ns, 8);
    assert_int_equal(r[1].source, TOKEN_SOURCE_engine);
    assert_int_equal(r[2].status, RECORD_OK);
    assert_int_equal(r[2].first_ns, NS_UNKNOWN);
    assert_int_equal(r[2].event_count, 0);
    assert_false(r[2].is_counted);
    assert_null(r[2].event_tokens);
}

/* What has ended stays; the rest failed with the engine. */
static void an_engine_that_dies(void **state)
{
    struct fixture *f = *state;
    tell(f, EVENT_DONE, 0, 10, 0);
    tell(f, EVENT_FAILED, 1, 11, 0);
    const struct request_record *r = run(f, STATUS_DIED);
    assert_int_equal(r[0].status, RECORD_OK);
    assert_int_equal(r[1].status, RECORD_FAILED);
    assert_string_equal(r[1].error, "why");
    assert_int_equal(r[2].status, RECORD_FAILED);
    assert_string_equal(r[2].error, "late");
    assert_int_equal(r[2].tokens_out, TOKENS_UNKNOWN);
    assert_string_equal(f->r.data.error, "late");
}

static void nothing_succeeds(void **state)
{
    struct fixture *f = *state;
    for (int32_t i = 0; i < COUNT; i++)
        tell(f, EVENT_FAILED, i, 11, 0);
    (void)run(f, STATUS_ENGINE);
    assert_string_equal(f->r.data.error, "why");
}

static void broken(struct fixture *f, const char *what)
{
    (void)run(f, STATUS_INTERNAL);
    journal_fixture_has(f->why.what, what);
    f->count = 0;
}

static void a_broken_contract(void **state)
{
    struct fixture *f = *state;
    tell(f, EVENT_TOKENS, COUNT, 1, 1);
    broken(f, "does not exist");
    tell(f, EVENT_DONE, -1, 1, 1);
    broken(f, "does not exist");
    tell(f, EVENT_DONE, 0, 1, 1);
    tell(f, EVENT_TOKENS, 0, 1, 1);
    broken(f, "after the request ended");
    for (int i = 0; i < 5; i++)
        tell(f, EVENT_TOKENS, 1, i, 1);
    broken(f, "more events");
}

static void no_memory(void **state)
{
    struct fixture *f = *state;
    enum status s = STATUS_NO_MEMORY;
    int failed = 0;
    for (int32_t i = 0; i < COUNT; i++)
        tell(f, EVENT_DONE, i, 1, 0);
    for (size_t cap = 0; s != STATUS_OK; cap += 64) {
        struct arena a;
        assert_true(cap < 1 << 20);
        arena_init(&a, cap);
        s = run_within(f, &a);
        arena_fini(&a);
        failed += s == STATUS_NO_MEMORY;
        assert_true(s == STATUS_OK || s == STATUS_NO_MEMORY);
    }
    assert_true(failed > 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(events), TEST(an_engine_that_dies),
                                       TEST(nothing_succeeds), TEST(a_broken_contract),
                                       TEST(no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
