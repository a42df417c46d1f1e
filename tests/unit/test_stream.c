#include "serve/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "serve_fixture.h"

static const char completions[] = "/v1/completions";
static const char stream10[] = "{\"prompt\":[1,2],\"max_tokens\":10,\"stream\":true,"
                               "\"stream_options\":{\"include_usage\":true}}";
static const char whole10[] = "{\"prompt\":[1,2],\"max_tokens\":10}";

static int count_of(const char *text, const char *part)
{
    int count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

static void events_are_due_by_the_schedule(void **state)
{
    (void)state;
    struct serve_fixture f;
    uint32_t who;
    serve_fixture_begin(&f);
    f.settings.ttft_ns = 5 * NS_PER_S;
    f.settings.itl_ns = 3 * NS_PER_S;
    serve_fixture_post(&f, completions, stream10);
    int64_t first = due_next(&f.server.due, &who).ns;
    assert_int_equal(first, f.conn->read.ns + 5 * NS_PER_S); /* no stamp on
                                                                such sockets */
    serve_fixture_has(serve_fixture_heard(&f), "HTTP/1.1 200 OK\r\n");
    for (int i = 1; i <= 9; i++) {
        assert_true(serve_fixture_step(&f));
        assert_int_equal(count_of(serve_fixture_heard(&f), "data: "), 1);
        assert_int_equal(due_next(&f.server.due, &who).ns, first + i * 3 * NS_PER_S);
    }
    assert_true(serve_fixture_step(&f));
    const char *text = serve_fixture_heard(&f);
    assert_int_equal(count_of(text, "data: "), 3);
    serve_fixture_has(text, "\"finish_reason\":\"length\"");
    serve_fixture_has(text, "\"completion_tokens\":10}");
    serve_fixture_end(&f);
}

static void whole_answers_come_at_their_end(void **state)
{
    (void)state;
    struct serve_fixture f;
    uint32_t who;
    serve_fixture_begin(&f);
    f.settings.ttft_ns = 5 * NS_PER_S;
    f.settings.itl_ns = 3 * NS_PER_S;
    serve_fixture_post(&f, completions, whole10);
    assert_int_equal(due_next(&f.server.due, &who).ns,
                     f.conn->read.ns + (5 + 9 * 3) * NS_PER_S);
    assert_string_equal(serve_fixture_heard(&f), "");
    assert_true(serve_fixture_step(&f));
    serve_fixture_has(serve_fixture_heard(&f), " t1 t2 t3 t4 t5 t6 t7 t8 t9 t10\"");
    assert_int_equal(f.server.counts.length, 1);
    serve_fixture_end(&f);
}

static void the_role_comes_with_the_first_token(void **state)
{
    (void)state;
    struct serve_fixture f;
    serve_fixture_begin(&f);
    serve_fixture_post(&f, "/v1/chat/completions",
                       "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
                       "\"max_tokens\":2,\"stream\":true}");
    assert_int_equal(count_of(serve_fixture_heard(&f), "data: "), 0);
    assert_true(serve_fixture_step(&f));
    const char *text = serve_fixture_heard(&f);
    assert_int_equal(count_of(text, "data: "), 2);
    assert_true(strstr(text, "\"role\":\"assistant\"") < strstr(text, "\" t1\""));
    assert_true(serve_fixture_step(&f));
    assert_int_equal(count_of(serve_fixture_heard(&f), "\"role\""), 0);
    serve_fixture_end(&f);
}

/* It comes by itself, so long after the last token, and then the usage. */
static void the_finish_chunk(void **state)
{
    (void)state;
    struct serve_fixture f;
    uint32_t who;
    serve_fixture_begin(&f);
    serve_fixture_log(&f);
    f.settings.itl_ns = 3 * NS_PER_S;
    f.settings.finish_delay_ns = 2 * NS_PER_S;
    serve_fixture_post(&f, completions, stream10);
    int64_t first = due_next(&f.server.due, &who).ns;
    for (int i = 0; i < 10; i++)
        assert_true(serve_fixture_step(&f));
    const char *text = serve_fixture_heard(&f);
    assert_int_equal(count_of(text, "data: "), 10);
    assert_int_equal(count_of(text, "\"finish_reason\":null"), 10);
    assert_int_equal(due_next(&f.server.due, &who).ns, first + (9 * 3 + 2) * NS_PER_S);
    assert_true(serve_fixture_step(&f));
    text = serve_fixture_heard(&f);
    assert_int_equal(count_of(text, "data: "), 3);
    serve_fixture_has(text,
                      "\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"length\"");
    serve_fixture_has(text, "\"completion_tokens\":10}");
    assert_int_equal(f.server.counts.length, 1);
    text = serve_fixture_logged(&f);
    serve_fixture_has(text, "\"tokens\":10,");
    serve_fixture_has(text, "],\"finish_ns\":");
    serve_fixture_end(&f);
}

/* It comes with the head, and nothing else before the first token is due. */
static void an_event_without_text_at_once(void **state)
{
    (void)state;
    for (int is_chat = 0; is_chat < 2; is_chat++) {
        struct serve_fixture f;
        uint32_t who;
        serve_fixture_begin(&f);
        serve_fixture_log(&f);
        f.settings.has_empty_first = true;
        f.settings.ttft_ns = 5 * NS_PER_S;
        serve_fixture_post(&f, is_chat ? "/v1/chat/completions" : completions,
                           is_chat ? "{\"messages\":[{\"role\":\"user\",\"content\":"
                                     "\"hi\"}],\"max_tokens\":2,\"stream\":true}"
                                   : stream10);
        int64_t arrival = f.conn->read.ns;
        assert_int_equal(due_next(&f.server.due, &who).ns, arrival + 5 * NS_PER_S);
        const char *text = serve_fixture_heard(&f);
        assert_int_equal(count_of(text, "data: "), 1);
        serve_fixture_has(text,
                          is_chat ? "\"delta\":{\"content\":\"\"}" : "\"text\":\"\"");
        assert_true(serve_fixture_step(&f));
        text = serve_fixture_heard(&f);
        assert_int_equal(count_of(text, "data: "), 1);
        serve_fixture_has(text, "\" t1\"");
        (void)serve_fixture_answer(&f);
        text = serve_fixture_logged(&f);
        serve_fixture_has(text, is_chat ? "\"tokens\":2," : "\"tokens\":10,");
        serve_fixture_has(text, "\"empty_ns\":");
        serve_fixture_end(&f);
    }
}

/* Four events in one send, with the fourth; the last group goes with the usage. */
static void events_are_held_back(void **state)
{
    (void)state;
    struct serve_fixture f;
    serve_fixture_begin(&f);
    serve_fixture_log(&f);
    f.settings.buffered_events = 4;
    f.settings.has_finish_chunk = true;
    serve_fixture_post(&f, completions, stream10);
    for (int i = 1; i <= 10; i++) {
        assert_string_equal(serve_fixture_heard(&f), "");
        assert_true(serve_fixture_step(&f));
        if (i % 4 != 0)
            continue;
        const char *text = serve_fixture_heard(&f);
        assert_int_equal(count_of(text, "data: "), 4);
        assert_int_equal(count_of(text, "HTTP/1.1 200"), i == 4);
        assert_int_equal(f.conn->answer.record.tokens, i);
    }
    assert_true(serve_fixture_step(&f));
    const char *text = serve_fixture_heard(&f);
    assert_int_equal(count_of(text, "data: "), 5);
    serve_fixture_has(text, "\" t9\"");
    serve_fixture_has(text, "[DONE]\n\n\r\n0\r\n\r\n");
    text = serve_fixture_logged(&f);
    serve_fixture_has(text, "\"tokens\":10,\"sent_ns\":[");
    serve_fixture_has(text, "],\"made_ns\":[");
    serve_fixture_end(&f);
}

/* A cut lets go of what is held back; a stall and a reset do not. */
static void faults_of_what_is_held_back(void **state)
{
    (void)state;
    static const enum fault_kind kinds[] = {FAULT_CUT, FAULT_STALL, FAULT_RESET,
                                            FAULT_ABORT};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct serve_fixture f;
        bool is_lost = kinds[i] == FAULT_STALL || kinds[i] == FAULT_RESET;
        serve_fixture_begin(&f);
        serve_fixture_log(&f);
        f.settings.faults.share[kinds[i]] = 1;
        f.settings.buffered_events = 100;
        serve_fixture_post(&f, completions, stream10);
        const char *text = serve_fixture_answer(&f);
        if (is_lost)
            assert_string_equal(text, "");
        else
            serve_fixture_has(text, "\" t1\"");
        text = serve_fixture_logged(&f);
        if (is_lost)
            serve_fixture_has(text, "\"tokens\":0,\"sent_ns\":[],\"made_ns\":[");
        else
            serve_fixture_has_not(text, "\"tokens\":0,");
        serve_fixture_end(&f);
    }
}

