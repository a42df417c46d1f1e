#include "store/floor_file.h"

#include <glob.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "stats/agree.h"
#include "stats/interval.h"
#include "store/decode.h"
#include "store/inputs.h"
#include "store/journal.h"
#include "store/results.h"
#include "text/json.h"

#define FORMAT         1
#define FILE_CAP_BYTES ((size_t)64 << 20)
#define CELLS_MAX      10000
#define RUN_ID_MAX     64
#define FILES_MAX      10000
#define LOG_MAX        700.0 /* of a number that can be: exp of it is one */

static const int sides[] = {2, 3, 5, 10}; /* launches a side that a file tells of */

/* --- out */

static void write_figure(struct jsonw *w, const struct floor_cell *c,
                         const struct floor_figure *f)
{
    char name[16];
    jsonw_object(w, field_table[f->field].name);
    jsonw_array(w, "launch_means");
    for (size_t l = 0; l < c->launches; l++)
        jsonw_num(w, NULL, exp(f->y[l]));
    jsonw_array_end(w);
    jsonw_num(w, "launch_sd", f->launch_sd);
    jsonw_num(w, "repeat_sd", f->repeat_sd);
    jsonw_num(w, "single", floor_single(f->launch_sd, c->launches));
    jsonw_object(w, "seen");
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        (void)snprintf(name, sizeof name, "%d", sides[i]);
        jsonw_num(w, name, floor_seen(f->launch_sd, sides[i]));
    }
    jsonw_object_end(w);
    jsonw_object_end(w);
}

void floor_file_write(const struct floor *f, const char *tool, struct buf *out)
{
    struct jsonw w;
    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "floor", FORMAT);
    jsonw_str(&w, "tool", tool);
    jsonw_str(&w, "run_id", f->run_id);
    jsonw_str(&w, "created", f->created);
    jsonw_array(&w, "cells");
    for (size_t i = 0; i < f->count; i++) {
        const struct floor_cell *c = &f->cells[i];
        jsonw_object(&w, NULL);
        jsonw_str(&w, "cell", c->name);
        jsonw_int(&w, "launches", (int64_t)c->launches);
        jsonw_int(&w, "repeats", (int64_t)c->repeats);
        journal_fields(&w, "fields", c->row);
        jsonw_object(&w, "metrics");
        for (size_t k = 0; k < c->count; k++)
            write_figure(&w, c, &c->figures[k]);
        jsonw_object_end(&w);
        jsonw_object_end(&w);
    }
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    buf_char(out, '\n');
}

/* --- in */

struct reading {
    const char *path;
    struct arena *arena;
    struct decode decode;
    struct err *e;
};

static enum status refuse(const struct reading *r, const char *what, const char *where)
{
    status_fail(r->e, STATUS_BAD_INPUT, r->path, "%s: %s", where, what);
    return status_hint(r->e, "Measure it again: inferbench selftest --floor.");
}

/* The fields of a cell, by the decoder of rows: what is no value of its field is
 * unknown. */
static enum status read_fields(struct reading *r, const json_t *fields,
                               const struct row **out)
{
    struct buf text;
    struct jsonr reader;
    struct str key;
    struct row *row = arena_alloc(r->arena, 1, sizeof *row);
    buf_init(&text, FILE_CAP_BYTES);
    if (row == NULL || json_to_text(fields, &text) != STATUS_OK) {
        buf_fini(&text);
        return status_no_memory(r->e, r->path);
    }
    jsonr_init(&reader, buf_str(&text), r->path, r->e);
    jsonr_enter(&reader, '{');
    while (jsonr_member(&reader, &key))
        decode_field(&r->decode, key, jsonr_value(&reader), row);
    enum status s = jsonr_end(&reader);
    buf_fini(&text);
    for (int id = 0; id < FIELD_COUNT; id++)
        if (agree_of((enum field_id)id, AGREE_FLOOR) == AGREE_SILENT)
            row->v[id] = (struct value){.kind = VALUE_ABSENT};
    *out = row;
    return r->arena->has_failed ? status_no_memory(r->e, r->path) : s;
}

