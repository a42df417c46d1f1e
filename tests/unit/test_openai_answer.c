#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "engines/openai_answer.h"

#define HEAD                                                                \
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n" \
    "transfer-encoding: chunked\r\n\r\n"
#define TOKEN \
    "data: {\"choices\":[{\"index\":0,\"text\":\" a\",\"finish_reason\":null}]}\n\n"
#define LAST \
    "data: {\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"length\"}]}\n\n"
#define ABORT \
    "data: {\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"abort\"}]}\n\n"
#define USAGE                                                                  \
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"total_tokens\":7," \
    "\"completion_tokens\":2,\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\n"
#define DONE  "data: [DONE]\n\n"
#define FAULT "data: {\"error\": {\"message\": \"engine died\", \"code\": 500}}\n\n"

static struct engine_target options = {.is_stream = true, .is_keepalive = true};
static struct openai_setup setup = {.options = &options};
static struct openai_events events;
static const struct openai_sink sink = {&events, &setup};
static struct openai_conn conn;
static char sent[8192]; /* what the server has written since the last read */

static int make(void **state)
{
    (void)state;
    setup.endpoint = OPENAI_COMPLETIONS;
    setup.counts = OPENAI_COUNTS_USAGE;
    struct err e;
    if (openai_events_reserve(&events, 1000, &e) != STATUS_OK)
        return -1;
    conn = (struct openai_conn){.fd = -1, .request = 3, .state = OPENAI_ANSWER};
    conn.sse.room = 64; /* so that it has to grow */
    conn.sse.held = mem_alloc(conn.sse.room, 1);
    buf_init(&conn.body, OPENAI_BODY_CAP);
    conn.sent_at.ns = 1000;
    openai_answer_begin(&conn);
    sent[0] = '\0';
    return 0;
}

static int drop(void **state)
{
    (void)state;
    openai_events_fini(&events); /* forgets who has answered, too */
    mem_free(conn.sse.held);
    buf_fini(&conn.body);
    return 0;
}

static void put(const char *text)
{
    size_t len = strlen(sent);
    snprintf(sent + len, sizeof sent - len, "%s", text);
}

static void head(void)
{
    put(HEAD);
}

static void chunk(const char *text)
{
    size_t len = strlen(sent);
    snprintf(sent + len, sizeof sent - len, "%zx\r\n%s\r\n", strlen(text), text);
}

static bool keeps;

/* One read of everything written, or of its first `len` bytes. */
static bool read_some(size_t len, struct openai_read read)
{
    bool is_over = openai_answer_read(&sink, &conn, (struct str){.ptr = sent, .len = len},
                                      &read, &keeps);
    memmove(sent, sent + len, strlen(sent + len) + 1);
    return is_over;
}

static bool read_all(int64_t kernel_ns)
{
    return read_some(strlen(sent), (struct openai_read){.kernel = {kernel_ns},
                                                        .user = {kernel_ns + 500},
                                                        .is_whole = true});
}

static void is_token(size_t i, enum event_stamp stamp, int64_t at_ns)
{
    assert_true(i < events.count);
    assert_int_equal(events.items[i].kind, EVENT_TOKENS);
    assert_int_equal(events.items[i].stamp, stamp);
    assert_int_equal(events.items[i].at.ns, at_ns);
    assert_int_equal(events.items[i].request, 3);
}

static void has_failed(size_t i, enum fail_class fail, const char *text)
{
    assert_int_equal(events.count, i + 1);
    assert_int_equal(events.items[i].kind, EVENT_FAILED);
    assert_int_equal(events.items[i].fail, fail);
    assert_non_null(strstr(events.items[i].text, text));
}

static void says_who(const char *model, const char *backend)
{
    const struct openai_answerer *by = &events.answered.by[0];
    assert_int_equal(events.answered.count, 1);
    assert_int_equal(by->count, 1);
    assert_string_equal(by->model, model);
    assert_string_equal(by->via.backend, backend);
}

