#include "http/sse.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
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

/* Every length about that up to which a line's end is looked for at once, every end. */
static void long_lines(void **state)
{
    (void)state;
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    static const size_t about[] = {256, 512};
    static char text[4000], held[2000];
    for (size_t a = 0; a < 2; a++)
        for (size_t len = about[a] - 10; len < about[a] + 4; len++)
            for (size_t k = 0; k < 3; k++) {
                struct sse s;
                struct str data;
                char line[600];
                memset(line, 'x', len);
                line[len] = '\0';
                int size = snprintf(text, sizeof text, ": %s%sdata: %s%s%sid: %s%s%s",
                                    line, ends[k], line, ends[k], ends[k], line, ends[k],
                                    ends[k]);
                struct str in = {text, (size_t)size};
                sse_init(&s, held, sizeof held);
                assert_int_equal(sse_next(&s, &in, &data), SSE_EVENT);
                assert_int_equal(data.len, len);
                for (size_t i = 0; i < len; i++)
                    assert_int_equal(data.ptr[i], 'x');
                assert_int_equal(sse_next(&s, &in, &data), SSE_MORE);
                assert_false(sse_is_within(&s));
            }
}

/* CPU time of so many of these lines. */
static double cost_of(const char *line, size_t count)
{
    size_t size = strlen(line);
    double least_s = INFINITY;
    char *text = mem_alloc(count, size);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * size, line, size);
    for (int i = 0; i < 5; i++) {
        struct sse s;
        char held[ROOM];
        struct str in = {text, count * size}, data;
        struct span begin = clock_thread_cpu();
        sse_init(&s, held, sizeof held);
        while (sse_next(&s, &in, &data) == SSE_EVENT)
            ;
        assert_int_equal(in.len, 0);
        least_s = fmin(least_s,
                       clock_to_s((struct span){clock_thread_cpu().ns - begin.ns}));
    }
    mem_free(text);
    return least_s;
}

/* Lines of every end cost the same: eight times as many no more than, say, 24 times. */
static void cost_grows_with_length(void **state)
{
    (void)state;
    static const char *const lines[] = {": x\r", ": x\n",       ": x\r\n",
                                        "\r",    "data: x\r\r", "data: x\n\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        double few_s = cost_of(lines[i], 8000), many_s = cost_of(lines[i], 64000);
        if (many_s > 24 * few_s)
            fail_msg("line %zu: %g s, and of eight times as many %g s", i, few_s, many_s);
    }
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
        cmocka_unit_test(long_lines),
        cmocka_unit_test(cost_grows_with_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
