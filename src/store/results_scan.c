#include "store/results_scan.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "core/run_data.h"

/* What stands at the top of a file, to tell what it is. */
struct top {
    bool has_results, has_summary, has_environment, has_type;
};

struct reader {
    struct scan scan;
    struct scanned_file *file;
    const struct results_visitor *visitor;
    struct scanned_member members[RESULTS_SCAN_FIELDS_MAX];
};

static enum status read_row(struct reader *r, struct err *e)
{
    struct scan *s = &r->scan;
    struct scan_level level;
    struct scanned_row row = {.members = r->members, .index = r->file->row_count};
    if (scan_peek(s) != '{')
        return scan_fail(s, e, "row %zu is not an object", r->file->row_count);
    const char *from = s->at;
    s->has_nonfinite = false;
    enum status st = scan_enter(s, '{', &level, e);
    for (bool has = true; st == STATUS_OK;) {
        struct scanned_member *m = &r->members[row.count];
        if (row.count == RESULTS_SCAN_FIELDS_MAX)
            return scan_fail(s, e, "row %zu has more than %d fields", r->file->row_count,
                             RESULTS_SCAN_FIELDS_MAX - 1);
        st = scan_key(s, &level, &m->key, &has, e);
        if (st != STATUS_OK || !has)
            break;
        st = scan_value(s, &m->value, e);
        row.count++;
    }
    if (st != STATUS_OK)
        return st;
    row.text = (struct str){.ptr = from, .len = (size_t)(s->at - from)};
    row.has_nonfinite = s->has_nonfinite;
    r->file->row_count++;
    return r->visitor->row(r->visitor->arg, &row, e);
}

static enum status read_rows(struct reader *r, struct err *e)
{
    struct scan_level level;
    enum status st = scan_enter(&r->scan, '[', &level, e);
    for (bool has = true; st == STATUS_OK;) {
        st = scan_item(&r->scan, &level, &has, e);
        if (st != STATUS_OK || !has)
            break;
        st = read_row(r, e);
    }
    return st;
}

static enum status read_member(struct reader *r, struct str key, struct top *top,
                               struct err *e)
{
    struct scan_value value;
    if (str_is(key, "results")) {
        if (top->has_results)
            return scan_fail(&r->scan, e, "\"results\" stands there twice");
        top->has_results = true;
        return read_rows(r, e);
    }
    enum status st = scan_value(&r->scan, &value, e);
    if (st != STATUS_OK)
        return st;
    if (str_is(key, "metadata") && value.kind == SCAN_OBJECT)
        r->file->metadata = value.text;
    top->has_summary = top->has_summary || str_is(key, "summary");
    top->has_environment = top->has_environment || str_is(key, "python_packages") ||
                           str_is(key, "benchmark_config");
    top->has_type = top->has_type || str_is(key, "type");
    return STATUS_OK;
}

static enum status fail_kind(const struct reader *r, const struct top *top, struct err *e)
{
    const char *path = r->file->path;
    if (top->has_summary || top->has_environment)
        return status_fail(e, STATUS_UNSUPPORTED, path, "is %s, not results",
                           top->has_summary ? "a summary" : "an environment file");
    if (top->has_type)
        status_fail(e, STATUS_BAD_INPUT, path, "is a journal, not a results file");
    else
        status_fail(e, STATUS_BAD_INPUT, path, "has no \"results\"");
    return status_hint(e, top->has_type ? "inferbench recover makes a results file of it"
                                        : "Give a file like offline_results_....json");
}

/* The members of the file's one object. */
static enum status read_members(struct reader *r, struct top *top, struct err *e)
{
    struct scan_level level;
    enum status st = scan_enter(&r->scan, '{', &level, e);
    for (bool has = true; st == STATUS_OK;) {
        struct str key;
        st = scan_key(&r->scan, &level, &key, &has, e);
        if (st != STATUS_OK || !has)
            break;
        st = read_member(r, key, top, e);
    }
    return st;
}