/* The first event with a model tells; those that fail count for nobody. */
static void who_has_answered(void **state)
{
    put("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        "x-litellm-model-api-base: http://10.0.0.7:8000/v1\r\n"
        "transfer-encoding: chunked\r\n\r\n");
    chunk("data: {\"choices\":[],\"model\":null}\n\n");
    chunk("data: {\"model\":\"org\\/m\",\"provider\":\"P\",\"choices\":[]}\n\n");
    chunk("data: {\"model\":\"x\",\"choices\":[{\"text\":\"a\"}]}\n\n" LAST DONE);
    put("0\r\n\r\n");
    assert_true(read_all(2000));
    says_who("org/m", "10.0.0.7:8000 P");
    assert_int_equal(drop(state), 0);
    assert_int_equal(make(state), 0);
    head();
    chunk("data: {\"model\":\"x\",\"choices\":[]}\n\n" DONE);
    put("0\r\n\r\n");
    assert_true(read_all(2000));
    assert_int_equal(events.answered.count, 0);
}

/* [DONE] ends an answer that has no other end. */
static void done_is_an_end(void **state)
{
    head();
    chunk(TOKEN LAST USAGE);
    assert_false(read_all(2000));
    assert_int_equal(conn.answer.done_at.ns, 0);
    chunk(DONE);
    assert_false(read_all(3000));
    assert_int_equal(conn.answer.done_at.ns, 3000);
    openai_answer_done(&sink, &conn);
    const struct event *end = &events.items[events.count - 1];
    assert_int_equal(end->kind, EVENT_DONE);
    assert_int_equal(end->at.ns, 3000);
    assert_int_equal(end->read_at.ns, 3500);
    assert_int_equal(end->tokens_out, 2);
    assert_int_equal(drop(state), 0);
    assert_int_equal(make(state), 0);
    head();
    chunk(TOKEN LAST DONE);
    assert_false(read_all(2000));
    openai_answer_closed(&sink, &conn, &(struct openai_read){{NS_UNKNOWN}, {9000}, 0, 0});
    end = &events.items[events.count - 1];
    assert_int_equal(end->kind, EVENT_DONE);
    assert_int_equal(end->at.ns, 9000);
    assert_int_equal(drop(state), 0);
    assert_int_equal(make(state), 0);
    head();
    chunk(TOKEN DONE); /* no finish_reason: it is no success for that */
    assert_false(read_all(2000));
    openai_answer_done(&sink, &conn);
    has_failed(events.count - 1, FAIL_stream, "without a finish_reason");
}

static void a_whole_answer(void **state)
{
    (void)state;
    head();
    assert_false(read_all(1500));
    assert_int_equal(events.count, 0); /* the head is not a token */
    chunk(TOKEN);
    assert_false(read_all(2000));
    is_token(0, EVENT_EXACT, 2000);
    assert_int_equal(events.items[0].read_at.ns, 2500);
    chunk(LAST);
    chunk(USAGE);
    chunk(DONE);
    put("0\r\n\r\n");
    assert_true(read_all(3000));
    assert_true(keeps);
    is_token(1, EVENT_TAIL, 3000);
    const struct event *done = &events.items[2];
    assert_int_equal(events.count, 3);
    assert_int_equal(done->kind, EVENT_DONE);
    assert_int_equal(done->at.ns, 3000);
    assert_int_equal(done->tokens_in, 5);
    assert_int_equal(done->tokens_out, 2);
    assert_int_equal(done->tokens_cached, 4);
    assert_int_equal(done->source, TOKEN_SOURCE_usage);
}

static void only_the_last_event_of_a_read_is_exact(void **state)
{
    (void)state;
    head();
    chunk(TOKEN);
    chunk(TOKEN);
    read_all(2000);
    is_token(0, EVENT_BOUNDED, 2000);
    is_token(1, EVENT_EXACT, 2000);
}

