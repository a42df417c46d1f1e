#include "run/estimate.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "run/mode.h"
#include "text/json.h"

#define RESULTS_CAP_BYTES ((size_t)256 << 20)
#define PATH_BYTES        4096
#define REPEAT_MAX_S      1e9

/* What was measured of a cell. */
struct tally {
    struct row row; /* fields that its rows have */
    double sum_s;
    int64_t count;
};

static void fill_row(const struct run *r, const struct plan_cell *c, struct row *f)
{
    const struct run_opts *o = r->opts;
    const char *model = o->model_name != NULL ? o->model_name : o->model;
    f->v[FIELD_model_name] = value_str(model);
    f->v[FIELD_engine] = value_str(r->mode->engine(r));
    f->v[FIELD_instance_type] = value_str(o->instance_type);
    f->v[FIELD_label] = value_str(c->setting->name);
    f->v[FIELD_scenario] = value_str(c->scenario->name);
    f->v[FIELD_batch_size] = value_int(c->load->batch_size);
    f->v[FIELD_max_output_tokens] = value_int(c->max_tokens);
    f->v[FIELD_enable_prefix_caching] = value_bool(c->setting->caching);
}

static bool is_same(struct value v, const json_t *j)
{
    if (v.kind == VALUE_STR)
        return json_is_string(j) && strcmp(json_string_value(j), v.s) == 0;
    if (v.kind == VALUE_BOOL)
        return json_is_boolean(j) && json_is_true(j) == v.b;
    return json_is_integer(j) && json_integer_value(j) == v.i;
}

/* True if the row of a file has all that is known of the cell's. */
static bool is_row_of(const struct row *cell, const json_t *row)
{
    for (int id = 0; id < FIELD_COUNT; id++)
        if (value_is_known(cell->v[id]) &&
            !is_same(cell->v[id], json_object_get(row, field_table[id].name)))
            return false;
    return true;
}

static void add_file(const char *path, struct tally *cells, size_t count)
{
    struct err e;
    json_t *root = NULL;
    if (json_from_file(path, RESULTS_CAP_BYTES, &root, &e) != STATUS_OK)
        return;
    const json_t *rows = json_object_get(root, "results");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        double seconds = json_num_of(row, "total_time");
        bool can_be = seconds > 0 && seconds < REPEAT_MAX_S;
        for (size_t k = 0; can_be && k < count; k++) {
            if (!is_row_of(&cells[k].row, row))
                continue;
            cells[k].sum_s += seconds;
            cells[k].count++;
        }
    }
    json_decref(root);
}

static void add_folder(const struct run *r, struct tally *cells)
{
    char path[PATH_BYTES], begin[64];
    DIR *dir = opendir(r->opts->output_dir);
    if (dir == NULL)
        return;
    snprintf(begin, sizeof begin, "%s_results_", r->mode->name);
    for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
        int length = snprintf(path, sizeof path, "%s/%s", r->opts->output_dir, d->d_name);
        if (str_starts(str_from(d->d_name), begin) && length < PATH_BYTES)
            add_file(path, cells, r->plan.cell_count);
    }
    closedir(dir);
}

double run_estimate_s(const struct run *r)
{
    const struct plan *p = &r->plan;
    struct tally *cells = mem_alloc(p->cell_count, sizeof *cells);
    double total = cells != NULL ? 0 : (double)NAN;
    for (size_t i = 0; cells != NULL && i < p->cell_count; i++)
        fill_row(r, &p->cells[i], &cells[i].row);
    if (cells != NULL)
        add_folder(r, cells);
    for (size_t i = 0; cells != NULL && i < p->cell_count; i++)
        total += cells[i].count == 0 ? (double)NAN
                                     : cells[i].sum_s / (double)cells[i].count *
                                           (double)p->options.num_runs;
    mem_free(cells);
    return total;
}
