#include "http/sse.h"

#include <string.h>

/* Where in a line the next byte is. AT_NAME + n: n letters of "data" came. */
enum at {
    AT_BOM, /* + n: n bytes of the mark that may open a stream came */
    AT_NAME = 3,
    AT_NAME_END = 7, /* behind "data" */
    AT_BLANK,        /* behind "data:", before a blank that does not count */
    AT_VALUE,
    AT_IGNORED /* in a comment or another field */
};

enum { LOOK_BYTES = 256 }; /* an event of one token, or most of it */

static const char expected[] = "\xef\xbb\xbf"
                               "data:"; /* by enum at */

void sse_init(struct sse *s, char *held, size_t room)
{
    *s = (struct sse){.held = held, .room = room, .at = AT_BOM};
}

static struct str take(struct str *in, size_t len)
{
    struct str piece = {.ptr = in->ptr, .len = len};
    in->ptr += len;
    in->len -= len;
    return piece;
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* The rest of the line, as far as it is there; not taken. In steps: the other kind of
 * line end may be far away, and is not looked for beyond this one. */
static struct str value_of(struct str in)
{
    size_t len = 0;
    while (len < in.len) {
        const char *from = in.ptr + len;
        size_t step = in.len - len < LOOK_BYTES ? in.len - len : LOOK_BYTES;
        const char *lf = memchr(from, '\n', step);
        size_t before = lf != NULL ? (size_t)(lf - from) : step;
        const char *cr = memchr(from, '\r', before);
        len += cr != NULL ? (size_t)(cr - from) : before;
        if (lf != NULL || cr != NULL)
            break;
    }
    return (struct str){.ptr = in.ptr, .len = len};
}

/* Copies what lies in *here behind what is held. */
static void hold(struct sse *s, struct str *here)
{
    if (here->len > 0)
        memcpy(s->held + s->held_len, here->ptr, here->len);
    s->held_len += here->len;
    here->len = 0;
}

/* Adds to the event's data; false, and nothing done, if there is no room. */
static bool add(struct sse *s, struct str *here, struct str piece)
{
    size_t len = s->held_len + here->len;
    if (piece.len > s->room - len)
        return false;
    if (len == 0) {
        *here = piece;
        return true;
    }
    hold(s, here);
    hold(s, &piece);
    return true;
}

/* A data line begins: LF between it and the one before. */
static bool begin_data(struct sse *s, struct str *here)
{
    bool is_first = !s->has_data;
    s->has_data = true;
    return is_first || add(s, here, (struct str){.ptr = "\n", .len = 1});
}

/* One byte of what stands before a value, or what it is not. */
static enum sse_step next_name(struct sse *s, struct str *in, struct str *here)
{
    char c = in->ptr[0];
    if (s->at == AT_BLANK) {
        s->at = AT_VALUE;
        if (c == ' ')
            (void)take(in, 1);
    } else if (c == expected[s->at]) {
        if (s->at == AT_NAME_END && !begin_data(s, here))
            return SSE_TOO_LONG;
        (void)take(in, 1);
        s->at++;
    } else {
        s->at = s->at == AT_BOM ? AT_NAME : AT_IGNORED;
    }
    return SSE_MORE;
}

static enum sse_step next_value(struct sse *s, struct str *in, struct str *here)
{
    struct str piece = value_of(*in);
    if (s->at == AT_VALUE && !add(s, here, piece))
        return SSE_TOO_LONG;
    (void)take(in, piece.len);
    return SSE_MORE;
}

/* An empty line: the event is complete. */
static enum sse_step end_event(struct sse *s, const struct str *here, struct str *data)
{
    bool is_event = s->has_data;
    *data = here->len > 0 ? *here : (struct str){.ptr = s->held, .len = s->held_len};
    s->held_len = 0;
    s->has_data = false;
    return is_event ? SSE_EVENT : SSE_MORE;
}

static enum sse_step end_line(struct sse *s, struct str *in, struct str *here,
                              struct str *data)
{
    int at = s->at;
    if (at == AT_NAME_END && !begin_data(s, here)) /* a name without a colon counts */
        return SSE_TOO_LONG;
    s->is_after_cr = *take(in, 1).ptr == '\r';
    s->at = AT_NAME;
    return at == AT_NAME || at == AT_BOM ? end_event(s, here, data) : SSE_MORE;
}

enum sse_step sse_next(struct sse *s, struct str *in, struct str *data)
{
    struct str here = {.ptr = NULL, .len = 0}; /* data that lie in *in */
    enum sse_step step = SSE_MORE;
    while (in->len > 0 && step == SSE_MORE) {
        bool is_after_cr = s->is_after_cr;
        s->is_after_cr = false;
        if (is_after_cr && in->ptr[0] == '\n')
            (void)take(in, 1);
        else if (is_line_end(in->ptr[0]))
            step = end_line(s, in, &here, data);
        else if (s->at < AT_VALUE)
            step = next_name(s, in, &here);
        else
            step = next_value(s, in, &here);
    }
    if (step != SSE_EVENT)
        hold(s, &here);
    return step;
}

bool sse_is_within(const struct sse *s)
{
    return s->has_data || (s->at != AT_NAME && s->at != AT_BOM);
}
