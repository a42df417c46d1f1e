#include "report/page_data.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/visible.h"
#include "report/phrases.h"
#include "report/style.h"
#include "store/findings.h"
#include "text/jsonw.h"

#define DIGITS       7
#define VALUES_BYTES ((size_t)64 << 20)

/* What is being written, and a room for one value. */
struct page {
    struct jsonw w;
    struct arena *arena;
    struct buf value;
};

static void put_text(struct page *p, const char *key, const char *text)
{
    jsonw_str(&p->w, key, visible_text(text, false, p->arena));
}

static void put_number(struct page *p, const char *key, double value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.*g", DIGITS, value);
    jsonw_raw(&p->w, key, isfinite(value) ? text : "null");
}

/* --- charts --- */

static void put_point(struct page *p, const struct plot_point *point)
{
    jsonw_array(&p->w, NULL);
    put_number(p, NULL, point->x);
    put_number(p, NULL, point->mean);
    put_number(p, NULL, point->low);
    put_number(p, NULL, point->high);
    if (point->note != NULL)
        put_text(p, NULL, point->note);
    jsonw_array_end(&p->w);
}

static void put_series(struct page *p, const struct plot_series *s)
{
    jsonw_object(&p->w, NULL);
    put_text(p, "name", s->name);
    jsonw_int(&p->w, "colour", s->colour);
    jsonw_bool(&p->w, "light", s->is_light);
    jsonw_int(&p->w, "variant", s->variant);
    jsonw_array(&p->w, "points");
    for (size_t i = 0; i < s->count; i++)
        put_point(p, &s->points[i]);
    jsonw_array_end(&p->w);
    jsonw_object_end(&p->w);
}

static void put_panel(struct page *p, const struct plot_panel *panel)
{
    jsonw_object(&p->w, NULL);
    put_text(p, "title", panel->title);
    jsonw_array(&p->w, "ticks");
    for (size_t i = 0; i < panel->tick_count; i++)
        put_text(p, NULL, panel->ticks[i]);
    jsonw_array_end(&p->w);
    jsonw_array(&p->w, "series");
    for (size_t i = 0; i < panel->series_count; i++)
        if (panel->series[i].count > 0)
            put_series(p, &panel->series[i]);
    jsonw_array_end(&p->w);
    jsonw_object_end(&p->w);
}

static void put_chart(struct page *p, const struct plot *plot)
{
    static const char *const kinds[] = {"bars", "lines", "points", "ratios", "shares"};
    jsonw_object(&p->w, NULL);
    jsonw_str(&p->w, "kind", kinds[plot->kind]);
    jsonw_str(&p->w, "name", plot->stem);
    put_text(p, "x", plot->x_label);
    put_text(p, "y", plot->y_label);
    jsonw_array(&p->w, "panels");
    for (size_t i = 0; i < plot->panel_count; i++)
        put_panel(p, &plot->panels[i]);
    jsonw_array_end(&p->w);
    jsonw_object_end(&p->w);
}

/* --- rows --- */

/* The value as JSON in p->value; "null" where it is unknown. */
static void write_value(struct page *p, struct value v)
{
    struct jsonw w;
    char text[32];
    buf_clear(&p->value);
    jsonw_init(&w, &p->value, 0);
    switch (v.kind) {
    case VALUE_STR: jsonw_str(&w, NULL, visible_text(v.s, false, p->arena)); break;
    case VALUE_JSON: jsonw_raw(&w, NULL, v.s); break;
    case VALUE_FINDINGS: findings_write_codes(&w, NULL, v.findings); break;
    case VALUE_NUM:
        (void)snprintf(text, sizeof text, "%.*g", DIGITS, v.n);
        jsonw_raw(&w, NULL, text);
        break;
    case VALUE_ABSENT: jsonw_null(&w, NULL); break;
    default: findings_write_value(&w, NULL, v);
    }
}

/* A column's values, of any kind, as JSON texts. */
struct column {
    const char **values; /* [count] */
    size_t count;
    const char **texts; /* [text_count] those that differ */
    size_t *at;         /* [count] in texts */
    size_t text_count;
    size_t bytes; /* of all values */
};

#define SLOTS(count) (2 * (count) + 1)

/* Numbers equal values alike. False: no memory. */
static bool number_texts(struct column *c, struct arena *a)
{
    size_t *slots = arena_alloc(a, SLOTS(c->count), sizeof *slots); /* + 1; 0: free */
    c->texts = arena_alloc(a, c->count, sizeof(const char *));
    c->at = arena_alloc(a, c->count, sizeof *c->at);
    if (a->has_failed)
        return false;
    for (size_t i = 0; i < c->count; i++) {
        size_t slot = 5381;
        for (const char *s = c->values[i]; *s != '\0'; s++)
            slot = slot * 33 + (unsigned char)*s;
        for (slot %= SLOTS(c->count);
             slots[slot] != 0 && strcmp(c->texts[slots[slot] - 1], c->values[i]) != 0;)
            slot = (slot + 1) % SLOTS(c->count);
        if (slots[slot] == 0) {
            c->texts[c->text_count++] = c->values[i];
            slots[slot] = c->text_count;
        }
        c->at[i] = slots[slot] - 1;
        c->bytes += strlen(c->values[i]) + 1;
    }
    return true;
}

