/* Markdown, as GitHub reads it. */
#include <string.h>

#include "report/render.h"

/* A text that means what it says. */
static void put_plain(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (strchr("\\`*<|[]$~", *text) != NULL)
            buf_char(out, '\\');
        buf_char(out, *text == '\n' ? ' ' : *text);
    }
}

static void put_cell(const char *text, struct buf *out)
{
    buf_text(out, *text != '\0' ? " " : "");
    put_plain(text, out);
    buf_text(out, " |");
}

static void put_line(const char *mark, const char *text, struct buf *out)
{
    buf_text(out, mark);
    put_plain(text, out);
    buf_char(out, '\n');
}

static bool has_notes(const struct document_table *t)
{
    for (const struct document_row *row = t->rows; row != NULL; row = row->next)
        if (row->note != NULL)
            return true;
    return false;
}

static void put_head(const struct document_table *t, struct buf *out)
{
    bool has_group = t->rows != NULL && t->rows->group != NULL;
    buf_text(out, has_group ? "| |" : "|");
    for (size_t i = 0; i < t->column_count; i++) {
        const struct document_column *c = &t->columns[i];
        buf_char(out, ' ');
        put_plain(c->name != NULL ? c->name : c->head, out);
        if (c->unit != NULL) {
            buf_text(out, ", ");
            put_plain(c->unit, out);
        }
        buf_text(out, " |");
    }
    buf_text(out, has_notes(t) ? " |\n" : "\n");
    buf_text(out, has_group ? "|---|" : "|");
    for (size_t i = 0; i < t->column_count; i++)
        buf_text(out, t->columns[i].type == DOCUMENT_TEXT ? "---|" : "---:|");
    buf_text(out, has_notes(t) ? "---|\n" : "\n");
}

static void put_table(const struct document_table *t, struct buf *out)
{
    put_head(t, out);
    for (const struct document_row *row = t->rows; row != NULL; row = row->next) {
        buf_char(out, '|');
        if (row->group != NULL)
            put_cell(row->group, out);
        for (size_t i = 0; i < t->column_count; i++) {
            char text[FIGURE_BYTES];
            put_cell(document_cell_text(&t->columns[i], &row->cells[i], text), out);
        }
        if (has_notes(t))
            put_cell(row->note != NULL ? row->note : "", out);
        buf_char(out, '\n');
    }
}

static void put_plot(const struct document_block *b, struct buf *out)
{
    buf_text(out, "![");
    put_plain(b->text, out);
    buf_printf(out, "](<%s>)\n", b->path);
}

static void put_block(const struct document_block *b, struct buf *out)
{
    switch (b->kind) {
    case DOCUMENT_HEADING: put_line("## ", b->text, out); break;
    case DOCUMENT_SUBHEADING: put_line("### ", b->text, out); break;
    case DOCUMENT_CLAIM:
    case DOCUMENT_ITEM: put_line("- ", b->text, out); break;
    case DOCUMENT_PARAGRAPH: put_line("", b->text, out); break;
    case DOCUMENT_TABLE: put_table(b->table, out); break;
    case DOCUMENT_PLOT: put_plot(b, out); break;
    default: break;
    }
}

void render_markdown(const struct document *d, struct buf *out)
{
    const struct document_block *last = NULL;
    for (const struct document_block *b = d->blocks; b != NULL; b = b->next) {
        if (document_is_of_page(b))
            continue;
        bool is_list = b->kind == DOCUMENT_ITEM || b->kind == DOCUMENT_CLAIM;
        if (last != NULL && (!is_list || b->kind != last->kind))
            buf_char(out, '\n');
        put_block(b, out);
        last = b;
    }
}
