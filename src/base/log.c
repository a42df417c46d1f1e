#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { LINE_BYTES = 4096, COLUMNS = 80 };

void log_init(struct log *log, enum log_level level)
{
    *log = (struct log){.level = level, .fd = STDERR_FILENO};
}

/* Nothing can be done about a log that cannot be written: the status is ignored. */
static void emit(struct log *log, const char *text, size_t len)
{
    if (log->before != NULL)
        log->before(log->hook_arg);
    enum status ignored = file_write_all(log->fd, "log",
                                         (struct str){.ptr = text, .len = len}, NULL);
    (void)ignored;
    if (log->after != NULL)
        log->after(log->hook_arg);
}

void log_line(struct log *log, enum log_level level, const char *fmt, ...)
{
    if (level > log->level)
        return;
    char line[LINE_BYTES];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(line, sizeof line - 1, fmt, args);
    va_end(args);
    if (len < 0)
        return;
    size_t used = (size_t)len < sizeof line - 2 ? (size_t)len : sizeof line - 2;
    line[used] = '\n';
    emit(log, line, used + 1);
}

/* Length of the first piece of text that fits into `columns`, at least one word; counts
 * bytes, which is right for all but non-ASCII file names. */
static size_t piece_len(const char *text, size_t columns)
{
    size_t len = strlen(text);
    if (len <= columns)
        return len;
    size_t at = columns;
    while (at > 0 && text[at] != ' ')
        at--;
    return at > 0 ? at : strcspn(text, " ");
}

void log_error(struct log *log, const struct err *e)
{
    static const char prefix[] = "inferbench: ", next_line[] = "\n    ";
    char text[sizeof *e + 64];
    status_format(e, text, sizeof text);
    char out[2 * sizeof text];
    size_t used = sizeof prefix - 1;
    memcpy(out, prefix, used);
    bool wrap = isatty(log->fd) == 1;
    size_t columns = COLUMNS - used;
    const char *rest = text;
    while (*rest != '\0' && used < sizeof out - sizeof text) {
        size_t len = wrap ? piece_len(rest, columns) : strlen(rest);
        memcpy(out + used, rest, len);
        used += len;
        rest += len;
        rest += strspn(rest, " ");
        if (*rest != '\0') {
            memcpy(out + used, next_line, sizeof next_line - 1);
            used += sizeof next_line - 1;
            columns = COLUMNS - 4;
        }
    }
    out[used] = '\n';
    emit(log, out, used + 1);
}
