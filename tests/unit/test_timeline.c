#include "stats/timeline.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "text/json.h"

#define MS        ((int64_t)1000000)
#define ANSWERS   8
#define TOKENS    10
#define LENGTH_MS 100

static int64_t instants[ANSWERS][TOKENS];
static struct request_record requests[ANSWERS];
static struct repeat_data repeat;
static struct cell_data cell = {.has_gaps = true};

/* Answers one after the other, a token each 10 ms. */
static struct loadshape one_after_the_other(void)
{
    for (int i = 0; i < ANSWERS; i++) {
        int64_t sent = (int64_t)i * LENGTH_MS * MS;
        for (int k = 0; k < TOKENS; k++)
            instants[i][k] = sent + (k + 1) * 10 * MS;
        requests[i] = (struct request_record){.status = RECORD_OK,
                                              .events = RECORD_SETTLED,
                                              .due_ns = sent,
                                              .sent_ns = sent,
                                              .first_ns = instants[i][0],
                                              .last_ns = instants[i][TOKENS - 1],
                                              .done_ns = sent + LENGTH_MS * MS,
                                              .tokens_out = TOKENS,
                                              .at_ns = instants[i],
                                              .event_count = TOKENS};
    }
    repeat = (struct repeat_data){.requests = requests, .request_count = ANSWERS};
    return (struct loadshape){.cell = &cell,
                              .repeat = &repeat,
                              .definitions = 2,
                              .first_sent_ns = 0,
                              .last_end_ns = ANSWERS * LENGTH_MS * MS,
                              .window = {true, 0, ANSWERS * LENGTH_MS * MS}};
}

static const char *kv_samples;

static json_t *timeline(const struct loadshape *l, bool has_instants)
{
    const struct timeline_kv kv = {kv_samples, 5000 * NS_PER_S};
    struct arena a;
    const char *text;
    arena_init(&a, 1 << 20);
    assert_int_equal(timeline_of(l, has_instants, kv, &a, &text), STATUS_OK);
    json_t *made = text != NULL ? json_parse(str_from(text)) : NULL;
    arena_fini(&a);
    return made;
}

static void test_an_even_load(void **state)
{
    struct loadshape l = one_after_the_other();
    json_t *made = timeline(&l, true);
    const json_t *flight = json_object_get(made, "in_flight");
    const json_t *rate = json_object_get(made, "tokens_per_second");
    (void)state;
    assert_true(json_num_of(made, "step_s") == 0.02);
    assert_int_equal(json_array_size(flight), 40);
    assert_int_equal(json_array_size(rate), 40);
    for (size_t i = 0; i < 40; i++) {
        assert_true(json_number_value(json_array_get(flight, i)) == 1);
        assert_true(json_number_value(json_array_get(rate, i)) == 100);
    }
    json_decref(made);
}

static void test_tokens_without_an_instant(void **state)
{
    struct loadshape l = one_after_the_other();
    json_t *made = timeline(&l, false);
    (void)state;
    assert_true(json_is_null(json_object_get(made, "tokens_per_second")));
    assert_int_equal(json_array_size(json_object_get(made, "in_flight")), 40);
    json_decref(made);
    requests[3].tokens_out = TOKENS_UNKNOWN;
    made = timeline(&l, true);
    assert_true(json_is_null(json_object_get(made, "tokens_per_second")));
    json_decref(made);
}

static void test_use_of_the_cache(void **state)
{
    struct loadshape l = one_after_the_other();
    (void)state;
    kv_samples =
        "[[4999.5,0.9],[5000.03,0.25],[5000.035,0.5],[5000.71,0],[5001,0.8],[0],3]";
    json_t *made = timeline(&l, true);
    const json_t *kv = json_object_get(made, "kv_usage");
    assert_int_equal(json_array_size(kv), 40);
    assert_true(json_is_null(json_array_get(kv, 0)));
    assert_true(json_number_value(json_array_get(kv, 1)) == 0.5);
    assert_true(json_is_number(json_array_get(kv, 35)));
    json_decref(made);
    kv_samples = "nothing";
    made = timeline(&l, true);
    assert_true(json_is_null(json_object_get(made, "kv_usage")));
    json_decref(made);
    kv_samples = NULL;
}

static void test_an_unknown_window(void **state)
{
    struct loadshape l = one_after_the_other();
    (void)state;
    l.window = (struct loadshape_window){true, NS_UNKNOWN, NS_UNKNOWN};
    json_t *made = timeline(&l, true);
    const json_t *ends = json_object_get(made, "window_s");
    assert_true(json_is_null(json_array_get(ends, 0)));
    assert_true(json_is_null(json_array_get(ends, 1)));
    json_decref(made);
}

static void test_nothing_was_sent(void **state)
{
    struct loadshape l = one_after_the_other();
    (void)state;
    l.first_sent_ns = l.last_end_ns = NS_UNKNOWN;
    assert_null(timeline(&l, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_even_load),
        cmocka_unit_test(test_tokens_without_an_instant),
        cmocka_unit_test(test_use_of_the_cache),
        cmocka_unit_test(test_an_unknown_window),
        cmocka_unit_test(test_nothing_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
