/* Bytes handed over in pieces, each of which ends at a page that cannot be read. */
#ifndef UNIT_WIRE_FIXTURE_H
#define UNIT_WIRE_FIXTURE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

/* Where to cut: at every byte, or nowhere; else one cut, before that byte. */
#define WIRE_EVERY_BYTE ((size_t)-1)
#define WIRE_WHOLE      ((size_t)0)

struct wire_reader {
    void (*begin)(void *arg);
    void (*take)(void *arg, struct str piece, struct buf *said);
    void (*end)(void *arg, struct buf *said); /* the peer closed */
    void *arg;
};

/* Feeds input whole, byte by byte and cut at every split; each time what the reader says
 * must be `expected`. */
void wire_check(const char *name, struct str input, const struct wire_reader *reader,
                const char *expected);
/* Feeds it once; said: what the reader says. */
void wire_feed(struct str input, size_t cut, const struct wire_reader *reader,
               struct buf *said);

#endif
