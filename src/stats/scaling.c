#include "stats/scaling.h"

#include <math.h>
#include <string.h>

#include "stats/agree.h"
#include "stats/match_diff.h"
#include "stats/match_field.h"

#define TOLD_APART  3  /* fields in a name */
#define VALUE_BYTES 40 /* of a value in a name */

struct weaving {
    struct arena *arena;
    struct scaling *out;
    enum field_id by; /* what cells of a line differ in */
    size_t most;      /* cells of a line */
};

static double size_of(const struct weaving *w, const struct match_cell *c)
{
    return field_num(c->row, w->by);
}

static bool is_shown(const struct weaving *w, const struct match_cell *c)
{
    return c->measured > 0 && c->spread[METRIC_tokens_per_second].count > 0 &&
           !isnan(c->spread[METRIC_tokens_per_second].mean) && !isnan(size_of(w, c));
}

static bool is_compiled(const struct match_cell *c)
{
    return field_num(c->row, FIELD_max_num_seqs) == field_num(c->row, FIELD_batch_size);
}

/* True if the field may differ between two cells of different sizes: it follows from
 * them. */
static bool follows(const struct match_cell *a, const struct match_cell *b,
                    enum field_id id)
{
    switch (id) {
    case FIELD_num_prompts:
    case FIELD_plan_sha256: return true;
    case FIELD_max_num_seqs:
    case FIELD_max_num_batched_tokens:
    case FIELD_kv_cache_tokens:
    case FIELD_settings_sha256: return is_compiled(a) && is_compiled(b);
    default: return false;
    }
}

/* True if one line may join them. is_strict: what follows from the batch does not differ
 * either, but for the batch itself. */
static bool is_alike(const struct weaving *w, const struct match_cell *a,
                     const struct match_cell *b, bool is_strict)
{
    if (strcmp(a->side, b->side) != 0 || size_of(w, a) == size_of(w, b))
        return false;
    for (enum field_id id = agree_first(); id < FIELD_COUNT; id = agree_next(id)) {
        bool may = id == w->by || (!is_strict && follows(a, b, id));
        if (!may && match_diff_in(a, b, id))
            return false;
    }
    return true;
}

static bool fits(const struct weaving *w, const struct scaling_line *l,
                 const struct match_cell *c, bool is_strict)
{
    for (size_t i = 0; i < l->count; i++)
        if (!is_alike(w, l->cells[i], c, is_strict))
            return false;
    return true;
}

static void add(struct weaving *w, const struct match_cell *c)
{
    size_t at = w->out->count, i;
    for (int pass = 0; pass < 2 && at == w->out->count; pass++)
        for (at = 0; at < w->out->count; at++)
            if (fits(w, &w->out->items[at], c, pass == 0))
                break;
    struct scaling_line *l = &w->out->items[at];
    if (at == w->out->count) {
        *l = (struct scaling_line){.scenario = c->scenario, .side = c->side};
        l->cells = arena_alloc(w->arena, w->most, sizeof(const struct match_cell *));
        if (l->cells == NULL)
            return;
        w->out->count++;
    }
    for (i = l->count++; i > 0 && size_of(w, l->cells[i - 1]) > size_of(w, c); i--)
        l->cells[i] = l->cells[i - 1];
    l->cells[i] = c;
}

/* --- names --- */

/* What the name of a line is made of. */
struct naming {
    const char *base;              /* side, mode and caching */
    enum field_id ids[TOLD_APART]; /* [count] that tell lines of this base apart */
    size_t count;
};

static const char *base_name(const struct weaving *w, const struct scaling_line *l)
{
    const struct match_cell *c = l->cells[0];
    struct value on = match_field_caching(c->row);
    return arena_text(w->arena, "%s%s%s", c->side,
                      match_field_is_online(c->row) ? ", online" : "",
                      on.kind != VALUE_BOOL ? ""
                      : on.b                ? ", caching ON"
                                            : ", caching OFF");
}

