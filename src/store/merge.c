#include "store/merge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "core/run_data.h"
#include "store/results_scan.h"
#include "store/merge_row.h"
#include "store/row_set.h"
#include "text/json.h"
#include "text/jsonw.h"

/* Files are kept in memory between the two passes up to so many bytes in all; larger
 * inputs are read twice, and must then be the same. */
#define KEEP_BYTES  ((size_t)512 << 20)
#define CHUNK_BYTES ((size_t)4 << 20)
/* Merged files may be merged again, and each time their metadata stand three levels
 * deeper: those of the twelfth time are left out, so that the file can be read. */
#define METADATA_MAX_DEPTH 40

/* One input between the passes. */
struct source {
    const struct input *input;
    struct scanned_file file; /* text empty if it was not kept */
    bool is_kept;
    char *metadata;         /* copy in the arena; NULL if the file has none */
    struct merge_row *rows; /* [row_count] rows to be written */
    size_t row_count, row_room;
};

struct merger {
    const struct merge_options *options;
    struct arena *arena;
    struct merge_result *result;
    struct source *sources; /* [source_count] readable inputs */
    size_t source_count;
    struct source *now; /* being read */
    struct decode *decode;
    struct row_set seen;
    size_t kept_bytes;
    size_t machine_room;
};

/* Visitor of the first pass: notes the row, judges nothing: the file may yet prove
 * broken. */
static enum status note_row(void *arg, const struct scanned_row *row, struct err *e)
{
    struct merger *m = arg;
    struct source *s = m->now;
    if (!mem_grow(&s->rows, s->row_count, &s->row_room, sizeof *s->rows) ||
        merge_row_note(&s->file, row, s->input->instance_type, m->decode,
                       &s->rows[s->row_count++]) != STATUS_OK)
        return status_no_memory(e, s->input->path);
    return STATUS_OK;
}

static enum status count_machine(struct merger *m, struct str type, struct err *e)
{
    struct merge_result *r = m->result;
    for (size_t i = r->machine_count; i > 0; i--)
        if (str_is(type, r->machines[i - 1].instance_type)) {
            r->machines[i - 1].rows++;
            return STATUS_OK;
        }
    const char *name = arena_str(m->arena, type);
    if (name == NULL || !arena_grow(m->arena, &r->machines, r->machine_count,
                                    &m->machine_room, sizeof *r->machines))
        return status_no_memory(e, m->options->output);
    r->machines[r->machine_count++] = (struct merge_machine){.instance_type = name,
                                                             .rows = 1};
    return STATUS_OK;
}

/* The whole file is sound: its new rows are kept, in place, the others counted. */
static enum status accept_rows(struct merger *m, struct source *s, struct err *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->row_count; i++) {
        struct merge_row *row = &s->rows[i];
        bool is_new, is_equal;
        if (row_set_add(&m->seen, row->identity, row->content, &is_new, &is_equal) !=
            STATUS_OK)
            return status_no_memory(e, s->input->path);
        if (!is_new) {
            m->result->duplicates++;
            m->result->differing += !is_equal;
            continue;
        }
        m->result->refused += row->is_refused;
        m->result->failed_rows += row->is_failed;
        struct str type = row->is_renamed ? str_from(s->input->instance_type) : row->type;
        enum status st = count_machine(m, type.len > 0 ? type : str_from("unknown"), e);
        if (st != STATUS_OK)
            return st;
        s->rows[kept++] = *row;
    }
    s->row_count = kept;
    m->result->rows += kept;
    return STATUS_OK;
}

/* First pass over one input. */
static enum status read_source(struct merger *m, const struct input *input, struct err *e)
{
    struct source *s = &m->sources[m->source_count];
    struct results_visitor visitor = {.row = note_row, .arg = m};
    struct err why;
    m->decode->file = input->path;
    *s = (struct source){.input = input};
    m->now = s;
    enum status st = results_scan_file(input->path, &visitor, &s->file, &why);
    if (st != STATUS_OK) {
        mem_free(s->rows);
        const struct input_skip skip = {.file = input->path,
                                        .why = inputs_why(&why, m->arena),
                                        .is_bad = st != STATUS_UNSUPPORTED};
        if (st == STATUS_NO_MEMORY ||
            inputs_skip(&m->result->skipped, skip, m->arena) != STATUS_OK)
            return status_no_memory(e, input->path);
        return STATUS_OK;
    }
    m->source_count++;
    st = accept_rows(m, s, e);
    if (st == STATUS_OK && s->file.metadata.len > 0 &&
        json_depth(s->file.metadata) <= METADATA_MAX_DEPTH) {
        s->metadata = arena_str(m->arena, s->file.metadata);
        if (s->metadata == NULL)
            st = status_no_memory(e, input->path);
    }
    s->is_kept = m->kept_bytes + s->file.text.len <= KEEP_BYTES;
    if (s->is_kept)
        m->kept_bytes += s->file.text.len;
    else
        results_scan_fini(&s->file);
    return st;
}