/* Whatever of the next event is in the read, its stamp is the next event's. */
static void a_read_that_ends_in_the_next_event(void **state)
{
    (void)state;
    char both[sizeof sent];
    head();
    read_all(1500);
    chunk(TOKEN);
    size_t first = strlen(sent);
    chunk(TOKEN);
    size_t all = strlen(sent);
    memcpy(both, sent, all + 1);
    for (size_t cut = first + 1; cut < all - 2; cut++) {
        drop(NULL);
        make(NULL);
        head();
        read_all(1500);
        memcpy(sent, both, all + 1);
        read_some(cut, (struct openai_read){{2000}, {2001}, true, false});
        is_token(0, EVENT_BOUNDED, 2000);
        assert_int_equal(events.count, 1);
        read_some(all - cut, (struct openai_read){{2100}, {2101}, true, false});
        is_token(1, EVENT_EXACT, 2100);
    }
}

static void stamps_that_cannot_be_true(void **state)
{
    static const struct openai_read reads[] = {
        {{NS_UNKNOWN}, {2500}, true, false}, /* the kernel gave none */
        {{900}, {2500}, true, true},         /* before the request was sent */
        {{2600}, {2500}, true, true},        /* after it was read */
    };
    (void)state;
    head();
    read_all(1500);
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        chunk(TOKEN);
        read_some(strlen(sent), reads[i]);
        is_token(i, EVENT_BOUNDED, 2500);
    }
    chunk(TOKEN); /* a full buffer hides whether more was there */
    read_some(strlen(sent), (struct openai_read){{2500}, {2600}, false, false});
    is_token(3, EVENT_BOUNDED, 2500);
}

/* A unix socket has no stamps: what is read at once came when it was read. */
static void prompt_reads_need_no_stamp(void **state)
{
    (void)state;
    head();
    read_all(1500);
    chunk(TOKEN);
    chunk(TOKEN);
    read_some(strlen(sent), (struct openai_read){{NS_UNKNOWN}, {2500}, true, true});
    is_token(0, EVENT_BOUNDED, 2500);
    is_token(1, EVENT_EXACT, 2500);
}

static void comments_after_a_token(void **state)
{
    (void)state;
    head();
    chunk(TOKEN);
    read_all(2000);
    chunk(": keep-alive\n\n");
    chunk(TOKEN);
    read_all(2100);
    is_token(1, EVENT_EXACT, 2100);
}

/* A finish reason without text, in the read of the token before it: that token's stamp is
 * as true as that of one before the usage. */
static void a_finish_of_its_own(void **state)
{
    (void)state;
    head();
    chunk(TOKEN);
    chunk(LAST);
    read_all(2000);
    is_token(0, EVENT_TAIL, 2000);
    assert_int_equal(events.items[0].cls, EVENT_TEXT);
    is_token(1, EVENT_EXACT, 2000);
    assert_int_equal(events.items[1].cls, EVENT_FINISH);
    chunk(USAGE);
    chunk(DONE);
    put("0\r\n\r\n");
    assert_true(read_all(3000));
    assert_int_equal(events.count, 3);
    assert_int_equal(events.items[2].kind, EVENT_DONE);
    drop(NULL);
    make(NULL);
    head();
    chunk(TOKEN);
    read_all(2000);
    chunk(TOKEN);
    chunk(TOKEN);
    chunk(LAST); /* and of three in a read only the last */
    read_all(2100);
    is_token(1, EVENT_BOUNDED, 2100);
    is_token(2, EVENT_TAIL, 2100);
}

#define EMPTY_DELTA                                                                   \
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":" \
    "\"\"},\"finish_reason\":\"\"}]}\n\n"

/* An empty text with a role opens an answer; later it is half a character. Without a role
 * nobody can tell yet. */
static void empty_texts(void **state)
{
    (void)state;
    setup.endpoint = OPENAI_CHAT;
    head();
    chunk(EMPTY_DELTA);
    read_all(2000);
    assert_int_equal(events.count, 0);
    chunk(EMPTY_DELTA);
    read_all(2100);
    is_token(0, EVENT_EXACT, 2100);
    assert_int_equal(events.items[0].cls, EVENT_EMPTY);
    drop(NULL);
    make(NULL);
    setup.endpoint = OPENAI_CHAT;
    head();
    chunk("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"}}]}\n\n");
    read_all(2000);
    is_token(0, EVENT_EXACT, 2000);
    assert_int_equal(events.items[0].cls, EVENT_EMPTY);
}

