#include "probe/sysfile.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *sysfile_root(void)
{
    const char *root = getenv("INFERBENCH_PROBE_ROOT");
    return root != NULL ? root : "";
}

static int open_below(const char *root, const char *path)
{
    char full[SYSFILE_PATH_BYTES];
    int n = snprintf(full, sizeof full, "%s%s", root, path);
    if (n < 0 || (size_t)n >= sizeof full)
        return -1;
    return open(full, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static void trim_end(char *text, size_t len)
{
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
        len--;
    text[len] = '\0';
}

bool sysfile_read(const char *root, const char *path, char *out, size_t size)
{
    out[0] = '\0';
    int fd = open_below(root, path);
    if (fd < 0)
        return false;
    size_t len = 0;
    ssize_t got = 0;
    while (len < size - 1 && (got = read(fd, out + len, size - 1 - len)) > 0)
        len += (size_t)got;
    close(fd);
    trim_end(out, len);
    return got >= 0;
}

bool sysfile_readf(const char *root, char *out, size_t size, const char *fmt, ...)
{
    char path[SYSFILE_PATH_BYTES];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(path, sizeof path, fmt, args);
    va_end(args);
    out[0] = '\0';
    return n > 0 && (size_t)n < sizeof path && sysfile_read(root, path, out, size);
}

int64_t sysfile_i64f(const char *root, int64_t none, const char *fmt, ...)
{
    char path[SYSFILE_PATH_BYTES];
    char text[64];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(path, sizeof path, fmt, args);
    va_end(args);
    int64_t value = none;
    if (n > 0 && (size_t)n < sizeof path && sysfile_read(root, path, text, sizeof text) &&
        !str_to_i64(str_from(text), &value))
        value = none;
    return value;
}

bool sysfile_exists(const char *root, const char *path)
{
    char full[SYSFILE_PATH_BYTES];
    int n = snprintf(full, sizeof full, "%s%s", root, path);
    return n > 0 && (size_t)n < sizeof full && access(full, F_OK) == 0;
}

/* Whether a line begins with the key; *rest is then its value. */
static bool line_has_key(struct str line, const char *key, char sep, struct str *rest)
{
    size_t n = strlen(key);
    if (!str_starts(line, key))
        return false;
    struct str after = {line.ptr + n, line.len - n};
    if (sep == '\0') {
        if (after.len > 0 && after.ptr[0] != ' ' && after.ptr[0] != '\t')
            return false;
        *rest = str_trim(after);
        return true;
    }
    after = str_trim(after);
    if (after.len == 0 || after.ptr[0] != sep)
        return false;
    *rest = str_trim((struct str){after.ptr + 1, after.len - 1});
    return true;
}

struct str sysfile_field(const char *text, const char *key, char sep)
{
    struct str rest = str_from(text);
    struct str value = {"", 0};
    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');
        if (line_has_key(line, key, sep, &value))
            return value;
    }
    return (struct str){"", 0};
}

int64_t sysfile_field_i64(const char *text, const char *key, char sep, int64_t none)
{
    struct str value = sysfile_field(text, key, sep);
    int64_t number = none;
    if (!str_to_i64(str_cut(&value, ' '), &number))
        return none;
    return number;
}

size_t sysfile_cpu_list(const char *list, int *out, size_t cap)
{
    struct str rest = str_from(list);
    size_t count = 0;
    while (rest.len > 0) {
        struct str part = str_trim(str_cut(&rest, ','));
        int64_t from;
        int64_t to;
        if (!str_to_i64(str_cut(&part, '-'), &from))
            continue;
        if (part.len == 0 || !str_to_i64(part, &to))
            to = from;
        for (int64_t i = from; i <= to && i < 65536; i++, count++)
            if (count < cap)
                out[count] = (int)i;
    }
    return count;
}
