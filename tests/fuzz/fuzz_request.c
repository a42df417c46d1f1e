/* Requests of HTTP: the reader says the same however the bytes are cut. */
#include <string.h>

#include "fuzz_target.h"
#include "http/request.h"

enum { BODY_CAP_BYTES = 4096 };

struct said {
    struct buf text;
    bool is_over;
};

static void put(struct buf *out, struct str s)
{
    (void)buf_char(out, s.ptr == NULL ? '-' : '+');
    (void)buf_append(out, s.ptr == NULL ? "" : s.ptr, s.len);
}

static void say(const struct request *r, struct buf *out)
{
    put(out, r->method);
    put(out, r->path);
    put(out, r->request_id);
    put(out, r->authorization);
    put(out, r->content_type);
    put(out, r->body);
    (void)buf_char(out, r->is_keep_alive ? 'k' : 'c');
}

static void take(struct request *r, struct str piece, struct said *said)
{
    while (!said->is_over) {
        enum request_step step = request_next(r, &piece);
        if (step == REQUEST_MORE) {
            TARGET_CHECK(piece.len == 0);
            return;
        }
        if (step == REQUEST_BAD) {
            TARGET_CHECK(r->bad != NULL && r->bad_status >= 400);
            (void)buf_text(&said->text, r->bad);
            said->is_over = true;
            return;
        }
        TARGET_CHECK(r->body.len <= BODY_CAP_BYTES);
        say(r, &said->text);
        request_begin(r);
        if (piece.len == 0)
            return;
    }
}

/* Pieces of `step` bytes. */
static void read_all(const uint8_t *data, size_t size, size_t step, struct said *said)
{
    struct request r;
    *said = (struct said){.is_over = false};
    buf_init(&said->text, (size_t)1 << 24);
    request_init(&r, BODY_CAP_BYTES);
    for (size_t at = 0; at < size; at += step) {
        size_t len = size - at < step ? size - at : step;
        take(&r, (struct str){(const char *)data + at, len}, said);
    }
    (void)buf_char(&said->text, request_is_idle(&r) ? 'i' : 'o');
    request_fini(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct said whole, bytes, pieces;
    read_all(data, size, size > 0 ? size : 1, &whole);
    read_all(data, size, 1, &bytes);
    read_all(data, size, 7, &pieces);
    TARGET_CHECK(whole.text.failed == STATUS_OK);
    TARGET_CHECK(strcmp(buf_cstr(&whole.text), buf_cstr(&bytes.text)) == 0);
    TARGET_CHECK(whole.text.len == bytes.text.len);
    TARGET_CHECK(whole.text.len == pieces.text.len);
    TARGET_CHECK(memcmp(whole.text.data, pieces.text.data, whole.text.len) == 0);
    buf_fini(&whole.text);
    buf_fini(&bytes.text);
    buf_fini(&pieces.text);
    return 0;
}
