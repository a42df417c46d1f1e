#include "bench/flight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

#define ROOM 8

static struct flight flight;
static int64_t memory[64];
static struct flight_scratch scratch;
static const struct instant zero = {1000};

static int make(void **state)
{
    struct err e;
    (void)state;
    assert_true(flight_bytes(ROOM) <= sizeof memory);
    flight_place(&flight, memory, ROOM);
    return flight_scratch_init(&scratch, ROOM, &e) == STATUS_OK ? 0 : 1;
}

static int drop(void **state)
{
    (void)state;
    flight_scratch_fini(&scratch);
    return 0;
}

static void begin(void)
{
    flight_begin(&flight, 7, 2, 4);
    flight.due.ns = 1100;
    flight.ready.ns = 1150;
    const struct event sent = {
        .kind = EVENT_SENT, .at = {1200}, .connect_ns = 50, .tls_ns = NS_UNKNOWN};
    assert_false(flight_event(&flight, &sent));
}

static void tokens(int64_t at_ns, int64_t count, enum event_stamp stamp)
{
    const struct event ev = {
        .kind = EVENT_TOKENS, .at = {at_ns}, .tokens = count, .stamp = stamp};
    assert_false(flight_event(&flight, &ev));
}

static void end(int64_t at_ns, int64_t tokens_out, enum token_source source)
{
    const struct event ev = {.kind = EVENT_DONE,
                             .at = {at_ns},
                             .tokens_in = 64,
                             .tokens_out = tokens_out,
                             .tokens_cached = TOKENS_UNKNOWN,
                             .source = source};
    assert_true(flight_event(&flight, &ev));
}

static struct request_record record(void)
{
    struct request_record r;
    flight_record(&flight, zero, &scratch, &r);
    return r;
}

static void one_token_an_event_is_proven_by_the_total(void **state)
{
    (void)state;
    begin();
    tokens(2000, TOKENS_UNKNOWN, EVENT_EXACT);
    tokens(2010, TOKENS_UNKNOWN, EVENT_EXACT);
    tokens(2030, TOKENS_UNKNOWN, EVENT_BOUNDED);
    tokens(2060, TOKENS_UNKNOWN, EVENT_TAIL);
    end(2061, 4, TOKEN_SOURCE_usage);
    const struct request_record r = record();
    assert_int_equal(r.index, 7);
    assert_int_equal(r.status, RECORD_OK);
    assert_int_equal(r.due_ns, 100);
    assert_int_equal(r.ready_ns, 150);
    assert_int_equal(r.sent_ns, 200);
    assert_int_equal(r.first_ns, 1000);
    assert_int_equal(r.last_ns, 1060);
    assert_int_equal(r.done_ns, 1061);
    assert_int_equal(r.connect_ns, 50);
    assert_int_equal(r.tls_ns, NS_UNKNOWN);
    assert_int_equal(r.gap_count, 1); /* both gaps at the bounded event are excluded */
    assert_int_equal(r.gaps_ns[0], 10);
    assert_int_equal(r.gaps_excluded, 2);
    assert_int_equal(r.excluded_ns[0], 20);
    assert_int_equal(r.excluded_at[0], 2);
    assert_int_equal(r.excluded_ns[1], 30);
    assert_int_equal(r.stamps_exact, 2);
    assert_int_equal(r.stamps_bounded, 1);
    assert_int_equal(r.stamps_tail, 1);
    assert_int_equal(r.first_event_tokens, 1);
    assert_null(r.event_tokens);
    assert_null(r.error);
}

static void another_total_books_no_gap(void **state)
{
    (void)state;
    begin();
    tokens(2000, TOKENS_UNKNOWN, EVENT_EXACT);
    tokens(2010, TOKENS_UNKNOWN, EVENT_EXACT);
    end(2011, 4, TOKEN_SOURCE_usage);
    const struct request_record r = record();
    assert_int_equal(r.tokens_out, 4);
    assert_int_equal(r.gap_count, 0);
    assert_int_equal(r.gaps_excluded, 1);
    assert_int_equal(r.first_event_tokens, TOKENS_UNKNOWN);
}

static void an_estimate_proves_nothing(void **state)
{
    (void)state;
    begin();
    tokens(2000, TOKENS_UNKNOWN, EVENT_EXACT);
    tokens(2010, TOKENS_UNKNOWN, EVENT_EXACT);
    end(2011, 2, TOKEN_SOURCE_estimated);
    const struct request_record r = record();
    assert_int_equal(r.source, TOKEN_SOURCE_estimated);
    assert_int_equal(r.gap_count, 0);
}

static void counted_events_keep_their_counts(void **state)
{
    (void)state;
    begin();
    tokens(2000, 1, EVENT_EXACT);
    tokens(2010, 2, EVENT_EXACT);
    tokens(2020, 1, EVENT_EXACT);
    end(2021, 4, TOKEN_SOURCE_usage);
    const struct request_record r = record();
    assert_int_equal(r.event_count, 3);
    assert_int_equal(r.event_tokens[1], 2);
    assert_int_equal(r.gap_count, 1); /* the one that a single token ends */
    assert_int_equal(r.gaps_ns[0], 10);
    assert_int_equal(r.gaps_excluded, 1);
    assert_int_equal(r.excluded_at[0], 1);
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
    const struct event failed = {
        .kind = EVENT_FAILED, .at = {3000}, .fail = FAIL_reset, .text = "closed"};
    assert_true(flight_event(&flight, &failed));
    struct request_record r = record();
    assert_int_equal(r.status, RECORD_FAILED);
    assert_int_equal(r.fail, FAIL_reset);
    assert_string_equal(r.error, "closed");
    begin();
    const struct event cancelled = {
        .kind = EVENT_FAILED, .at = {3000}, .fail = FAIL_none};
    assert_true(flight_event(&flight, &cancelled));
    r = record();
    assert_int_equal(r.status, RECORD_CANCELLED);
}

static void more_events_than_room_are_counted(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < ROOM + 3; i++)
        tokens(2000 + i, 1, EVENT_EXACT);
    end(2100, ROOM + 3, TOKEN_SOURCE_usage);
    const struct request_record r = record();
    assert_int_equal(r.gap_count, 0);
    assert_int_equal(r.stamps_exact, ROOM);
    assert_int_equal(r.stamps_bounded, 3);
}

static void no_memory_for_the_scratch(void **state)
{
    (void)state;
    struct flight_scratch s;
    struct err e;
    mem_fail_at(1);
    enum status st = flight_scratch_init(&s, 4, &e);
    mem_fail_at(0);
    assert_int_equal(st, STATUS_NO_MEMORY);
    flight_scratch_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_token_an_event_is_proven_by_the_total),
        cmocka_unit_test(another_total_books_no_gap),
        cmocka_unit_test(an_estimate_proves_nothing),
        cmocka_unit_test(counted_events_keep_their_counts),
        cmocka_unit_test(a_first_request_is_due_when_it_is_sent),
        cmocka_unit_test(failures_and_cancels),
        cmocka_unit_test(more_events_than_room_are_counted),
        cmocka_unit_test(no_memory_for_the_scratch),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
