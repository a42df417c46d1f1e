#include "stats/match_cell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "stats/match_diff.h"
#include "stats/match_place.h"
#include "stats/match_verdict.h"

#define TOLD_APART  3 /* fields in a name that others share */
#define DATE_LENGTH 10

/* A thing that some rows of a cell had: a launch, a day. */
struct met {
    struct str what;
    const struct met *next;
};

/* What a cell's rows come from. */
struct origins {
    const struct met *launches, *days;
};

/* Grouping: of shape [row_count] but for cells. */
struct grouping {
    const struct match_fields *fields;
    struct arena *arena;
    struct match_cell *cells;
    struct origins *origins; /* of the cells */
    size_t count;
    size_t *cell_of;           /* cell of each row */
    double *values;            /* scratch, of one cell */
    struct match_rows *judged; /* of each cell */
};

/* --- counting */

/* Counts a thing that was not met before. False: no memory. */
static bool meet(struct arena *a, const struct met **list, struct str what, size_t *count)
{
    for (const struct met *m = *list; m != NULL; m = m->next)
        if (str_equal(m->what, what))
            return true;
    struct met *met = what.len > 0 ? arena_alloc(a, 1, sizeof *met) : NULL;
    if (what.len == 0 || met == NULL)
        return what.len == 0;
    *met = (struct met){.what = what, .next = *list};
    *list = met;
    ++*count;
    return true;
}

/* Rows that name no launch have one a run. */
static bool count_origin(struct arena *a, struct match_cell *c, struct origins *o,
                         const struct row *row)
{
    const char *launch = field_str(row, FIELD_launch_id);
    if (launch == NULL)
        launch = field_str(row, FIELD_run_id);
    const char *time = field_str(row, FIELD_timestamp_utc);
    struct str day = str_from(time != NULL ? time : field_str(row, FIELD_timestamp));
    day.len = day.len < DATE_LENGTH ? 0 : DATE_LENGTH;
    return meet(a, &o->launches, str_from(launch), &c->launches) &&
           meet(a, &o->days, day, &c->days);
}

static void count_measured(struct match_cell *c, const struct row *row)
{
    double expected = field_num(row, FIELD_cache_hit_rate_expected);
    struct value caching = row->v[FIELD_enable_prefix_caching];
    if (c->measured == 0)
        c->row = row;
    c->measured++;
    c->shares_nothing |= caching.kind == VALUE_BOOL && caching.b && expected == 0;
}

/* False: no memory. */
static bool count_row(struct grouping *g, size_t at, const struct row *row)
{
    struct match_cell *c = &g->cells[at];
    bool has_failed = value_is_known(row->v[FIELD_error]);
    if (c->failed_row == NULL && has_failed)
        c->failed_row = row;
    if (match_field_is_warmup(row)) {
        c->warmups++;
        return true;
    }
    if (has_failed) {
        c->failed++;
        return true;
    }
    count_measured(c, row);
    return count_origin(g->arena, c, &g->origins[at], row);
}

/* --- grouping */

static enum status group_rows(const struct match_input *in, struct grouping *g)
{
    enum status s = match_place_rows(in, g->fields, g->arena, g->cell_of, &g->count);
    for (size_t i = 0; s == STATUS_OK && i < in->count; i++) {
        const struct match_row *r = &in->rows[i];
        struct match_cell *c = &g->cells[g->cell_of[i]];
        if (c->row == NULL) {
            c->row = r->row;
            c->is_published = r->is_published;
        }
        if (!count_row(g, g->cell_of[i], r->row))
            s = STATUS_NO_MEMORY;
    }
    return s;
}

/* --- numbers */

