/* One page: opens offline, asks no host, runs no script and no style but its own, whose
 * digests stand in its policy. Blocks are plain HTML; page/page.js draws the charts and
 * the table of rows from the data at the end. */
#include <stdio.h>
#include <string.h>

#include "embed.h"
#include "report/page_data.h"
#include "report/phrases.h"
#include "report/render.h"
#include "text/digest.h"

/* What is open. */
struct html {
    struct buf *out;
    const struct document *d;
    bool has_section, has_charts;
    const char *list; /* class of the list; NULL: none */
    int sections, charts;
};

/* --- texts --- */

/* Lines break at any blank: a phone has no room for what is kept together in 80 columns.
 */
static void put_piece(struct buf *out, const char *text, size_t len)
{
    for (; len > 0; text++, len--)
        switch (*text) {
        case '\xc2':
            if (len > 1 && text[1] == '\xa0') {
                buf_char(out, ' ');
                text++;
                len--;
            } else {
                buf_char(out, *text);
            }
            break;
        case '&': buf_text(out, "&amp;"); break;
        case '<': buf_text(out, "&lt;"); break;
        case '>': buf_text(out, "&gt;"); break;
        case '"': buf_text(out, "&quot;"); break;
        case '\'': buf_text(out, "&#39;"); break;
        default: buf_char(out, *text);
        }
}

static void put_text(struct buf *out, const char *text)
{
    put_piece(out, text, strlen(text));
}

/* Words of ours, in the language of the page. */
static void put_phrase(const struct html *h, const char *text)
{
    put_text(h->out, phrases_in(h->d->lang, text));
}

static void put_element(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "<%s>", name);
    put_text(out, text);
    buf_printf(out, "</%s>\n", name);
}

/* --- the policy --- */

/* Of 64 hex digits. */
static void put_base64(struct buf *out, const char *hex)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789+/";
    unsigned bits = 0;
    int count = 0;
    for (; *hex != '\0'; hex++) {
        unsigned digit = (unsigned)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
        bits = bits << 4 | digit;
        for (count += 4; count >= 6; count -= 6)
            buf_char(out, letters[bits >> (count - 6) & 63]);
    }
    if (count > 0)
        buf_char(out, letters[bits << (6 - count) & 63]);
    buf_char(out, '=');
}

static void put_digest(struct buf *out, const char *what, struct str text)
{
    char hex[DIGEST_HEX_BYTES];
    if (digest_text(text, hex) != STATUS_OK) {
        out->failed = STATUS_NO_MEMORY;
        return;
    }
    buf_printf(out, "; %s 'sha256-", what);
    put_base64(out, hex);
    buf_char(out, '\'');
}

static struct str style_text(void)
{
    return (struct str){(const char *)embed_page_css, embed_page_css_size};
}

static struct str script_text(void)
{
    return (struct str){(const char *)embed_page_js, embed_page_js_size};
}

static void put_policy(struct buf *out)
{
    buf_text(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                  "'none'; img-src data:; base-uri 'none'; form-action 'none'");
    put_digest(out, "style-src", style_text());
    put_digest(out, "script-src", script_text());
    buf_text(out, "\">\n");
}

static void put_head(struct html *h)
{
    struct buf *out = h->out;
    struct str style = style_text();
    const char *title = h->d->title != NULL ? h->d->title : "inferbench";
    buf_text(out, "<!DOCTYPE html>\n<html lang=\"");
    buf_text(out, h->d->lang != NULL ? h->d->lang : "en");
    buf_text(out, "\">\n<head>\n<meta charset=\"utf-8\">\n");
    put_policy(out);
    buf_text(out, "<meta name=\"viewport\" content=\"width=device-width, "
                  "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
                  "dark\">\n<link rel=\"icon\" href=\"data:,\">\n");
    put_element(out, "title", title);
    buf_text(out, "<style>");
    buf_append(out, style.ptr, style.len);
    buf_text(out, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">");
    put_phrase(h, "Skip to the answer");
    buf_text(out, "</a>\n<header>\n<div class=\"bar\"><span class=\"brand\">inferbench"
                  "</span><span class=\"tools\" id=\"tools\"></span></div>\n");
    put_element(out, "h1", title);
    if (h->d->lead != NULL) {
        buf_text(out, "<p class=\"lead\">");
        put_text(out, h->d->lead);
        buf_text(out, "</p>\n");
    }
    buf_text(out, "<nav id=\"nav\" aria-label=\"");
    put_phrase(h, "Sections");
    buf_text(out, "\"></nav>\n</header>\n<main id=\"main\">\n");
}

/* --- sections and lists --- */

static void end_list(struct html *h)
{
    if (h->list != NULL)
        buf_text(h->out, "</ul>\n");
    h->list = NULL;
}

