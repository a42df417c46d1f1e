/* An HTTP response: what it says is the same whole, byte by byte and in pieces whose
 * sizes the input itself gives. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/response.h"

#include "fuzz_target.h"

enum { CAP_BYTES = 1 << 24 };

enum cut { CUT_NEVER, CUT_EVERY_BYTE, CUT_BY_INPUT };

static void say_head(const struct response *r, struct buf *said)
{
    TARGET_CHECK(r->status >= 200 && r->status <= 999);
    TARGET_CHECK(r->content_length >= -1 && r->retry_after_s >= -1);
    (void)buf_printf(said, "<%d %d%d%d%d%d %lld %lld>", r->status, r->is_event_stream,
                     r->is_json, r->is_chunked, r->is_keep_alive, r->is_gzip,
                     (long long)r->content_length, (long long)r->retry_after_s);
}

/* Feeds one piece, all of it unless the answer is over; returns what is left. */
static size_t feed(struct response *r, struct str piece, bool *is_on, struct buf *said)
{
    struct str body = {0};
    const char *end = piece.ptr + piece.len;
    for (;;) {
        enum response_step step = response_next(r, &piece, &body);
        TARGET_CHECK(piece.ptr + piece.len == end);
        if (step == RESPONSE_HEAD) {
            say_head(r, said);
        } else if (step == RESPONSE_BODY) {
            TARGET_CHECK(body.len > 0 && body.ptr + body.len == piece.ptr);
            (void)buf_append(said, body.ptr, body.len);
        } else {
            TARGET_CHECK(step != RESPONSE_MORE || piece.len == 0);
            TARGET_CHECK((step == RESPONSE_BAD) == (r->bad != NULL));
            *is_on = step == RESPONSE_MORE;
            return step == RESPONSE_END ? piece.len : 0;
        }
    }
}

static size_t piece_len(enum cut cut, struct str left)
{
    size_t len = (unsigned char)left.ptr[0] % 61 + 1;
    if (cut == CUT_NEVER)
        len = left.len;
    if (cut == CUT_EVERY_BYTE)
        len = 1;
    return len < left.len ? len : left.len;
}

static void read_all(struct str all, enum cut cut, struct buf *said)
{
    struct response r;
    struct str left = all;
    bool is_on = true;
    buf_init(said, CAP_BYTES);
    response_begin(&r, all.len > 0 && all.ptr[all.len - 1] == 'H');
    while (is_on && left.len > 0) {
        size_t len = piece_len(cut, left);
        char *exact = mem_alloc(len, 1);
        TARGET_CHECK(exact != NULL);
        memcpy(exact, left.ptr, len);
        len -= feed(&r, (struct str){.ptr = exact, .len = len}, &is_on, said);
        mem_free(exact);
        left = (struct str){.ptr = left.ptr + len, .len = left.len - len};
    }
    if (r.bad == NULL) /* where it went bad depends on the pieces */
        (void)buf_printf(said, "<%zu left>", left.len);
    bool is_end = response_closed(&r);
    (void)buf_printf(said, "<%s>", is_end ? "end" : r.bad);
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
    read_all(all, CUT_NEVER, &whole);
    read_all(all, CUT_EVERY_BYTE, &bytes);
    read_all(all, CUT_BY_INPUT, &pieces);
    check_same(&whole, &bytes);
    check_same(&whole, &pieces);
    buf_fini(&whole);
    buf_fini(&bytes);
    buf_fini(&pieces);
    return 0;
}
