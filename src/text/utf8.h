/* UTF-8 (RFC 3629). */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include <stddef.h>

/* Bytes of the character at p, of which `left` are there; 0: it is none. No overlong
 * form, no surrogate, nothing above U+10FFFF. */
size_t utf8_len(const char *p, size_t left);

#endif
