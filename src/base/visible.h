/* Text as a terminal and a report may show it: what would steer a terminal or turn the
 * order of the letters is written out. Most texts come from outside (servers, files, file
 * names, the environment), so every way to the screen goes through here.
 *
 * Written out: C0 but tab, DEL, C1, marks that turn or hide text, line separators, as
 * \x1b or \u202e; bytes that are no UTF-8 as \x9b. */
#ifndef BASE_VISIBLE_H
#define BASE_VISIBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#define VISIBLE_BYTES 12 /* of one character that is written out */

/* Takes the next piece off *rest: what can be shown as it is, borrowed, or one character
 * written out into room. Line feeds are shown as they are if has_lines. Empty at the
 * end. */
struct str visible_next(struct str *rest, bool has_lines, char room[VISIBLE_BYTES]);
/* Appends all of a text. */
enum status visible_append(struct buf *out, struct str text, bool has_lines);
/* The same into out, terminated; what does not fit is left out, no character is cut.
 * Returns the length. */
size_t visible_copy(struct str text, bool has_lines, char *out, size_t size);
/* The same in the arena; text itself if nothing is to be written out. NULL: no memory, or
 * text is NULL. */
const char *visible_text(const char *text, bool has_lines, struct arena *a);
/* Is there nothing that would be written out? */
bool visible_is_plain(const char *text, bool has_lines);
/* The character at p of len bytes (str_utf8_len) if it would be written out, else 0. */
uint32_t visible_hidden(const char *p, size_t len);

#endif
