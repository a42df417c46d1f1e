#include "store/merge_row.h"

#include <string.h>

#include "text/jsonw.h"

static enum status identify(const struct scanned_row *row, const char *given,
                            struct decode *d, struct row_set_key *out)
{
    struct row decoded;
    bool is_published = false;
    struct err e = {.code = STATUS_OK};
    enum status st = STATUS_OK;
    d->instance_type = given;
    if (row_set_is_published(row))
        st = decode_row(d, row, &decoded, &is_published, &e);
    if (st == STATUS_NO_MEMORY)
        return st;
    *out = row_set_identity(row, is_published && st == STATUS_OK ? &decoded : NULL,
                            given);
    return STATUS_OK;
}

enum status merge_row_note(const struct scanned_file *file, const struct scanned_row *row,
                           const char *instance_type, struct decode *d,
                           struct merge_row *out)
{
    const struct jsonr_pair *type = jsonr_object_find(&row->members, "instance_type");
    const struct jsonr_pair *error = jsonr_object_find(&row->members, "error");
    bool is_unknown = results_scan_is_unknown(type);
    const char *given = is_unknown ? instance_type : NULL;
    *out = (struct merge_row){
        .offset = (size_t)(row->text.ptr - buf_cstr(&file->text)),
        .len = row->text.len,
        .content = row_set_content(row, given).high,
        .is_renamed = given != NULL,
        .is_failed = error != NULL && error->value.kind != JSONR_NULL,
        .has_nonfinite = row->has_nonfinite,
    };
    if (identify(row, given, d, &out->identity) != STATUS_OK)
        return STATUS_NO_MEMORY;
    if (is_unknown)
        return STATUS_OK;
    struct str text = type->value.text;
    out->type = (struct str){.ptr = text.ptr + 1, .len = text.len - 2};
    out->is_refused = instance_type != NULL && !str_is(out->type, instance_type);
    return STATUS_OK;
}

static void put_member(const char *key, const char *value, bool *is_first,
                       struct buf *out)
{
    struct jsonw w;
    buf_text(out, *is_first ? "\n      " : ",\n      ");
    *is_first = false;
    jsonw_init(&w, out, 0);
    jsonw_str(&w, NULL, key);
    buf_text(out, ": ");
    jsonw_init(&w, out, 0);
    jsonw_str(&w, NULL, value);
}

/* Member by member; the row was checked when it was first read. */
static enum status write_renamed(struct str text, const char *instance_type,
                                 struct buf *out)
{
    struct jsonr r;
    struct jsonr_pair m;
    bool is_first = true, has_type = false;
    jsonr_init(&r, text, "row", NULL);
    jsonr_enter(&r, '{');
    buf_char(out, '{');
    while (jsonr_member(&r, &m.key)) {
        m.value = jsonr_value(&r);
        bool is_type = str_is(m.key, "instance_type"), is_label = str_is(m.key, "label");
        has_type = has_type || is_type;
        if ((is_type || is_label) && results_scan_is_unknown(&m)) {
            put_member(is_label ? "label" : "instance_type", instance_type, &is_first,
                       out);
            continue;
        }
        buf_text(out, is_first ? "\n      \"" : ",\n      \"");
        is_first = false;
        buf_append(out, m.key.ptr, m.key.len);
        buf_text(out, "\": ");
        (void)jsonw_copy(out, m.value.text, 3);
    }
    if (!has_type)
        put_member("instance_type", instance_type, &is_first, out);
    buf_text(out, "\n    }");
    return r.failed == STATUS_OK ? out->failed : r.failed;
}

enum status merge_row_write(struct str text, const struct merge_row *row,
                            const char *instance_type, struct buf *out)
{
    static const char head[] = "{\n      \"", tail[] = "\n    }";
    if (row->is_renamed)
        return write_renamed(text, instance_type, out);
    bool is_laid_out = str_starts(text, head) && text.len > sizeof head + sizeof tail &&
                       memcmp(text.ptr + text.len - (sizeof tail - 1), tail,
                              sizeof tail - 1) == 0;
    if (is_laid_out && !row->has_nonfinite)
        return buf_append(out, text.ptr, text.len);
    return jsonw_copy(out, text, 2);
}
