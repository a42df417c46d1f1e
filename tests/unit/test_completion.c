#include "serve/completion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "serve/due.h"

struct fixture {
    struct settings settings;
    struct completion answer;
    struct buf line;
};

static void begin(struct fixture *f, enum fault_kind kind, int64_t tokens)
{
    struct fault_shares s = {{0}};
    s.share[kind] = 1;
    *f = (struct fixture){.settings = {.model = "m",
                                       .ttft_ns = 1000,
                                       .itl_ns = 100,
                                       .tokens_per_event = 4,
                                       .finish_delay_ns = OPT_INT_UNSET,
                                       .vocab_size = 512}};
    buf_init(&f->line, 1000);
    completion_init(&f->answer);
    f->answer.request = (struct completion_request){.max_tokens = tokens,
                                                    .is_stream = true};
    fault_draw(&s, "any", 1, 2, &f->answer.fault);
    assert_int_equal(f->answer.fault.kind, kind);
}

/* The answer is planned, and its turn comes at `from`. */
static void start(struct fixture *f, int64_t from)
{
    completion_begin(&f->answer, &f->settings, 7, &f->line);
    assert_int_equal(f->answer.due.ns, DUE_NEVER);
    completion_start(&f->answer, (struct instant){from});
}

static void end(struct fixture *f)
{
    completion_fini(&f->answer);
    buf_fini(&f->line);
}

static void the_schedule(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, FAULT_OK, 10);
    start(&f, 50);
    assert_int_equal(f.answer.due.ns, 1050);
    assert_int_equal(f.answer.events, 3);
    static const int64_t bounds[] = {0, 4, 8, 10};
    for (int i = 0; i < 3; i++) {
        struct chunks_tokens t = completion_next(&f.answer);
        assert_int_equal(t.from, bounds[i]);
        assert_int_equal(t.to, bounds[i + 1]);
        assert_int_equal(t.finish != NULL, i == 2);
        assert_int_equal(f.answer.due.ns, 1050 + 100 * i);
        f.answer.made_tokens = t.to;
        if (t.finish == NULL)
            completion_advance(&f.answer);
    }
    assert_int_equal(f.answer.strike, -1);
    start(&f, 70);
    assert_int_equal(f.answer.due.ns, 1070);
    completion_advance_to_end(&f.answer);
    assert_int_equal(f.answer.due.ns, 1270);
    end(&f);
}

/* After the last tokens comes an event that holds the finish_reason alone. */
static void the_finish_chunk(void **state)
{
    (void)state;
    static const int64_t delays[] = {0, 700};
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        begin(&f, FAULT_OK, 8);
        f.settings.jitter = 0.5; /* moves what comes before, not the delay */
        f.settings.has_finish_chunk = i == 0;
        if (i == 1)
            f.settings.finish_delay_ns = delays[1];
        start(&f, 50);
        for (int k = 1; k <= 2; k++) {
            struct chunks_tokens t = completion_next(&f.answer);
            assert_int_equal(t.to, 4 * k);
            assert_null(t.finish);
            assert_false(t.is_finish_only);
            f.answer.made_tokens = t.to;
            if (k == 1)
                completion_advance(&f.answer);
        }
        struct instant last = f.answer.due;
        completion_advance(&f.answer);
        assert_int_equal(f.answer.due.ns, last.ns + delays[i]);
        struct chunks_tokens t = completion_next(&f.answer);
        assert_int_equal(t.from, 8);
        assert_int_equal(t.to, 8);
        assert_true(t.is_finish_only);
        assert_string_equal(t.finish, "length");
        end(&f);
    }
}

static void ids(void **state)
{
    (void)state;
    struct fixture f;
    char id[] = "bench-1";
    begin(&f, FAULT_OK, 1);
    f.answer.record.id = id;
    completion_begin(&f.answer, &f.settings, 7, &f.line);
    assert_string_equal(f.answer.id, "cmpl-bench-1");
    f.answer.request.endpoint = ENDPOINT_CHAT;
    completion_begin(&f.answer, &f.settings, 7, &f.line);
    assert_string_equal(f.answer.id, "chatcmpl-bench-1");
    f.answer.record.id = NULL;
    completion_begin(&f.answer, &f.settings, 7, &f.line);
    assert_int_equal(strlen(f.answer.id), strlen("chatcmpl-0123456789abcdef"));
    end(&f);
}

static void jitter_stays_within_its_share(void **state)
{
    (void)state;
    struct fixture f;
    int64_t least = INT64_MAX, most = 0;
    begin(&f, FAULT_OK, 100000);
    f.settings.jitter = 0.25;
    f.settings.itl_ns = 1000000;
    start(&f, 50);
    assert_in_range(f.answer.due.ns - 50, 750, 1250);
    for (int i = 0; i < 10000; i++) {
        int64_t before = f.answer.due.ns;
        completion_advance(&f.answer);
        int64_t gap = f.answer.due.ns - before;
        least = gap < least ? gap : least;
        most = gap > most ? gap : most;
    }
    assert_in_range(least, 750000, 752000);
    assert_in_range(most, 1248000, 1250000);
    end(&f);
}

static void faults(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, FAULT_SHORT, 100);
    completion_begin(&f.answer, &f.settings, 7, &f.line);
    assert_in_range(f.answer.tokens, 1, 99);
    assert_int_equal(f.answer.events, (f.answer.tokens + 3) / 4);
    assert_string_equal(completion_finish(&f.answer), "stop");
    end(&f);
    begin(&f, FAULT_CUT, 100);
    completion_begin(&f.answer, &f.settings, 7, &f.line);
    assert_int_equal(f.answer.tokens, 100);
    assert_in_range(f.answer.strike, 1, 24);
    assert_string_equal(completion_finish(&f.answer), "length");
    end(&f);
    begin(&f, FAULT_CUT, 4);
    completion_begin(&f.answer, &f.settings, 7, &f.line);
    assert_int_equal(f.answer.strike, 0);
    end(&f);
    begin(&f, FAULT_GARBAGE, 100);
    f.answer.fault.garbage = FAULT_GARBAGE_HEAD;
    completion_begin(&f.answer, &f.settings, 7, &f.line);
    assert_int_equal(f.answer.strike, 0);
    end(&f);
}

static void whole_answers_are_one_event(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, FAULT_OK, 10);
    f.answer.request.is_stream = false;
    start(&f, 50);
    assert_int_equal(f.answer.record.tokens_per_event, 10);
    completion_advance_to_end(&f.answer);
    assert_int_equal(f.answer.due.ns, 1050 + 200); /* as late as three events */
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schedule), cmocka_unit_test(the_finish_chunk),
        cmocka_unit_test(ids),          cmocka_unit_test(jitter_stays_within_its_share),
        cmocka_unit_test(faults),       cmocka_unit_test(whole_answers_are_one_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