struct row {
    enum fault_kind kind;
    const char *garbage;
    bool is_stream;
    bool closes, stays_silent;
    const char *has, *has_not, *logged;
};

static void check(const struct row *row)
{
    struct serve_fixture f;
    serve_fixture_begin(&f);
    serve_fixture_log(&f);
    f.settings.faults.share[row->kind] = 1;
    f.settings.garbage_kind = row->garbage != NULL ? row->garbage : "any";
    serve_fixture_post(&f, completions, row->is_stream ? stream10 : whole10);
    const char *text = serve_fixture_answer(&f);
    if (row->has[0] == '\0')
        assert_string_equal(text, "");
    serve_fixture_has(text, row->has);
    serve_fixture_has_not(text, row->has_not);
    enum conn_state expected = CONN_READING;
    if (row->closes)
        expected = CONN_CLOSED;
    else if (row->stays_silent)
        expected = CONN_STALLED;
    assert_int_equal(f.conn->state, expected);
    assert_int_equal(serve_fixture_is_closed(&f), row->closes);
    assert_false(!row->closes && row->stays_silent && serve_fixture_step(&f));
    serve_fixture_has(serve_fixture_logged(&f), row->logged);
    assert_int_equal(f.server.counts.running, 0);
    serve_fixture_end(&f);
}

