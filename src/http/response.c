#include "http/response.h"

#include <string.h>

enum at {
    AT_STATUS,
    AT_HEADER,
    AT_BODY,        /* `left` bytes of it to come */
    AT_UNTIL_CLOSE, /* neither length nor chunks */
    AT_CHUNK_SIZE,
    AT_CHUNK_DATA,
    AT_CHUNK_CR, /* the line end behind a chunk */
    AT_CHUNK_LF,
    AT_TRAILER,
    AT_END,
    AT_BAD
};

enum seen {
    SEEN_HTTP_1_0 = 1,
    SEEN_CLOSE = 2,
    SEEN_KEEP_ALIVE = 4,
    SEEN_TRANSFER = 8 /* a Transfer-Encoding, of whatever kind */
};

static void begin_head(struct response *r)
{
    r->status = 0;
    r->is_event_stream = r->is_json = r->is_chunked = r->is_keep_alive = false;
    r->is_gzip = false;
    r->location[0] = r->gateway.backend[0] = '\0';
    r->gateway.is_diverted = false;
    r->content_length = r->retry_after_s = -1;
    r->seen = 0;
    r->state = AT_STATUS;
}

void response_begin(struct response *r, bool is_head_request)
{
    begin_head(r);
    r->bad = NULL;
    r->left = 0;
    r->line_len = r->head_len = 0;
    r->is_line_long = false;
    r->is_head_request = is_head_request;
}

void response_begin_chunks(struct response *r)
{
    response_begin(r, false);
    r->is_chunked = true;
    r->state = AT_CHUNK_SIZE;
}

static enum response_step fail(struct response *r, const char *why)
{
    r->bad = why;
    r->state = AT_BAD;
    return RESPONSE_BAD;
}

static struct str take(struct str *in, size_t len)
{
    struct str piece = {.ptr = in->ptr, .len = len};
    in->ptr += len;
    in->len -= len;
    return piece;
}

/* Takes bytes up to a line's end; true if it came. The line is in r->line then, as far as
 * it fits, without its end. */
static bool take_line(struct response *r, struct str *in)
{
    const char *lf = in->len > 0 ? memchr(in->ptr, '\n', in->len) : NULL;
    struct str piece = take(in, lf == NULL ? in->len : (size_t)(lf - in->ptr) + 1);
    r->head_len += piece.len;
    size_t text_len = lf == NULL ? piece.len : piece.len - 1;
    size_t room = RESPONSE_LINE_BYTES - r->line_len;
    size_t kept = text_len < room ? text_len : room;
    if (kept > 0)
        memcpy(r->line + r->line_len, piece.ptr, kept);
    r->line_len += kept;
    r->is_line_long = r->is_line_long || kept < text_len;
    return lf != NULL;
}

