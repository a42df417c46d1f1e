#include <math.h>
#include <string.h>

#include "base/opt.h"
#include "base/opt_value.h"
#include "base/str.h"

enum { COLUMNS = 80, HELP_COLUMN = 28, CHOICES_SHOWN = 24, TEXT_CAP = 64 * 1024 };

static bool shows_choices(const struct opt *o)
{
    return o->choices != NULL && strlen(o->choices) <= CHOICES_SHOWN;
}

/* What stands behind the name: " N...", "[=TEXT]"; "" for a flag. */
static void write_value_name(const struct opt *o, struct buf *out)
{
    static const char *const by_type[] = {
        [OPT_STRING] = "TEXT",   [OPT_INT] = "N",         [OPT_DOUBLE] = "X",
        [OPT_CHOICE] = "NAME",   [OPT_INT_LIST] = "N",    [OPT_STRING_LIST] = "NAME",
        [OPT_DOUBLE_LIST] = "X", [OPT_PAIRS] = "K=V",     [OPT_MAYBE] = "TEXT",
        [OPT_FLAG] = "",         [OPT_DURATION] = "TIME",
    };
    if (o->type == OPT_FLAG)
        return;
    const char *name = by_type[o->type];
    if (o->value_name != NULL)
        name = o->value_name;
    else if (shows_choices(o))
        name = o->choices;
    if (o->type == OPT_MAYBE)
        (void)buf_printf(out, "[=%s]", name);
    else
        (void)buf_printf(out, " %s%s", name,
                         opt_value_is_list(o) && o->type != OPT_PAIRS ? "..." : "");
}

static bool is_on_by_default(const struct opt *o)
{
    return o->type == OPT_FLAG && o->fallback != NULL && strcmp(o->fallback, "true") == 0;
}

static void write_choices(const struct opt *o, struct buf *out)
{
    if (o->choices == NULL || (shows_choices(o) && o->value_name == NULL))
        return;
    (void)buf_text(out, ": ");
    for (struct str rest = str_from(o->choices); rest.len > 0;) {
        struct str choice = str_cut(&rest, '|');
        (void)buf_append(out, choice.ptr, choice.len);
        (void)buf_text(out, rest.len > 0 ? ", " : "");
    }
}

/* The sentence, the choices, then "(default 3; 2 to 1000)". */
static void write_help(const struct opt *o, struct buf *out)
{
    (void)buf_text(out, o->help != NULL ? o->help : "");
    write_choices(o, out);
    bool has_default = o->type != OPT_FLAG && o->fallback != NULL &&
                       o->fallback[0] != '\0';
    bool has_range = o->min != 0 || (o->max != 0 && o->max < 1e9);
    if (is_on_by_default(o))
        (void)buf_text(out, " (on by default)");
    if (!has_default && !has_range)
        return;
    (void)buf_text(out, " (");
    if (has_default)
        (void)buf_printf(out, "default %s%s", o->fallback, has_range ? "; " : "");
    if (has_range)
        (void)opt_value_range(o, out);
    (void)buf_text(out, ")");
}

/* Writes text from column `at` on, broken at blanks, later lines from HELP_COLUMN. */
static void write_wrapped(struct buf *out, const char *text)
{
    size_t width = COLUMNS - HELP_COLUMN;
    for (;;) {
        size_t len = strlen(text);
        if (len > width) {
            len = width;
            while (len > 0 && text[len] != ' ')
                len--;
            if (len == 0)
                len = strcspn(text, " ");
        }
        (void)buf_append(out, text, len);
        (void)buf_char(out, '\n');
        text += len + strspn(text + len, " ");
        if (*text == '\0')
            return;
        (void)buf_printf(out, "%*s", HELP_COLUMN, "");
    }
}

static void write_option(const struct opt *o, struct buf *out)
{
    size_t start = out->len;
    (void)buf_text(out, "  ");
    if (o->short_name != 0)
        (void)buf_printf(out, "-%c, ", o->short_name);
    (void)buf_printf(out, "--%s%s", is_on_by_default(o) ? "[no-]" : "", o->name);
    write_value_name(o, out);
    size_t used = out->len - start;
    if (used + 2 > HELP_COLUMN) {
        (void)buf_char(out, '\n');
        used = 0;
    }
    (void)buf_printf(out, "%*s", (int)(HELP_COLUMN - used), "");
    struct buf help;
    buf_init(&help, TEXT_CAP);
    write_help(o, &help);
    write_wrapped(out, buf_cstr(&help));
    if (help.failed != STATUS_OK)
        out->failed = help.failed;
    buf_fini(&help);
}

static const char *group_of(const struct opt *o)
{
    return o->group != NULL ? o->group : "Options";
}

static bool begins_group(const struct opt *table, size_t i)
{
    return i == 0 || strcmp(group_of(&table[i]), group_of(&table[i - 1])) != 0;
}

enum status opt_help_text(const struct opt *table, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (begins_group(table, i))
            (void)buf_printf(out, "%s%s\n", i > 0 ? "\n" : "", group_of(&table[i]));
        write_option(&table[i], out);
    }
    return out->failed;
}

/* roff reads '\' anywhere, and '.' and '\'' at the start of a line; a bare '-' is a
 * hyphen. */
static void write_roff(struct buf *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        (void)buf_text(out, "\\&");
    for (; *text != '\0'; text++)
        if (*text == '\\')
            (void)buf_text(out, "\\e");
        else if (*text == '-')
            (void)buf_text(out, "\\-");
        else
            (void)buf_char(out, *text);
}

static void write_man_option(const struct opt *o, struct buf *out)
{
    struct buf text;
    buf_init(&text, TEXT_CAP);
    (void)buf_text(out, ".TP\n");
    if (o->short_name != 0)
        (void)buf_printf(out, "\\fB\\-%c\\fR, ", o->short_name);
    (void)buf_text(out, "\\fB\\-\\-");
    write_roff(out, is_on_by_default(o) ? "[no-]" : "");
    write_roff(out, o->name);
    (void)buf_text(out, "\\fR");
    write_value_name(o, &text);
    if (text.len > 0) {
        (void)buf_text(out, text.data[0] == ' ' ? " \\fI" : "\\fI");
        write_roff(out, buf_cstr(&text) + strspn(buf_cstr(&text), " "));
        (void)buf_text(out, "\\fR");
    }
    (void)buf_char(out, '\n');
    buf_clear(&text);
    write_help(o, &text);
    (void)buf_text(&text, ".");
    write_roff(out, buf_cstr(&text));
    (void)buf_char(out, '\n');
    if (text.failed != STATUS_OK)
        out->failed = text.failed;
    buf_fini(&text);
}

enum status opt_help_man(const struct opt *table, size_t count, struct buf *out)
{
    (void)buf_text(out, ".SH OPTIONS\n");
    for (size_t i = 0; i < count; i++) {
        if (begins_group(table, i)) {
            (void)buf_text(out, ".SS ");
            write_roff(out, group_of(&table[i]));
            (void)buf_char(out, '\n');
        }
        write_man_option(&table[i], out);
    }
    return out->failed;
}