/* Launches' means, from which all else follows. */
static enum status read_figure(const struct reading *r, const char *name,
                               const json_t *from, const struct floor_cell *c,
                               struct floor_figure *out)
{
    const json_t *means = json_object_get(from, "launch_means");
    double *y = arena_alloc(r->arena, c->launches, sizeof *y);
    double repeat_sd = json_num_of(from, "repeat_sd");
    if (y == NULL)
        return status_no_memory(r->e, r->path);
    if (json_array_size(means) != c->launches)
        return refuse(r, "launch_means are not as many as launches", name);
    for (size_t l = 0; l < c->launches; l++) {
        y[l] = log(json_number_value(json_array_get(means, l)));
        if (!(fabs(y[l]) < LOG_MAX))
            return refuse(r, "a mean that is no positive number", name);
    }
    if (c->repeats > 1 && !(repeat_sd >= 0 && repeat_sd < LOG_MAX))
        return refuse(r, "repeat_sd is no standard deviation", name);
    out->y = y;
    out->launch_sd = interval_std(y, c->launches);
    out->repeat_sd = c->repeats > 1 ? repeat_sd : (double)NAN;
    return STATUS_OK;
}

static enum status read_figures(const struct reading *r, json_t *metrics,
                                struct floor_cell *out)
{
    const char *name;
    json_t *one;
    struct floor_figure *figures = arena_alloc(r->arena, json_object_size(metrics) + 1,
                                               sizeof *figures);
    if (figures == NULL)
        return status_no_memory(r->e, r->path);
    out->figures = figures;
    json_object_foreach(metrics, name, one)
    {
        enum field_id id = field_find(name);
        if (id == FIELD_COUNT)
            continue;
        figures[out->count].field = id;
        if (read_figure(r, name, one, out, &figures[out->count]) != STATUS_OK)
            return r->e->code;
        out->count++;
    }
    return STATUS_OK;
}

static enum status read_cell(struct reading *r, const json_t *from,
                             const struct floor *of, struct floor_cell *out)
{
    const char *name = json_str_of(from, "cell");
    const json_t *fields = json_object_get(from, "fields");
    json_t *metrics = json_object_get(from, "metrics");
    int64_t launches = json_range_of(from, "launches", FLOOR_LAUNCHES_MIN,
                                     FLOOR_LAUNCHES_MAX, 0);
    int64_t repeats = json_range_of(from, "repeats", 1, FLOOR_REPEATS_MAX, 0);
    if (name == NULL || !json_is_object(fields) || !json_is_object(metrics))
        return refuse(r, "a cell without its name, fields or metrics", "cells");
    if (launches == 0 || repeats == 0)
        return refuse(r, "launches or repeats that cannot be", name);
    *out = (struct floor_cell){.of = of,
                               .name = arena_strdup(r->arena, name),
                               .launches = (size_t)launches,
                               .repeats = (size_t)repeats};
    enum status s = read_fields(r, fields, &out->row);
    return s == STATUS_OK ? read_figures(r, metrics, out) : s;
}

static enum status read_head(const struct reading *r, const json_t *root,
                             struct floor *out)
{
    const char *run_id = json_str_of(root, "run_id"),
               *created = json_str_of(root, "created");
    int64_t format = json_int_of(root, "floor", 0);
    if (format > FORMAT)
        return status_fail(r->e, STATUS_UNSUPPORTED, r->path,
                           "a floor of a later inferbench");
    if (format < 1 || run_id == NULL || created == NULL || strlen(run_id) > RUN_ID_MAX)
        return refuse(r, "no floor of inferbench selftest --floor", "floor");
    out->file = arena_strdup(r->arena, r->path);
    out->run_id = arena_strdup(r->arena, run_id);
    out->created = arena_strdup(r->arena, created);
    return out->created != NULL ? STATUS_OK : status_no_memory(r->e, r->path);
}

static enum status read_root(struct reading *r, const json_t *root, struct floor *out)
{
    const json_t *cells = json_object_get(root, "cells");
    size_t count = json_array_size(cells);
    if (read_head(r, root, out) != STATUS_OK)
        return r->e->code;
    if (!json_is_array(cells) || count > CELLS_MAX)
        return refuse(r, "no list of cells", "cells");
    struct floor_cell *made = arena_alloc(r->arena, count + 1, sizeof *made);
    if (made == NULL)
        return status_no_memory(r->e, r->path);
    out->cells = made;
    for (size_t i = 0; i < count; i++, out->count++)
        if (read_cell(r, json_array_get(cells, i), out, &made[i]) != STATUS_OK)
            return r->e->code;
    return STATUS_OK;
}

