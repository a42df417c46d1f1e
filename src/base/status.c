#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static const char *const texts[] = {
#define X(name, text) [STATUS_##name] = text,
    STATUS_LIST(X)
#undef X
};

const char *status_text(enum status code)
{
    size_t i = (size_t)code;
    return i < sizeof texts / sizeof texts[0] ? texts[i] : "unknown status";
}

/* Where a text was cut inside a character, takes the rest of that off. */
static void end_whole(char *text)
{
    size_t len = strlen(text), at = len;
    while (at > 0 && len - at < 3 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
        at--;
    if (at > 0 && (unsigned char)text[at - 1] >= 0xc0 &&
        str_utf8_len(text + at - 1, len - at + 1) == 0)
        text[at - 1] = '\0';
}

enum status status_fail(struct err *e, enum status code, const char *where,
                        const char *what, ...)
{
    if (e == NULL)
        return code;
    /* where and the arguments may point into *e itself. */
    struct err filled = {.code = code};
    (void)snprintf(filled.where, sizeof filled.where, "%s", where == NULL ? "" : where);
    va_list args;
    va_start(args, what);
    (void)vsnprintf(filled.what, sizeof filled.what, what, args);
    va_end(args);
    end_whole(filled.where);
    end_whole(filled.what);
    *e = filled;
    return code;
}

enum status status_no_memory(struct err *e, const char *where)
{
    return status_fail(e, STATUS_NO_MEMORY, where, "out of memory");
}

enum status status_hint(struct err *e, const char *hint, ...)
{
    if (e == NULL)
        return STATUS_INTERNAL;
    va_list args;
    va_start(args, hint);
    (void)vsnprintf(e->hint, sizeof e->hint, hint, args);
    va_end(args);
    end_whole(e->hint);
    return e->code;
}

enum status status_errno(struct err *e, const char *where, const char *what)
{
    int number = errno;
    char room[128];
    const char *reason = strerror_r(number, room, sizeof room);
    enum status code = STATUS_IO;
    if (number == ENOSPC || number == EDQUOT)
        code = STATUS_NO_SPACE;
    else if (number == ENOMEM)
        code = STATUS_NO_MEMORY;
    (void)status_fail(e, code, where, "%s: %s", what, reason);
    if (number == EFBIG)
        (void)status_hint(e, "A file size limit is set: raise it (ulimit -f), or choose "
                             "another file system");
    else if (code == STATUS_NO_SPACE)
        (void)status_hint(e, "Free some space, or choose another folder");
    return code;
}

void status_format(const struct err *e, char *out, unsigned long size)
{
    const char *what = e->what[0] != '\0' ? e->what : status_text(e->code);
    size_t len = strlen(what);
    const char *stop = strchr(".!?", what[len - 1]) != NULL ? "" : ".";
    size_t hint_len = strlen(e->hint);
    const char *end = "";
    if (hint_len > 0 && strchr(".!?", e->hint[hint_len - 1]) == NULL)
        end = ".";
    (void)snprintf(out, size, "%s%s%s%s%s%s%s", e->where, e->where[0] != '\0' ? ": " : "",
                   what, stop, hint_len > 0 ? " " : "", e->hint, end);
}