static enum status make_room(struct grouping *g, size_t cell)
{
    g->judged[cell].rows = arena_alloc(g->arena, g->cells[cell].measured + 1,
                                       sizeof(const struct row *));
    return g->judged[cell].rows != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Repeats in the order of their time, in whatever order the files came. */
static int by_time(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a,
                     *y = *(const struct row *const *)b;
    const char *s = field_str(x, FIELD_timestamp_utc),
               *t = field_str(y, FIELD_timestamp_utc);
    int order = s != NULL && t != NULL ? strcmp(s, t) : (s == NULL) - (t == NULL);
    double i = field_num(x, FIELD_repeat), k = field_num(y, FIELD_repeat);
    if (order == 0)
        order = (i > k) - (i < k);
    return order != 0 ? order : (x > y) - (x < y);
}

/* The spread of each metric over a cell's repeats. */
static void take_numbers(struct grouping *g, size_t at)
{
    struct match_cell *c = &g->cells[at];
    struct match_rows *judged = &g->judged[at];
    qsort(judged->rows, judged->count, sizeof(const struct row *), by_time);
    metric_spreads(judged->rows, judged->count, RECORD_FORMAT, g->values, c->spread);
}

static enum status average(const struct match_input *in, struct grouping *g)
{
    enum status s = STATUS_OK;
    for (size_t i = 0; s == STATUS_OK && i < g->count; i++)
        s = make_room(g, i);
    for (size_t i = 0; s == STATUS_OK && i < in->count; i++)
        if (match_field_is_measured(in->rows[i].row)) {
            struct match_rows *judged = &g->judged[g->cell_of[i]];
            judged->rows[judged->count++] = in->rows[i].row;
        }
    for (size_t i = 0; s == STATUS_OK && i < g->count; i++) {
        take_numbers(g, i);
        s = match_verdict_judge(&g->judged[i], g->arena, &g->cells[i]);
    }
    return s;
}

/* --- names */

static const char *side_of(const struct row *row, enum match_by by, struct arena *a)
{
    char text[MATCH_FIELD_BYTES];
    enum field_id id = match_diff_side_field(by);
    struct value v = row->v[id];
    if (by == MATCH_BY_CACHING)
        return v.kind != VALUE_BOOL ? MATCH_UNKNOWN : v.b ? "ON" : "OFF";
    match_field_text(row, id, text);
    return *text != '\0' ? arena_strdup(a, text) : MATCH_UNKNOWN;
}

static const char *name_of(const struct match_cell *c, enum match_by by, struct arena *a)
{
    char batch[MATCH_FIELD_BYTES], rate[MATCH_FIELD_BYTES], caching[MATCH_FIELD_BYTES];
    match_field_text(c->row, FIELD_batch_size, batch);
    match_field_text(c->row, FIELD_request_rate, rate);
    match_field_text(c->row, FIELD_enable_prefix_caching, caching);
    bool has_cache = by != MATCH_BY_CACHING && *caching != '\0';
    const char *batch_name = match_field_is_online(c->row) ? " c=" : " bs=";
    return arena_printf(a, "%s%s%s%s%s%s%s", c->scenario,
                        *batch != '\0' ? batch_name : "", batch,
                        *rate != '\0' ? " rate=" : "", rate, has_cache ? " cache=" : "",
                        has_cache ? caching : "");
}

static enum status describe(struct match_cell *c, enum match_by by, struct arena *a)
{
    char scenario[MATCH_FIELD_BYTES];
    const char *weights = field_str(c->row, FIELD_weights);
    struct value simulated = c->row->v[FIELD_is_simulated];
    match_field_text(c->row, FIELD_scenario, scenario);
    c->scenario = *scenario != '\0' ? arena_strdup(a, scenario) : MATCH_UNKNOWN;
    c->side = side_of(c->row, by, a);
    if (c->scenario == NULL || c->side == NULL)
        return STATUS_NO_MEMORY;
    c->name = name_of(c, by, a);
    c->is_simulated = simulated.kind == VALUE_BOOL && simulated.b;
    c->has_dummy_weights = weights != NULL && strcmp(weights, "dummy") == 0;
    return c->name != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static bool share_a_name(const struct match_cell *a, const struct match_cell *b)
{
    return a != b && strcmp(a->side, b->side) == 0 && strcmp(a->name, b->name) == 0;
}

/* True if the field tells the cell from one of those that share its name. */
static bool tells_apart(const struct grouping *g, const struct match_cell *c,
                        enum field_id id)
{
    for (size_t k = 0; k < g->count; k++)
        if (share_a_name(c, &g->cells[k]) &&
            !match_field_is_equal(c->row, g->cells[k].row, id))
            return true;
    return false;
}

/* "short bs=4 cache=off seed=1"; digests serve where nothing else differs. */
static const char *longer_name(const struct grouping *g, const struct match_cell *c)
{
    char text[MATCH_FIELD_BYTES];
    const char *name = c->name;
    size_t told = 0;
    for (int pass = 0; pass < 2 && told == 0; pass++)
        for (size_t i = 0; i < g->fields->count && told < TOLD_APART; i++) {
            enum field_id id = g->fields->ids[i];
            if (match_field_is_digest(id) != (pass == 1) || !tells_apart(g, c, id))
                continue;
            match_field_say(c->row, id, text);
            told++;
            name = arena_printf(g->arena, "%s %s=%s", name, field_table[id].name, text);
            if (name == NULL)
                return NULL;
        }
    return name;
}

/* Cells of one side that would share a name also say what tells them apart. */
static enum status tell_apart(struct grouping *g)
{
    const char **names = arena_alloc(g->arena, g->count + 1, sizeof(const char *));
    if (names == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < g->count; i++) {
        bool is_alone = true;
        for (size_t k = 0; k < g->count && is_alone; k++)
            is_alone = !share_a_name(&g->cells[i], &g->cells[k]);
        names[i] = is_alone ? g->cells[i].name : longer_name(g, &g->cells[i]);
        if (names[i] == NULL)
            return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < g->count; i++)
        g->cells[i].name = names[i];
    return STATUS_OK;
}

enum status match_cell_collect(const struct match_input *inputs,
                               const struct match_fields *fields, enum match_by by,
                               struct arena *a, struct match_cells *out)
{
    size_t n = inputs->count + 1;
    struct grouping g = {
        .fields = fields,
        .arena = a,
        .cells = arena_alloc(a, n, sizeof *g.cells),
        .origins = arena_alloc(a, n, sizeof *g.origins),
        .cell_of = arena_alloc(a, n, sizeof *g.cell_of),
        .values = arena_alloc(a, n, sizeof *g.values),
        .judged = arena_alloc(a, n, sizeof *g.judged),
    };
    if (g.cells == NULL || g.origins == NULL || g.cell_of == NULL || g.values == NULL ||
        g.judged == NULL)
        return STATUS_NO_MEMORY;
    enum status s = group_rows(inputs, &g);
    if (s == STATUS_OK)
        s = average(inputs, &g);
    for (size_t i = 0; s == STATUS_OK && i < g.count; i++)
        s = describe(&g.cells[i], by, a);
    if (s == STATUS_OK)
        s = tell_apart(&g);
    if (s == STATUS_OK)
        *out = (struct match_cells){.cells = g.cells, .count = g.count};
    return s;
}
