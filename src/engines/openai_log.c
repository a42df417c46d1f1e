#include "engines/openai_log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double openai_log_number(struct str log, const char *before, const char *after)
{
    double found = NAN;
    size_t len = strlen(before);
    for (size_t at = str_at(log, 0, before); at < log.len;
         at = str_at(log, at + 1, before)) {
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