/* True if lines of this base name differ in the field within some scenario. */
static bool tells_apart(const struct weaving *w, const struct naming *all,
                        const char *base, enum field_id id)
{
    const struct scaling *o = w->out;
    for (size_t i = 0; i < o->count; i++)
        for (size_t k = 0; k < i && strcmp(all[i].base, base) == 0; k++)
            if (strcmp(all[k].base, base) == 0 &&
                strcmp(o->items[i].scenario, o->items[k].scenario) == 0 &&
                match_diff_in(o->items[i].cells[0], o->items[k].cells[0], id))
                return true;
    return false;
}

/* Fields of which lines of a base have several values; digests where nothing else tells
 * them apart. */
static void find_fields(const struct weaving *w, struct naming *all, size_t line)
{
    struct naming *n = &all[line];
    for (size_t k = 0; k < line; k++)
        if (strcmp(all[k].base, n->base) == 0) {
            *n = all[k];
            return;
        }
    for (int pass = 0; pass < 2 && n->count == 0; pass++)
        for (enum field_id id = agree_first(); id < FIELD_COUNT && n->count < TOLD_APART;
             id = agree_next(id))
            if (match_field_is_digest(id) == (pass == 1) && id != w->by &&
                tells_apart(w, all, n->base, id))
                n->ids[n->count++] = id;
}

static const char *full_name(const struct weaving *w, const struct scaling_line *l,
                             const struct naming *n)
{
    const char *name = n->base;
    for (size_t i = 0; i < n->count; i++) {
        char whole[MATCH_FIELD_BYTES], text[VALUE_BYTES];
        match_field_say(l->cells[0]->row, n->ids[i], whole);
        match_field_cut(whole, text, sizeof text);
        name = arena_text(w->arena, "%s, %s=%s", name, field_table[n->ids[i]].name, text);
    }
    return name;
}

/* True if an earlier line of that scenario has the name. */
static bool is_taken(const struct weaving *w, size_t line, const char *name)
{
    for (size_t i = 0; i < line; i++)
        if (strcmp(w->out->items[i].name, name) == 0 &&
            strcmp(w->out->items[i].scenario, w->out->items[line].scenario) == 0)
            return true;
    return false;
}

/* The variant of an earlier line of that name, else the next of its base. */
static int variant_of(const struct weaving *w, const struct naming *all, size_t line)
{
    int next = 0;
    for (size_t i = 0; i < line; i++) {
        const struct scaling_line *l = &w->out->items[i];
        if (strcmp(l->name, w->out->items[line].name) == 0)
            return l->variant;
        if (strcmp(all[i].base, all[line].base) == 0 && l->variant >= next)
            next = l->variant + 1;
    }
    return next;
}

static void name_line(struct weaving *w, struct naming *all, size_t line)
{
    struct scaling_line *l = &w->out->items[line];
    find_fields(w, all, line);
    const char *first = full_name(w, l, &all[line]);
    l->name = first;
    for (size_t k = 2; is_taken(w, line, l->name) && !w->arena->has_failed; k++)
        l->name = arena_text(w->arena, "%s #%zu", first, k);
    l->variant = variant_of(w, all, line);
}

void scaling_build(const struct analysis *x, enum field_id by, struct arena *a,
                   struct scaling *out)
{
    const struct match_result *r = &x->machines;
    struct weaving w = {.arena = a, .out = out, .by = by, .most = r->cell_count};
    struct naming *all = arena_alloc(a, r->cell_count, sizeof *all);
    *out = (struct scaling){.items = arena_alloc(a, r->cell_count, sizeof *out->items)};
    for (size_t i = 0; i < r->cell_count && !a->has_failed; i++)
        if (is_shown(&w, &r->cells[i]))
            add(&w, &r->cells[i]);
    for (size_t i = 0; i < out->count && all != NULL; i++)
        all[i].base = base_name(&w, &out->items[i]);
    for (size_t i = 0; i < out->count && all != NULL; i++)
        name_line(&w, all, i);
}
