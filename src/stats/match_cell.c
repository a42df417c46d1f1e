#include "stats/match_cell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "stats/agree.h"
#include "stats/match_field.h"
#include "stats/stein.h"

#define TOLD_APART  3 /* fields in a name that others share */
#define DATE_LENGTH 10

/* Grouping: of shape [row_count] but for cells. */
struct grouping {
    struct arena *arena;
    struct match_cell *cells;
    size_t count;
    size_t *cell_of;         /* cell of each row */
    const struct row **rows; /* measured ones, cell by cell in order of their time */
    double *values;          /* scratch, of one cell */
    struct str *days;        /* the same */
};

/* --- counting */

static struct str day_of(const struct row *row)
{
    const char *time = field_str(row, FIELD_timestamp_utc);
    struct str day = str_from(time != NULL ? time : field_str(row, FIELD_timestamp));
    day.len = day.len < DATE_LENGTH ? 0 : DATE_LENGTH;
    return day;
}

static int by_text(const void *a, const void *b)
{
    const struct str *s = a, *t = b;
    if (s->len != t->len)
        return s->len < t->len ? -1 : 1;
    return s->len > 0 ? memcmp(s->ptr, t->ptr, s->len) : 0;
}

/* How many days rows of shape [count] come from; unknown ones are not counted. */
static size_t count_days(const struct row *const *rows, size_t count, struct str *scratch)
{
    size_t n = 0, found = 0;
    for (size_t i = 0; i < count; i++) {
        struct str day = day_of(rows[i]);
        if (day.len > 0 && (n == 0 || !str_equal(scratch[n - 1], day)))
            scratch[n++] = day;
    }
    if (n > 1)
        qsort(scratch, n, sizeof *scratch, by_text);
    for (size_t i = 0; i < n; i++)
        found += i == 0 || !str_equal(scratch[i], scratch[i - 1]);
    return found;
}

static void count_measured(struct match_cell *c, const struct row *row)
{
    if (c->measured == 0)
        c->row = row;
    c->measured++;
    struct value caching = match_field_caching(row);
    c->shares_nothing |= caching.kind == VALUE_BOOL && caching.b &&
                         field_num(row, FIELD_cache_hit_rate_expected) == 0;
}

static void count_row(struct grouping *g, size_t at, const struct match_row *r)
{
    struct match_cell *c = &g->cells[at];
    bool has_failed = value_is_known(r->row->v[FIELD_error]);
    if (c->row == NULL) {
        c->row = r->row;
        c->is_published = r->is_published;
    }
    if (c->failed_row == NULL && has_failed)
        c->failed_row = r->row;
    if (match_field_is_warmup(r->row))
        c->warmups++;
    else if (has_failed)
        c->failed++;
    else
        count_measured(c, r->row);
}

/* --- numbers */

/* A measured row on its way to its place. */
struct member {
    size_t cell;
    const struct row *row;
};

/* Repeats of a cell in the order of their time, in whatever order the files came. */
static int by_time(const void *a, const void *b)
{
    const struct member *p = a, *q = b;
    const char *s = field_str(p->row, FIELD_timestamp_utc),
               *t = field_str(q->row, FIELD_timestamp_utc);
    double i = field_num(p->row, FIELD_repeat), k = field_num(q->row, FIELD_repeat);
    if (p->cell != q->cell)
        return p->cell < q->cell ? -1 : 1;
    int order = s != NULL && t != NULL ? strcmp(s, t) : (s == NULL) - (t == NULL);
    if (order == 0)
        order = (i > k) - (i < k);
    return order != 0 ? order : (p->row > q->row) - (p->row < q->row);
}

static enum status sort_rows(const struct match_input *in, struct grouping *g)
{
    size_t n = 0;
    struct member *members = arena_alloc(g->arena, in->count, sizeof *members);
    if (members == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < in->count; i++)
        if (match_field_is_measured(in->rows[i].row))
            members[n++] = (struct member){g->cell_of[i], in->rows[i].row};
    qsort(members, n, sizeof *members, by_time);
    for (size_t i = 0; i < n; i++)
        g->rows[i] = members[i].row;
    return STATUS_OK;
}

/* Spreads, origins and verdict of each cell over its rows, which stand together. */
static enum status judge_cells(struct grouping *g)
{
    enum status s = STATUS_OK;
    const struct row **rows = g->rows;
    for (size_t i = 0; s == STATUS_OK && i < g->count; i++) {
        struct match_cell *c = &g->cells[i];
        c->days = count_days(rows, c->measured, g->days);
        c->rows = rows;
        const struct metric_rows repeats = {
            .items = rows,
            .count = c->measured,
            .launches = launches_of(rows, c->measured, g->arena),
            .definitions = RECORD_FORMAT};
        c->launches = repeats.launches.named;
        metric_spreads(&repeats, g->values, c->spread);
        stein_put_interval(&repeats, c->spread);
        s = match_verdict_judge(rows, c->measured, g->arena, c);
        rows += c->measured;
    }
    return s;
}

/* --- names */

static const char *side_of(const struct row *row, enum field_id by, struct arena *a)
{
    char text[MATCH_FIELD_BYTES];
    struct value v = match_field_caching(row);
    if (by == FIELD_enable_prefix_caching)
        return v.kind != VALUE_BOOL ? MATCH_UNKNOWN : v.b ? "ON" : "OFF";
    match_field_text(row, by == MATCH_BY_CHOICE ? FIELD_label : by, text);
    return *text != '\0' ? arena_text(a, "%s", text) : MATCH_UNKNOWN;
}

