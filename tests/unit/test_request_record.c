#include "bench/request_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

#define ROOM 8

static struct flight flight;
static int64_t memory[64];
static struct request_record_scratch scratch;
static const struct instant zero = {1000};

static int make(void **state)
{
    struct err e;
    (void)state;
    assert_true(request_record_bytes(ROOM) <= sizeof memory);
    request_record_place(&flight, memory, ROOM);
    return request_record_scratch_init(&scratch, ROOM, &e) == STATUS_OK ? 0 : 1;
}

static int drop(void **state)
{
    (void)state;
    request_record_scratch_fini(&scratch);
    return 0;
}

static void begin(void)
{
    request_record_begin(&flight, 7, 2, 4);
    flight.due.ns = 1100;
    flight.ready.ns = 1150;
    const struct event sent = {
        .kind = EVENT_SENT, .at = {1200}, .connect_ns = 50, .tls_ns = NS_UNKNOWN};
    assert_false(request_record_event(&flight, &sent));
}

static void event(int64_t at_ns, enum event_class cls, enum event_stamp stamp,
                  int64_t count)
{
    const struct event ev = {
        .kind = EVENT_TOKENS, .at = {at_ns}, .cls = cls, .tokens = count, .stamp = stamp};
    assert_false(request_record_event(&flight, &ev));
}

static void tokens(int64_t at_ns, int64_t count, enum event_stamp stamp)
{
    event(at_ns, EVENT_TEXT, stamp, count);
}

static void end(int64_t at_ns, int64_t tokens_out, enum token_source source)
{
    const struct event ev = {.kind = EVENT_DONE,
                             .at = {at_ns},
                             .tokens_in = 64,
                             .tokens_out = tokens_out,
                             .tokens_cached = TOKENS_UNKNOWN,
                             .source = source};
    assert_true(request_record_event(&flight, &ev));
}

static struct request_record record(void)
{
    struct request_record r;
    request_record_finish(&flight, zero, false, &scratch, &r);
    return r;
}

static void every_event_with_class_and_stamp(void **state)
{
    (void)state;
    begin();
    event(2000, EVENT_EMPTY, EVENT_EXACT, TOKENS_UNKNOWN);
    tokens(2010, TOKENS_UNKNOWN, EVENT_EXACT);
    tokens(2030, TOKENS_UNKNOWN, EVENT_BOUNDED);
    event(2060, EVENT_FINISH, EVENT_TAIL, TOKENS_UNKNOWN);
    end(2061, 2, TOKEN_SOURCE_usage);
    const struct request_record r = record();
    assert_int_equal(r.index, 7);
    assert_int_equal(r.status, RECORD_OK);
    assert_int_equal(r.due_ns, 100);
    assert_int_equal(r.ready_ns, 150);
    assert_int_equal(r.sent_ns, 200);
    assert_int_equal(r.first_ns, NS_UNKNOWN); /* not settled */
    assert_int_equal(r.done_ns, 1061);
    assert_int_equal(r.connect_ns, 50);
    assert_int_equal(r.tls_ns, NS_UNKNOWN);
    assert_int_equal(r.events, RECORD_RAW);
    assert_int_equal(r.event_count, 4);
    assert_int_equal(r.at_ns[0], 1000);
    assert_int_equal(r.at_ns[3], 1060);
    assert_int_equal(r.marks[0], RECORD_MARK(EVENT_EMPTY, EVENT_EXACT));
    assert_int_equal(r.marks[2], RECORD_MARK(EVENT_TEXT, EVENT_BOUNDED));
    assert_int_equal(r.classes[EVENT_TEXT].count, 2);
    assert_int_equal(r.classes[EVENT_TEXT].first_ns, 1010);
    assert_int_equal(r.classes[EVENT_TEXT].stamps[EVENT_BOUNDED], 1);
    assert_int_equal(r.classes[EVENT_FINISH].last_ns, 1060);
    assert_false(r.is_counted);
    assert_null(r.event_tokens);
    assert_null(r.error);
}

static void counted_events_keep_their_counts(void **state)
{
    (void)state;
    begin();
    tokens(2000, 1, EVENT_EXACT);
    tokens(2010, 2, EVENT_EXACT);
    tokens(2020, 1, EVENT_EXACT);
    end(2021, 4, TOKEN_SOURCE_usage);
    struct request_record r = record();
    assert_true(r.is_counted);
    assert_int_equal(r.event_count, 3);
    assert_int_equal(r.event_tokens[1], 2);
    begin();
    tokens(2000, 1, EVENT_EXACT);
    tokens(2010, 2, EVENT_EXACT);
    end(2021, 4, TOKEN_SOURCE_usage); /* the answer has another total */
    r = record();
    assert_false(r.is_counted);
    assert_null(r.event_tokens);
    begin();
    tokens(2000, 1, EVENT_EXACT);
    tokens(2010, -3, EVENT_EXACT); /* a running count that went back */
    end(2021, 4, TOKEN_SOURCE_usage);
    assert_false(record().is_counted);
}

static bool is_counted(const int64_t *counts, size_t n, int64_t total)
{
    begin();
    for (size_t i = 0; i < n; i++)
        tokens(2000 + 10 * (int64_t)i, counts[i], EVENT_EXACT);
    end(2100, total, TOKEN_SOURCE_usage);
    const struct request_record r = record();
    assert_int_equal(r.event_count, n);
    assert_int_equal(r.classes[EVENT_TEXT].last_ns, 1000 + 10 * (int64_t)(n - 1));
    return r.is_counted;
}

