#include "stats/analysis.h"

#include <string.h>

#include "stats/compare.h"
#include "stats/match_field.h"

static const char *text_of(const struct row *row, enum field_id id)
{
    const char *s = field_str(row, id);
    return s != NULL && *s != '\0' ? s : "unknown";
}

/* What may be compared. */
static const enum field_id compared[] = {FIELD_label, FIELD_instance_type,
                                         FIELD_model_name, FIELD_engine_version};

#define COMPARED_COUNT (sizeof compared / sizeof *compared)

static bool has_several(const struct analysis_rows *c, enum field_id id)
{
    for (size_t i = 1; i < c->count; i++) {
        const struct row *first = c->items[0].row, *row = c->items[i].row;
        bool is_alike = strcmp(text_of(row, id), text_of(first, id)) == 0 ||
                        (id == FIELD_model_name && match_field_is_one_model(row, first));
        if (!is_alike)
            return true;
    }
    return false;
}

static enum field_id default_by(const struct analysis_rows *c)
{
    for (size_t i = 0; i < COMPARED_COUNT; i++)
        if (has_several(c, compared[i]))
            return compared[i];
    return FIELD_label;
}

static enum status find_by(const char *name, enum field_id *out, struct err *e)
{
    for (size_t i = 0; i < COMPARED_COUNT; i++)
        if (strcmp(field_table[compared[i]].name, name) == 0) {
            *out = compared[i];
            return STATUS_OK;
        }
    status_fail(e, STATUS_BAD_OPTION, "--by", "cannot compare by \"%s\"", name);
    return status_hint(e, "One of label, instance_type, model_name, engine_version.");
}

const char *analysis_side_of(const struct analysis *x, const struct row *row)
{
    return text_of(row, x->by);
}

/* One model is called by one name, where its fingerprint tells that it is one. */
static enum status name_models(const struct analysis_rows *c, struct arena *a)
{
    size_t *models = arena_alloc(a, c->count + 1, sizeof *models);
    size_t count = 0; /* of models; each is that of its first row */
    if (models == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < c->count; i++) {
        struct row *row = c->items[i].row;
        size_t k = 0;
        while (k < count && !match_field_is_one_model(row, c->items[models[k]].row))
            k++;
        if (k < count)
            row->v[FIELD_model_name] = c->items[models[k]].row->v[FIELD_model_name];
        else if (match_field_is_one_model(row, row)) /* it has a fingerprint */
            models[count++] = i;
    }
    return STATUS_OK;
}

/* Names that can be shown, and by which rows are one side. */
static enum status name_rows(const struct analysis_rows *c, enum field_id by,
                             struct arena *a)
{
    if (by == FIELD_model_name && name_models(c, a) != STATUS_OK)
        return STATUS_NO_MEMORY;
    return analysis_names_set(c, by, a);
}

/* The order in which a run took its settings was drawn, and means nothing: rows of a run,
 * which stand together, come OFF first. */
static size_t run_end(const struct analysis_rows *c, size_t from)
{
    const char *run = field_str(c->items[from].row, FIELD_run_id);
    size_t to = from + 1;
    for (; run != NULL && to < c->count && c->items[to].file == c->items[from].file;
         to++) {
        const char *other = field_str(c->items[to].row, FIELD_run_id);
        if (other == NULL || (other != run && strcmp(other, run) != 0))
            break;
    }
    return to;
}

/* Rows of one side; NULL: all of them. */
static enum status rows_of(const struct analysis *x, const char *side, struct arena *a,
                           struct match_input *out)
{
    const struct analysis_rows *c = &x->rows;
    struct match_row *rows = arena_alloc(a, c->count + 1, sizeof *rows);
    size_t n = 0;
    if (rows == NULL)
        return STATUS_NO_MEMORY;
    for (size_t from = 0, to; from < c->count; from = to) {
        to = run_end(c, from);
        for (int turn = 0; turn < 2; turn++)
            for (size_t i = from; i < to; i++) {
                const struct analysis_row *r = &c->items[i];
                if (match_field_is_off_first(r->row) == (turn == 0) &&
                    (side == NULL || strcmp(analysis_side_of(x, r->row), side) == 0))
                    rows[n++] = (struct match_row){.row = r->row,
                                                   .is_published = r->is_published};
            }
    }
    *out = (struct match_input){.rows = rows, .count = n};
    return STATUS_OK;
}

