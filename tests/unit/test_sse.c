#include "http/sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "wire_fixture.h"

enum { ROOM = 16 };

struct scribe {
    struct sse sse;
    char *held;
    size_t room;
    bool does_grow, is_over;
};

static void begin(void *arg)
{
    struct scribe *s = arg;
    mem_free(s->held);
    s->room = ROOM;
    s->held = mem_alloc(s->room, 1);
    sse_init(&s->sse, s->held, s->room);
    s->is_over = false;
}

static void grow(struct scribe *s)
{
    s->room *= 2;
    s->held = mem_resize(s->held, s->room, 1);
    assert_non_null(s->held);
    s->sse.held = s->held;
    s->sse.room = s->room;
}

static void take(void *arg, struct str piece, struct buf *said)
{
    struct scribe *s = arg;
    struct str data = {0};
    while (!s->is_over) {
        const char *end = piece.ptr + piece.len;
        enum sse_step step = sse_next(&s->sse, &piece, &data);
        assert_true(piece.ptr + piece.len == end);
        if (step == SSE_MORE) {
            assert_int_equal(piece.len, 0);
            return;
        }
        if (step == SSE_EVENT) {
            (void)buf_char(said, '[');
            (void)buf_append(said, data.ptr, data.len);
            (void)buf_char(said, ']');
        } else if (s->does_grow) {
            grow(s);
        } else {
            assert_int_equal(sse_next(&s->sse, &piece, &data), SSE_TOO_LONG);
            (void)buf_text(said, "too long");
            s->is_over = true;
        }
    }
}

static void end(void *arg, struct buf *said)
{
    struct scribe *s = arg;
    if (!s->is_over && sse_is_within(&s->sse))
        (void)buf_text(said, "...");
}

static void check_bytes(struct str input, const char *expected, bool does_grow)
{
    struct scribe s = {.does_grow = does_grow};
    struct wire_reader reader = {begin, take, end, &s};
    wire_check(input.ptr, input, &reader, expected);
    mem_free(s.held);
}

static void check(const char *input, const char *expected)
{
    check_bytes(str_from(input), expected, false);
}

static void line_ends(void **state)
{
    (void)state;
    check("data: a\n\ndata: b\n\n", "[a][b]");
    check("data: a\r\n\r\ndata: b\r\n\r\n", "[a][b]");
    check("data: a\r\rdata: b\r\r", "[a][b]");
    check("data: a\r\n\ndata: b\n\r\n", "[a][b]");
    check("data: a\n\rdata: b\r\n\r", "[a][b]");
    check("data: a\r\n\r\n\r\n\n\r\rdata: b\n\n", "[a][b]");
}

static void data_lines(void **state)
{
    (void)state;
    check("data:a\n\n", "[a]");
    check("data:  a \n\n", "[ a ]");
    check("data: a: b\n\n", "[a: b]");
    check("data: a\ndata: b\n\n", "[a\nb]");
    check("data: a\r\ndata: b\r\ndata: c\r\n\r\n", "[a\nb\nc]");
    check("data: a\n:comment\nid: 7\ndata:b\n\n", "[a\nb]");
    check("data:\n\n", "[]");
    check("data: \n\n", "[]");
    check("data\n\n", "[]");
    check("data\ndata\n\n", "[\n]");
    check("data:\ndata: a\n\n", "[\na]");
    check("data: a\ndata:\n\n", "[a\n]");
    check("data: a\ndata\n\n", "[a\n]");
    check("data: \xe3\x81\x82\n\n", "[\xe3\x81\x82]");
}

static void other_lines(void **state)
{
    (void)state;
    check(": keep-alive\n\n", "");
    check(":\n\ndata: a\n\n", "[a]");
    check(": data: x\n\ndata: a\n\n", "[a]");
    check("event: message\nid: 1\nretry: 10\ndata: a\n\n", "[a]");
    check("event: ping\n\ndata: a\n\n", "[a]");
    check("dat: x\ndata2: x\nDATA: x\n data: x\nda\nunknown\n\ndata: a\n\n", "[a]");
    check("data : x\n\ndata: a\n\n", "[a]");
    check("\n\n\n", "");
    check(": a comment much longer than the room for data is\n"
          "name much longer than the room: for data is\ndata: a\n\n",
          "[a]");
}

