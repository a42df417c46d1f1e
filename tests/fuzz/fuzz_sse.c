/* An event stream: its events are the same whole, byte by byte and in pieces whose sizes
 * the input itself gives, and also where the room has to grow. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/sse.h"

#include "fuzz_target.h"

enum { CAP_BYTES = 1 << 24, SMALL_ROOM = 8 };

enum cut { CUT_NEVER, CUT_EVERY_BYTE, CUT_BY_INPUT };

/* Room as it is needed, so that AddressSanitizer sees any write behind it. */
static void grow(struct sse *s)
{
    size_t room = s->room + 1 + s->room / 4;
    char *held = mem_resize(s->held, room, 1);
    TARGET_CHECK(held != NULL);
    s->held = held;
    s->room = room;
}

static void feed(struct sse *s, struct str piece, struct buf *said)
{
    const char *end = piece.ptr + piece.len;
    struct str data = {0};
    for (;;) {
        enum sse_step step = sse_next(s, &piece, &data);
        TARGET_CHECK(piece.ptr + piece.len == end && s->held_len <= s->room);
        if (step == SSE_MORE)
            break;
        if (step == SSE_TOO_LONG)
            grow(s);
        else
            (void)buf_printf(said, "<%zu>", data.len);
        if (step == SSE_EVENT && data.len > 0)
            (void)buf_append(said, data.ptr, data.len);
        TARGET_CHECK(step != SSE_EVENT || data.len <= s->room);
    }
    TARGET_CHECK(piece.len == 0);
}

static size_t piece_len(enum cut cut, struct str left)
{
    size_t len = (unsigned char)left.ptr[0] % 7 + 1;
    if (cut == CUT_NEVER)
        len = left.len;
    if (cut == CUT_EVERY_BYTE)
        len = 1;
    return len < left.len ? len : left.len;
}

static void read_all(struct str left, enum cut cut, size_t room, struct buf *said)
{
    struct sse s;
    buf_init(said, CAP_BYTES);
    sse_init(&s, mem_alloc(room, 1), room);
    TARGET_CHECK(s.held != NULL);
    while (left.len > 0) {
        size_t len = piece_len(cut, left);
        char *exact = mem_alloc(len, 1);
        TARGET_CHECK(exact != NULL);
        memcpy(exact, left.ptr, len);
        feed(&s, (struct str){.ptr = exact, .len = len}, said);
        mem_free(exact);
        left = (struct str){.ptr = left.ptr + len, .len = left.len - len};
    }
    (void)buf_printf(said, "<%d, %zu held>", sse_is_within(&s), s.held_len);
    mem_free(s.held);
}

static void check_same(const struct buf *a, const struct buf *b)
{
    TARGET_CHECK(a->failed == STATUS_OK && b->failed == STATUS_OK);
    TARGET_CHECK(a->len == b->len && memcmp(a->data, b->data, a->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, bytes, pieces;
    struct str all = {.ptr = (const char *)data, .len = size};
    read_all(all, CUT_NEVER, size + 1, &whole);
    read_all(all, CUT_EVERY_BYTE, SMALL_ROOM, &bytes);
    read_all(all, CUT_BY_INPUT, SMALL_ROOM, &pieces);
    check_same(&whole, &bytes);
    check_same(&whole, &pieces);
    buf_fini(&whole);
    buf_fini(&bytes);
    buf_fini(&pieces);
    return 0;
}
