/* Event streams (WHATWG HTML, 9.2): lines end in LF, CRLF or CR; comments are ignored; an
 * event's data lines are joined by LF. A body may be cut at any byte. */
#ifndef HTTP_SSE_H
#define HTTP_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum sse_step {
    SSE_MORE,    /* all of *in is used up */
    SSE_EVENT,   /* *data is the data of one event */
    SSE_TOO_LONG /* data longer than the room. Nothing is lost: call again with a larger
                    `held` that begins with the old one's bytes, or give up */
};

/* Data of one line that lie whole inside *in are handed out where they are; only cut
 * ones, and those of several lines, are copied into `held`. Names, comments and other
 * fields take no room, so they may be of any length. */
struct sse {
    char *held; /* [room], the caller's */
    size_t room, held_len;
    int at;        /* where in a line, see sse.c */
    bool has_data; /* a data line came */
    bool is_after_cr;
};

void sse_init(struct sse *s, char *held, size_t room);
/* Takes bytes off *in. Call until SSE_MORE. *data is valid until the next call. */
enum sse_step sse_next(struct sse *s, struct str *in, struct str *data);
/* True if bytes of an event, or of a line, came whose end did not. */
bool sse_is_within(const struct sse *s);

#endif
