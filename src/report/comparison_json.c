/* A comparison for programs. */
#include <math.h>

#include "report/comparison.h"
#include "stats/agree.h"
#include "stats/match_diff.h"
#include "stats/match_field.h"
#include "text/jsonw.h"

static void put_figure(struct jsonw *w, const char *name, const struct compare_figure *f)
{
    jsonw_object(w, name);
    jsonw_num(w, "ratio", f->ratio);
    jsonw_num(w, "low", f->low);
    jsonw_num(w, "high", f->high);
    jsonw_str(w, "verdict", compare_call_name(f->call));
    jsonw_num(w, "p", f->p);
    jsonw_bool(w, "within_launch", f->is_within);
    jsonw_bool(w, "assumed", f->is_assumed);
    jsonw_bool(w, "floor", f->is_floored);
    jsonw_bool(w, "not_positive", f->is_not_positive);
    jsonw_object_end(w);
}

static void put_figures(struct jsonw *w, const struct compare_figure *figures,
                        const struct compare_figure *const costs[2],
                        const struct match_cell *c)
{
    for (int id = 0; id < COMPARE_COUNT; id++)
        if (!isnan(figures[id].ratio) || figures[id].is_not_positive)
            put_figure(w, field_table[compare_field((enum compare_id)id, c)].name,
                       &figures[id]);
    for (int i = 0; i < 2; i++)
        if (costs[i] != NULL && !isnan(costs[i]->ratio))
            put_figure(w, field_table[costs[i]->field].name, costs[i]);
}

/* What stands for the launches of each side: null where nothing does. */
static void put_floors(struct jsonw *w, const struct compare_floor *f)
{
    static const char *const names[] = {"a", "b"};
    if (f->sides[0] == NULL) {
        jsonw_null(w, "floors");
        return;
    }
    jsonw_object(w, "floors");
    for (int side = 0; side < 2; side++) {
        const struct floor_cell *c = f->sides[side];
        jsonw_object(w, names[side]);
        jsonw_str(w, "file", c->of->file);
        jsonw_str(w, "run_id", c->of->run_id);
        jsonw_str(w, "created", c->of->created);
        jsonw_int(w, "launches", (int64_t)c->launches);
        jsonw_int(w, "repeats", (int64_t)c->repeats);
        jsonw_object_end(w);
    }
    jsonw_object_end(w);
}

static void put_cells(struct jsonw *w, const struct compare *c)
{
    jsonw_array(w, "cells");
    for (size_t i = 0; i < c->group->pair_count; i++) {
        const struct compare_cell *cell = &c->cells[i];
        jsonw_object(w, NULL);
        jsonw_str(w, "cell", cell->pair->baseline->name);
        jsonw_object(w, "metrics");
        put_figures(w, cell->figures,
                    (const struct compare_figure *const[]){&cell->cost, &cell->cost_all},
                    cell->pair->baseline);
        jsonw_object_end(w);
        put_floors(w, &cell->floor);
        jsonw_str(w, "note", cell->pair->note);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    jsonw_object(w, "geomean");
    if (c->group->pair_count > 0)
        put_figures(w, c->geomean,
                    (const struct compare_figure *const[]){&c->geomean_cost, NULL},
                    c->group->pairs[0].baseline);
    jsonw_object_end(w);
}

static void put_unmatched(struct jsonw *w, const struct match_result *r)
{
    jsonw_array(w, "unmatched");
    for (size_t i = 0; i < r->lone_count; i++) {
        jsonw_object(w, NULL);
        jsonw_str(w, "cell", r->lone[i].cell->name);
        jsonw_str(w, "side", r->lone[i].cell->side);
        jsonw_str(w, "why", r->lone[i].why);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
}

static void put_values(struct jsonw *w, const struct match_pair *p, enum field_id id,
                       char *value)
{
    jsonw_object(w, NULL);
    jsonw_str(w, "field", field_table[id].name);
    match_field_text(p->baseline->row, id, value);
    jsonw_str(w, "a", *value != '\0' ? value : NULL);
    match_field_text(p->other->row, id, value);
    jsonw_str(w, "b", *value != '\0' ? value : NULL);
    jsonw_object_end(w);
}

/* Of each field the values of the first counted pair that differs in it. */
static void put_differs(struct jsonw *w, const struct comparison *x, struct arena *a)
{
    const struct match_group *g = x->compare->group;
    const struct match_pair *price = compare_price_pair(x->compare);
    char *value = arena_alloc(a, MATCH_FIELD_BYTES, 1);
    jsonw_array(w, "differs");
    for (enum field_id id = agree_first(); id < FIELD_COUNT && value != NULL;
         id = agree_next(id))
        for (size_t i = 0; i < g->pair_count; i++) {
            const struct match_pair *p = &g->pairs[i];
            if (!p->is_counted || !match_diff_is_said(p->baseline, p->other, id, x->by))
                continue;
            put_values(w, p, id, value);
            break;
        }
    if (price != NULL && value != NULL)
        put_values(w, price, FIELD_price_usd_per_hour, value);
    jsonw_array_end(w);
}

void comparison_json(const struct comparison *x, struct arena *a, struct buf *out)
{
    const struct compare *c = x->compare;
    struct jsonw w;
    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_str(&w, "a", c->group->baseline);
    jsonw_str(&w, "b", c->group->other);
    jsonw_num(&w, "margin", c->margin);
    jsonw_bool(&w, "simulated", compare_is_simulated(c));
    jsonw_object(&w, "launches");
    jsonw_int(&w, "a", (int64_t)c->launches[0]);
    jsonw_int(&w, "b", (int64_t)c->launches[1]);
    jsonw_str(&w, "unit", c->is_of_blocks ? "block" : "launch");
    jsonw_bool(&w, "interleaved", c->is_interleaved);
    jsonw_bool(&w, "unknown", c->has_unknown_launches);
    jsonw_int(&w, "shared", (int64_t)c->shared_launches);
    jsonw_object_end(&w);
    put_cells(&w, c);
    put_unmatched(&w, x->match);
    put_differs(&w, x, a);
    jsonw_object_end(&w);
    buf_char(out, '\n');
}
