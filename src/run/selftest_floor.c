#include "run/selftest_floor.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "report/render.h"
#include "stats/compare.h"
#include "store/floor_file.h"

#define FILE_CAP_BYTES ((size_t)64 << 20)

enum { WHAT, SD, SINGLE, TWO, THREE, FIVE, TEN, COLUMN_COUNT };

/* Launches a side of the columns behind SINGLE. */
static const int each[COLUMN_COUNT] = {[TWO] = 2, [THREE] = 3, [FIVE] = 5, [TEN] = 10};

static const struct document_column columns[COLUMN_COUNT] = {
    {"metric", NULL, NULL, DOCUMENT_TEXT, 22},
    {"sd", "sd of a launch", NULL, DOCUMENT_TEXT, -8},
    {"1 a side", NULL, NULL, DOCUMENT_TEXT, -9},
    {"2", "2 launches a side", NULL, DOCUMENT_TEXT, -8},
    {"3", "3 launches a side", NULL, DOCUMENT_TEXT, -8},
    {"5", "5 launches a side", NULL, DOCUMENT_TEXT, -8},
    {"10", "10 launches a side", NULL, DOCUMENT_TEXT, -8},
};

/* --- out of the run */

static enum status read_cells(const struct run *r, struct arena *a,
                              struct selftest_floor *out, struct err *e)
{
    struct recovery *read = arena_alloc(a, 1, sizeof *read);
    if (read == NULL)
        return status_no_memory(e, "floor");
    if (results_read(r->raw_dir, r->opts->output_dir, a, read, e) != STATUS_OK)
        return e->code;
    size_t count = read->run.repeat_count;
    struct match_row *rows = arena_alloc(a, count + 1, sizeof *rows);
    for (size_t i = 0; i < count && rows != NULL; i++)
        rows[i] = (struct match_row){&read->results.rows[i], false};
    const struct match_input input = {rows, count};
    if (rows == NULL ||
        match_cell_collect(&input, MATCH_BY_CHOICE, a, &out->cells) != STATUS_OK)
        return status_no_memory(e, "floor");
    out->floor.run_id = field_str(&read->run.fields, FIELD_run_id);
    out->floor.created = count > 0
                             ? field_str(&read->results.rows[0], FIELD_timestamp_utc)
                             : NULL;
    out->kept[0] = floor_file_beside(read->results.results_path, a);
    return STATUS_OK;
}

enum status selftest_floor_measure(const struct run *r, struct arena *a,
                                   struct selftest_floor *out, struct err *e)
{
    *out = (struct selftest_floor){.why = NULL};
    if (read_cells(r, a, out, e) != STATUS_OK)
        return e->code;
    out->why = arena_alloc(a, out->cells.count + 1, sizeof *out->why);
    if (out->why == NULL ||
        floor_build(&out->cells, a, &out->floor, out->why) != STATUS_OK)
        return status_no_memory(e, "floor");
    if (out->floor.count > 0 && out->floor.created != NULL && out->floor.run_id != NULL)
        return STATUS_OK;
    status_fail(e, STATUS_NOT_FOUND, "floor", "no cell has one: %s",
                out->cells.count > 0 && out->why[0] != NULL ? out->why[0]
                                                            : "nothing was measured");
    return status_hint(e, "A floor needs 3 launches or more, and cells that are VALID.");
}

/* --- kept */

static enum status write_file(const char *path, const struct buf *text, struct err *e)
{
    if (path == NULL)
        return status_no_memory(e, "floor");
    if (file_make_parents(path, e) != STATUS_OK)
        return e->code;
    return file_put(path, text, e);
}

enum status selftest_floor_keep(const struct run *r, struct arena *a,
                                struct selftest_floor *f, struct err *e)
{
    struct buf text;
    struct err ignored;
    buf_init(&text, FILE_CAP_BYTES);
    floor_file_write(&f->floor, r->data.tool, &text);
    enum status s = write_file(f->kept[0], &text, e);
    f->kept[1] = floor_file_of_user(f->floor.run_id, a);
    if (s == STATUS_OK && write_file(f->kept[1], &text, &ignored) != STATUS_OK) {
        f->kept[1] = NULL;
        log_error(r->host->log, &ignored);
        log_line(r->host->log, LOG_WARN,
                 "the floor is kept beside the results alone; comparisons of results in "
                 "other folders will not find it");
    }
    buf_fini(&text);
    return s;
}

