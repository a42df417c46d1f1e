#include "store/results_scan.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "core/run_data.h"
#include "text/encoding.h"
#include "text/json.h"

/* What stands at the top of a file, to tell what it is. */
struct top {
    bool has_results, has_summary, has_environment, has_type;
};

struct reader {
    struct jsonr json;
    struct scanned_file *file;
    const struct results_visitor *visitor;
    struct jsonr_object members;
};

static void read_row(struct reader *r)
{
    struct jsonr *j = &r->json;
    struct scanned_row row = {.index = r->file->row_count};
    if (jsonr_kind(j) != JSONR_OBJECT) {
        (void)jsonr_fail(j, "row %zu is not an object", row.index);
        return;
    }
    if (r->visitor->row == NULL) {
        (void)jsonr_value(j);
        r->file->row_count++;
        return;
    }
    const char *from = j->at;
    char what[32];
    (void)snprintf(what, sizeof what, "row %zu", row.index);
    j->has_nonfinite = false;
    jsonr_object_read(j, what, &r->members);
    if (j->failed != STATUS_OK)
        return;
    row.members = r->members;
    row.text = (struct str){.ptr = from, .len = (size_t)(j->at - from)};
    row.has_nonfinite = j->has_nonfinite;
    r->file->row_count++;
    jsonr_stop(j, r->visitor->row(r->visitor->arg, &row, j->e));
}

static void read_rows(struct reader *r)
{
    jsonr_enter(&r->json, '[');
    while (jsonr_item(&r->json))
        read_row(r);
}

static void read_member(struct reader *r, struct str key, struct top *top)
{
    if (str_is(key, "results")) {
        if (top->has_results)
            (void)jsonr_fail(&r->json, "\"results\" appears twice");
        top->has_results = true;
        read_rows(r);
        return;
    }
    struct jsonr_value value = jsonr_value(&r->json);
    if (str_is(key, "metadata") && value.kind == JSONR_OBJECT)
        r->file->metadata = value.text;
    top->has_summary = top->has_summary || str_is(key, "summary");
    top->has_environment = top->has_environment || str_is(key, "python_packages") ||
                           str_is(key, "benchmark_config");
    top->has_type = top->has_type || str_is(key, "type");
}

static void read_members(struct reader *r, struct top *top)
{
    struct str key;
    jsonr_enter(&r->json, '{');
    while (jsonr_member(&r->json, &key))
        read_member(r, key, top);
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

static enum status read_top(struct reader *r, struct err *e)
{
    struct jsonr *j = &r->json;
    struct top top = {0};
    bool is_list = jsonr_kind(j) == JSONR_LIST;
    if (j->at == j->end)
        return status_fail(e, STATUS_BAD_INPUT, r->file->path, "is empty");
    if (is_list)
        read_rows(r);
    else
        read_members(r, &top);
    bool is_other = !is_list && r->visitor->row != NULL && !top.has_results;
    if (j->failed == STATUS_OK && is_other && top.has_type)
        return fail_kind(r, &top, e);
    enum status st = jsonr_end(j);
    if (st == STATUS_OK && is_other)
        return fail_kind(r, &top, e);
    if (st == STATUS_BAD_INPUT && j->at >= j->end)
        return status_hint(e, "The file is cut short: copy it again, or rebuild it with "
                              "inferbench recover RAW_FOLDER");
    return st;
}

static enum status read_format(struct scanned_file *f, struct err *e)
{
    struct jsonr j;
    struct str key;
    if (f->metadata.len == 0)
        return STATUS_OK;
    jsonr_init(&j, f->metadata, f->path, e);
    jsonr_enter(&j, '{');
    while (jsonr_member(&j, &key)) {
        struct jsonr_value value = jsonr_value(&j);
        if (str_is(key, "format"))
            (void)str_to_i64(value.text, &f->format);
    }
    if (f->format <= RECORD_FORMAT)
        return STATUS_OK;
    (void)status_fail(e, STATUS_BAD_INPUT, f->path, "has format %lld, newer than %d",
                      (long long)f->format, RECORD_FORMAT);
    return status_hint(e, "Read it with a newer inferbench");
}

static enum status hash_text(struct scanned_file *f, struct err *e)
{
    struct str text = buf_str(&f->text);
    enum status st = digest_text(text, f->sha256);
    return st == STATUS_OK ? st : status_fail(e, st, f->path, "SHA-256 is not available");
}

static enum status read_text(struct scanned_file *f,
                             const struct results_visitor *visitor, struct err *e)
{
    struct str text = buf_str(&f->text);
    struct reader r = {.file = f, .visitor = visitor};
    jsonr_init(&r.json, text, f->path, e);
    enum status st = read_top(&r, e);
    jsonr_object_fini(&r.members);
    return st == STATUS_NO_MEMORY ? status_no_memory(e, f->path) : st;
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
    if (st == STATUS_BAD_INPUT &&
        encoding_check_start(buf_str(&out->text), path, e) != STATUS_OK)
        st = e->code; /* of no JSON, this is the cause */
    if (st == STATUS_OK && visitor->row != NULL)
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

bool results_scan_is_unknown(const struct jsonr_pair *m)
{
    return m == NULL || m->value.kind != JSONR_STRING || str_is(m->value.text, "\"\"") ||
           str_is(m->value.text, "\"unknown\"");
}

/* --- what it says of itself */

static enum status read_metadata(const struct scanned_file *file, struct arena *a,
                                 struct results_head *head, struct err *e)
{
    json_t *metadata = NULL;
    if (file->metadata.len == 0)
        return STATUS_OK;
    enum status st = json_from_text(file->metadata, file->path, &metadata, e);
    const char *run_id = json_str_of(metadata, "run_id");
    head->run_id = arena_strdup(a, run_id);
    head->is_complete = json_bool_of(metadata, "complete", true);
    if (run_id != NULL && head->run_id == NULL)
        st = status_no_memory(e, file->path);
    json_decref(metadata);
    return st;
}

enum status results_scan_head(const char *path, struct arena *a, struct results_head *out,
                              struct err *e)
{
    static const struct results_visitor none = {.needs_no_digest = true};
    struct scanned_file file;
    enum status st = results_scan_file(path, &none, &file, e);
    if (st != STATUS_OK)
        return st;
    struct results_head head = {.is_complete = true, .row_count = file.row_count};
    st = read_metadata(&file, a, &head, e);
    results_scan_fini(&file);
    if (st == STATUS_OK)
        *out = head;
    return st;
}

enum status results_scan_check(const char *path, const char *run_id, struct arena *a,
                               struct err *e)
{
    struct results_head head;
    struct err broken;
    if (!file_exists(path))
        return STATUS_OK;
    enum status st = results_scan_head(path, a, &head, &broken);
    if (st == STATUS_NO_MEMORY)
        *e = broken;
    if (st != STATUS_OK)
        return st == STATUS_NO_MEMORY ? st : STATUS_OK;
    if (head.run_id != NULL && run_id != NULL && strcmp(head.run_id, run_id) == 0)
        return STATUS_OK;
    status_fail(e, STATUS_BAD_OPTION, path, "belongs to another run, %.64s, not to %.64s",
                head.run_id != NULL ? head.run_id : "without an id",
                run_id != NULL ? run_id : "this one");
    return status_hint(e, "Choose another --output-dir, or move that file away");
}
