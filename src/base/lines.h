/* Lines of a file of any size: memory holds one line and a block, never the file. */
#ifndef BASE_LINES_H
#define BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct lines {
    const char *path; /* borrowed */
    size_t cap_bytes;
    int fd; /* -1: closed */
    char *data;
    size_t room;
    size_t at, len;     /* data[at..len) is not handed out yet */
    size_t seen;        /* so much of it holds no LF */
    int64_t number;     /* of the line handed out last */
    bool is_over;       /* the file has no more bytes */
    bool is_unreadable; /* the line under way is, and its bytes are not kept */
};

struct line {
    int64_t number;     /* from 1 */
    struct str text;    /* without the LF; valid until the next call */
    bool is_whole;      /* an LF ended it */
    bool is_last;       /* no byte follows it */
    bool is_unreadable; /* longer than the cap, or a hole: zeros where text should be, as
                           a crash of the machine leaves them. text is empty */
};

/* Opens a regular file (a folder, a pipe or a device is refused) for lines of at most
 * cap_bytes. lines_close also after a failure. */
MUST_CHECK enum status lines_open(struct lines *l, const char *path, size_t cap_bytes,
                                  struct err *e);
/* *has is false at the end of the file. */
MUST_CHECK enum status lines_next(struct lines *l, struct line *out, bool *has,
                                  struct err *e);
void lines_close(struct lines *l);

#endif
