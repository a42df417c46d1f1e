#include "store/rows_load.h"

#include "store/decode.h"
#include "store/origin.h"
#include "store/results_scan.h"
#include "store/row_set.h"

#define REFUSED_NAMED 10 /* rows of a file */

/* State of one reading. */
struct loading {
    struct loaded_rows *out;
    struct arena *arena;
    struct decode *decode;
    struct row_set seen;
    const char *instance_type; /* of the input under way */
    struct row_set_key *keys;  /* [room] of the rows that were taken */
    size_t room;
    size_t before, duplicates_before, skipped_before, clashes_before; /* the file */
    size_t refused; /* rows of the file */
};

static enum status make_room(struct loading *r)
{
    struct loaded_rows *c = r->out;
    size_t room = r->room;
    return arena_grow(r->arena, &c->rows, c->count, &room, sizeof *c->rows) &&
                   arena_grow(r->arena, &r->keys, c->count, &r->room, sizeof *r->keys)
               ? STATUS_OK
               : STATUS_NO_MEMORY;
}

static enum status note_failure(struct loading *r, const struct err *why)
{
    return inputs_skip(&r->out->skipped,
                       (struct input_skip){.why = inputs_why(why, r->arena),
                                           .is_bad = why->code != STATUS_UNSUPPORTED},
                       r->arena);
}

/* The first rows of a file that cannot be read are named, the rest counted at its end. */
static enum status refuse_row(struct loading *r, struct err *e)
{
    if (e->code != STATUS_BAD_INPUT)
        return e->code;
    if (r->refused++ < REFUSED_NAMED && note_failure(r, e) != STATUS_OK)
        return status_no_memory(e, "results");
    return STATUS_OK;
}

static enum status count_refused(struct loading *r, const char *path)
{
    if (r->refused <= REFUSED_NAMED)
        return STATUS_OK;
    const char *why = arena_printf(r->arena, "%s: skipped %zu more rows like those", path,
                                   r->refused - REFUSED_NAMED);
    return inputs_skip(&r->out->skipped, (struct input_skip){.why = why, .is_bad = true},
                       r->arena);
}

/* Row `at` is the same one, or should be. */
static enum status leave_row(struct loading *r, const struct row *row, size_t at,
                             struct err *e)
{
    const struct analysis_row *kept = &r->out->rows[at];
    const struct clash_rows two = {
        .file = r->decode->file, .kept_file = kept->file, .row = row, .kept = kept->row};
    r->out->duplicates++;
    return clash_note(&r->out->clashes, &two, r->arena) == STATUS_OK
               ? STATUS_OK
               : status_no_memory(e, "results");
}

static enum status take_row(void *arg, const struct scanned_row *found, struct err *e)
{
    struct loading *r = arg;
    struct row decoded;
    bool is_published, is_new, is_equal;
    uint64_t at;
    bool is_unknown = results_scan_is_unknown(
        jsonr_object_find(&found->members, "instance_type"));
    if (decode_row(r->decode, found, &decoded, &is_published, e) != STATUS_OK)
        return refuse_row(r, e);
    struct row_set_key key = row_set_identity(found, &decoded,
                                              is_unknown ? r->instance_type : NULL);
    if (row_set_find(&r->seen, key, &at))
        return leave_row(r, &decoded, (size_t)at, e);
    if (row_set_add(&r->seen, key, r->out->count, &is_new, &is_equal) != STATUS_OK)
        return status_no_memory(e, "results");
    struct row *row = arena_alloc(r->arena, 1, sizeof *row);
    if (row == NULL || make_room(r) != STATUS_OK)
        return status_no_memory(e, "results");
    *row = decoded;
    r->keys[r->out->count] = key;
    r->out->rows[r->out->count++] = (struct analysis_row){
        .row = row, .is_published = is_published, .file = r->decode->file};
    return STATUS_OK;
}

/* Forgets the rows of a file that proved broken: another file may hold them whole. */
static enum status take_back(struct loading *r)
{
    bool is_new, is_equal;
    enum status s = STATUS_OK;
    r->out->duplicates = r->duplicates_before;
    r->out->clashes.count = r->clashes_before;
    if (r->seen.count == r->before)
        return STATUS_OK;
    r->out->count = r->before;
    row_set_fini(&r->seen);
    for (size_t i = 0; i < r->before && s == STATUS_OK; i++)
        s = row_set_add(&r->seen, r->keys[i], i, &is_new, &is_equal);
    return s;
}

/* A file that cannot be read: nothing of it counts, its refused rows neither. */
static enum status skip(struct loading *r, const struct err *why)
{
    struct input_skips *all = &r->out->skipped;
    while (all->count > r->skipped_before)
        all->bad_count -= all->items[--all->count].is_bad;
    if (note_failure(r, why) != STATUS_OK)
        return STATUS_NO_MEMORY;
    return take_back(r);
}

/* Rows of one run stand together: one search does for all of them. */
static void name_origins(struct loading *r, const struct origins *origins)
{
    const struct origin *found = NULL;
    const char *last = NULL;
    for (size_t i = r->before; i < r->out->count; i++) {
        struct analysis_row *row = &r->out->rows[i];
        const char *run_id = field_str(row->row, FIELD_run_id);
        if (i == r->before || run_id != last)
            found = origin_find(origins, run_id);
        last = run_id;
        row->origin = found;
    }
}

static enum status read_one(struct loading *r, const struct input *input, struct err *e)
{
    struct scanned_file file;
    struct err why;
    const struct results_visitor visitor = {
        .row = take_row, .arg = r, .needs_no_digest = true};
    r->instance_type = input->instance_type;
    r->decode->instance_type = input->instance_type;
    r->decode->file = input->path;
    r->refused = 0;
    r->skipped_before = r->out->skipped.count;
    r->before = r->out->count;
    r->duplicates_before = r->out->duplicates;
    r->clashes_before = r->out->clashes.count;
    if (results_scan_file(input->path, &visitor, &file, &why) != STATUS_OK) {
        if (why.code == STATUS_NO_MEMORY || skip(r, &why) != STATUS_OK)
            return status_no_memory(e, "results");
        return STATUS_OK;
    }
    r->out->file_count++;
    struct origins origins;
    enum status s = origin_collect(file.metadata, r->arena, &origins);
    results_scan_fini(&file);
    if (s != STATUS_OK || count_refused(r, input->path) != STATUS_OK)
        return status_no_memory(e, "results");
    name_origins(r, &origins);
    return STATUS_OK;
}

enum status rows_load(const struct input *inputs, size_t input_count, struct arena *a,
                      struct loaded_rows *out, struct err *e)
{
    enum status s = STATUS_OK;
    *out = (struct loaded_rows){0};
    struct loading r = {.out = out, .arena = a};
    r.decode = arena_alloc(a, 1, sizeof *r.decode);
    if (r.decode == NULL)
        return status_no_memory(e, "results");
    decode_init(r.decode, a);
    row_set_init(&r.seen);
    for (size_t i = 0; i < input_count && s == STATUS_OK; i++)
        s = read_one(&r, &inputs[i], e);
    row_set_fini(&r.seen);
    if (s == STATUS_OK && clash_finish(&out->clashes, a) != STATUS_OK)
        return status_no_memory(e, "results");
    return s;
}
