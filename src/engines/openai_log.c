#include "engines/openai_log.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct str part(struct str s, size_t from, size_t len)
{
    return (struct str){.ptr = s.ptr + from, .len = len};
}

/* Position of `what` in s from `from` on; s.len: nowhere. */
static size_t find(struct str s, size_t from, const char *what)
{
    size_t len = strlen(what);
    for (size_t i = from; i + len <= s.len; i++)
        if (memcmp(s.ptr + i, what, len) == 0)
            return i;
    return s.len;
}

static bool contains(struct str s, const char *what)
{
    return find(s, 0, what) < s.len;
}

static bool ends_in(struct str s, const char *what)
{
    size_t len = strlen(what);
    return s.len >= len && memcmp(s.ptr + s.len - len, what, len) == 0;
}

/* A line without the process's name in front: "(EngineCore pid=1) text". */
static struct str bare(struct str line)
{
    size_t end = line.len > 0 && line.ptr[0] == '(' ? find(line, 0, ") ") : line.len;
    return str_trim(end < line.len ? part(line, end + 2, line.len - end - 2) : line);
}

static bool is_error_name(struct str name)
{
    static const char *const ends[] = {"Error", "Exception", "Failure", "Interrupt"};
    if (name.len == 0 || !isupper((unsigned char)name.ptr[0]))
        return false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_in(name, ends[i]))
            return true;
    return false;
}

/* "...ValueError: text" anywhere in a line. */
static bool error_in(struct str line, struct str *type, struct str *text)
{
    for (size_t at = find(line, 0, ": "); at < line.len; at = find(line, at + 1, ": ")) {
        size_t start = at;
        while (start > 0 && (isalnum((unsigned char)line.ptr[start - 1]) ||
                             line.ptr[start - 1] == '_'))
            start--;
        *type = part(line, start, at - start);
        *text = str_trim(part(line, at + 2, line.len - at - 2));
        if (is_error_name(*type) && text->len > 0)
            return true;
    }
    return false;
}

/* argparse: "api_server.py: error: unrecognized arguments: --nope". */
static bool is_refusal(struct str line, struct str *type, struct str *text)
{
    size_t at = find(line, 0, ".py: error: ");
    if (at == line.len)
        return false;
    size_t from = at + strlen(".py: error: ");
    *type = str_from("BadArgument");
    *text = part(line, from, line.len - from);
    return true;
}

/* Said of the death of another process, or of being stopped. */
static bool is_second_hand(struct str type, struct str text)
{
    return contains(text, "initialization failed") ||
           contains(text, "EngineCore encountered") || ends_in(type, "KeyboardInterrupt");
}

/* pydantic writes what is wrong on the line behind its headline. */
static const char *whole_text(struct str text, struct str rest, struct arena *a)
{
    struct str more = contains(text, "validation error") ? bare(str_cut(&rest, '\n'))
                                                         : str_from("");
    return arena_printf(a, "%.*s%s%.*s", (int)text.len, text.ptr, more.len > 0 ? " " : "",
                        (int)more.len, more.ptr);
}

bool openai_log_cause(struct str log, struct arena *a, struct openai_log_cause *out)
{
    struct openai_log_cause second = {0};
    *out = second;
    while (log.len > 0) {
        struct str line = bare(str_cut(&log, '\n')), type, text;
        if (!is_refusal(line, &type, &text) && !error_in(line, &type, &text))
            continue;
        struct openai_log_cause *to = is_second_hand(type, text) ? &second : out;
        to->type = arena_str(a, type);
        to->text = whole_text(text, log, a);
    }
    if (out->type == NULL)
        *out = second;
    return out->type != NULL && out->text != NULL;
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