static const char *name_of(const struct match_cell *c, enum field_id by, struct arena *a)
{
    char batch[MATCH_FIELD_BYTES], rate[MATCH_FIELD_BYTES], caching[MATCH_FIELD_BYTES];
    match_field_text(c->row, FIELD_batch_size, batch);
    match_field_text(c->row, FIELD_request_rate, rate);
    match_field_text(c->row, FIELD_enable_prefix_caching, caching);
    const char *arm = field_str(c->row, FIELD_cache_arm);
    if (arm != NULL)
        snprintf(caching, sizeof caching, "arm %s", arm);
    bool has_cache = by != FIELD_enable_prefix_caching && *caching != '\0';
    const char *batch_name = match_field_is_online(c->row) ? " c=" : " bs=";
    return arena_text(a, "%s%s%s%s%s%s%s", c->scenario, *batch != '\0' ? batch_name : "",
                      batch, *rate != '\0' ? " rate=" : "", rate,
                      has_cache ? " cache=" : "", has_cache ? caching : "");
}

static void describe(struct match_cell *c, enum field_id by, struct arena *a)
{
    char scenario[MATCH_FIELD_BYTES];
    match_field_text(c->row, FIELD_scenario, scenario);
    c->scenario = *scenario != '\0' ? arena_text(a, "%s", scenario) : MATCH_UNKNOWN;
    c->side = side_of(c->row, by, a);
    c->name = name_of(c, by, a);
    c->is_simulated = field_is_true(c->row, FIELD_is_simulated);
    c->has_dummy_weights = field_is(c->row, FIELD_weights, "dummy");
}

/* Cells of one side and one name. */
struct namesakes {
    struct match_cell **cells; /* [count] */
    size_t count;
};

static int by_name(const void *a, const void *b)
{
    const struct match_cell *p = *(struct match_cell *const *)a,
                            *q = *(struct match_cell *const *)b;
    int order = strcmp(p->side, q->side);
    return order != 0 ? order : strcmp(p->name, q->name);
}

/* True if the field tells the cell from another one of its name. */
static bool tells_apart(const struct namesakes *all, const struct match_cell *c,
                        enum field_id id)
{
    for (size_t k = 0; k < all->count; k++)
        if (all->cells[k] != c && !match_field_is_equal(c->row, all->cells[k]->row, id))
            return true;
    return false;
}

/* "short bs=4 cache=off seed=1"; digests serve where nothing else differs. */
static const char *longer_name(const struct namesakes *all, const struct match_cell *c,
                               struct arena *a)
{
    char text[MATCH_FIELD_BYTES];
    const char *name = c->name;
    size_t told = 0;
    for (int pass = 0; pass < 2 && told == 0; pass++)
        for (enum field_id id = agree_first(); id < FIELD_COUNT && told < TOLD_APART;
             id = agree_next(id)) {
            if (match_field_is_digest(id) != (pass == 1) || !tells_apart(all, c, id))
                continue;
            match_field_say(c->row, id, text);
            told++;
            name = arena_text(a, "%s %s=%s", name, field_table[id].name, text);
        }
    return name;
}

/* Cells of one side that would share a name also say what tells them apart. */
static void tell_apart(struct grouping *g, struct match_cell **sorted, const char **names)
{
    for (size_t i = 0; i < g->count; i++)
        sorted[i] = &g->cells[i];
    qsort(sorted, g->count, sizeof(struct match_cell *), by_name);
    for (size_t first = 0, end = 0; first < g->count; first = end) {
        while (end < g->count && by_name(&sorted[first], &sorted[end]) == 0)
            end++;
        const struct namesakes all = {&sorted[first], end - first};
        for (size_t i = first; i < end; i++)
            names[i] = all.count == 1 ? sorted[i]->name
                                      : longer_name(&all, sorted[i], g->arena);
    }
    for (size_t i = 0; i < g->count; i++)
        sorted[i]->name = names[i];
}

enum status match_cell_collect(const struct match_input *inputs, enum field_id by,
                               struct arena *a, struct match_cells *out)
{
    size_t n = inputs->count;
    struct grouping g = {
        .arena = a,
        .cells = arena_alloc(a, n, sizeof *g.cells),
        .cell_of = arena_alloc(a, n, sizeof *g.cell_of),
        .rows = arena_alloc(a, n, sizeof(const struct row *)),
        .values = arena_alloc(a, 3 * n, sizeof *g.values),
        .days = arena_alloc(a, n, sizeof *g.days),
    };
    const char **names = arena_alloc(a, n, sizeof(const char *));
    struct match_cell **sorted = arena_alloc(a, n, sizeof(struct match_cell *));
    enum status s = a->has_failed ? STATUS_NO_MEMORY : STATUS_OK;
    if (s == STATUS_OK)
        s = match_place_rows(inputs, a, g.cell_of, &g.count);
    for (size_t i = 0; s == STATUS_OK && i < n; i++)
        count_row(&g, g.cell_of[i], &inputs->rows[i]);
    if (s == STATUS_OK)
        s = sort_rows(inputs, &g);
    if (s == STATUS_OK)
        s = judge_cells(&g);
    if (s != STATUS_OK)
        return s;
    for (size_t i = 0; i < g.count; i++)
        describe(&g.cells[i], by, a);
    tell_apart(&g, sorted, names);
    *out = (struct match_cells){.cells = g.cells, .count = g.count};
    return a->has_failed ? STATUS_NO_MEMORY : STATUS_OK;
}
