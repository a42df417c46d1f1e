/* Text in 80 columns. */
#include <string.h>

#include "report/render.h"
#include "report/width.h"

#define COLUMNS     80
#define NOTE_INDENT 6

static void put_heading(const char *text, struct buf *out)
{
    buf_printf(out, "\n%s\n", text);
    for (size_t n = width_of(text); n > 0; n--)
        buf_char(out, '-');
    buf_char(out, '\n');
}

/* Behind a blank to the right, behind two as it comes; nothing where it is empty. */
static void put_cell(const struct document_column *c, bool is_first, const char *text,
                     struct buf *out)
{
    if (c->width == 0) {
        buf_printf(out, *text != '\0' && !is_first ? "  %s" : "%s", text);
        return;
    }
    buf_text(out, is_first ? "" : " ");
    width_pad(out, text, c->width);
}

static void put_head(const struct document_table *t, struct buf *out)
{
    for (size_t i = 0; i < t->column_count; i++)
        put_cell(&t->columns[i], i == 0, t->columns[i].head, out);
    buf_char(out, '\n');
}

static void put_row(const struct document_table *t, const struct document_row *row,
                    struct buf *out)
{
    for (size_t i = 0; i < t->column_count; i++) {
        char text[FIGURE_BYTES];
        const struct document_column *c = &t->columns[i];
        put_cell(c, i == 0, document_cell_text(c, &row->cells[i], text), out);
    }
    buf_char(out, '\n');
    if (row->note != NULL)
        width_wrap(out, row->note, NOTE_INDENT, NOTE_INDENT, COLUMNS);
}

static void put_group(const char *name, struct buf *out)
{
    (void)width_shorten(out, name, COLUMNS); /* the buffer keeps its failure */
    buf_char(out, '\n');
}

static void put_table(const struct document_table *t, struct buf *out)
{
    const char *group = NULL;
    put_head(t, out);
    for (const struct document_row *row = t->rows; row != NULL; row = row->next) {
        if (row->group != NULL && (group == NULL || strcmp(group, row->group) != 0))
            put_group(row->group, out);
        group = row->group;
        put_row(t, row, out);
    }
}

static void put_block(const struct document_block *b, struct buf *out)
{
    switch (b->kind) {
    case DOCUMENT_HEADING: put_heading(b->text, out); break;
    case DOCUMENT_SUBHEADING: buf_printf(out, "%s\n", b->text); break;
    case DOCUMENT_CLAIM: width_wrap(out, b->text, 0, 2, COLUMNS); break;
    case DOCUMENT_PARAGRAPH: width_wrap(out, b->text, 0, 0, COLUMNS); break;
    case DOCUMENT_ITEM: width_wrap(out, b->text, 2, 2, COLUMNS); break;
    case DOCUMENT_TABLE: put_table(b->table, out); break;
    default: break; /* pictures stand beside the text */
    }
}

void render_text(const struct document *d, struct buf *out)
{
    for (const struct document_block *b = d->blocks; b != NULL; b = b->next) {
        if (b->has_gap)
            buf_char(out, '\n');
        put_block(b, out);
    }
}