static enum status match_sides(struct analysis *x, const struct floor_list *floors,
                               struct arena *a, struct err *e)
{
    const struct match_options by_caching = {.by = FIELD_enable_prefix_caching};
    x->sides = arena_alloc(a, x->machines.side_count + 1, sizeof *x->sides);
    if (x->sides == NULL)
        return status_no_memory(e, "analyze");
    for (size_t i = 0; i < x->machines.side_count; i++) {
        struct analysis_side *s = &x->sides[i];
        struct match_input input;
        s->name = x->machines.sides[i];
        if (rows_of(x, s->name, a, &input) != STATUS_OK)
            return status_no_memory(e, "analyze");
        if (match_build(&input, &by_caching, a, &s->caching, e) != STATUS_OK)
            return e->code;
        if (compare_judge(&s->caching, floors, a) != STATUS_OK)
            return status_no_memory(e, "analyze");
    }
    return STATUS_OK;
}

static enum status check_baseline(const struct analysis *x, const char *baseline,
                                  struct arena *a, struct err *e)
{
    const char *names = "";
    for (size_t i = 0; i < x->machines.side_count && names != NULL; i++) {
        if (strcmp(x->machines.sides[i], baseline) == 0)
            return STATUS_OK;
        names = arena_printf(a, "%s%s%s", names, i > 0 ? ", " : "", x->machines.sides[i]);
    }
    status_fail(e, STATUS_BAD_OPTION, "--baseline", "no %s \"%s\" in the results",
                field_table[x->by].name, baseline);
    return status_hint(e, "There are: %s.", names != NULL ? names : "");
}

enum status analysis_build(const struct analysis_rows *c,
                           const struct analysis_options *o, struct arena *a,
                           struct analysis *out, struct err *e)
{
    struct match_input input;
    struct match_options options = {.baseline = o->baseline};
    *out = (struct analysis){.rows = *c, .by = default_by(c), .money = o->money};
    if (o->by != NULL && find_by(o->by, &out->by, e) != STATUS_OK)
        return e->code;
    options.by = out->by;
    if (name_rows(c, out->by, a) != STATUS_OK ||
        rows_of(out, NULL, a, &input) != STATUS_OK)
        return status_no_memory(e, "analyze");
    if (match_build(&input, &options, a, &out->machines, e) != STATUS_OK)
        return e->code;
    if (compare_judge(&out->machines, &o->floors, a) != STATUS_OK)
        return status_no_memory(e, "analyze");
    if (o->baseline != NULL && check_baseline(out, o->baseline, a, e) != STATUS_OK)
        return e->code;
    for (size_t i = 0; i < out->machines.cell_count; i++) {
        const struct match_cell *cell = &out->machines.cells[i];
        out->is_simulated = out->is_simulated || cell->is_simulated;
        out->has_dummy_weights = out->has_dummy_weights || cell->has_dummy_weights;
    }
    return match_sides(out, &o->floors, a, e);
}

const char *analysis_short_name(const struct match_cell *c)
{
    size_t n = strlen(c->scenario);
    bool is_prefixed = strncmp(c->name, c->scenario, n) == 0 && c->name[n] == ' ';
    return is_prefixed ? c->name + n + 1 : c->name;
}

static bool is_of(const struct match_cell *c, const char *side, const char *scenario)
{
    return c->measured > 0 && strcmp(c->side, side) == 0 &&
           (scenario == NULL || strcmp(c->scenario, scenario) == 0);
}

bool analysis_has_real(const struct analysis *x, const char *side, const char *scenario)
{
    for (size_t i = 0; i < x->machines.cell_count; i++)
        if (is_of(&x->machines.cells[i], side, scenario) &&
            !x->machines.cells[i].is_simulated)
            return true;
    return false;
}

const struct match_cell *analysis_best(const struct analysis *x, const char *side,
                                       const char *scenario, enum metric m)
{
    const struct match_cell *best = NULL;
    bool is_higher = field_table[field_of_metric(m)].better == BETTER_HIGHER;
    bool is_real = analysis_has_real(x, side, scenario);
    for (size_t i = 0; i < x->machines.cell_count; i++) {
        const struct match_cell *c = &x->machines.cells[i];
        if (!is_of(c, side, scenario) || !c->is_valid || c->spread[m].count == 0 ||
            (is_real && c->is_simulated))
            continue;
        double gain = best != NULL ? c->spread[m].mean - best->spread[m].mean : 0;
        if (best == NULL || (is_higher ? gain > 0 : gain < 0))
            best = c;
    }
    return best;
}