static void begin_list(struct html *h, const char *name)
{
    if (h->list != NULL && strcmp(h->list, name) == 0)
        return;
    end_list(h);
    h->list = name;
    buf_printf(h->out, "<ul class=\"%s\">\n", name);
}

static void end_section(struct html *h)
{
    end_list(h);
    if (h->has_section)
        buf_text(h->out, "</section>\n");
    h->has_section = false;
}

static void begin_section(struct html *h, const char *name, const char *title)
{
    end_section(h);
    h->has_section = true;
    h->sections++;
    buf_printf(h->out, "<section class=\"%s\" aria-labelledby=\"s%d\">\n<h2 id=\"s%d\">",
               name, h->sections, h->sections);
    put_text(h->out, title);
    buf_text(h->out, "</h2>\n");
}

/* --- tables --- */

/* What a table looks like. */
struct look {
    const struct html *h;
    const struct document_table *t;
    bool is_marked; /* notes stand beside the first cell, not in a column */
    bool has_notes; /* has that column */
};

static bool has_notes(const struct document_table *t)
{
    for (const struct document_row *row = t->rows; row != NULL; row = row->next)
        if (row->note != NULL)
            return true;
    return false;
}

static void put_columns(const struct look *l, struct buf *out)
{
    buf_text(out, "<thead><tr>");
    for (size_t i = 0; i < l->t->column_count; i++) {
        const struct document_column *c = &l->t->columns[i];
        buf_text(out, c->type == DOCUMENT_TEXT ? "<th scope=\"col\">"
                                               : "<th scope=\"col\" class=\"n\">");
        put_phrase(l->h, c->name != NULL ? c->name : c->head);
        if (c->unit != NULL) {
            buf_text(out, " <span class=\"unit\">");
            put_phrase(l->h, c->unit);
            buf_text(out, "</span>");
        }
        buf_text(out, "</th>");
    }
    if (l->has_notes) {
        buf_text(out, "<th scope=\"col\">");
        put_phrase(l->h, "note");
        buf_text(out, "</th>");
    }
    buf_text(out, "</tr></thead>\n");
}

static void put_group(const struct look *l, const char *name, struct buf *out)
{
    buf_printf(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\">",
               l->t->column_count + l->has_notes);
    put_phrase(l->h, name);
    buf_text(out, "</th></tr>\n");
}

static void put_cell(const struct look *l, const struct document_row *row, size_t i,
                     struct buf *out)
{
    char text[FIGURE_BYTES];
    const struct document_column *c = &l->t->columns[i];
    bool is_head = i == 0 && c->type == DOCUMENT_TEXT;
    buf_text(out, is_head                    ? "<th scope=\"row\">"
                  : c->type == DOCUMENT_TEXT ? "<td>"
                                             : "<td class=\"n\">");
    put_text(out, document_cell_text(c, &row->cells[i], text));
    if (i == 0 && l->is_marked && row->note != NULL) {
        buf_text(out, " <span class=\"badge\">");
        put_phrase(l->h, row->note);
        buf_text(out, "</span>");
    }
    buf_text(out, is_head ? "</th>" : "</td>");
}

static void put_row(const struct look *l, const struct document_row *row, struct buf *out)
{
    buf_text(out, row->note != NULL ? "<tr class=\"noted\">" : "<tr>");
    for (size_t i = 0; i < l->t->column_count; i++)
        put_cell(l, row, i, out);
    if (l->has_notes) {
        buf_text(out, "<td class=\"note\">");
        put_text(out, row->note != NULL ? row->note : "");
        buf_text(out, "</td>");
    }
    buf_text(out, "</tr>\n");
}

static void put_table(struct html *h, const struct document_table *t, bool is_marked)
{
    const char *group = NULL;
    const struct look look = {h, t, is_marked, !is_marked && has_notes(t)};
    buf_printf(h->out,
               "<div class=\"scroll\" role=\"group\" tabindex=\"0\" "
               "aria-labelledby=\"s%d\">\n<table>\n",
               h->sections);
    put_columns(&look, h->out);
    buf_text(h->out, "<tbody>\n");
    for (const struct document_row *row = t->rows; row != NULL; row = row->next) {
        if (row->group != NULL && (group == NULL || strcmp(group, row->group) != 0))
            put_group(&look, row->group, h->out);
        group = row->group;
        put_row(&look, row, h->out);
    }
    buf_text(h->out, "</tbody>\n</table>\n</div>\n");
}

/* --- blocks --- */

