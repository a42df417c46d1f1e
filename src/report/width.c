#include "report/width.h"

#include <stdint.h>
#include <string.h>

struct range {
    uint32_t first, last;
};

/* Unicode 15: East Asian Width W and F, by blocks. */
static const struct range wide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff}, {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3}, {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
    {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static const struct range combining[] = {
    {0x0300, 0x036f}, {0x3099, 0x309a}, {0x200b, 0x200f},
    {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
};

static int is_in(const struct range *table, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++)
        if (c >= table[i].first && c <= table[i].last)
            return 1;
    return 0;
}

/* One character: its bytes; *columns it takes. */
static size_t step(const unsigned char *s, size_t *columns)
{
    size_t len = s[0] < 0x80    ? 1
                 : s[0] >= 0xf0 ? 4
                 : s[0] >= 0xe0 ? 3
                 : s[0] >= 0xc2 ? 2
                                : 1;
    uint32_t c = len == 1 ? s[0] : s[0] & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            *columns = 1;
            return 1;
        }
        c = c << 6 | (s[i] & 0x3f);
    }
    *columns = 1;
    if (is_in(wide, sizeof wide / sizeof *wide, c))
        *columns = 2;
    else if (is_in(combining, sizeof combining / sizeof *combining, c))
        *columns = 0;
    return len;
}

size_t width_fit(const char *text, size_t columns)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t used = 0, wide_by, len;
    while (*s != '\0') {
        len = step(s, &wide_by);
        if (used + wide_by > columns)
            break;
        used += wide_by;
        s += len;
    }
    return (size_t)(s - (const unsigned char *)text);
}

size_t width_of(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t used = 0, wide_by;
    while (*s != '\0') {
        s += step(s, &wide_by);
        used += wide_by;
    }
    return used;
}

double width_pixels(const char *text, double font_pixels)
{
    const unsigned char *s = (const unsigned char *)text;
    double em = 0;
    while (*s != '\0') {
        size_t columns, len = step(s, &columns);
        if (len > 1 || *s > 0x7f)
            em += columns == 1 ? 0.85 : (double)columns / 2;
        else if (strchr("ijlIJ.,:;'|! ()[]/ftr-\"`", *s) != NULL)
            em += 0.42;
        else if (strchr("mwMW@%", *s) != NULL)
            em += 1;
        else
            em += (*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') ? 0.64 : 0.84;
        s += len;
    }
    return em * font_pixels;
}

static void blanks(struct buf *out, size_t count)
{
    buf_printf(out, "%*s", (int)count, "");
}

enum status width_pad(struct buf *out, const char *text, int columns)
{
    size_t room = (size_t)(columns < 0 ? -columns : columns);
    size_t taken = width_of(text);
    if (taken > room && room >= 2) {
        size_t keep = width_fit(text, room - 2);
        char kept[512];
        keep = keep < sizeof kept ? keep : sizeof kept - 1;
        memcpy(kept, text, keep);
        kept[keep] = '\0';
        buf_printf(out, "%s..", kept);
        blanks(out, room - 2 - width_of(kept));
        return out->failed;
    }
    if (columns < 0 && taken < room)
        blanks(out, room - taken);
    buf_text(out, text);
    if (columns > 0 && taken < room)
        blanks(out, room - taken);
    return out->failed;
}

enum status width_shorten(struct buf *out, const char *text, size_t columns)
{
    if (width_of(text) <= columns)
        return buf_text(out, text);
    size_t head = width_fit(text, (columns - 2) / 2), wide_by;
    size_t most = columns - 2 - (columns - 2) / 2;
    const char *tail = text + head;
    for (size_t left = width_of(tail); left > most; left -= wide_by)
        tail += step((const unsigned char *)tail, &wide_by);
    buf_append(out, text, head);
    return buf_printf(out, "..%s", tail);
}

/* What is not broken at its blanks has blanks all the same. */
static void put_word(struct buf *out, const char *word)
{
    static const char no_break[] = "\xc2\xa0";
    for (const char *at; (at = strstr(word, no_break)) != NULL; word = at + 2) {
        buf_append(out, word, (size_t)(at - word));
        buf_char(out, ' ');
    }
    buf_text(out, word);
}

enum status width_wrap(struct buf *out, const char *text, size_t first, size_t indent,
                       size_t columns)
{
    size_t column = 0;
    for (size_t i = out->len; i > 0 && out->data[i - 1] != '\n'; i--)
        column += ((unsigned char)out->data[i - 1] & 0xc0) != 0x80;
    size_t at = column < first ? first : column;
    blanks(out, at - column);
    while (*text == ' ')
        text++;
    for (int is_first = 1; *text != '\0'; is_first = 0) {
        char word[512];
        size_t len = strcspn(text, " "), keep = len < sizeof word ? len : sizeof word - 1;
        memcpy(word, text, keep);
        word[keep] = '\0';
        size_t need = width_of(word) + (is_first ? 0 : 1);
        if (!is_first && at + need > columns) {
            buf_char(out, '\n');
            blanks(out, indent);
            at = indent;
            is_first = 1;
            need = width_of(word);
        }
        if (!is_first)
            buf_char(out, ' ');
        put_word(out, word);
        at += need;
        text += len;
        while (*text == ' ')
            text++;
    }
    return buf_char(out, '\n');
}