/* The line that take_line has finished; r is ready for the next one. */
static struct str end_line(struct response *r)
{
    struct str line = {.ptr = r->line, .len = r->line_len};
    if (!r->is_line_long && line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    r->line_len = 0;
    return line;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct str trim_blanks(struct str s)
{
    while (s.len > 0 && is_blank(s.ptr[0]))
        (void)take(&s, 1);
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* Digits alone, up to INT64_MAX. */
static bool read_number(struct str s, int64_t *out)
{
    int64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        int digit = s.ptr[i] - '0';
        if (!is_digit(s.ptr[i]) || value > (INT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return s.len > 0;
}

static const char *read_length(struct response *r, struct str value)
{
    while (value.len > 0) {
        int64_t length = 0;
        bool is_list = memchr(value.ptr, ',', value.len) != NULL;
        if (!read_number(trim_blanks(str_cut(&value, ',')), &length) ||
            (is_list && value.len == 0))
            return "Content-Length is not a number";
        if (r->content_length >= 0 && r->content_length != length)
            return "two different Content-Lengths";
        r->content_length = length;
    }
    return r->content_length < 0 ? "an empty Content-Length" : NULL;
}

/* RFC 9112, 6.1: chunked comes last and once; of the others we can read none. */
static const char *read_transfer(struct response *r, struct str value)
{
    r->seen |= SEEN_TRANSFER;
    while (value.len > 0) {
        struct str coding = trim_blanks(str_cut(&value, ','));
        if (coding.len == 0)
            continue;
        if (r->is_chunked)
            return "another Transfer-Encoding after chunked";
        if (str_is_any_case(coding, "chunked"))
            r->is_chunked = true;
        else if (str_is_any_case(coding, "gzip") || str_is_any_case(coding, "x-gzip") ||
                 str_is_any_case(coding, "deflate"))
            r->is_gzip = true;
        else
            return "an unknown Transfer-Encoding";
    }
    return NULL;
}

static const char *read_connection(struct response *r, struct str value)
{
    while (value.len > 0) {
        struct str option = trim_blanks(str_cut(&value, ','));
        if (str_is_any_case(option, "close"))
            r->seen |= SEEN_CLOSE;
        if (str_is_any_case(option, "keep-alive"))
            r->seen |= SEEN_KEEP_ALIVE;
    }
    if (r->is_line_long)
        r->seen |= SEEN_CLOSE;
    return NULL;
}

static const char *read_type(struct response *r, struct str value)
{
    struct str type = trim_blanks(str_cut(&value, ';'));
    r->is_event_stream = str_is_any_case(type, "text/event-stream");
    r->is_json = str_is_any_case(type, "application/json");
    r->is_json = r->is_json || (type.len > 5 && str_ends_any_case(type, "+json"));
    return NULL;
}

static const char *read_coding(struct response *r, struct str value)
{
    while (value.len > 0) {
        struct str coding = trim_blanks(str_cut(&value, ','));
        if (coding.len > 0 && !str_is_any_case(coding, "identity"))
            r->is_gzip = true;
    }
    return NULL;
}

static const char *read_retry(struct response *r, struct str value)
{
    if (!read_number(value, &r->retry_after_s))
        r->retry_after_s = -1;
    return NULL;
}

static const char *read_location(struct response *r, struct str value)
{
    const size_t room = sizeof r->location - 1;
    size_t len = value.len < room ? value.len : room;
    memcpy(r->location, value.ptr, len);
    r->location[len] = '\0';
    return NULL;
}

static const struct {
    const char *name;
    const char *(*read)(struct response *r, struct str value); /* NULL, or what is bad */
    bool is_framing; /* must be known to its end */
} headers[] = {
    {.name = "content-length", .read = read_length, .is_framing = true},
    {.name = "transfer-encoding", .read = read_transfer, .is_framing = true},
    {.name = "connection", .read = read_connection},
    {.name = "content-type", .read = read_type},
    {.name = "content-encoding", .read = read_coding},
    {.name = "retry-after", .read = read_retry},
    {.name = "location", .read = read_location},
};

/* RFC 9110, 5.6.2. */
static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], low = (char)(c | 0x20);
        if (!is_digit(c) && !(low >= 'a' && low <= 'z') &&
            (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return s.len > 0;
}

static const char *read_header(struct response *r, struct str line)
{
    if (is_blank(line.ptr[0]))
        return "a header folded over two lines";
    if (memchr(line.ptr, '\0', line.len) != NULL ||
        memchr(line.ptr, '\r', line.len) != NULL)
        return "a header with a control character";
    bool has_colon = memchr(line.ptr, ':', line.len) != NULL;
    struct str name = str_cut(&line, ':');
    if (!has_colon || !is_token(name))
        return "a header without a name";
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (!str_is_any_case(name, headers[i].name))
            continue;
        if (headers[i].is_framing && r->is_line_long)
            return "an endless Content-Length or Transfer-Encoding";
        return headers[i].read(r, trim_blanks(line));
    }
    gateway_header(&r->gateway, name, trim_blanks(line));
    return NULL;
}

static const char http_1[] = "HTTP/1.";

/* What does not begin like a status line is refused before its end comes. */
static bool is_status_begin(const struct response *r)
{
    size_t len = r->line_len < sizeof http_1 - 1 ? r->line_len : sizeof http_1 - 1;
    return memcmp(r->line, http_1, len) == 0;
}

static const char *read_status(struct response *r, struct str line)
{
    enum { MINOR = 7, CODE = 9, MIN_LEN = 12 }; /* "HTTP/1.1 200" */
    if (line.len < MIN_LEN || !is_digit(line.ptr[MINOR]) || line.ptr[CODE - 1] != ' ')
        return "no HTTP status line";
    int64_t code = 0;
    if (!read_number((struct str){.ptr = line.ptr + CODE, .len = 3}, &code) ||
        code < 100 || (line.len > MIN_LEN && line.ptr[MIN_LEN] != ' '))
        return "no HTTP status code";
    r->status = (int)code;
    if (line.ptr[MINOR] == '0')
        r->seen |= SEEN_HTTP_1_0;
    return code == 101 ? "a switch to another protocol" : NULL;
}

/* RFC 9112, 9.3; 6.1: chunks from an old server end the connection. */
static bool is_kept(const struct response *r)
{
    if ((r->seen & SEEN_CLOSE) != 0)
        return false;
    return (r->seen & SEEN_HTTP_1_0) == 0 ||
           (r->seen & (SEEN_KEEP_ALIVE | SEEN_TRANSFER)) == SEEN_KEEP_ALIVE;
}

/* RFC 9112, 6.3: how long the body is. */
static enum response_step begin_body(struct response *r)
{
    bool has_transfer = (r->seen & SEEN_TRANSFER) != 0;
    if (has_transfer && r->content_length >= 0)
        return fail(r, "Content-Length and Transfer-Encoding together");
    if (has_transfer && !r->is_chunked)
        return fail(r, "a Transfer-Encoding without chunked");
    r->is_keep_alive = is_kept(r);
    r->left = 0;
    if (r->is_head_request || r->status == 204 || r->status == 304) {
        r->state = AT_END;
    } else if (r->is_chunked) {
        r->state = AT_CHUNK_SIZE;
    } else if (r->content_length >= 0) {
        r->left = (uint64_t)r->content_length;
        r->state = AT_BODY;
    } else {
        r->is_keep_alive = false;
        r->state = AT_UNTIL_CLOSE;
    }
    return RESPONSE_HEAD;
}

static enum response_step next_status(struct response *r, struct str *in)
{
    bool is_whole = take_line(r, in);
    if (!is_status_begin(r))
        return fail(r, "not HTTP/1.1");
    if (r->head_len > RESPONSE_HEAD_BYTES)
        return fail(r, "headers larger than 16 KiB");
    if (!is_whole)
        return RESPONSE_MORE;
    const char *bad = read_status(r, end_line(r));
    r->is_line_long = false;
    r->state = AT_HEADER;
    return bad != NULL ? fail(r, bad) : RESPONSE_MORE;
}

static enum response_step next_header(struct response *r, struct str *in)
{
    bool is_whole = take_line(r, in);
    if (r->head_len > RESPONSE_HEAD_BYTES)
        return fail(r, "headers larger than 16 KiB");
    if (!is_whole)
        return RESPONSE_MORE;
    struct str line = end_line(r);
    if (line.len > 0) {
        const char *bad = read_header(r, line);
        r->is_line_long = false;
        return bad != NULL ? fail(r, bad) : RESPONSE_MORE;
    }
    if (r->status >= 200)
        return begin_body(r);
    begin_head(r);
    return RESPONSE_MORE;
}

static int hex_value(char c)
{
    char low = (char)(c | 0x20);
    if (is_digit(c))
        return c - '0';
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* RFC 9112, 7.1: hex digits, then blanks, then extensions, which nobody uses. */
static bool read_chunk_size(struct str line, uint64_t *out)
{
    uint64_t size = 0;
    size_t i = 0;
    for (; i < line.len && hex_value(line.ptr[i]) >= 0; i++) {
        if (size > (uint64_t)INT64_MAX >> 4)
            return false;
        size = size << 4 | (uint64_t)hex_value(line.ptr[i]);
    }
    if (i == 0)
        return false;
    while (i < line.len && is_blank(line.ptr[i]))
        i++;
    *out = size;
    return i == line.len || line.ptr[i] == ';';
}

static enum response_step next_chunk(struct response *r, struct str *in)
{
    bool is_whole = take_line(r, in);
    if (r->is_line_long)
        return fail(r, "an endless chunk size line");
    if (!is_whole)
        return RESPONSE_MORE;
    if (!read_chunk_size(end_line(r), &r->left))
        return fail(r, "chunk size is not a number");
    r->head_len = 0; /* from here on of the trailers */
    r->state = r->left > 0 ? AT_CHUNK_DATA : AT_TRAILER;
    return RESPONSE_MORE;
}

static enum response_step next_chunk_end(struct response *r, struct str *in)
{
    char c = *take(in, 1).ptr;
    if (c == '\n')
        r->state = AT_CHUNK_SIZE;
    else if (c == '\r' && r->state == AT_CHUNK_CR)
        r->state = AT_CHUNK_LF;
    else
        return fail(r, "a chunk longer than its size");
    return RESPONSE_MORE;
}

static enum response_step next_trailer(struct response *r, struct str *in)
{
    bool is_whole = take_line(r, in);
    if (r->head_len > RESPONSE_HEAD_BYTES)
        return fail(r, "trailers larger than 16 KiB");
    if (!is_whole)
        return RESPONSE_MORE;
    struct str line = end_line(r);
    r->is_line_long = false;
    if (line.len == 0)
        r->state = AT_END;
    return RESPONSE_MORE;
}

static enum response_step next_data(struct response *r, struct str *in, struct str *body)
{
    *body = take(in, r->left < in->len ? (size_t)r->left : in->len);
    r->left -= body->len;
    if (r->left == 0)
        r->state = r->state == AT_BODY ? AT_END : AT_CHUNK_CR;
    return RESPONSE_BODY;
}

/* One step in a state that needs bytes. */
static enum response_step next_bytes(struct response *r, struct str *in, struct str *body)
{
    switch (r->state) {
    case AT_STATUS: return next_status(r, in);
    case AT_HEADER: return next_header(r, in);
    case AT_CHUNK_SIZE: return next_chunk(r, in);
    case AT_CHUNK_CR:
    case AT_CHUNK_LF: return next_chunk_end(r, in);
    case AT_TRAILER: return next_trailer(r, in);
    case AT_UNTIL_CLOSE: *body = take(in, in->len); return RESPONSE_BODY;
    default: return next_data(r, in, body);
    }
}

enum response_step response_next(struct response *r, struct str *in, struct str *body)
{
    for (;;) {
        if (r->state == AT_BAD)
            return RESPONSE_BAD;
        if (r->state == AT_BODY && r->left == 0)
            r->state = AT_END;
        if (r->state == AT_END)
            return RESPONSE_END;
        if (in->len == 0)
            return RESPONSE_MORE;
        enum response_step step = next_bytes(r, in, body);
        if (step != RESPONSE_MORE)
            return step;
    }
}

bool response_closed(struct response *r)
{
    if (r->state == AT_UNTIL_CLOSE || (r->state == AT_BODY && r->left == 0))
        r->state = AT_END;
    if (r->state == AT_END)
        return true;
    if (r->state == AT_STATUS && r->head_len == 0)
        (void)fail(r, "closed before an answer");
    else if (r->state == AT_STATUS || r->state == AT_HEADER)
        (void)fail(r, "closed within the head");
    else if (r->state != AT_BAD)
        (void)fail(r, "closed within the body");
    return false;
}
