#include "store/journal_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "object_fixture.h"

static struct arena arena;
static struct request_record q;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    object_fixture_fini();
    return 0;
}

/* Of an answer of four tokens whose other members are known. */
static enum status take(const char *text, bool is_old)
{
    const struct jsonr_object *line = object_fixture(text);
    q = (struct request_record){
        .first_ns = jsonr_object_int(line, "first_ns", NS_UNKNOWN),
        .last_ns = jsonr_object_int(line, "last_ns", NS_UNKNOWN),
        .tokens_in = 8,
        .tokens_out = 4,
        .tokens_cached = TOKENS_UNKNOWN,
        .max_tokens = 8,
        .source = TOKEN_SOURCE_usage,
        .first_event_tokens = 1};
    return is_old ? journal_events_read_old(&arena, line, &q)
                  : journal_events_read(&arena, line, &q);
}

static void test_events(void **state)
{
    (void)state;
    assert_int_equal(take("{\"event_ns\":100,\"gaps_ns\":[10,0,30],\"classes\":\"ET2F\","
                          "\"stamps\":\"xb2t\"}",
                          false),
                     STATUS_OK);
    assert_int_equal(q.events, RECORD_RAW);
    assert_int_equal(q.event_count, 4);
    assert_int_equal(q.at_ns[1], 110);
    assert_int_equal(q.at_ns[3], 140);
    assert_int_equal(q.marks[0], RECORD_MARK(EVENT_EMPTY, EVENT_EXACT));
    assert_int_equal(q.marks[2], RECORD_MARK(EVENT_TEXT, EVENT_BOUNDED));
    assert_int_equal(q.marks[3], RECORD_MARK(EVENT_FINISH, EVENT_TAIL));
    assert_int_equal(q.classes[EVENT_TEXT].count, 2);
    assert_int_equal(q.classes[EVENT_TEXT].last_ns, 110);
    assert_false(q.is_counted);
}

static void test_counted(void **state)
{
    (void)state;
    assert_int_equal(take("{\"event_ns\":1,\"gaps_ns\":[1],\"counted\":true,"
                          "\"event_tokens\":[3,1]}",
                          false),
                     STATUS_OK);
    assert_true(q.is_counted);
    assert_int_equal(q.event_tokens[0], 3);
    assert_null(q.marks);
    static const char *const wrong[] = {"[3,2]", "[5,-1]", "[4]", "[1,1,2]"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[160];
        (void)snprintf(text, sizeof text,
                       "{\"event_ns\":1,\"gaps_ns\":[1],\"counted\":true,"
                       "\"event_tokens\":%s}",
                       wrong[i]);
        assert_int_equal(take(text, false), STATUS_OK);
        assert_false(q.is_counted);
    }
    assert_int_equal(take("{\"event_ns\":1,\"gaps_ns\":[1,1,1],\"counted\":true}", false),
                     STATUS_OK);
    assert_true(q.is_counted); /* four events of one token each */
}

static void test_classes_alone(void **state)
{
    (void)state;
    assert_int_equal(take("{\"text\":{\"count\":4,\"first_ns\":10,\"last_ns\":50,"
                          "\"exact\":3,\"tail\":1},\"finish\":{\"count\":1,"
                          "\"first_ns\":60}}",
                          false),
                     STATUS_OK);
    assert_int_equal(q.event_count, 0);
    assert_int_equal(q.classes[EVENT_TEXT].count, 4);
    assert_int_equal(q.classes[EVENT_TEXT].stamps[EVENT_EXACT], 3);
    assert_int_equal(q.classes[EVENT_FINISH].count, 0); /* without its end */
    assert_int_equal(take("{\"last_ns\":77}", false), STATUS_OK);
    assert_int_equal(q.events, RECORD_WHOLE);
    assert_int_equal(q.last_ns, 77);
}

/* Parts that do not fit spoil the line; numbers that cannot be are unknown. */
static void test_damaged(void **state)
{
    static const char *const bad[] = {
        "{\"event_ns\":1,\"gaps_ns\":[1],\"classes\":\"T\"}",
        "{\"event_ns\":1,\"gaps_ns\":[1],\"classes\":\"T3\"}",
        "{\"event_ns\":1,\"gaps_ns\":[1],\"classes\":\"TX\"}",
        "{\"event_ns\":1,\"gaps_ns\":[1],\"stamps\":\"x99999999999999999999\"}",
        "{\"event_ns\":1,\"gaps_ns\":[1],\"stamps\":\"2x\"}",
        "{\"event_ns\":1,\"gaps_ns\":[-1],\"stamps\":\"x2\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (take(bad[i], false) != STATUS_BAD_INPUT)
            fail_msg("%s", bad[i]);
}

/* Format 1: booked and excluded gaps, merged in their places. */
static void test_old(void **state)
{
    (void)state;
    assert_int_equal(take("{\"first_ns\":100,\"last_ns\":160,\"gaps_ns\":[10,30],"
                          "\"gaps_excluded\":1,\"excluded_ns\":[20],"
                          "\"excluded_at\":[2],\"stamps_exact\":3,"
                          "\"stamps_bounded\":1}",
                          true),
                     STATUS_OK);
    assert_int_equal(q.events, RECORD_SETTLED);
    assert_int_equal(q.event_count, 4);
    assert_int_equal(q.at_ns[3], 160);
    assert_true(record_has_gap(&q, 1));
    assert_false(record_has_gap(&q, 2));
    assert_true(record_has_gap(&q, 3));
    assert_int_equal(q.gaps_excluded, 0);
    assert_int_equal(q.classes[EVENT_TEXT].stamps[EVENT_EXACT], 3);
}

/* Excluded gaps that do not add up are not known; the rest of the request is. */
static void test_old_odd(void **state)
{
    static const struct {
        const char *members;
        int64_t unknown;
    } odd[] = {
        {"\"gaps_excluded\":2,\"excluded_ns\":[7],\"excluded_at\":[1]", 2},
        {"\"gaps_excluded\":1,\"excluded_ns\":[7],\"excluded_at\":[]", 1},
        {"\"gaps_excluded\":1", 1},
        {"\"gaps_excluded\":-1,\"excluded_ns\":[7],\"excluded_at\":[1]", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "{\"first_ns\":1,\"gaps_ns\":[5],%s}",
                       odd[i].members);
        assert_int_equal(take(text, true), STATUS_OK);
        assert_int_equal(q.event_count, 2);
        assert_true(record_has_gap(&q, 1));
        assert_int_equal(q.gaps_excluded, odd[i].unknown);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t cap = 0;; cap += 16) {
        arena_fini(&arena);
        arena_init(&arena, cap);
        enum status s = take("{\"event_ns\":1,\"gaps_ns\":[1],\"counted\":true,"
                             "\"event_tokens\":[3,1],\"stamps\":\"x2\"}",
                             false);
        if (s == STATUS_OK)
            break;
        assert_int_equal(s, STATUS_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),        cmocka_unit_test(test_counted),
        cmocka_unit_test(test_classes_alone), cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_old),           cmocka_unit_test(test_old_odd),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