static void done_is_not_success(void **state)
{
    (void)state;
    head();
    chunk(TOKEN);
    chunk(FAULT);
    assert_true(read_all(2000));
    assert_false(keeps);
    is_token(0, EVENT_BOUNDED, 2000);
    has_failed(1, FAIL_stream, "engine died");
}

static void done_without_a_reason_is_no_success(void **state)
{
    (void)state;
    head();
    chunk(TOKEN);
    chunk(DONE);
    put("0\r\n\r\n");
    assert_true(read_all(2000));
    has_failed(1, FAIL_stream, "finish_reason");
}

static void an_abort_is_a_failure_and_no_token(void **state)
{
    (void)state;
    head();
    chunk(TOKEN);
    chunk(ABORT);
    chunk(USAGE);
    chunk(DONE);
    put("0\r\n\r\n");
    assert_true(read_all(2000));
    has_failed(1, FAIL_aborted, "aborted");
}

static void success_without_done(void **state)
{
    (void)state;
    head();
    chunk(TOKEN);
    chunk(LAST);
    put("0\r\n\r\n");
    assert_true(read_all(2000));
    assert_int_equal(events.count, 3);
    assert_int_equal(events.items[2].kind, EVENT_DONE);
    assert_int_equal(events.items[2].source, TOKEN_SOURCE_estimated);
    assert_int_equal(events.items[2].tokens_out, 1); /* an end is taken for no token */
}

static void a_role_is_no_token(void **state)
{
    (void)state;
    setup.endpoint = OPENAI_CHAT;
    head();
    chunk(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"
        "\"\"},\"finish_reason\":null}]}\n\n");
    chunk("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},"
          "\"finish_reason\":null}]}\n\n");
    read_all(2000);
    assert_int_equal(events.count, 1);
    is_token(0, EVENT_EXACT, 2000);
}

static void tokens_counted_with_their_events(void **state)
{
    (void)state;
    setup.counts = OPENAI_COUNTS_IDS;
    head();
    chunk("data: {\"choices\":[{\"text\":\"ab\",\"token_ids\":[1,2,3]}]}\n\n");
    read_all(2000);
    assert_int_equal(events.items[0].tokens, 3);
    setup.counts = OPENAI_COUNTS_CONTINUOUS;
    chunk("data: {\"choices\":[{\"text\":\"ab\"}],\"usage\":{\"prompt_tokens\":5,"
          "\"total_tokens\":10,\"completion_tokens\":5}}\n\n");
    read_all(2100);
    assert_int_equal(events.items[1].tokens, 2);
}

/* A text is an arrival, whether its count has risen or not; nothing else is. */
static void a_text_without_a_token(void **state)
{
    (void)state;
    setup.counts = OPENAI_COUNTS_CONTINUOUS;
    head();
    chunk("data: {\"choices\":[{\"text\":\"ab\"}],\"usage\":{\"prompt_tokens\":5,"
          "\"total_tokens\":5,\"completion_tokens\":0}}\n\n");
    read_all(2000);
    assert_int_equal(events.count, 1);
    is_token(0, EVENT_EXACT, 2000);
    assert_int_equal(events.items[0].tokens, 0);
    chunk("data: {\"choices\":[{\"text\":\"\"}],\"usage\":{\"prompt_tokens\":5,"
          "\"total_tokens\":5,\"completion_tokens\":0}}\n\n");
    chunk("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,"
          "\"total_tokens\":5,\"completion_tokens\":0}}\n\n");
    read_all(2100);
    assert_int_equal(events.count, 1);
}

static void errors_before_the_stream(void **state)
{
    (void)state;
    put("HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-type: "
        "application/json\r\ncontent-length: 32\r\n\r\n"
        "{\"error\":{\"message\":\"too busy\"}}");
    assert_true(read_all(2000));
    has_failed(0, FAIL_rate_limit, "HTTP 429 (Retry-After 7 s): too busy");
    assert_int_equal(events.items[0].http_status, 429);
}

static void put_whole(void)
{
    static const char body[] =
        "{\"choices\":[{\"text\":\"a b\",\"finish_reason\":\"length\"}],"
        "\"usage\":{\"prompt_tokens\":5,\"total_tokens\":7,"
        "\"completion_tokens\":2}}";
    size_t len = strlen(sent);
    snprintf(sent + len, sizeof sent - len,
             "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
             "%zu\r\n\r\n%s",
             strlen(body), body);
}

