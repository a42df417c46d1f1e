/* The recorded and made conversations of tests/wire, from the bytes of a connection to
 * what its events say: whole, byte by byte and cut at every split. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "http/openai.h"
#include "http/response.h"
#include "http/sse.h"
#include "wire_fixture.h"

enum { FIRST_ROOM = 64, ERROR_BYTES = 512, CAP_BYTES = 1 << 24 };

/* What one answer said; -1: not at all. */
struct account {
    int64_t events, unknown, ids, tokens_in, tokens_out, tokens_cached;
    enum openai_finish finish;
    bool is_done, has_error, has_head, is_complete;
    char error[ERROR_BYTES];
};

struct scribe {
    enum openai_endpoint endpoint;
    struct response http;
    struct sse sse;
    char *held;
    struct buf body;
    struct account now;
    struct buf classes; /* of the answer's events, "R T*16 F U done" */
    const char *last_class;
    int64_t last_count;
    bool is_over;
};

static void say_class(struct scribe *s)
{
    if (s->last_class == NULL)
        return;
    (void)buf_printf(&s->classes, "%s%s", s->classes.len > 0 ? " " : "", s->last_class);
    if (s->last_count > 1)
        (void)buf_printf(&s->classes, "*%lld", (long long)s->last_count);
    s->last_class = NULL;
}

static void classed(struct scribe *s, const char *name)
{
    if (s->last_class != NULL && strcmp(s->last_class, name) == 0) {
        s->last_count++;
        return;
    }
    say_class(s);
    s->last_class = name;
    s->last_count = 1;
}

/* As README.md of tests/wire names it. An opening is one only at the beginning. */
static const char *class_of(const struct openai_chunk *c, bool is_first)
{
    if (c->is_done)
        return "done";
    if (c->error.ptr != NULL)
        return "error";
    switch (c->cls) {
    case OPENAI_TEXT: return "T";
    case OPENAI_FINISH: return "F";
    case OPENAI_EMPTY: return c->has_role && is_first ? "R" : "E";
    case OPENAI_ROLE: return "R";
    default: return c->tokens_in >= 0 || c->tokens_out >= 0 ? "U" : "nothing";
    }
}

static void begin_answer(struct scribe *s)
{
    response_begin(&s->http, false);
    mem_free(s->held);
    s->held = mem_alloc(FIRST_ROOM, 1);
    sse_init(&s->sse, s->held, FIRST_ROOM);
    buf_clear(&s->body);
    buf_clear(&s->classes);
    s->last_class = NULL;
    s->now = (struct account){
        .ids = -1, .tokens_in = -1, .tokens_out = -1, .tokens_cached = -1};
}

static void begin(void *arg)
{
    struct scribe *s = arg;
    begin_answer(s);
    s->is_over = false;
}

static void keep(int64_t *count, int64_t value)
{
    if (value >= 0)
        *count = value;
}

static void see(struct scribe *s, struct str text)
{
    struct account *a = &s->now;
    struct openai_chunk c;
    a->events++;
    if (openai_read(text, s->endpoint, &c) != OPENAI_READ) {
        a->unknown++;
        classed(s, "unknown");
        return;
    }
    classed(s, class_of(&c, a->events == 1));
    a->is_done = a->is_done || c.is_done;
    if (c.finish != OPENAI_FINISH_NONE)
        a->finish = c.finish;
    if (c.token_ids >= 0)
        a->ids = c.token_ids + (a->ids > 0 ? a->ids : 0);
    keep(&a->tokens_in, c.tokens_in);
    keep(&a->tokens_out, c.tokens_out);
    keep(&a->tokens_cached, c.tokens_cached);
    if (c.error.ptr != NULL) {
        a->has_error = true;
        (void)snprintf(a->error, sizeof a->error, "%.*s", (int)c.error.len, c.error.ptr);
    }
}

static void grow(struct scribe *s)
{
    size_t room = s->sse.room * 2;
    s->held = mem_resize(s->held, room, 1);
    assert_non_null(s->held);
    s->sse.held = s->held;
    s->sse.room = room;
}

static void take_body(struct scribe *s, struct str body)
{
    struct str data;
    enum sse_step step = SSE_EVENT;
    if (!s->http.is_event_stream) {
        (void)buf_append(&s->body, body.ptr, body.len);
        return;
    }
    while ((step = sse_next(&s->sse, &body, &data)) != SSE_MORE)
        if (step == SSE_EVENT)
            see(s, data);
        else
            grow(s);
}