static enum status read_top(struct reader *r, struct err *e)
{
    struct scan *s = &r->scan;
    struct top top = {0};
    if (scan_peek(s) == '[') {
        enum status st = read_rows(r, e);
        return st == STATUS_OK ? scan_finish(s, e) : st;
    }
    if (s->at == s->end)
        return status_fail(e, STATUS_BAD_INPUT, r->file->path, "is empty");
    enum status st = read_members(r, &top, e);
    if (st == STATUS_OK && top.has_type && !top.has_results)
        return fail_kind(r, &top, e);
    if (st == STATUS_OK)
        st = scan_finish(s, e);
    if (st == STATUS_OK && !top.has_results)
        st = fail_kind(r, &top, e);
    return st;
}

static enum status read_format(struct scanned_file *f, struct err *e)
{
    if (f->metadata.len == 0)
        return STATUS_OK;
    struct scan s;
    struct scan_level level;
    scan_init(&s, f->metadata, f->path);
    enum status st = scan_enter(&s, '{', &level, e);
    for (bool has = true; st == STATUS_OK;) {
        struct str key;
        struct scan_value value;
        st = scan_key(&s, &level, &key, &has, e);
        if (st != STATUS_OK || !has)
            break;
        st = scan_value(&s, &value, e);
        if (st == STATUS_OK && str_is(key, "format"))
            (void)str_to_i64(value.text, &f->format);
    }
    if (st != STATUS_OK || f->format <= RECORD_FORMAT)
        return st;
    (void)status_fail(e, STATUS_BAD_INPUT, f->path, "is of format %lld, newer than %d",
                      (long long)f->format, RECORD_FORMAT);
    return status_hint(e, "Read it with a newer inferbench");
}

static enum status hash_text(struct scanned_file *f, struct err *e)
{
    struct digest d;
    enum status st = digest_init(&d);
    if (st != STATUS_OK)
        return status_fail(e, st, f->path, "SHA-256 is not available");
    digest_add(&d, buf_cstr(&f->text), f->text.len);
    digest_hex(&d, f->sha256);
    return STATUS_OK;
}

static enum status read_text(struct scanned_file *f,
                             const struct results_visitor *visitor, struct err *e)
{
    struct str text = {.ptr = buf_cstr(&f->text), .len = f->text.len};
    struct reader *r = mem_alloc(1, sizeof *r);
    if (r == NULL)
        return status_fail(e, STATUS_NO_MEMORY, f->path, "no memory to read it");
    r->file = f;
    r->visitor = visitor;
    scan_init(&r->scan, text, f->path);
    enum status st = read_top(r, e);
    mem_free(r);
    return st;
}

enum status results_scan_file(const char *path, const struct results_visitor *visitor,
                              struct scanned_file *out, struct err *e)
{
    *out = (struct scanned_file){.path = path};
    buf_init(&out->text, RESULTS_SCAN_MAX_BYTES);
    if (file_is_dir(path))
        return status_fail(e, STATUS_BAD_INPUT, path, "is a folder");
    enum status st = file_read(path, &out->text, e);
    if (st == STATUS_OK)
        st = read_text(out, visitor, e);
    if (st == STATUS_OK)
        st = read_format(out, e);
    if (st == STATUS_OK && !visitor->needs_no_digest)
        st = hash_text(out, e);
    if (st != STATUS_OK)
        results_scan_fini(out);
    return st;
}

void results_scan_fini(struct scanned_file *f)
{
    buf_fini(&f->text);
}

const struct scanned_member *results_scan_find(const struct scanned_row *row,
                                               const char *key)
{
    for (size_t i = 0; i < row->count; i++)
        if (str_is(row->members[i].key, key))
            return &row->members[i];
    return NULL;
}

bool results_scan_is_unknown(const struct scanned_member *m)
{
    return m == NULL || m->value.kind != SCAN_STRING || str_is(m->value.text, "\"\"") ||
           str_is(m->value.text, "\"unknown\"");
}
