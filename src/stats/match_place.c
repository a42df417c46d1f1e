/* Rows of one cell agree in all that agree.h asks of them. */
#include "stats/agree.h"
#include "stats/match_cell.h"
#include "stats/match_field.h"

#define FNV_BASIS UINT64_C(14695981039346656037)

struct place {
    uint64_t key;
    size_t index;
    struct place *next; /* later one of the same slot */
    const struct row *first;
    struct row known; /* what its rows know of the fields that are not in the key */
};

/* Fields in which rows of a cell agree; shape [count]. */
struct fields {
    enum field_id items[FIELD_COUNT];
    size_t count;
};

struct placing {
    const struct match_input *in;
    struct arena *arena;
    struct place **places; /* [count] */
    size_t count;
    struct place **slots; /* [slot_count] of places by key, the first of each */
    size_t slot_count;
    size_t *cell_of;
    struct fields key;  /* what makes the key */
    struct fields wild; /* not in the key: an unknown value does not hinder */
};

static void list_fields(struct placing *p)
{
    for (enum field_id id = agree_first(); id < FIELD_COUNT; id = agree_next(id))
        if (match_field_is_wild(id))
            p->wild.items[p->wild.count++] = id;
        else if (id != FIELD_kv_cache_tokens) /* has a tolerance */
            p->key.items[p->key.count++] = id;
}

static uint64_t key_of(const struct placing *p, const struct match_row *r)
{
    uint64_t h = FNV_BASIS ^ (uint64_t)r->is_published;
    for (size_t i = 0; i < p->key.count; i++)
        h = match_field_hash(h, r->row, p->key.items[i]);
    return h;
}

static bool are_same(const struct fields *f, const struct row *a, const struct row *b)
{
    for (size_t i = 0; i < f->count; i++)
        if (!match_field_is_same(a, b, f->items[i]))
            return false;
    return true;
}

/* True only if both are of one cell: the quick answer for rows that stand together. */
static bool is_surely_same(const struct placing *p, const struct match_row *a,
                           const struct match_row *b)
{
    return a->is_published == b->is_published &&
           value_is_known(a->row->v[FIELD_scenario]) &&
           match_field_is_same(a->row, b->row, FIELD_kv_cache_tokens) &&
           are_same(&p->key, a->row, b->row) && are_same(&p->wild, a->row, b->row);
}

static size_t unknown_fields(const struct placing *p, const struct row *row)
{
    size_t n = 0;
    for (size_t i = 0; i < p->wild.count; i++)
        n += !value_is_known(row->v[p->wild.items[i]]);
    return n;
}

static bool fits(const struct placing *p, const struct place *place,
                 const struct row *row)
{
    for (size_t i = 0; i < p->wild.count; i++) {
        enum field_id id = p->wild.items[i];
        bool is_open = !value_is_known(place->known.v[id]) || !value_is_known(row->v[id]);
        if (!is_open && !match_field_is_equal(&place->known, row, id))
            return false;
    }
    return match_field_is_equal(&place->known, row, FIELD_kv_cache_tokens);
}

/* Whether both rows know the same of their machines. */
static bool knows_as_much(const struct placing *p, const struct row *a,
                          const struct row *b)
{
    for (size_t i = 0; i < p->wild.count; i++)
        if (value_is_known(a->v[p->wild.items[i]]) !=
            value_is_known(b->v[p->wild.items[i]]))
            return false;
    return true;
}

/* Index of the row's place; count where a new one is to begin. */
static size_t find(const struct placing *p, uint64_t key, const struct row *row)
{
    size_t found = p->count, fitting = 0;
    for (const struct place *place = p->slots[key % p->slot_count]; place != NULL;
         place = place->next) {
        if (place->key != key || !fits(p, place, row))
            continue;
        if (knows_as_much(p, place->first, row))
            return place->index;
        found = place->index;
        fitting++;
    }
    return fitting == 1 ? found : p->count;
}

static void learn(const struct placing *p, struct place *place, const struct row *row)
{
    for (size_t i = 0; i < p->wild.count; i++) {
        enum field_id id = p->wild.items[i];
        if (!value_is_known(place->known.v[id]))
            place->known.v[id] = row->v[id];
    }
}

static enum status begin(struct placing *p, uint64_t key, const struct row *row)
{
    struct place *place = arena_alloc(p->arena, 1, sizeof *place);
    if (place == NULL)
        return STATUS_NO_MEMORY;
    struct place **slot = &p->slots[key % p->slot_count];
    while (*slot != NULL)
        slot = &(*slot)->next;
    *slot = place;
    place->key = key;
    place->index = p->count;
    place->first = row;
    place->known.v[FIELD_kv_cache_tokens] = row->v[FIELD_kv_cache_tokens];
    p->places[p->count++] = place;
    return STATUS_OK;
}

/* Those rows that leave so many fields of their machine open. */
static enum status place_level(struct placing *p, size_t level, const size_t *unknown)
{
    size_t at = 0;
    const struct match_row *last = NULL;
    for (size_t i = 0; i < p->in->count; i++) {
        const struct match_row *r = &p->in->rows[i];
        if (unknown[i] != level)
            continue;
        if (last == NULL || !is_surely_same(p, r, last)) {
            uint64_t key = key_of(p, r);
            at = find(p, key, r->row);
            if (at == p->count && begin(p, key, r->row) != STATUS_OK)
                return STATUS_NO_MEMORY;
        }
        last = r;
        learn(p, p->places[at], r->row);
        p->cell_of[i] = at;
    }
    return STATUS_OK;
}

/* In order of the first row of each. */
static void renumber(const struct placing *p, size_t *number)
{
    size_t numbered = 0;
    for (size_t i = 0; i < p->count; i++)
        number[i] = p->count;
    for (size_t i = 0; i < p->in->count; i++) {
        size_t *n = &number[p->cell_of[i]];
        if (*n == p->count)
            *n = numbered++;
        p->cell_of[i] = *n;
    }
}

enum status match_place_rows(const struct match_input *in, struct arena *a,
                             size_t *cell_of, size_t *cell_count)
{
    size_t n = in->count + 1, most = 0;
    struct placing p = {.in = in,
                        .arena = a,
                        .places = arena_alloc(a, n, sizeof(struct place *)),
                        .slots = arena_alloc(a, n, sizeof(struct place *)),
                        .slot_count = n,
                        .cell_of = cell_of};
    size_t *unknown = arena_alloc(a, n, sizeof *unknown);
    size_t *number = arena_alloc(a, n, sizeof *number);
    if (a->has_failed)
        return STATUS_NO_MEMORY;
    list_fields(&p);
    for (size_t i = 0; i < in->count; i++) {
        unknown[i] = unknown_fields(&p, in->rows[i].row);
        most = unknown[i] > most ? unknown[i] : most;
    }
    enum status s = STATUS_OK;
    for (size_t level = 0; s == STATUS_OK && level <= most; level++)
        s = place_level(&p, level, unknown);
    if (s != STATUS_OK)
        return s;
    renumber(&p, number);
    *cell_count = p.count;
    return STATUS_OK;
}
