#include "http/request.h"

#include <string.h>
#include <strings.h>

enum { KEPT_BYTES = 4096 };

enum state {
    STATE_HEAD,
    STATE_BODY, /* of content_length bytes */
    STATE_CHUNKS,
    STATE_DONE,
    STATE_BAD
};

void request_init(struct request *r, size_t body_cap_bytes)
{
    *r = (struct request){.content_length = -1};
    buf_init(&r->head, REQUEST_HEAD_BYTES);
    buf_init(&r->content, body_cap_bytes);
}

static void forget(struct buf *b)
{
    if (b->room > KEPT_BYTES)
        buf_fini(b);
    buf_clear(b);
}

void request_begin(struct request *r)
{
    struct buf head = r->head, content = r->content;
    *r = (struct request){.content_length = -1, .head = head, .content = content};
    forget(&r->head);
    forget(&r->content);
}

void request_fini(struct request *r)
{
    buf_fini(&r->head);
    buf_fini(&r->content);
}

bool request_is_idle(const struct request *r)
{
    return r->state == STATE_HEAD && r->head.len == 0;
}

static enum request_step bad(struct request *r, int status, const char *why)
{
    r->state = STATE_BAD;
    r->bad_status = status;
    r->bad = why;
    return REQUEST_BAD;
}

static struct str take(struct str *in, size_t len)
{
    struct str taken = {.ptr = in->ptr, .len = len};
    in->ptr += len;
    in->len -= len;
    return taken;
}

/* Length of the head that ends in an empty line, 0 if there is none yet. */
static size_t head_end(struct request *r)
{
    const char *text = buf_cstr(&r->head);
    size_t at = r->scanned;
    for (const char *lf; at < r->head.len; at = (size_t)(lf - text) + 1) {
        lf = memchr(text + at, '\n', r->head.len - at);
        if (lf == NULL)
            break;
        size_t next = (size_t)(lf - text) + 1;
        if (next < r->head.len && text[next] == '\n')
            return next + 1;
        if (next + 1 < r->head.len && text[next] == '\r' && text[next + 1] == '\n')
            return next + 2;
        if (r->head.len - next < 2) { /* the end may come in two pieces */
            r->scanned = at;
            return 0;
        }
    }
    r->scanned = at;
    return 0;
}

static struct str cut_line(struct str *rest)
{
    struct str line = str_cut(rest, '\n');
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

static bool is_token(struct str s)
{
    static const char more[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9');
        if (!is_alnum && (c == '\0' || strchr(more, c) == NULL))
            return false;
    }
    return s.len > 0;
}

static bool same_word(struct str s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.ptr, word, s.len) == 0;
}

/* Is `word` one of the list "a, b, c"? */
static bool has_word(struct str list, const char *word)
{
    while (list.len > 0)
        if (same_word(str_trim(str_cut(&list, ',')), word))
            return true;
    return false;
}

static enum request_step read_request_line(struct request *r, struct str line)
{
    r->method = str_cut(&line, ' ');
    struct str target = str_cut(&line, ' ');
    if (!is_token(r->method) || target.len == 0 || line.len == 0)
        return bad(r, 400, "the request line is not METHOD TARGET HTTP/1.1");
    if (!str_is(line, "HTTP/1.1") && !str_is(line, "HTTP/1.0"))
        return bad(r, str_starts(line, "HTTP/") ? 505 : 400, "not HTTP/1.1");
    r->is_http10 = str_is(line, "HTTP/1.0");
    r->path = str_cut(&target, '?');
    return REQUEST_MORE;
}

static enum request_step read_length(struct request *r, struct str value)
{
    int64_t length = -1;
    bool is_number = value.len > 0 && value.ptr[0] >= '0' && value.ptr[0] <= '9' &&
                     str_to_i64(value, &length);
    if (!is_number || (r->content_length >= 0 && r->content_length != length))
        return bad(r, 400, "Content-Length is not one whole number");
    r->content_length = length;
    return REQUEST_MORE;
}

static enum request_step read_field(struct request *r, struct str name, struct str value)
{
    if (same_word(name, "content-length"))
        return read_length(r, value);
    if (same_word(name, "transfer-encoding")) {
        if (r->is_chunked || !same_word(value, "chunked"))
            return bad(r, 501, "Transfer-Encoding is not chunked");
        r->is_chunked = true;
    } else if (same_word(name, "connection")) {
        r->says_close = r->says_close || has_word(value, "close");
        r->says_keep_alive = r->says_keep_alive || has_word(value, "keep-alive");
    } else if (same_word(name, "expect")) {
        r->wants_continue = same_word(value, "100-continue");
    } else if (same_word(name, "x-request-id")) {
        r->request_id = value;
    } else if (same_word(name, "authorization")) {
        r->authorization = value;
    } else if (same_word(name, "content-type")) {
        r->content_type = value;
    }
    return REQUEST_MORE;
}