static void faults(void **state)
{
    (void)state;
    static const char never[] = "\x01";
    static const char done[] = "[DONE]\n\n\r\n0\r\n\r\n";
    static const char head[] = "HTTP/1.1 200 OK";
    static const struct row rows[] = {
        {FAULT_OK, NULL, true, false, false, done, never, "\"outcome\":\"ok\""},
        {FAULT_FAIL, NULL, true, false, false, "HTTP/1.1 500 Internal",
         "data:", "\"status\":500,\"outcome\":\"fail\""},
        {FAULT_CUT, NULL, true, true, false, "\" t1\"", "finish_reason\":\"",
         "\"outcome\":\"cut\""},
        {FAULT_STALL, NULL, true, false, true, "\" t1\"", "finish_reason\":\"",
         "\"outcome\":\"stall\""},
        {FAULT_HANG, NULL, true, false, true, "", never,
         "\"status\":0,\"outcome\":\"hang\""},
        {FAULT_RESET, NULL, true, true, false, "\" t1\"", "finish_reason\":\"",
         "\"outcome\":\"reset\""},
        {FAULT_ABORT, NULL, true, false, false,
         "\"text\":\"\",\"logprobs\":null,"
         "\"finish_reason\":\"abort\"",
         "\"length\"", "\"outcome\":\"abort\""},
        {FAULT_ERROR, NULL, true, false, false, "data: {\"error\": {", "\"length\"",
         "\"outcome\":\"error\""},
        {FAULT_SHORT, NULL, true, false, false, "\"finish_reason\":\"stop\"", " t10\"",
         "\"outcome\":\"short\""},
        {FAULT_BIG_HEADER, NULL, true, false, false, "\r\nx-padding: xxx", never,
         "\"outcome\":\"big_header\""},
        {FAULT_GARBAGE, "head", true, true, false, "this is no HTTP", head,
         "\"outcome\":\"garbage\""},
        {FAULT_GARBAGE, "chunk", true, true, false, "\r\nzz!\r\n", done,
         "\"outcome\":\"garbage\""},
        {FAULT_GARBAGE, "negative", true, true, false, "\r\n-5\r\n", done,
         "\"outcome\":\"garbage\""},
        {FAULT_GARBAGE, "json", true, false, false, "\"broken\"", "\"length\"",
         "\"outcome\":\"garbage\""},
        {FAULT_GARBAGE, "line", true, true, false, "\r\n500006\r\ndata: xxx", done,
         "\"outcome\":\"garbage\""},
        {FAULT_OK, NULL, false, false, false, "\"completion_tokens\":10", never,
         "\"event_tokens\":[10]"},
        {FAULT_CUT, NULL, false, true, false, head, "\"metrics\"",
         "\"tokens\":0,\"sent_ns\":[],"},
        {FAULT_STALL, NULL, false, false, true, head, "\"metrics\"",
         "\"outcome\":\"stall\""},
        {FAULT_HANG, NULL, false, false, true, "", never, "\"outcome\":\"hang\""},
        {FAULT_RESET, NULL, false, true, false, "", never, "\"outcome\":\"reset\""},
        {FAULT_ABORT, NULL, false, false, false, "\"finish_reason\":\"abort\"", " t10\"",
         "\"outcome\":\"abort\""},
        {FAULT_ERROR, NULL, false, false, false, "HTTP/1.1 500 ", head,
         "\"status\":500,\"outcome\":\"error\""},
        {FAULT_SHORT, NULL, false, false, false, "\"finish_reason\":\"stop\"", " t10\"",
         "\"outcome\":\"short\""},
        {FAULT_BIG_HEADER, NULL, false, false, false, "\r\nx-padding: xxx", never,
         "\"outcome\":\"big_header\""},
        {FAULT_GARBAGE, "head", false, true, false, "this is no HTTP", head,
         "\"outcome\":\"garbage\""},
        {FAULT_GARBAGE, "json", false, false, false, "\r\n\r\n{\"id\":\"broken\"", done,
         "\"outcome\":\"garbage\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&rows[i]);
}

/* An answer of one token has no middle: the fault strikes before it. */
static void faults_of_one_token(void **state)
{
    (void)state;
    static const enum fault_kind kinds[] = {FAULT_CUT, FAULT_STALL, FAULT_RESET,
                                            FAULT_ABORT, FAULT_ERROR};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct serve_fixture f;
        serve_fixture_begin(&f);
        serve_fixture_log(&f);
        f.settings.faults.share[kinds[i]] = 1;
        serve_fixture_post(&f, completions,
                           "{\"prompt\":[1],\"max_tokens\":1,\"stream\":true}");
        serve_fixture_has_not(serve_fixture_answer(&f), " t1");
        serve_fixture_has(serve_fixture_logged(&f), "\"tokens\":0,\"sent_ns\":[],");
        serve_fixture_end(&f);
    }
}

static void counts_by_reason(void **state)
{
    (void)state;
    struct serve_fixture f;
    serve_fixture_begin(&f);
    static const enum fault_kind kinds[] = {FAULT_OK, FAULT_SHORT, FAULT_ABORT,
                                            FAULT_ERROR};
    for (size_t i = 0; i < 8; i++) {
        f.settings.faults = (struct fault_shares){{0}};
        f.settings.faults.share[kinds[i % 4]] = 1;
        serve_fixture_post(&f, completions, i < 4 ? stream10 : whole10);
        (void)serve_fixture_answer(&f);
    }
    assert_int_equal(f.server.counts.length, 2);
    assert_int_equal(f.server.counts.stop, 2);
    assert_int_equal(f.server.counts.abort, 2);
    assert_int_equal(f.server.counts.error, 2);
    assert_int_equal(f.server.counts.prompt_tokens, 16);
    serve_fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_due_by_the_schedule),
        cmocka_unit_test(whole_answers_come_at_their_end),
        cmocka_unit_test(the_role_comes_with_the_first_token),
        cmocka_unit_test(the_finish_chunk),
        cmocka_unit_test(an_event_without_text_at_once),
        cmocka_unit_test(events_are_held_back),
        cmocka_unit_test(faults_of_what_is_held_back),
        cmocka_unit_test(faults),
        cmocka_unit_test(faults_of_one_token),
        cmocka_unit_test(counts_by_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
