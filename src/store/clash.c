#include "store/clash.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "stats/match_field.h"

#define LAST_DIGITS \
    1e-9 /* pandas writes 10 decimals, and reads to the last bits but one */
#define ID_SHOWN    8
#define VALUE_BYTES 60

static bool is_known(struct value v)
{
    return value_is_known(v) && (v.kind != VALUE_STR || *v.s != '\0');
}

static bool is_named(struct value v)
{
    return is_known(v) && (v.kind != VALUE_STR || strcmp(v.s, "unknown") != 0);
}

static bool is_number(struct value v)
{
    return v.kind == VALUE_INT || v.kind == VALUE_NUM;
}

static bool is_same_number(double a, double b)
{
    return fabs(a - b) <= LAST_DIGITS * fmax(1, fmax(fabs(a), fabs(b)));
}

static bool is_same_value(const struct row *a, const struct row *b, enum field_id id)
{
    struct value x = a->v[id], y = b->v[id];
    if (!is_known(x) || !is_known(y))
        return is_known(x) == is_known(y);
    if (is_number(x) && is_number(y))
        return is_same_number(value_as_num(x), value_as_num(y));
    return match_field_is_same(a, b, id);
}

static bool differs(const struct row *a, const struct row *b, enum field_id id)
{
    switch (id) {
    case FIELD_timestamp:
    case FIELD_timestamp_utc:
    case FIELD_checks: return false; /* the metrics' numbers once more, in texts */
    case FIELD_label:
    case FIELD_instance_type:
        return is_named(a->v[id]) && is_named(b->v[id]) && !is_same_value(a, b, id);
    default: return !is_same_value(a, b, id);
    }
}

bool clash_find(const struct row *row, const struct row *kept, enum field_id *where)
{
    for (int id = 0; id < FIELD_COUNT; id++)
        if (differs(row, kept, (enum field_id)id)) {
            *where = (enum field_id)id;
            return true;
        }
    return false;
}

/* NULL: no memory. */
static const char *example_of(const struct clash_rows *r, enum field_id id,
                              struct arena *a)
{
    char whole[MATCH_FIELD_BYTES], value[VALUE_BYTES], kept[VALUE_BYTES];
    const char *run = field_str(r->row, FIELD_run_id);
    match_field_say(r->row, id, whole);
    match_field_cut(whole, value, sizeof value);
    match_field_say(r->kept, id, whole);
    match_field_cut(whole, kept, sizeof kept);
    return arena_printf(
        a, "row %" PRId64 " of run %.*s: %s is %s, there %s",
        r->row->v[FIELD_row].kind == VALUE_INT ? r->row->v[FIELD_row].i : 0, ID_SHOWN,
        run != NULL ? run : "", field_table[id].name, value, kept);
}

/* That of two files, the last one if there is none yet; NULL: no memory. */
static struct clash *find(struct clashes *to, const struct clash_rows *r, struct arena *a)
{
    for (size_t i = 0; i < to->count; i++)
        if (strcmp(to->items[i].file, r->file) == 0 &&
            strcmp(to->items[i].kept, r->kept_file) == 0)
            return &to->items[i];
    if (!arena_grow(a, &to->items, to->count, &to->room, sizeof *to->items))
        return NULL;
    to->items[to->count] = (struct clash){.file = r->file, .kept = r->kept_file};
    return &to->items[to->count++];
}

enum status clash_note(struct clashes *to, const struct clash_rows *rows, struct arena *a)
{
    enum field_id where;
    if (!clash_find(rows->row, rows->kept, &where))
        return STATUS_OK;
    struct clash *c = find(to, rows, a);
    if (c == NULL)
        return STATUS_NO_MEMORY;
    if (c->rows++ == 0)
        c->example = example_of(rows, where, a);
    return c->example != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status clash_finish(struct clashes *all, struct arena *a)
{
    for (size_t i = 0; i < all->count; i++) {
        struct clash *c = &all->items[i];
        c->text = arena_printf(
            a, "%s: %zu row%s from %s, which was read first and counts: %s", c->file,
            c->rows, c->rows == 1 ? " differs" : "s differ", c->kept, c->example);
        if (c->text == NULL)
            return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}