static void say_count(struct buf *said, const char *name, int64_t value)
{
    if (value >= 0)
        (void)buf_printf(said, " %s=%lld", name, (long long)value);
}

static void say_head(const struct response *r, struct buf *said)
{
    (void)buf_printf(said, "%d %s%s%s", r->status,
                     r->is_event_stream ? "stream"
                     : r->is_json       ? "json"
                                        : "other",
                     r->is_keep_alive ? " keep" : "", r->is_gzip ? " gzip" : "");
    say_count(said, "retry", r->retry_after_s);
}

static void say_answer(struct scribe *s, struct buf *said)
{
    static const char *const finishes[] = {"", " finish=length", " finish=stop",
                                           " finish=abort", " finish=other"};
    const struct account *a = &s->now;
    if (!a->has_head)
        return;
    if (!s->http.is_event_stream && s->body.len > 0)
        see(s, (struct str){.ptr = buf_cstr(&s->body), .len = s->body.len});
    say_head(&s->http, said);
    say_count(said, "events", a->events > 0 ? a->events : -1);
    say_count(said, "unknown", a->unknown > 0 ? a->unknown : -1);
    say_count(said, "ids", a->ids > 0 ? a->ids : -1);
    (void)buf_text(said, finishes[a->finish]);
    say_count(said, "in", a->tokens_in);
    say_count(said, "out", a->tokens_out);
    say_count(said, "cached", a->tokens_cached);
    say_class(s);
    (void)buf_printf(said, "%s%s%s | %s\n", a->is_done ? " done" : "",
                     a->has_error ? " error=" : "", a->error,
                     s->classes.len > 0 ? buf_cstr(&s->classes) : "-");
}

static void take(void *arg, struct str piece, struct buf *said)
{
    struct scribe *s = arg;
    struct str body = {0};
    while (!s->is_over) {
        if (s->now.is_complete && piece.len > 0)
            begin_answer(s);
        switch (response_next(&s->http, &piece, &body)) {
        case RESPONSE_MORE: return;
        case RESPONSE_HEAD: s->now.has_head = true; break;
        case RESPONSE_BODY: take_body(s, body); break;
        case RESPONSE_BAD: s->is_over = true; break;
        case RESPONSE_END:
            if (s->now.is_complete)
                return;
            say_answer(s, said);
            s->now.is_complete = true;
            break;
        }
    }
}

static void end(void *arg, struct buf *said)
{
    struct scribe *s = arg;
    if (s->now.is_complete) {
        (void)buf_text(said, "complete\n");
        return;
    }
    bool is_end = response_closed(&s->http);
    say_answer(s, said);
    if (is_end)
        (void)buf_text(said, "ended by closing\n");
    else if (s->is_over)
        (void)buf_printf(said, "bad: %s\n", s->http.bad);
    else
        (void)buf_text(said, "cut\n");
}

static void scribe_end(struct scribe *s)
{
    mem_free(s->held);
    buf_fini(&s->classes);
    buf_fini(&s->body);
}