static void an_answer_that_is_no_stream(void **state)
{
    (void)state;
    put_whole(); /* its first token would be its last: not what was asked for */
    assert_true(read_all(2000));
    has_failed(0, FAIL_stream, "--no-stream");
    drop(NULL);
    make(NULL);
    options.is_stream = false;
    put_whole();
    bool is_over = read_all(2000);
    options.is_stream = true;
    assert_true(is_over && keeps);
    is_token(0, EVENT_TAIL, 2000);
    assert_int_equal(events.items[0].tokens, 2);
    assert_int_equal(events.items[1].kind, EVENT_DONE);
    assert_int_equal(events.items[1].tokens_out, 2);
}

static void what_nobody_asked_for_ends_the_connection(void **state)
{
    (void)state;
    options.is_stream = false;
    put_whole();
    put("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
    bool is_over = read_all(2000);
    options.is_stream = true;
    assert_true(is_over);
    assert_int_equal(events.items[1].kind, EVENT_DONE);
    assert_false(keeps);
}

static void compression_and_garbage_are_refused(void **state)
{
    (void)state;
    put("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: "
        "gzip\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_true(read_all(2000));
    has_failed(0, FAIL_stream, "compressed");
    drop(NULL);
    make(NULL);
    put("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    assert_true(read_all(2000));
    has_failed(0, FAIL_stream, "");
    drop(NULL);
    make(NULL);
    head();
    chunk("data: {half\n\n");
    assert_true(read_all(2000));
    has_failed(0, FAIL_stream, "not JSON");
}

/* One event of that many bytes of data, a read for each 4 KiB; true: it was refused. */
static bool long_event(size_t len)
{
    char block[4096];
    memset(block, ' ', sizeof block);
    head();
    put("ffffffff\r\ndata: ");
    bool is_over = read_all(1500);
    while (len > 0 && !is_over) {
        const struct openai_read read = {.kernel = {1600}, .user = {1700}};
        struct str piece = {block, len < sizeof block ? len : sizeof block};
        is_over = openai_answer_read(&sink, &conn, piece, &read, &keeps);
        len -= piece.len;
    }
    return is_over;
}

static void an_event_may_have_4_mb(void **state)
{
    (void)state;
    assert_false(long_event(OPENAI_EVENT_CAP));
    assert_int_equal(conn.sse.room, OPENAI_EVENT_CAP);
    drop(NULL);
    make(NULL);
    assert_true(long_event(OPENAI_EVENT_CAP + 1));
    has_failed(0, FAIL_stream, "an event is larger than 4 MB");
}

static void a_close_in_the_middle(void **state)
{
    (void)state;
    const struct openai_read end = {.kernel = {NS_UNKNOWN}, .user = {3000}};
    head();
    chunk(TOKEN);
    read_all(2000);
    openai_answer_closed(&sink, &conn, &end);
    has_failed(1, FAIL_reset, "in the middle");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        TEST(a_whole_answer),
        TEST(who_has_answered),
        TEST(done_is_an_end),
        TEST(only_the_last_event_of_a_read_is_exact),
        TEST(a_read_that_ends_in_the_next_event),
        TEST(stamps_that_cannot_be_true),
        TEST(prompt_reads_need_no_stamp),
        TEST(comments_after_a_token),
        TEST(a_finish_of_its_own),
        TEST(empty_texts),
        TEST(done_is_not_success),
        TEST(done_without_a_reason_is_no_success),
        TEST(an_abort_is_a_failure_and_no_token),
        TEST(success_without_done),
        TEST(a_role_is_no_token),
        TEST(tokens_counted_with_their_events),
        TEST(a_text_without_a_token),
        TEST(errors_before_the_stream),
        TEST(an_answer_that_is_no_stream),
        TEST(what_nobody_asked_for_ends_the_connection),
        TEST(compression_and_garbage_are_refused),
        TEST(an_event_may_have_4_mb),
        TEST(a_close_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
