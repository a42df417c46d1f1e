#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NUMBER_BYTES = 512, WORD_LETTERS = 64 };

struct str str_from(const char *text)
{
    return (struct str){.ptr = text == NULL ? "" : text,
                        .len = text == NULL ? 0 : strlen(text)};
}

bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool str_is(struct str s, const char *text)
{
    if (s.len > 0 && *s.ptr != *text) /* most are told apart by it */
        return false;
    return str_equal(s, str_from(text));
}

bool str_is_any_case(struct str s, const char *text)
{
    return s.len == strlen(text) && (s.len == 0 || strncasecmp(s.ptr, text, s.len) == 0);
}

bool str_starts(struct str s, const char *prefix)
{
    size_t len = strlen(prefix);
    return s.len >= len && (len == 0 || memcmp(s.ptr, prefix, len) == 0);
}

bool str_ends_any_case(struct str s, const char *end)
{
    size_t len = strlen(end);
    return s.len >= len && (len == 0 || strncasecmp(s.ptr + s.len - len, end, len) == 0);
}

size_t str_at(struct str s, size_t from, const char *what)
{
    size_t len = strlen(what);
    for (size_t i = from; i + len <= s.len; i++)
        if (memcmp(s.ptr + i, what, len) == 0)
            return i;
    return s.len;
}

const char *str_find(struct str s, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= s.len; i++)
        if (strncasecmp(s.ptr + i, word, len) == 0)
            return s.ptr + i;
    return NULL;
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && isspace((unsigned char)s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && isspace((unsigned char)s.ptr[s.len - 1]))
        s.len--;
    return s;
}

struct str str_cut(struct str *rest, char sep)
{
    struct str all = *rest;
    const char *at = all.len > 0 ? memchr(all.ptr, sep, all.len) : NULL;
    if (at == NULL) {
        *rest = (struct str){.ptr = all.len > 0 ? all.ptr + all.len : all.ptr, .len = 0};
        return all;
    }
    size_t before = (size_t)(at - all.ptr);
    *rest = (struct str){.ptr = at + 1, .len = all.len - before - 1};
    return (struct str){.ptr = all.ptr, .len = before};
}

/* Copies s, terminated, if it can be a decimal number at all. */
static bool number_text(struct str s, char out[NUMBER_BYTES])
{
    if (s.len == 0 || s.len >= NUMBER_BYTES || isspace((unsigned char)s.ptr[0]))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '\0' || s.ptr[i] == 'x' || s.ptr[i] == 'X')
            return false;
    memcpy(out, s.ptr, s.len);
    out[s.len] = '\0';
    return true;
}

bool str_to_i64(struct str s, int64_t *out)
{
    char text[NUMBER_BYTES];
    if (!number_text(s, text))
        return false;
    char *end = text;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        return false;
    *out = value;
    return true;
}

bool str_to_double(struct str s, double *out)
{
    char text[NUMBER_BYTES];
    if (!number_text(s, text))
        return false;
    char *end = text;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || isnan(value))
        return false;
    if (errno == ERANGE && fabs(value) > 1) /* too small is 0 or subnormal: fine */
        return false;
    *out = value;
    return true;
}

bool str_to_share(struct str s, double *out)
{
    double percent;
    s.len -= s.len > 0 && s.ptr[s.len - 1] == '%';
    if (!str_to_double(s, &percent) || !(percent > 0 && percent < 100))
        return false;
    *out = percent / 100;
    return true;
}

bool str_to_span_ns(struct str s, int64_t *out)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"ns", 1},  {"us", 1e3},   {"ms", 1e6},
                 {"s", 1e9}, {"min", 6e10}, {"h", 3.6e12}};
    size_t digits = s.len;
    while (digits > 0 && isalpha((unsigned char)s.ptr[digits - 1]))
        digits--;
    struct str unit = {.ptr = s.ptr + digits, .len = s.len - digits};
    double number = 0, ns = 0;
    if (!str_to_double((struct str){.ptr = s.ptr, .len = digits}, &number) || number < 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (str_is(unit, units[i].unit))
            ns = units[i].ns;
    bool is_known = ns > 0 || (unit.len == 0 && number == 0);
    double value = nearbyint(number * ns);
    if (!is_known || value >= 0x1p63)
        return false;
    *out = (int64_t)value;
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, replacements, swaps of neighbours.
 * Three rows of the table are enough. Letters beyond WORD_LETTERS count one each. */
size_t str_distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    size_t n = least(a_len, WORD_LETTERS), m = least(b_len, WORD_LETTERS);
    size_t rows[3][WORD_LETTERS + 1] = {{0}};
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]),
                y = tolower((unsigned char)b[j - 1]);
            size_t best = least(above[j], row[j - 1]) + 1;
            best = least(best, above[j - 1] + (x == y ? 0 : 1));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]))
                best = least(best, two_above[j - 2] + 1);
            row[j] = best;
        }
    }
    return rows[n % 3][m] + (a_len - n) + (b_len - m);
}

int str_order(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

const char *str_plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

static bool is_shortest_legal(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0: return second >= 0xa0;
    case 0xed: return second <= 0x9f;
    case 0xf0: return second >= 0x90;
    case 0xf4: return second <= 0x8f;
    default: return true;
    }
}

size_t str_utf8_len(const char *p, size_t left)
{
    const unsigned char *c = (const unsigned char *)p;
    if (left == 0)
        return 0;
    if (c[0] < 0x80)
        return 1;
    size_t len = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] < 0xc2 || c[0] > 0xf4 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    return is_shortest_legal(c[0], c[1]) ? len : 0;
}
