#include "data/rules.h"

#include <stdarg.h>
#include <stdio.h>

bool rules_is_name_byte(char c)
{
    return (unsigned char)c > ' ' && c != ',' && c != '=' && c != '/' && c != '\\' &&
           c != '"' && c != 127;
}

enum status rules_fail(struct rules_place at, const char *fmt, ...)
{
    char where[160], what[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    (void)snprintf(where, sizeof where, "%s:%d", at.path, at.line);
    return status_fail(at.e, STATUS_BAD_INPUT, where, "%s", what);
}

enum status rules_no_memory(const char *path, struct err *e)
{
    return status_no_memory(e, path);
}
