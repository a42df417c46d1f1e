#include "track/pulled.h"

#include <stdlib.h>
#include <string.h>

#include "store/decode.h"
#include "store/merge_row.h"
#include "text/jsonr.h"

#define PUBLISHED "published/"

enum status pulled_split(struct pulled *p, struct arena *a)
{
    struct str group = str_from(p->unique);
    const char *slash = strrchr(p->unique, '/');
    p->row = -1;
    if (slash != NULL && !str_starts(group, PUBLISHED) &&
        str_to_i64(str_from(slash + 1), &p->row))
        group.len = (size_t)(slash - p->unique);
    p->group = arena_str(a, group);
    return p->group != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Within a group by row; the last resorts make the order one of a kind. */
static int by_row(const void *left, const void *right)
{
    const struct pulled *a = left, *b = right;
    int order = strcmp(a->group, b->group);
    if (order == 0)
        order = compare(a->row, b->row);
    if (order == 0)
        order = compare(a->start_ms, b->start_ms);
    return order != 0 ? order : strcmp(a->id, b->id);
}

static int by_start(const void *left, const void *right)
{
    const struct pulled *a = left, *b = right;
    int order = compare(a->group_ms, b->group_ms);
    if (order == 0)
        order = (a->row < 0) - (b->row < 0);
    if (order == 0 && a->row < 0)
        order = strcmp(a->stamp, b->stamp);
    return order != 0 ? order : by_row(left, right);
}

void pulled_sort(struct pulled *rows, size_t count)
{
    if (count == 0)
        return;
    qsort(rows, count, sizeof *rows, by_row);
    for (size_t from = 0, to; from < count; from = to) {
        int64_t first = rows[from].start_ms;
        for (to = from; to < count && strcmp(rows[to].group, rows[from].group) == 0; to++)
            if (rows[to].start_ms < first)
                first = rows[to].start_ms;
        for (size_t i = from; i < to; i++)
            rows[i].group_ms = first;
    }
    qsort(rows, count, sizeof *rows, by_start);
}

/* What stands in a row that tells whether it is the right one. */
struct identity {
    struct jsonr_value run_id, row;
    size_t fields;
};

static enum status scan_row(struct pulled *p, struct jsonr *r, struct identity *id)
{
    struct str key;
    if (jsonr_kind(r) != JSONR_OBJECT)
        return jsonr_fail(r, "is not a row");
    jsonr_enter(r, '{');
    for (; jsonr_member(r, &key); id->fields++) {
        struct jsonr_value value = jsonr_value(r);
        if (str_is(key, "run_id"))
            id->run_id = value;
        else if (str_is(key, "row"))
            id->row = value;
        else if (str_is(key, "error"))
            p->is_failed = value.kind != JSONR_NULL;
    }
    return jsonr_end(r);
}

enum status pulled_check(struct pulled *p, const char *name, struct arena *a,
                         struct err *e)
{
    struct identity id = {.run_id = {.kind = JSONR_NULL}, .row = {.kind = JSONR_NULL}};
    struct jsonr r;
    int64_t row = -1;
    jsonr_init(&r, p->text, name, e);
    if (scan_row(p, &r, &id) != STATUS_OK)
        return r.failed;
    p->has_nonfinite = r.has_nonfinite;
    if (id.fields > JSONR_OBJECT_MAX)
        return jsonr_fail(&r, "has more than %d members", JSONR_OBJECT_MAX);
    if (p->row < 0)
        return STATUS_OK;
    const char *run_id = jsonr_text(id.run_id, a);
    bool has_row = coerce_row_number(id.row, &row);
    if (run_id != NULL && strcmp(run_id, p->group) == 0 && has_row && row == p->row)
        return STATUS_OK;
    return status_fail(e, STATUS_BAD_INPUT, name,
                       "is not the row named by the run's tag, %.60s", p->unique);
}

void pulled_put_sources(const struct pulled *rows, size_t count, const char *file,
                        struct jsonw *w)
{
    const char *last = "";
    jsonw_array(w, "sources");
    for (size_t i = 0; i < count; i++) {
        const struct pulled *p = &rows[i];
        if (p->row < 0 || p->text.len == 0 || strcmp(p->group, last) == 0)
            continue;
        last = p->group;
        jsonw_object(w, NULL);
        jsonw_str(w, "file", file);
        jsonw_null(w, "sha256");
        jsonw_object(w, "metadata");
        jsonw_str(w, "run_id", p->group);
        if (p->env != NULL)
            jsonw_raw(w, "env", p->env);
        jsonw_object_end(w);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
}

enum status pulled_put_rows(const struct pulled *rows, size_t count, struct jsonw *w)
{
    const char *comma = "\n    ";
    jsonw_array(w, "results");
    for (size_t i = 0; i < count; i++) {
        const struct pulled *p = &rows[i];
        if (p->text.len == 0)
            continue;
        const struct merge_row row = {.has_nonfinite = p->has_nonfinite};
        buf_text(w->out, comma);
        enum status s = merge_row_write(p->text, &row, NULL, w->out);
        if (s != STATUS_OK)
            return s;
        comma = ",\n    ";
    }
    buf_text(w->out, "\n  ");
    jsonw_array_end(w);
    return w->out->failed;
}