enum status floor_file_read(const char *path, struct arena *a, struct floor *out,
                            struct err *e)
{
    struct reading *r = arena_alloc(a, 1, sizeof *r);
    json_t *root = NULL;
    *out = (struct floor){.file = NULL};
    if (r == NULL)
        return status_no_memory(e, path);
    r->path = path;
    r->arena = a;
    r->e = e;
    decode_init(&r->decode, a);
    r->decode.file = path;
    enum status s = json_from_file(path, FILE_CAP_BYTES, &root, e);
    if (s == STATUS_OK)
        s = read_root(r, root, out);
    json_decref(root);
    return s;
}

/* --- where they are */

const char *floor_file_beside(const char *results_path, struct arena *a)
{
    struct results_name n;
    if (!results_name_split(results_path, &n))
        return NULL;
    return arena_printf(a, "%.*s%.*s_floor_%.*s.json", (int)n.folder.len, n.folder.ptr,
                        (int)n.mode.len, n.mode.ptr, (int)n.stamp.len, n.stamp.ptr);
}

const char *floor_file_of_user(const char *run_id, struct arena *a)
{
    const char *folder = path_data_folder(a);
    return folder != NULL ? arena_printf(a, "%s/floors/%s.json", folder, run_id) : NULL;
}

struct finding_floors {
    struct arena *arena;
    struct log *log;
    struct floor *items; /* [count] */
    size_t count, room, seen;
};

static bool is_known(const struct finding_floors *f, const struct floor *one)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i].run_id, one->run_id) == 0)
            return true;
    return false;
}

/* Cells point to their floor: it must not move any more. */
static enum status keep(struct finding_floors *f, const struct floor *one)
{
    if (is_known(f, one))
        return STATUS_OK;
    if (!arena_grow(f->arena, &f->items, f->count, &f->room, sizeof *f->items))
        return STATUS_NO_MEMORY;
    f->items[f->count++] = *one;
    return STATUS_OK;
}

static enum status look_at(struct finding_floors *f, const char *path)
{
    struct err e;
    struct floor *one = arena_alloc(f->arena, 1, sizeof *one);
    if (one == NULL)
        return STATUS_NO_MEMORY;
    enum status s = floor_file_read(path, f->arena, one, &e);
    if (s == STATUS_NO_MEMORY)
        return s;
    if (s == STATUS_OK)
        return keep(f, one);
    log_error(f->log, &e);
    log_line(f->log, LOG_WARN, "this floor is not used");
    return STATUS_OK;
}

static enum status look_in(struct finding_floors *f, struct str folder, const char *files)
{
    glob_t found;
    enum status s = STATUS_OK;
    const char *at = inputs_pattern(folder, f->arena);
    const char *pattern = at != NULL ? arena_printf(f->arena, "%s%s", at, files) : NULL;
    if (pattern == NULL)
        return STATUS_NO_MEMORY;
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc && s == STATUS_OK && f->seen < FILES_MAX;
             i++, f->seen++)
            s = look_at(f, found.gl_pathv[i]);
    globfree(&found);
    return s;
}

static struct str folder_of(const char *file)
{
    return (struct str){file, (size_t)(file_base_name(file) - file)};
}

enum status floor_file_find(const struct analysis_rows *rows, struct arena *a,
                            struct log *log, struct floor_list *out)
{
    struct finding_floors f = {.arena = a, .log = log};
    const char *data = path_data_folder(a), *last = NULL;
    enum status s = data != NULL ? look_in(&f, str_from(data), "/floors/*.json")
                                 : STATUS_NO_MEMORY;
    for (size_t i = 0; i < rows->count && s == STATUS_OK; i++) {
        const char *file = rows->items[i].file;
        if (file == last || file == NULL ||
            (last != NULL && str_equal(folder_of(file), folder_of(last))))
            continue;
        last = file;
        s = look_in(&f, folder_of(file), "*_floor_*.json");
    }
    *out = (struct floor_list){f.items, f.count};
    return s;
}
