#include "report/glyphs.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/proc.h"
#include "base/str.h"

#define COUNT_OF(a)       (sizeof(a) / sizeof *(a))
#define CODE_POINTS       0x110000U
#define LATIN_END         0x250U /* every text font has these */
#define ASK_SECONDS       20
#define LIST_CAP_BYTES    ((size_t)32 << 20)
#define MISSING_CAP_BYTES 120
#define ACCENTS_MAX       2

struct range {
    uint32_t first, last;
};

/* Invisible: marks of direction, joiners of lines, variants, tags. */
static const struct range shapeless[] = {
    {0xad, 0xad},     {0x200b, 0x200b}, {0x200e, 0x200f}, {0x202a, 0x202e},
    {0x2060, 0x206f}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xe0000, 0xe0fff},
};

/* They pile up on the letter before them. */
static const struct range accents[] = {
    {0x300, 0x36f},   {0x483, 0x489},   {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe20, 0xfe2f},
};

static bool is_in(const struct range *table, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++)
        if (c >= table[i].first && c <= table[i].last)
            return true;
    return false;
}

void glyphs_init(struct glyphs *g, struct arena *a)
{
    *g = (struct glyphs){.arena = a};
    buf_init(&g->missing, MISSING_CAP_BYTES);
}

void glyphs_fini(struct glyphs *g)
{
    buf_fini(&g->missing);
}

static void take_range(struct glyphs *g, const char *text)
{
    char *end;
    unsigned long first = strtoul(text, &end, 16);
    unsigned long last = *end == '-' ? strtoul(end + 1, &end, 16) : first;
    for (unsigned long c = first; end != text && c <= last && c < CODE_POINTS; c++)
        g->drawable[c / 64] |= (uint64_t)1 << c % 64;
}

/* A line of fc-list: the font's format, then "20-7e a0-2e9 2ec". Bitmap and Type 1 fonts
 * are listed, and not drawn. */
static void take_font(struct glyphs *g, struct str line)
{
    struct str format = str_cut(&line, ' ');
    if (!str_is(format, "TrueType") && !str_is(format, "CFF"))
        return;
    while (line.len > 0) {
        char text[32];
        struct str word = str_cut(&line, ' ');
        size_t len = word.len < sizeof text ? word.len : sizeof text - 1;
        memcpy(text, word.ptr, len);
        text[len] = '\0';
        take_range(g, text);
    }
}

static void ask(struct glyphs *g)
{
    static const char *const argv[] = {"fc-list", "--format",
                                       "%{fontformat} %{charset}\n", NULL};
    struct buf said;
    struct err e;
    int code = 0;
    g->is_asked = true;
    buf_init(&said, LIST_CAP_BYTES);
    enum status s = proc_run(argv, clock_seconds(ASK_SECONDS), &said, &code, &e);
    if (s == STATUS_OK && code == 0 && said.len > 0)
        g->drawable = arena_alloc(g->arena, CODE_POINTS / 64, sizeof *g->drawable);
    g->is_known = g->drawable != NULL;
    struct str rest = buf_str(&said);
    while (g->is_known && rest.len > 0)
        take_font(g, str_cut(&rest, '\n'));
    buf_fini(&said);
}

static bool is_drawable(struct glyphs *g, uint32_t c)
{
    if (c < LATIN_END)
        return true;
    if (!g->is_asked)
        ask(g);
    return g->is_known && (g->drawable[c / 64] >> c % 64 & 1) != 0;
}

static void note_missing(struct glyphs *g, struct str character)
{
    char text[8] = {0};
    memcpy(text, character.ptr, character.len);
    if (strstr(buf_cstr(&g->missing), text) != NULL)
        return;
    if (g->missing.len + 2 * sizeof text < MISSING_CAP_BYTES)
        buf_text(&g->missing, text);
    else if (strchr(buf_cstr(&g->missing), '.') == NULL)
        buf_text(&g->missing, "...");
}

/* The code point of a character of so many bytes. */
static uint32_t code_of(const char *p, size_t len)
{
    const unsigned char *s = (const unsigned char *)p;
    uint32_t c = len == 1 ? s[0] : s[0] & (0x7fU >> len);
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (s[i] & 0x3fU);
    return c;
}

/* Appends one character as it can be drawn; *pile: accents before it. */
static void put(struct glyphs *g, struct str character, size_t *pile, struct buf *out)
{
    uint32_t c = code_of(character.ptr, character.len);
    bool is_accent = is_in(accents, COUNT_OF(accents), c);
    *pile = is_accent ? *pile + 1 : 0;
    if (is_in(shapeless, COUNT_OF(shapeless), c) || *pile > ACCENTS_MAX)
        return;
    if (c < ' ' || (c >= 0x7f && c < 0xa0))
        buf_char(out, ' ');
    else if (is_drawable(g, c))
        buf_append(out, character.ptr, character.len);
    else {
        note_missing(g, character);
        buf_printf(out, "[%04X]", (unsigned)c);
    }
}

const char *glyphs_text(struct glyphs *g, const char *text)
{
    struct buf out;
    size_t left = text != NULL ? strlen(text) : 0, pile = 0;
    const char *at = text;
    if (text == NULL)
        return NULL;
    buf_init(&out, 16 * (left + 1));
    while (left > 0) {
        size_t len = str_utf8_len(at, left);
        if (len == 0)
            buf_char(&out, '?');
        else
            put(g, (struct str){at, len}, &pile, &out);
        len = len == 0 ? 1 : len;
        at += len;
        left -= len;
    }
    const char *drawn = strcmp(buf_cstr(&out), text) == 0
                            ? text
                            : arena_strdup(g->arena, buf_cstr(&out));
    if (out.failed != STATUS_OK)
        drawn = text;
    buf_fini(&out);
    return drawn;
}

static void apply_panel(struct glyphs *g, struct plot_panel *panel)
{
    panel->title = glyphs_text(g, panel->title);
    for (size_t i = 0; i < panel->tick_count; i++)
        panel->ticks[i] = glyphs_text(g, panel->ticks[i]);
    for (size_t k = 0; k < panel->series_count; k++)
        panel->series[k].name = glyphs_text(g, panel->series[k].name);
}

void glyphs_apply(struct glyphs *g, struct plot *p)
{
    p->title = glyphs_text(g, p->title);
    for (size_t i = 0; i < p->panel_count; i++)
        apply_panel(g, &p->panels[i]);
}

const char *glyphs_said(const struct glyphs *g)
{
    const char *missing = buf_cstr(&g->missing);
    if (*missing == '\0')
        return NULL;
    if (!g->is_known)
        return arena_printf(
            g->arena,
            "no fc-list (package fontconfig) to say which fonts are here: "
            "the pictures have %s as codes",
            missing);
    return arena_printf(
        g->arena,
        "no font here has %s: the pictures have their codes. Install one "
        "that does (Japanese, Chinese and Korean: fonts-droid-fallback on Debian and "
        "Ubuntu, google-droid-sans-fonts on Amazon Linux; emoji: fonts-symbola)",
        missing);
}