/* Counts that lag behind, or say all at once, tell nothing of the events. */
static void counts_that_are_not_the_events(void **state)
{
    (void)state;
    assert_true(is_counted((const int64_t[]){2, 0, 1, 0}, 4, 3));
    assert_false(is_counted((const int64_t[]){0, 2, 1}, 3, 3));
    assert_false(is_counted((const int64_t[]){3, 0, 0}, 3, 3));
    assert_true(is_counted((const int64_t[]){3}, 1, 3));
    begin(); /* an empty text first */
    event(2000, EVENT_EMPTY, EVENT_EXACT, 1);
    tokens(2010, 2, EVENT_EXACT);
    event(2020, EVENT_FINISH, EVENT_EXACT, 1);
    end(2021, 4, TOKEN_SOURCE_usage);
    assert_true(record().is_counted);
}

/* A count that cannot be is unknown, whatever the server says. */
static void impossible_counts(void **state)
{
    static const struct {
        int64_t out, want;
    } cases[] = {{4, 4}, {5, 5}, {6, -1}, {0, -1}, {INT64_C(10000000000000), -1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin();
        tokens(2000, TOKENS_UNKNOWN, EVENT_EXACT);
        end(2001, cases[i].out, TOKEN_SOURCE_usage); /* max_tokens is 4 */
        const struct request_record r = record();
        assert_int_equal(r.tokens_out, cases[i].want);
        assert_int_equal(r.source == TOKEN_SOURCE_none, cases[i].want < 0);
        assert_int_equal(r.tokens_in, 64);
    }
    begin();
    flight.tokens_in = 10;
    flight.tokens_cached = 11;
    struct request_record r = record();
    assert_int_equal(r.tokens_in, 10);
    assert_int_equal(r.tokens_cached, TOKENS_UNKNOWN);
    flight.tokens_in = INT64_C(1) << 40;
    r = record();
    assert_int_equal(r.tokens_in, TOKENS_UNKNOWN);
}

/* An answer in one piece has no event of its own. */
static void one_piece(void **state)
{
    struct request_record r;
    (void)state;
    begin();
    tokens(2000, 4, EVENT_TAIL);
    end(2001, 4, TOKEN_SOURCE_usage);
    request_record_finish(&flight, zero, true, &scratch, &r);
    assert_int_equal(r.events, RECORD_WHOLE);
    assert_int_equal(r.event_count, 0);
    assert_int_equal(r.last_ns, 1000);
    assert_int_equal(r.classes[EVENT_TEXT].count, 0);
}

static void a_first_request_is_due_when_it_is_sent(void **state)
{
    (void)state;
    begin();
    flight.due.ns = flight.ready.ns = NS_UNKNOWN;
    end(2000, 0, TOKEN_SOURCE_usage);
    const struct request_record r = record();
    assert_int_equal(r.due_ns, 200);
    assert_int_equal(r.ready_ns, 200);
    assert_int_equal(r.first_ns, NS_UNKNOWN);
}

static void failures_and_cancels(void **state)
{
    (void)state;
    begin();
    const struct event failed = {.kind = EVENT_FAILED,
                                 .at = {3000},
                                 .fail = FAIL_http,
                                 .http_status = 429,
                                 .text = "closed"};
    assert_true(request_record_event(&flight, &failed));
    struct request_record r = record();
    assert_int_equal(r.status, RECORD_FAILED);
    assert_int_equal(r.fail, FAIL_http);
    assert_int_equal(r.http_status, 429);
    assert_string_equal(r.error, "closed");
    begin();
    const struct event cancelled = {
        .kind = EVENT_FAILED, .at = {3000}, .fail = FAIL_none};
    assert_true(request_record_event(&flight, &cancelled));
    r = record();
    assert_int_equal(r.status, RECORD_INTERRUPTED);
}

static void more_events_than_room_are_counted(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < ROOM + 3; i++)
        tokens(2000 + i, 1, i < ROOM ? EVENT_EXACT : EVENT_BOUNDED);
    end(2100, ROOM + 3, TOKEN_SOURCE_usage);
    const struct request_record r = record();
    assert_int_equal(r.event_count, 0); /* not all of them are there */
    assert_false(r.is_counted);
    assert_int_equal(r.classes[EVENT_TEXT].count, ROOM + 3);
    assert_int_equal(r.classes[EVENT_TEXT].first_ns, 1000);
    assert_int_equal(r.classes[EVENT_TEXT].last_ns, 1000 + ROOM + 2);
    assert_int_equal(r.classes[EVENT_TEXT].stamps[EVENT_BOUNDED], 3);
    begin(); /* what was lost is forgotten with the flight */
    tokens(2000, 1, EVENT_EXACT);
    end(2100, 1, TOKEN_SOURCE_usage);
    assert_int_equal(record().event_count, 1);
}

static void no_memory_for_the_scratch(void **state)
{
    (void)state;
    struct request_record_scratch s;
    struct err e;
    mem_fail_at(1);
    enum status st = request_record_scratch_init(&s, 4, &e);
    mem_fail_at(0);
    assert_int_equal(st, STATUS_NO_MEMORY);
    request_record_scratch_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_with_class_and_stamp),
        cmocka_unit_test(counted_events_keep_their_counts),
        cmocka_unit_test(counts_that_are_not_the_events),
        cmocka_unit_test(impossible_counts),
        cmocka_unit_test(one_piece),
        cmocka_unit_test(a_first_request_is_due_when_it_is_sent),
        cmocka_unit_test(failures_and_cancels),
        cmocka_unit_test(more_events_than_room_are_counted),
        cmocka_unit_test(no_memory_for_the_scratch),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
