/* The tables alone, as values (RFC 4180): a head, again only where the columns change. */
#include <math.h>
#include <string.h>

#include "report/render.h"
#include "text/jsonw.h"

/* Quotes inside are doubled. */
static void put_inside(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '"')
            buf_char(out, '"');
        buf_char(out, *text);
    }
}

/* Spreadsheets run such a text. */
static bool is_formula(const char *text)
{
    static const char of_numbers[] = "+-0123456789.,%eE ";
    return *text != '\0' && strchr("=+-@\t", *text) != NULL &&
           strspn(text, of_numbers) < strlen(text);
}

static void put_text(const char *text, struct buf *out)
{
    text = text != NULL ? text : "";
    buf_text(out, is_formula(text) ? "\"'" : "\"");
    put_inside(text, out);
    buf_char(out, '"');
}

static void put_number(double value, struct buf *out)
{
    char text[32];
    jsonw_double_text(value, text);
    buf_char(out, ',');
    buf_text(out, isfinite(value) ? text : "");
}

static bool has_value(const struct document_column *c)
{
    return c->type != DOCUMENT_TEXT && c->type != DOCUMENT_INTERVAL;
}

static bool has_bounds(const struct document_column *c)
{
    return c->type == DOCUMENT_SPREAD || c->type == DOCUMENT_INTERVAL;
}

/* "tokens/s low (USD)" */
static void put_name(const struct document_column *c, const char *which, struct buf *out)
{
    buf_text(out, ",\"");
    put_inside(c->name != NULL ? c->name : c->head, out);
    buf_text(out, which);
    if (c->unit != NULL) {
        buf_text(out, " (");
        put_inside(c->unit, out);
        buf_char(out, ')');
    }
    buf_char(out, '"');
}

static void put_head(const struct document_table *t, struct buf *out)
{
    buf_text(out, "\"section\",\"group\"");
    for (size_t i = 0; i < t->column_count; i++) {
        const struct document_column *c = &t->columns[i];
        if (c->type != DOCUMENT_INTERVAL)
            put_name(c, "", out);
        if (has_bounds(c)) {
            put_name(c, " low", out);
            put_name(c, " high", out);
        }
    }
    buf_text(out, ",\"note\"\n");
}

static void put_cell(const struct document_column *c, const struct document_cell *cell,
                     struct buf *out)
{
    if (c->type == DOCUMENT_TEXT) {
        buf_char(out, ',');
        put_text(cell->text, out);
    }
    if (has_value(c))
        put_number(cell->value, out);
    if (has_bounds(c)) {
        put_number(cell->low, out);
        put_number(cell->high, out);
    }
}

static void put_row(const struct document_table *t, const char *section,
                    const struct document_row *row, struct buf *out)
{
    put_text(section, out);
    buf_char(out, ',');
    put_text(row->group, out);
    for (size_t i = 0; i < t->column_count; i++)
        put_cell(&t->columns[i], &row->cells[i], out);
    buf_char(out, ',');
    put_text(row->note, out);
    buf_char(out, '\n');
}

void render_csv(const struct document *d, struct buf *out)
{
    const char *section = NULL;
    const struct document_table *last = NULL;
    for (const struct document_block *b = d->blocks; b != NULL; b = b->next) {
        if (b->kind == DOCUMENT_HEADING)
            section = b->text;
        if (b->kind != DOCUMENT_TABLE)
            continue;
        bool is_new = last == NULL || last->columns != b->table->columns;
        if (is_new && last != NULL)
            buf_char(out, '\n');
        if (is_new)
            put_head(b->table, out);
        last = b->table;
        for (const struct document_row *r = b->table->rows; r != NULL; r = r->next)
            put_row(b->table, section, r, out);
    }
}
