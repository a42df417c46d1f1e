#include "http/prometheus.h"

#include <math.h>
#include <string.h>

static struct str rest_of(struct str s, size_t from)
{
    return (struct str){.ptr = s.ptr + from, .len = s.len - from};
}

static struct str skip_blanks(struct str s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = rest_of(s, 1);
    return s;
}

/* The line behind the name if it is a sample of name + suffix; else false. */
static bool is_sample(struct str line, const char *name, const char *suffix,
                      struct str *rest)
{
    line = skip_blanks(line);
    if (!str_starts(line, name))
        return false;
    line = rest_of(line, strlen(name));
    if (!str_starts(line, suffix))
        return false;
    line = rest_of(line, strlen(suffix));
    if (line.len == 0 ||
        (line.ptr[0] != '{' && line.ptr[0] != ' ' && line.ptr[0] != '\t'))
        return false;
    *rest = skip_blanks(line);
    return true;
}

/* A label's name and value, escapes as they are. */
struct label {
    struct str name, value;
};

/* Takes one label off what follows '{' or another label; false at the '}' (which is
 * taken) and where there is none (*is_bad). */
static bool next_label(struct str *s, struct label *out, bool *is_bad)
{
    *s = skip_blanks(*s);
    if (s->len > 0 && s->ptr[0] == ',')
        *s = skip_blanks(rest_of(*s, 1));
    if (s->len > 0 && s->ptr[0] == '}') {
        *s = rest_of(*s, 1);
        return false;
    }
    *is_bad = memchr(s->ptr, '=', s->len) == NULL;
    out->name = str_trim(str_cut(s, '='));
    *s = skip_blanks(*s);
    size_t end = 1;
    while (end < s->len && s->ptr[end] != '"')
        end += s->ptr[end] == '\\' ? 2 : 1;
    *is_bad = *is_bad || end >= s->len || s->ptr[0] != '"';
    if (*is_bad)
        return false;
    out->value = (struct str){.ptr = s->ptr + 1, .len = end - 1};
    *s = rest_of(*s, end + 1);
    return true;
}

/* The number behind the labels; a time stamp may follow it. */
static bool value_of(struct str rest, double *out)
{
    struct label label;
    bool is_bad = false;
    if (rest.len > 0 && rest.ptr[0] == '{') {
        rest = rest_of(rest, 1);
        while (next_label(&rest, &label, &is_bad))
            ;
    }
    rest = skip_blanks(rest);
    size_t len = 0;
    while (len < rest.len && strchr(" \t\r", rest.ptr[len]) == NULL)
        len++;
    struct str number = {.ptr = rest.ptr, .len = len};
    if (is_bad)
        return false;
    if (str_is(number, "NaN")) {
        *out = NAN;
        return true;
    }
    return str_to_double(number, out);
}

static double sum_of(struct str text, const char *name, const char *suffix,
                     bool *is_there)
{
    double sum = 0, value = 0;
    *is_there = false;
    while (text.len > 0) {
        struct str line = str_cut(&text, '\n'), rest;
        if (!is_sample(line, name, suffix, &rest) || !value_of(rest, &value))
            continue;
        *is_there = true;
        sum += value;
    }
    return *is_there ? sum : NAN;
}

double prometheus_sum(struct str text, const char *name)
{
    bool is_there = false;
    double sum = sum_of(text, name, "", &is_there);
    return is_there ? sum : sum_of(text, name, "_total", &is_there);
}

double prometheus_max(struct str text, const char *name)
{
    double highest = NAN, value = 0;
    while (text.len > 0) {
        struct str line = str_cut(&text, '\n'), rest;
        if (is_sample(line, name, "", &rest) && value_of(rest, &value))
            highest = fmax(highest, value);
    }
    return highest;
}

bool prometheus_has(struct str text, const char *prefix)
{
    while (text.len > 0)
        if (str_starts(skip_blanks(str_cut(&text, '\n')), prefix))
            return true;
    return false;
}

static bool unescape(struct str s, char *out, size_t room)
{
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '\\' && i + 1 < s.len) {
            c = s.ptr[++i];
            if (c == 'n')
                c = '\n';
        }
        if (len + 1 >= room)
            return false;
        out[len++] = c;
    }
    if (room == 0)
        return false;
    out[len] = '\0';
    return true;
}

/* The labels of the first sample; false if there is no sample. */
static bool first_labels(struct str text, const char *name, const char *suffix,
                         struct str *labels)
{
    while (text.len > 0) {
        struct str line = str_cut(&text, '\n');
        if (is_sample(line, name, suffix, labels))
            return true;
    }
    return false;
}

bool prometheus_label(struct str text, const char *name, const char *label, char *out,
                      size_t room)
{
    struct str rest;
    struct label found;
    bool is_bad = false;
    if (!first_labels(text, name, "", &rest) &&
        !first_labels(text, name, "_total", &rest))
        return false;
    if (rest.len == 0 || rest.ptr[0] != '{')
        return false;
    rest = rest_of(rest, 1);
    while (next_label(&rest, &found, &is_bad))
        if (str_is(found.name, label))
            return unescape(found.value, out, room);
    return false;
}
