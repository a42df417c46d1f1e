#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/visible.h"

enum { LINE_BYTES = 4096, COLUMNS = 80, INDENT = 4 };

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

/* Writes prefix and text, which may hold anything: one line in a pipe or file; on a
 * terminal folded at blanks, at most COLUMNS wide, all lines but the first indented by
 * INDENT. */
static void emit_wrapped(struct log *log, const char *prefix, const char *anything)
{
    char out[2 * LINE_BYTES], visible[LINE_BYTES];
    const char *text = visible;
    (void)visible_copy(str_from(anything), false, visible, sizeof visible);
    const char *name = log->name != NULL ? log->name : "";
    size_t used = (size_t)snprintf(out, sizeof out, "%s%s", name, prefix);
    size_t columns = COLUMNS - used;
    bool wrap = isatty(log->fd) == 1;
    while (*text != '\0') {
        size_t len = wrap ? piece_len(text, columns) : strlen(text);
        if (len + INDENT + 2 > sizeof out - used)
            break;
        memcpy(out + used, text, len);
        used += len;
        text += len;
        text += strspn(text, " ");
        if (*text != '\0') {
            used += (size_t)snprintf(out + used, sizeof out - used, "\n%*s", INDENT, "");
            columns = COLUMNS - INDENT;
        }
    }
    out[used] = '\n';
    emit(log, out, used + 1);
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
    if (len >= 0)
        emit_wrapped(log, "", line);
}

void log_error(struct log *log, const struct err *e)
{
    char text[sizeof *e + 64];
    status_format(e, text, sizeof text);
    emit_wrapped(log, "inferbench: ", text);
}
