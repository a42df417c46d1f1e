#include "bench/collect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

#define COUNT 3

struct fixture {
    struct arena arena;
    struct engine_request requests[COUNT];
    struct plan_repeat plan;
    struct collect c;
    struct err e;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.plan = {.requests = f.requests, .count = COUNT}};
    for (int32_t i = 0; i < COUNT; i++)
        f.requests[i] = (struct engine_request){.index = i, .max_tokens = 4};
    arena_init(&f.arena, 1 << 20);
    assert_int_equal(collect_init(&f.c, &f.plan, (struct instant){1000}, &f.arena, &f.e),
                     STATUS_OK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mem_fail_at(0);
    arena_fini(&f->arena);
    return 0;
}

static void feed(struct fixture *f, enum event_kind kind, int32_t request, int64_t at_ns,
                 int64_t tokens)
{
    struct event ev = {.kind = kind,
                       .request = request,
                       .at = {1000 + at_ns},
                       .tokens = tokens,
                       .tokens_in = 10,
                       .tokens_out = tokens,
                       .tokens_cached = TOKENS_UNKNOWN,
                       .prefill_ns = 7,
                       .decode_ns = 8,
                       .fail = FAIL_engine,
                       .text = kind == EVENT_FAILED ? "why" : NULL};
    if (collect_event(&f->c, &ev, &f->e) != STATUS_OK)
        fail_msg("%s", f->e.what);
}

static struct request_record *finish(struct fixture *f, enum fail_class fail)
{
    struct request_record *out = NULL;
    int counts[RECORD_INTERRUPTED + 1] = {0};
    assert_int_equal(collect_finish(&f->c, fail, "late", &out, &f->e), STATUS_OK);
    for (int i = 0; i < COUNT; i++) {
        counts[out[i].status]++;
        assert_int_equal(out[i].index, i);
        assert_int_equal(out[i].status == RECORD_FAILED, out[i].fail != FAIL_none);
    }
    assert_int_equal(
        counts[RECORD_OK] + counts[RECORD_FAILED] + counts[RECORD_INTERRUPTED], COUNT);
    return out;
}

/* Every event with its arrival and its tokens. */
static void test_events(void **state)
{
    struct fixture *f = *state;
    feed(f, EVENT_DUE, -1, 5, 0);
    for (int32_t i = 0; i < COUNT; i++)
        feed(f, EVENT_SENT, i, 6 + i, 0);
    feed(f, EVENT_TOKENS, 0, 100, 1);
    feed(f, EVENT_TOKENS, 1, 100, 2);
    feed(f, EVENT_TOKENS, 0, 110, 1);
    feed(f, EVENT_TOKENS, 1, 111, 1);
    feed(f, EVENT_TOKENS, 0, 125, 2);
    feed(f, EVENT_TOKENS, 1, 131, 1);
    feed(f, EVENT_DONE, 0, 126, 4);
    feed(f, EVENT_DONE, 1, 140, 4);
    feed(f, EVENT_DONE, 2, 141, 0); /* an answer without a token */
    const struct request_record *r = finish(f, FAIL_none);
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
    assert_int_equal(r[1].source, TOKEN_SOURCE_engine);
    assert_int_equal(r[2].status, RECORD_OK);
    assert_int_equal(r[2].first_ns, NS_UNKNOWN);
    assert_int_equal(r[2].event_count, 0);
    assert_false(r[2].is_counted);
    assert_null(r[2].event_tokens);
}

static void test_ends(void **state)
{
    struct fixture *f = *state;
    feed(f, EVENT_DONE, 0, 10, 0);
    feed(f, EVENT_FAILED, 1, 11, 0);
    const struct request_record *r = finish(f, FAIL_none);
    assert_int_equal(r[0].status, RECORD_OK);
    assert_int_equal(r[1].status, RECORD_FAILED);
    assert_string_equal(r[1].error, "why");
    assert_int_equal(r[2].status, RECORD_INTERRUPTED);
    assert_null(r[2].error);
    assert_int_equal(r[2].tokens_out, TOKENS_UNKNOWN);
    r = finish(f, FAIL_engine);
    assert_int_equal(r[0].status, RECORD_OK);
    assert_int_equal(r[2].status, RECORD_FAILED);
    assert_string_equal(r[2].error, "late");
}

static void refused(struct fixture *f, struct event ev, const char *what)
{
    assert_int_equal(collect_event(&f->c, &ev, &f->e), STATUS_INTERNAL);
    if (strstr(f->e.what, what) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", what, f->e.what);
}

static void test_broken_contract(void **state)
{
    struct fixture *f = *state;
    refused(f, (struct event){.kind = EVENT_TOKENS, .request = COUNT}, "does not exist");
    refused(f, (struct event){.kind = EVENT_DONE, .request = -1}, "does not exist");
    feed(f, EVENT_DONE, 0, 1, 0);
    refused(f, (struct event){.kind = EVENT_DONE}, "after the request ended");
    refused(f, (struct event){.kind = EVENT_TOKENS}, "after the request ended");
    for (int i = 0; i < 4; i++)
        feed(f, EVENT_TOKENS, 1, i, 1);
    refused(f, (struct event){.kind = EVENT_TOKENS, .request = 1}, "more events");
}

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t cap = 0;; cap += 64) {
        struct fixture f = {.plan = {.requests = f.requests, .count = COUNT}};
        struct request_record *out = NULL;
        for (int32_t i = 0; i < COUNT; i++)
            f.requests[i] = (struct engine_request){.index = i, .max_tokens = 4};
        arena_init(&f.arena, cap);
        enum status s = collect_init(&f.c, &f.plan, (struct instant){1000}, &f.arena,
                                     &f.e);
        if (s == STATUS_OK) {
            feed(&f, EVENT_TOKENS, 0, 1, 1);
            s = collect_finish(&f.c, FAIL_none, NULL, &out, &f.e);
        }
        arena_fini(&f.arena);
        if (s == STATUS_OK)
            break;
        assert_int_equal(s, STATUS_NO_MEMORY);
        assert_int_equal(f.e.code, STATUS_NO_MEMORY);
        assert_true(cap < 1 << 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_events, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_contract, setup, teardown),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