/* --- told */

/* "3.4 %" of a ratio less 1. */
static struct document_cell share(double x, struct document *d)
{
    char number[FIGURE_BYTES];
    figure_digits(x * 100, x < 0.1 ? 2 : 3, number);
    return document_of_text(isfinite(x) ? arena_text(d->arena, "%s %%", number) : "?");
}

static const char *words_of(enum field_id field, const struct floor_cell *c)
{
    const struct match_cell cell = {.row = c->row};
    for (int id = 0; id < COMPARE_COUNT; id++)
        if (compare_field((enum compare_id)id, &cell) == field)
            return compare_words((enum compare_id)id);
    return field_table[field].name;
}

static void put_row(const struct floor_cell *c, const struct floor_figure *f,
                    struct document_table *t, struct document *d)
{
    struct document_cell *cells = document_row(d, t, c->name);
    cells[WHAT] = document_of_text(arena_text(d->arena, "  %s", words_of(f->field, c)));
    cells[SD] = share(f->launch_sd, d);
    cells[SINGLE] = share(floor_single(f->launch_sd, c->launches), d);
    for (int i = TWO; i < COLUMN_COUNT; i++)
        cells[i] = share(floor_seen(f->launch_sd, each[i]), d);
}

/* The answer: of each metric the widest cell. */
static void put_claim(const struct floor *f, enum field_id field, const char *words,
                      struct document *d)
{
    double widest = -1;
    const char *where = "";
    for (size_t i = 0; i < f->count; i++) {
        const struct floor_figure *own = floor_figure(&f->cells[i], field);
        double x = own != NULL ? floor_single(own->launch_sd, f->cells[i].launches) : -1;
        where = x > widest ? f->cells[i].name : where;
        widest = x > widest ? x : widest;
    }
    if (widest >= 0)
        document_add(d, DOCUMENT_CLAIM,
                     "two single launches: differences of %s below %s cannot be seen "
                     "here%s%s",
                     words, share(widest, d).text, f->count > 1 ? ", widest in " : "",
                     f->count > 1 ? where : "");
}

static void put_claims(const struct floor *f, struct document *d)
{
    const struct match_cell cell = {.row = f->cells[0].row};
    for (int id = 0; id < COMPARE_COUNT; id++)
        put_claim(f, compare_field((enum compare_id)id, &cell),
                  compare_words((enum compare_id)id), d);
}

static void put_left_out(const struct selftest_floor *f, struct document *d)
{
    for (size_t i = 0; i < f->cells.count; i++)
        if (f->why[i] != NULL)
            document_add(d, DOCUMENT_ITEM, "no floor of %s: %s", f->cells.cells[i].name,
                         f->why[i]);
}

static void build(const struct selftest_floor *f, struct document *d)
{
    const struct floor_cell *first = &f->floor.cells[0];
    document_heading(d, "The floor: what launches of the same settings differ by here");
    if (field_is_true(first->row, FIELD_is_simulated))
        document_add(d, DOCUMENT_CLAIM, DOCUMENT_SIMULATED ".");
    put_claims(&f->floor, d);
    document_add(
        d, DOCUMENT_ITEM,
        "from %zu launches of %zu measured repeats; 1 a side: differences below "
        "that cannot be seen; 2, 3, 5, 10 a side: those that are seen in 80 %% of "
        "all comparisons",
        first->launches, first->repeats);
    struct document_table *t = document_table(d, columns, COLUMN_COUNT);
    for (size_t i = 0; i < f->floor.count; i++)
        for (size_t k = 0; k < f->floor.cells[i].count; k++)
            put_row(&f->floor.cells[i], &f->floor.cells[i].figures[k], t, d);
    put_left_out(f, d);
    for (int i = 0; i < 2; i++)
        if (f->kept[i] != NULL)
            document_add(d, DOCUMENT_ITEM, "kept in %s", f->kept[i]);
}

enum status selftest_floor_text(const struct selftest_floor *f, struct arena *a,
                                struct buf *out)
{
    struct document d;
    document_init(&d, a);
    build(f, &d);
    enum status s = render_document(&d, render_find("text"), out);
    document_fini(&d);
    return s;
}
