#include "report/analysis.h"

#include <string.h>

#include "base/file.h"
#include "base/str.h"

#define NAMELESS "this machine"

static const char *text_of(const struct row *row, enum field_id id)
{
    const char *s = field_str(row, id);
    return s != NULL && *s != '\0' ? s : "unknown";
}

static enum field_id field_by(enum match_by by)
{
    switch (by) {
    case MATCH_BY_INSTANCE: return FIELD_instance_type;
    case MATCH_BY_MODEL: return FIELD_model_name;
    case MATCH_BY_VERSION: return FIELD_engine_version;
    default: return FIELD_label;
    }
}

static bool has_several(const struct corpus *c, enum field_id id)
{
    for (size_t i = 1; i < c->count; i++)
        if (strcmp(text_of(c->rows[i].row, id), text_of(c->rows[0].row, id)) != 0)
            return true;
    return false;
}

static enum match_by default_by(const struct corpus *c)
{
    for (int by = MATCH_BY_LABEL; by <= MATCH_BY_VERSION; by++)
        if (has_several(c, field_by((enum match_by)by)))
            return (enum match_by)by;
    return MATCH_BY_LABEL;
}

const char *analysis_side_of(const struct analysis *x, const struct row *row)
{
    return text_of(row, field_by(x->by));
}

/* A machine that nobody named is not the same as another such: alone it is "this
 * machine", among several files it is called by its file. */
static enum status name_unknown(const struct corpus *c, enum field_id id, struct arena *a)
{
    for (size_t i = 0; i < c->count; i++) {
        const char *base = file_base_name(c->rows[i].file);
        size_t length = strcspn(base, ".");
        if (strcmp(text_of(c->rows[i].row, id), "unknown") != 0)
            continue;
        const char *name = c->file_count == 1
                               ? NAMELESS
                               : arena_printf(a, "? %.*s", (int)length, base);
        if (name == NULL)
            return STATUS_NO_MEMORY;
        c->rows[i].row->v[id] = value_str(name);
    }
    return STATUS_OK;
}

static bool has_controls(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    return false;
}

/* Names go to terminals, reports and scripts: control characters become blanks. */
static enum status clean_names(const struct corpus *c, struct arena *a)
{
    static const enum field_id names[] = {FIELD_label, FIELD_instance_type,
                                          FIELD_model_name, FIELD_engine_version,
                                          FIELD_scenario};
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
            struct value *v = &c->rows[i].row->v[names[k]];
            if (v->kind != VALUE_STR || !has_controls(v->s))
                continue;
            char *clean = arena_strdup(a, v->s);
            if (clean == NULL)
                return STATUS_NO_MEMORY;
            for (char *at = clean; *at != '\0'; at++)
                if ((unsigned char)*at < ' ' || *at == 0x7f)
                    *at = ' ';
            v->s = clean;
        }
    return STATUS_OK;
}

/* Rows of one side; NULL: all of them. */
static enum status rows_of(const struct analysis *x, const char *side, struct arena *a,
                           struct match_input *out)
{
    const struct corpus *c = x->corpus;
    struct match_row *rows = arena_alloc(a, c->count + 1, sizeof *rows);
    size_t n = 0;
    if (rows == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < c->count; i++) {
        const struct corpus_row *r = &c->rows[i];
        if (side == NULL || strcmp(analysis_side_of(x, r->row), side) == 0)
            rows[n++] = (struct match_row){.row = r->row,
                                           .is_published = r->is_published};
    }
    *out = (struct match_input){.rows = rows, .count = n};
    return STATUS_OK;
}

static enum status match_sides(struct analysis *x, struct arena *a, struct err *e)
{
    const struct match_options by_caching = {.by = MATCH_BY_CACHING};
    x->sides = arena_alloc(a, x->machines.side_count + 1, sizeof *x->sides);
    if (x->sides == NULL)
        return status_fail(e, STATUS_NO_MEMORY, "analyze", "out of memory");
    for (size_t i = 0; i < x->machines.side_count; i++) {
        struct analysis_side *s = &x->sides[i];
        struct match_input input;
        s->name = x->machines.sides[i];
        if (rows_of(x, s->name, a, &input) != STATUS_OK)
            return status_fail(e, STATUS_NO_MEMORY, "analyze", "out of memory");
        if (match_build(&input, &by_caching, a, &s->caching, e) != STATUS_OK)
            return e->code;
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
    status_fail(e, STATUS_BAD_OPTION, "--baseline", "there is no %s \"%s\"",
                match_by_name(x->by), baseline);
    return status_hint(e, "There are: %s.", names != NULL ? names : "");
}

enum status analysis_build(const struct corpus *c, const struct analysis_options *o,
                           struct arena *a, struct analysis *out, struct err *e)
{
    struct match_input input;
    struct match_options options = {.baseline = o->baseline};
    *out = (struct analysis){.corpus = c, .by = default_by(c)};
    if (o->by != NULL && match_by_find(o->by, &out->by, e) != STATUS_OK)
        return e->code;
    options.by = out->by;
    if (clean_names(c, a) != STATUS_OK ||
        name_unknown(c, field_by(out->by), a) != STATUS_OK ||
        rows_of(out, NULL, a, &input) != STATUS_OK)
        return status_fail(e, STATUS_NO_MEMORY, "analyze", "out of memory");
    if (match_build(&input, &options, a, &out->machines, e) != STATUS_OK)
        return e->code;
    if (o->baseline != NULL && check_baseline(out, o->baseline, a, e) != STATUS_OK)
        return e->code;
    for (size_t i = 0; i < out->machines.cell_count; i++) {
        const struct match_cell *cell = &out->machines.cells[i];
        out->is_simulated = out->is_simulated || cell->is_simulated;
        out->has_dummy_weights = out->has_dummy_weights || cell->has_dummy_weights;
    }
    return match_sides(out, a, e);
}
