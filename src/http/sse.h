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
    SSE_TOO_LONG /* an event is longer than the room */
};

/* A whole event inside *in is handed out where it lies; only cut ones, and those with
 * several data lines, are copied into `held`. */
struct sse {
    char *held; /* [room], the caller's */
    size_t room, held_len;
    size_t data_len;
    bool has_data, is_after_cr, is_started;
};

void sse_init(struct sse *s, char *held, size_t room);
/* Takes bytes off *in. Call until SSE_MORE. *data is valid until the next call. */
enum sse_step sse_next(struct sse *s, struct str *in, struct str *data);

#endif
