#include "engines/openai_log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Position of `what` in s from `from` on; s.len: nowhere. */
static size_t find(struct str s, size_t from, const char *what)
{
    size_t len = strlen(what);
    for (size_t i = from; i + len <= s.len; i++)
        if (memcmp(s.ptr + i, what, len) == 0)
            return i;
    return s.len;
}

double openai_log_number(struct str log, const char *before, const char *after)
{
    double found = NAN;
    size_t len = strlen(before);
    for (size_t at = find(log, 0, before); at < log.len; at = find(log, at + 1, before)) {
        char text[32] = "";
        char *end;
        size_t n = log.len - at - len;
        memcpy(text, log.ptr + at + len, n < sizeof text - 1 ? n : sizeof text - 1);
        double value = strtod(text, &end);
        while (*end == ' ')
            end++;
        if (end != text && strncmp(end, after, strlen(after)) == 0)
            found = value;
    }
    return found;
}
