/* Columns that text takes on a terminal: UTF-8, East Asian wide characters count 2,
 * combining marks 0. Independent of the locale. Malformed bytes count 1 each. */
#ifndef REPORT_WIDTH_H
#define REPORT_WIDTH_H

#include <stddef.h>

#include "base/buf.h"

size_t width_of(const char *text);
/* Pixels that it takes in the pictures' font, DejaVu Sans of that size, or a few more. */
double width_pixels(const char *text, double font_pixels);
/* Longest prefix of at most `columns` columns: its length in bytes; never cuts a
 * character. */
size_t width_fit(const char *text, size_t columns);
/* Appends text in exactly `columns` columns: filled with blanks, or cut with ".." at its
 * end. A negative width puts the blanks in front. */
enum status width_pad(struct buf *out, const char *text, int columns);
/* Appends text; of one wider than `columns` (4 or more) its two ends with ".." between:
 * what tells names apart stands at either. */
enum status width_shorten(struct buf *out, const char *text, size_t columns);
/* Appends text in lines of at most `columns`, broken at blanks: the first after `first`
 * blanks, later ones after `indent`. No-break spaces become blanks. Ends with a line
 * feed. */
enum status width_wrap(struct buf *out, const char *text, size_t first, size_t indent,
                       size_t columns);

#endif