static int hex_value(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The bytes of a recording: its head says what it is, an empty line, then bytes with
 * \r \n \\ and \xNN; a line break of the file itself is none. */
static void decode(const char *text, struct scribe *s, struct buf *bytes)
{
    const char *p = strstr(text, "\n\n");
    assert_non_null(p);
    s->endpoint = memcmp(p - 4, "chat", 4) == 0 ? OPENAI_CHAT : OPENAI_COMPLETIONS;
    for (p += 2; *p != '\0'; p++) {
        if (*p == '\n')
            continue;
        if (*p != '\\') {
            (void)buf_char(bytes, *p);
            continue;
        }
        p++;
        if (*p == 'x') {
            (void)buf_char(bytes, (char)(hex_value(p[1]) << 4 | hex_value(p[2])));
            p += 2;
        } else {
            (void)buf_char(bytes, *p == 'r' ? '\r' : *p == 'n' ? '\n' : '\\');
        }
    }
}

static void read_file(const char *folder, struct str stem, const char *ending,
                      struct buf *out)
{
    struct err e = {0};
    struct buf path;
    buf_init(&path, CAP_BYTES);
    (void)buf_printf(&path, "%s/%.*s%s", folder, (int)stem.len, stem.ptr, ending);
    buf_init(out, CAP_BYTES);
    if (file_read(buf_cstr(&path), out, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    buf_fini(&path);
}

/* Each answer's line, and behind it the one of its classes; then how it ended. */
static void read_expected(const char *folder, struct str stem, struct buf *out)
{
    struct buf lines, classes;
    read_file(folder, stem, ".expect", &lines);
    read_file(folder, stem, ".classes", &classes);
    struct str line = {lines.data, lines.len}, of = {classes.data, classes.len};
    while (line.len > 0) {
        struct str said = str_cut(&line, '\n'), found = str_cut(&of, '\n');
        (void)buf_append(out, said.ptr, said.len);
        if (found.len > 0)
            (void)buf_printf(out, " | %.*s", (int)found.len, found.ptr);
        (void)buf_char(out, '\n');
    }
    buf_fini(&classes);
    buf_fini(&lines);
}

static void check_file(const char *folder, const char *name)
{
    struct buf text, expected, bytes;
    struct str stem = {.ptr = name, .len = strlen(name) - 4};
    read_file(folder, stem, ".txt", &text);
    buf_init(&expected, CAP_BYTES);
    read_expected(folder, stem, &expected);
    struct scribe s = {0};
    buf_init(&s.body, CAP_BYTES);
    buf_init(&s.classes, CAP_BYTES);
    buf_init(&bytes, CAP_BYTES);
    decode(buf_cstr(&text), &s, &bytes);
    struct wire_reader reader = {begin, take, end, &s};
    wire_check(name, (struct str){.ptr = buf_cstr(&bytes), .len = bytes.len}, &reader,
               buf_cstr(&expected));
    buf_fini(&bytes);
    buf_fini(&expected);
    buf_fini(&text);
    scribe_end(&s);
}

static void conversations(void **state)
{
    (void)state;
    char folder[4096];
    const char *root = getenv("INFERBENCH_SOURCE_ROOT");
    (void)snprintf(folder, sizeof folder, "%s/tests/wire", root != NULL ? root : ".");
    DIR *dir = opendir(folder);
    int count = 0;
    for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
        size_t len = strlen(d->d_name);
        if (len < 4 || strcmp(d->d_name + len - 4, ".txt") != 0)
            continue;
        check_file(folder, d->d_name);
        count++;
    }
    assert_true(count > 60);
    (void)closedir(dir);
}

/* One piece of 'a' of that length between two texts, fed in several ways. */
static void check_long(const char *before, size_t len, const char *after,
                       const char *expected)
{
    static const size_t cuts[] = {WIRE_WHOLE, WIRE_EVERY_BYTE, 100, 70000, 1000000};
    struct scribe s = {0};
    struct wire_reader reader = {begin, take, end, &s};
    struct buf bytes, said;
    buf_init(&s.body, CAP_BYTES);
    buf_init(&s.classes, CAP_BYTES);
    buf_init(&bytes, CAP_BYTES);
    (void)buf_text(&bytes, before);
    while (len-- > 0)
        (void)buf_char(&bytes, 'a');
    (void)buf_text(&bytes, after);
    buf_init(&said, CAP_BYTES);
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        buf_clear(&said);
        wire_feed((struct str){.ptr = bytes.data, .len = bytes.len}, cuts[i], &reader,
                  &said);
        assert_string_equal(buf_cstr(&said), expected);
    }
    buf_fini(&said);
    buf_fini(&bytes);
    scribe_end(&s);
}

#define STREAM "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"

static void long_ones(void **state)
{
    (void)state;
    enum { MB = 1 << 20 };
    check_long(STREAM "x-long: ", MB, "\r\n\r\n", "bad: headers larger than 16 KiB\n");
    check_long(STREAM, MB, "", "bad: headers larger than 16 KiB\n");
    check_long("", MB, "", "bad: not HTTP/1.1\n");
    check_long(STREAM "\r\n: ", MB, "\n\ndata: [DONE]\n\n",
               "200 stream events=1 done | done\nended by closing\n");
    check_long(STREAM "\r\ndata: {\"choices\":[{\"text\":\"", MB, "\"}]}\n\n",
               "200 stream events=1 | T\nended by closing\n");
    check_long(STREAM "\r\ndata: ", MB, "", "200 stream | -\nended by closing\n");
    check_long(STREAM "transfer-encoding: chunked\r\n\r\n1;", MB, "",
               "200 stream keep | -\nbad: an endless chunk size line\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversations),
        cmocka_unit_test(long_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