static void put_metadata(const struct merger *m, struct buf *out)
{
    struct jsonw w;
    char when[CLOCK_TEXT_BYTES];
    const struct merge_result *r = m->result;
    clock_iso_local(m->options->now, m->options->utc_offset_s, when);
    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_object(&w, "metadata");
    jsonw_str(&w, "merged_at", when);
    jsonw_array(&w, "source_files");
    for (size_t i = 0; i < m->source_count; i++)
        jsonw_str(&w, NULL, m->sources[i].input->path);
    jsonw_array_end(&w);
    jsonw_int(&w, "total_runs", (int64_t)r->rows);
    jsonw_int(&w, "failed_rows", (int64_t)r->failed_rows);
    jsonw_int(&w, "duplicates", (int64_t)r->duplicates);
    jsonw_int(&w, "format", RECORD_FORMAT);
    jsonw_str(&w, "tool", m->options->tool);
    jsonw_array(&w, "sources");
    for (size_t i = 0; i < m->source_count; i++) {
        const struct source *s = &m->sources[i];
        jsonw_object(&w, NULL);
        jsonw_str(&w, "file", s->input->path);
        jsonw_str(&w, "sha256", s->file.sha256);
        if (s->input->instance_type != NULL)
            jsonw_str(&w, "instance_type_given", s->input->instance_type);
        jsonw_raw(&w, "metadata", s->metadata != NULL ? s->metadata : "null");
        jsonw_object_end(&w);
    }
    jsonw_array_end(&w);
    inputs_write_skips(&r->skipped, NULL, &w);
    jsonw_object_end(&w);
    jsonw_array(&w, "results");
}

static enum status flush(struct buf *out, size_t limit, const struct file_draft *d,
                         struct err *e)
{
    if (out->failed != STATUS_OK)
        return status_fail(e, out->failed, d->path, "out of memory");
    if (out->len < limit || out->len == 0)
        return STATUS_OK;
    struct str text = {.ptr = out->data, .len = out->len};
    enum status st = file_write_all(d->fd, d->path, text, e);
    buf_clear(out);
    return st;
}

/* The file's text for the second pass; it must not have changed since the first. */
static enum status reread(struct source *s, struct err *e)
{
    if (s->is_kept)
        return STATUS_OK;
    char sha256[DIGEST_HEX_BYTES];
    buf_init(&s->file.text, RESULTS_SCAN_MAX_BYTES);
    enum status st = file_read(s->input->path, &s->file.text, e);
    if (st != STATUS_OK)
        return st;
    struct str text = buf_str(&s->file.text);
    if (digest_text(text, sha256) != STATUS_OK)
        return status_no_memory(e, s->input->path);
    if (strcmp(sha256, s->file.sha256) == 0)
        return STATUS_OK;
    status_fail(e, STATUS_BAD_INPUT, s->input->path, "changed while it was being merged");
    return status_hint(e, "Merge again when nothing writes to it");
}

static enum status put_rows(struct merger *m, const struct file_draft *d, struct buf *out,
                            struct err *e)
{
    const char *comma = "\n    ";
    enum status st = STATUS_OK;
    for (size_t i = 0; i < m->source_count && st == STATUS_OK; i++) {
        struct source *s = &m->sources[i];
        st = reread(s, e);
        for (size_t k = 0; k < s->row_count && st == STATUS_OK; k++) {
            buf_text(out, comma);
            const struct merge_row *row = &s->rows[k];
            struct str text = {buf_cstr(&s->file.text) + row->offset, row->len};
            st = merge_row_write(text, row, s->input->instance_type, out);
            if (st == STATUS_OK)
                comma = ",\n    ";
            st = flush(out, CHUNK_BYTES, d, e);
        }
        results_scan_fini(&s->file);
    }
    buf_text(out, m->result->rows > 0 ? "\n  ]\n}\n" : "]\n}\n");
    return st == STATUS_OK ? flush(out, 0, d, e) : st;
}

static enum status write_output(struct merger *m, struct err *e)
{
    struct file_draft draft;
    enum status st = file_draft_open(&draft, m->options->output, e);
    if (st != STATUS_OK)
        return st;
    struct buf out;
    buf_init(&out, (size_t)1 << 30);
    put_metadata(m, &out);
    st = put_rows(m, &draft, &out, e);
    buf_fini(&out);
    if (st == STATUS_OK)
        return file_draft_commit(&draft, e);
    file_draft_drop(&draft);
    return st;
}

static enum status check_output(const struct merge_options *o, struct err *e)
{
    for (size_t i = 0; i < o->input_count; i++)
        if (inputs_is_same(o->inputs[i].path, o->output)) {
            status_fail(e, STATUS_BAD_OPTION, o->output, "is also an input");
            return status_hint(e, "Choose another --output");
        }
    return STATUS_OK;
}

static enum status run(struct merger *m, struct err *e)
{
    const struct merge_options *o = m->options;
    enum status st = STATUS_OK;
    for (size_t i = 0; i < o->input_count && st == STATUS_OK; i++)
        st = read_source(m, &o->inputs[i], e);
    m->result->files = m->source_count;
    if (st == STATUS_OK && m->source_count == 0)
        st = status_fail(e, STATUS_NOT_FOUND, o->output, "no file could be merged");
    return st == STATUS_OK ? write_output(m, e) : st;
}

enum status merge_files(const struct merge_options *options, struct arena *a,
                        struct merge_result *out, struct err *e)
{
    struct merger m = {.options = options, .arena = a, .result = out};
    *out = (struct merge_result){0};
    enum status st = check_output(options, e);
    if (st == STATUS_OK)
        st = file_make_parents(options->output, e);
    if (st != STATUS_OK)
        return st;
    m.sources = arena_alloc(a, options->input_count + 1, sizeof *m.sources);
    m.decode = arena_alloc(a, 1, sizeof *m.decode);
    if (m.sources == NULL || m.decode == NULL)
        return status_no_memory(e, options->output);
    decode_init(m.decode, a);
    row_set_init(&m.seen);
    st = run(&m, e);
    for (size_t i = 0; i < m.source_count; i++) {
        results_scan_fini(&m.sources[i].file);
        mem_free(m.sources[i].rows);
    }
    row_set_fini(&m.seen);
    return st;
}