static enum request_step read_header(struct request *r, struct str line)
{
    size_t name_len = 0;
    while (name_len < line.len && line.ptr[name_len] != ':')
        name_len++;
    struct str name = {.ptr = line.ptr, .len = name_len};
    if (name_len == line.len || !is_token(name))
        return bad(r, 400, "a header line is not NAME: VALUE");
    struct str value = {.ptr = line.ptr + name_len + 1, .len = line.len - name_len - 1};
    return read_field(r, name, str_trim(value));
}

/* What follows the head; a body over the cap is refused before any of it is read. */
static enum request_step begin_body(struct request *r)
{
    if (r->is_chunked && r->content_length >= 0)
        return bad(r, 400, "both Content-Length and Transfer-Encoding");
    if (r->content_length > 0 && (uint64_t)r->content_length > r->content.cap_bytes)
        return bad(r, 413, "the body is too large");
    r->is_keep_alive = !r->says_close && (!r->is_http10 || r->says_keep_alive);
    r->left = r->content_length > 0 ? (uint64_t)r->content_length : 0;
    r->state = r->is_chunked ? STATE_CHUNKS : STATE_BODY;
    if (r->is_chunked)
        response_begin_chunks(&r->chunks);
    return REQUEST_MORE;
}

static enum request_step read_head(struct request *r, size_t len)
{
    struct str rest = {.ptr = r->head.data, .len = len};
    enum request_step step = read_request_line(r, cut_line(&rest));
    for (struct str line = cut_line(&rest); line.len > 0 && step == REQUEST_MORE;
         line = cut_line(&rest))
        step = read_header(r, line);
    return step == REQUEST_MORE ? begin_body(r) : step;
}

/* Appends up to the end of the head, which may lie anywhere, and reads it. */
static enum request_step add_head(struct request *r, struct str *in)
{
    while (r->head.len == 0 && in->len > 0 && (*in->ptr == '\r' || *in->ptr == '\n'))
        (void)take(in, 1); /* RFC 9112, 2.2 */
    size_t before = r->head.len;
    size_t room = REQUEST_HEAD_BYTES - before;
    size_t len = in->len < room ? in->len : room;
    if (buf_append(&r->head, in->ptr, len) != STATUS_OK)
        return bad(r, 500, "out of memory");
    size_t end = head_end(r);
    if (end > 0) {
        (void)take(in, end - before);
        return read_head(r, end);
    }
    if (r->head.len >= REQUEST_HEAD_BYTES)
        return bad(r, 431, "the headers are too large");
    (void)take(in, len);
    return REQUEST_MORE;
}

static enum request_step add_content(struct request *r, struct str piece)
{
    enum status status = buf_append(&r->content, piece.ptr, piece.len);
    if (status == STATUS_TOO_BIG)
        return bad(r, 413, "the body is too large");
    return status == STATUS_OK ? REQUEST_MORE : bad(r, 500, "out of memory");
}

static enum request_step add_body(struct request *r, struct str *in)
{
    struct str piece = take(in, in->len < r->left ? in->len : (size_t)r->left);
    r->left -= piece.len;
    if (r->left == 0)
        r->state = STATE_DONE;
    return add_content(r, piece);
}

/* A chunk over the cap is refused before any of it is read. */
static enum request_step add_chunks(struct request *r, struct str *in)
{
    struct str piece = {.len = 0};
    enum response_step step = response_next(&r->chunks, in, &piece);
    if (step == RESPONSE_BAD)
        return bad(r, 400, r->chunks.bad);
    if (r->chunks.left + piece.len > r->content.cap_bytes)
        return bad(r, 413, "the body is too large");
    if (step == RESPONSE_BODY)
        return add_content(r, piece);
    if (step == RESPONSE_END)
        r->state = STATE_DONE;
    return REQUEST_MORE;
}

static enum request_step one_step(struct request *r, struct str *in)
{
    switch ((enum state)r->state) {
    case STATE_HEAD: return add_head(r, in);
    case STATE_BODY: return add_body(r, in);
    case STATE_CHUNKS: return add_chunks(r, in);
    case STATE_DONE: return REQUEST_DONE;
    case STATE_BAD: break;
    }
    return REQUEST_BAD;
}

enum request_step request_next(struct request *r, struct str *in)
{
    enum request_step step = REQUEST_MORE;
    while (step == REQUEST_MORE && (in->len > 0 || r->state == STATE_DONE ||
                                    (r->state == STATE_BODY && r->left == 0)))
        step = one_step(r, in);
    if (step == REQUEST_DONE)
        r->body = buf_str(&r->content);
    return step;
}