static void marks(void **state)
{
    (void)state;
    check("\xef\xbb\xbf"
          "data: a\n\n",
          "[a]");
    check("\xef\xbb\xbf\n\ndata: a\n\n", "[a]");
    check("\xef\xbb\xbf\xef\xbb\xbf"
          "data: a\n\ndata: b\n\n",
          "[b]");
    check("\xef\xbb"
          "data: a\n\ndata: b\n\n",
          "[b]");
    check("\xef\n\ndata: b\n\n", "[b]");
    check("data: a\n\n\xef\xbb\xbf"
          "data: b\n\n",
          "[a]");
    check("\xef\xbb\xbf: c\n\n", "");
}

static void no_event_without_its_end(void **state)
{
    (void)state;
    check("data: a\n\ndata: b\n", "[a]...");
    check("data: a\n\ndata: b", "[a]...");
    check("data: a\n\ndata:", "[a]...");
    check("data: a\n\nda", "[a]...");
    check("data: a\n\n: comment", "[a]...");
    check("data: a\n\n", "[a]");
    check("", "");
}

static void room(void **state)
{
    (void)state;
    check("data: 0123456789abcdef\n\n", "[0123456789abcdef]");
    check("data: 0123456789abcdefg\n\n", "too long");
    check("data: 01234567\ndata: 9abcdef\n\n", "[01234567\n9abcdef]");
    check("data: 01234567\ndata: 9abcdefg\n\n", "too long");
    check("data: 0123456789abcdef\ndata\n\n", "too long");
    check("data: 0123456789abcdef\ndata:\n\n", "too long");
    check("data: a\n\ndata: 0123456789abcdefg\n\ndata: b\n\n", "[a]too long");
}

static void more_room(void **state)
{
    (void)state;
    static const char long_one[] =
        "data: 0123456789abcdef0123456789abcdef0123456789abcdef\ndata\ndata:\n"
        "data: 0123456789abcdef0123456789abcdef\r\n\r\ndata: a\n\n";
    check_bytes(str_from(long_one),
                "[0123456789abcdef0123456789abcdef0123456789abcdef\n\n\n"
                "0123456789abcdef0123456789abcdef][a]",
                true);
}

static void zero_bytes(void **state)
{
    (void)state;
    static const char input[] = "data: a\0b\n\nda\0ta: c\n\n";
    struct scribe s = {0};
    struct wire_reader reader = {begin, take, end, &s};
    struct buf said;
    buf_init(&said, 100);
    wire_feed((struct str){input, sizeof input - 1}, WIRE_EVERY_BYTE, &reader, &said);
    assert_int_equal(said.len, 5);
    assert_memory_equal(said.data, "[a\0b]", 5);
    buf_fini(&said);
    mem_free(s.held);
}

/* What lies whole in the input is not copied. */
static void no_copy(void **state)
{
    (void)state;
    char held[ROOM];
    struct sse s;
    struct str in = str_from("data: a\n\ndata: b\n\n"), data = {0};
    const char *first = in.ptr + 6, *second = first + 9;
    sse_init(&s, held, sizeof held);
    assert_int_equal(sse_next(&s, &in, &data), SSE_EVENT);
    assert_ptr_equal(data.ptr, first);
    assert_int_equal(sse_next(&s, &in, &data), SSE_EVENT);
    assert_ptr_equal(data.ptr, second);
    assert_int_equal(sse_next(&s, &in, &data), SSE_MORE);
    assert_int_equal(s.held_len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_ends),
        cmocka_unit_test(data_lines),
        cmocka_unit_test(other_lines),
        cmocka_unit_test(marks),
        cmocka_unit_test(no_event_without_its_end),
        cmocka_unit_test(room),
        cmocka_unit_test(more_room),
        cmocka_unit_test(zero_bytes),
        cmocka_unit_test(no_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