/* "inf2 / g5: 0.71x": what is before the colon stands out. */
static void put_item(struct html *h, const struct document_block *b)
{
    const char *text = b->text;
    bool is_claim = b->kind == DOCUMENT_CLAIM;
    const char *colon = is_claim ? strstr(text, ": ") : NULL;
    if (colon != NULL && memchr(text, '(', (size_t)(colon - text)) != NULL)
        colon = NULL;
    begin_list(h, is_claim ? "claims" : "items");
    buf_text(h->out, "<li>");
    if (colon != NULL) {
        buf_text(h->out, "<b>");
        put_piece(h->out, text, (size_t)(colon - text));
        buf_text(h->out, "</b>: ");
        text = colon + 2;
    }
    put_text(h->out, text);
    buf_text(h->out, "</li>\n");
}

static void put_line(struct html *h, const char *name, const char *text)
{
    if (text == NULL)
        return;
    buf_printf(h->out, "<p class=\"%s\">", name);
    put_phrase(h, text);
    buf_text(h->out, "</p>\n");
}

/* What holds for all charts stands above the first. */
static void begin_charts(struct html *h, const struct plot *first)
{
    begin_section(h, "charts", phrases_in(h->d->lang, "Charts"));
    h->has_charts = true;
    put_line(h, "warning", first->warning);
    put_line(h, "remark", first->caption);
    put_line(h, "remark", "A ! marks a cell that is not VALID; \"Left out\" says why.");
}

static void put_left_out(struct html *h, const struct plot *plot)
{
    if (plot->left_out == 0)
        return;
    buf_text(h->out, "<p class=\"remark\">");
    put_text(h->out,
             arena_text(h->d->arena,
                        phrases_in(h->d->lang, "the first %zu cells; %zu more are "
                                               "in the table of rows alone"),
                        plot->panel_count, plot->left_out));
    buf_text(h->out, "</p>\n");
}

static void put_chart(struct html *h, const struct document_block *b)
{
    if (!h->has_charts)
        begin_charts(h, b->plot);
    buf_printf(h->out, "<figure class=\"chart\" data-chart=\"%d\">\n<figcaption>",
               h->charts++);
    put_text(h->out, b->text);
    buf_text(h->out, "</figcaption>\n<noscript>");
    put_phrase(h, "The charts need JavaScript; their numbers stand in the tables.");
    buf_text(h->out, "</noscript>\n");
    if (b->plot->kind != PLOT_BARS || b->plot->has_grey_legend)
        put_line(h, "remark", b->plot->remark); /* else the same for all: above */
    put_left_out(h, b->plot);
    buf_text(h->out, "</figure>\n");
}

static void put_rows(struct html *h, const struct document_block *b)
{
    begin_section(h, "rows", b->text);
    buf_text(h->out, "<div id=\"rows\"><noscript>");
    put_phrase(h, "The table of rows needs JavaScript; all rows stand in the results.");
    buf_text(h->out, "</noscript></div>\n");
}

static void end_other_list(struct html *h, enum document_kind next)
{
    if (next != DOCUMENT_CLAIM && next != DOCUMENT_ITEM)
        end_list(h);
}

static void put_block_table(struct html *h, const struct document_block *b)
{
    bool is_of_page = b->kind == DOCUMENT_PAGE_TABLE;
    if (is_of_page)
        begin_section(h, "part", b->text);
    put_table(h, b->table, is_of_page);
}

static void put_block(struct html *h, const struct document_block *b)
{
    end_other_list(h, b->kind);
    switch (b->kind) {
    case DOCUMENT_HEADING: begin_section(h, "part", b->text); break;
    case DOCUMENT_SUBHEADING: put_element(h->out, "h3", b->text); break;
    case DOCUMENT_CLAIM:
    case DOCUMENT_ITEM: put_item(h, b); break;
    case DOCUMENT_PARAGRAPH: put_element(h->out, "p", b->text); break;
    case DOCUMENT_PAGE_TABLE:
    case DOCUMENT_TABLE: put_block_table(h, b); break;
    case DOCUMENT_CHART: put_chart(h, b); break;
    case DOCUMENT_ROWS: put_rows(h, b); break;
    case DOCUMENT_PLOT: break; /* the charts show more */
    }
}

void render_html(const struct document *d, struct buf *out)
{
    struct html h = {.out = out, .d = d};
    struct str script = script_text();
    put_head(&h);
    begin_section(&h, "answer", phrases_in(d->lang, "The answer"));
    for (const struct document_block *b = d->blocks; b != NULL; b = b->next)
        put_block(&h, b);
    end_section(&h);
    buf_text(out, "</main>\n<div id=\"tip\" role=\"status\" hidden></div>\n"
                  "<script type=\"application/json\" id=\"data\">");
    page_data_put(d, out);
    buf_text(out, "</script>\n<script>");
    buf_append(out, script.ptr, script.len);
    buf_text(out, "</script>\n</body>\n</html>\n");
}