static void put_list(struct page *p, const char *key, const char *const *items,
                     size_t count)
{
    jsonw_array(&p->w, key);
    for (size_t i = 0; i < count; i++)
        jsonw_raw(&p->w, NULL, items[i]);
    jsonw_array_end(&p->w);
}

/* Whichever way takes less room. */
static void put_values(struct page *p, const struct column *c)
{
    size_t bytes = 0, digits = c->text_count <= 10 ? 2 : c->text_count <= 100 ? 3 : 4;
    for (size_t i = 0; i < c->text_count; i++)
        bytes += strlen(c->texts[i]) + 1;
    if (c->text_count == 1) {
        jsonw_raw(&p->w, "one", c->texts[0]);
    } else if (bytes + digits * c->count < c->bytes) {
        put_list(p, "texts", c->texts, c->text_count);
        jsonw_array(&p->w, "at");
        for (size_t i = 0; i < c->count; i++)
            jsonw_int(&p->w, NULL, (int64_t)c->at[i]);
        jsonw_array_end(&p->w);
    } else {
        put_list(p, "all", c->values, c->count);
    }
}

static void put_column(struct page *p, const struct field *f, struct column *c)
{
    if (!number_texts(c, p->arena) ||
        (c->text_count == 1 && strcmp(c->texts[0], "null") == 0))
        return;
    jsonw_object(&p->w, NULL);
    jsonw_str(&p->w, "name", f->name);
    if (*f->unit != '\0')
        jsonw_str(&p->w, "unit", f->unit);
    jsonw_str(&p->w, "help", f->help);
    put_values(p, c);
    jsonw_object_end(&p->w);
}

/* A field of all rows. */
static void put_field(struct page *p, const struct analysis_rows *rows, enum field_id id)
{
    struct column c = {.count = rows->count};
    c.values = arena_alloc(p->arena, rows->count, sizeof(const char *));
    for (size_t i = 0; c.values != NULL && i < rows->count; i++) {
        write_value(p, rows->items[i].row->v[id]);
        c.values[i] = arena_text(p->arena, "%s", buf_cstr(&p->value));
    }
    if (!p->arena->has_failed)
        put_column(p, &field_table[id], &c);
}

/* They are long; charts show all but the first. */
static bool is_left_out(enum field_id id)
{
    return id == FIELD_checks || id == FIELD_distributions || id == FIELD_timeline ||
           id == FIELD_kv_usage;
}

static void put_rows(struct page *p, const struct analysis_rows *rows)
{
    jsonw_object(&p->w, "rows");
    jsonw_int(&p->w, "count", (int64_t)rows->count);
    jsonw_array(&p->w, "columns");
    for (int id = 0; id < FIELD_COUNT && rows->count > 0; id++)
        if (!is_left_out((enum field_id)id))
            put_field(p, rows, (enum field_id)id);
    jsonw_array_end(&p->w);
    jsonw_object_end(&p->w);
}

/* --- all --- */

static void put_palette(struct page *p)
{
    jsonw_array(&p->w, "palette");
    for (int i = 0; style_lap(i) == 0; i++)
        jsonw_str(&p->w, NULL, style_shade(i, false));
    jsonw_array_end(&p->w);
}

static void put_words(struct page *p, const char *lang)
{
    jsonw_object(&p->w, "words");
    for (size_t i = 0; phrases_at(i) != NULL; i++) {
        const char *en = phrases_at(i)->en, *text = phrases_in(lang, en);
        if (text != en)
            jsonw_str(&p->w, en, text);
    }
    jsonw_object_end(&p->w);
}

static void put_blocks(struct page *p, const struct document *d)
{
    const struct analysis_rows *rows = NULL;
    jsonw_object(&p->w, NULL);
    put_palette(p);
    if (d->lang != NULL)
        put_words(p, d->lang);
    jsonw_array(&p->w, "charts");
    for (const struct document_block *b = d->blocks; b != NULL; b = b->next) {
        if (b->kind == DOCUMENT_CHART)
            put_chart(p, b->plot);
        if (b->kind == DOCUMENT_ROWS)
            rows = b->rows;
    }
    jsonw_array_end(&p->w);
    if (rows != NULL)
        put_rows(p, rows);
    jsonw_object_end(&p->w);
}

void page_data_put(const struct document *d, struct buf *out)
{
    struct buf json;
    struct page p = {.arena = d->arena};
    buf_init(&json, VALUES_BYTES);
    buf_init(&p.value, VALUES_BYTES);
    jsonw_init(&p.w, &json, 0);
    put_blocks(&p, d);
    for (const char *at = buf_cstr(&json); *at != '\0';) {
        size_t len = strcspn(at, "<");
        buf_append(out, at, len);
        buf_text(out, at[len] == '<' ? "\\u003c" : "");
        at += len + (at[len] == '<');
    }
    if (json.failed != STATUS_OK || p.value.failed != STATUS_OK)
        out->failed = STATUS_NO_MEMORY;
    buf_fini(&p.value);
    buf_fini(&json);
}
