/* What the sides of an analysis are called where their rows do not say it, or say what
 * must not be printed. */
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/visible.h"
#include "stats/analysis_row.h"
#include "stats/match_field.h"

#define NAMELESS "this machine"
#define ENDING   ".json"

/* Rows that nobody named: of one file, and there of one machine. */
struct stranger {
    const char *file;
    const char *machine; /* NULL: it tells nothing apart in this file */
    const char *name;
};

struct naming {
    const struct analysis_rows *rows;
    enum field_id by;
    struct arena *arena;
    struct stranger *met; /* [count] */
    size_t count;
};

/* Names go to terminals, reports and scripts. What differs still does. */
static void clean_names(const struct analysis_rows *c, struct arena *a)
{
    static const enum field_id names[] = {FIELD_label, FIELD_instance_type,
                                          FIELD_model_name, FIELD_engine_version,
                                          FIELD_scenario};
    for (size_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
            struct value *v = &c->items[i].row->v[names[k]];
            const char *shown = v->kind == VALUE_STR ? visible_text(v->s, false, a)
                                                     : NULL;
            if (shown != NULL)
                v->s = shown;
        }
}

/* Rows [from, to) of one file of which nobody said the machine. True if they come from
 * several. */
static bool are_several(const struct naming *n, size_t from, size_t to)
{
    const char *first = NULL;
    for (size_t i = from; i < to; i++) {
        const struct row *row = n->rows->items[i].row;
        const char *machine = field_str(row, FIELD_machine_sha256);
        if (machine == NULL || !match_field_is_nameless(row, n->by))
            continue;
        if (first != NULL && strcmp(first, machine) != 0)
            return true;
        first = machine;
    }
    return false;
}

/* The last parts of a path, so many of them; all of it if it has no more. */
static struct str tail_of(const char *path, size_t parts)
{
    struct str out = str_from(path);
    size_t ending = strlen(ENDING), from = out.len;
    while (from > 0 && (path[from - 1] != '/' || --parts > 0))
        from--;
    if (out.len - from > ending && strcmp(path + out.len - ending, ENDING) == 0)
        out.len -= ending;
    return (struct str){.ptr = path + from, .len = out.len - from};
}

/* As much of a file's path as no other file ends with. */
static struct str short_path(const struct naming *n, const char *file)
{
    size_t parts = 1;
    if (file == NULL)
        return str_from("");
    for (size_t i = 0; i < n->rows->count; i++) {
        const char *other = n->rows->items[i].file, *last = NULL;
        if (i > 0)
            last = n->rows->items[i - 1].file;
        if (other == NULL || other == last || strcmp(other, file) == 0)
            continue;
        while (str_equal(tail_of(file, parts), tail_of(other, parts)) &&
               tail_of(file, parts).ptr != file)
            parts++;
    }
    return tail_of(file, parts);
}

/* True if rows have that name, or other strangers. */
static bool is_taken(const struct naming *n, const char *name)
{
    const char *last = NULL;
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->met[i].name, name) == 0)
            return true;
    for (size_t i = 0; i < n->rows->count; i++) {
        const char *own = field_str(n->rows->items[i].row, n->by);
        if (own != NULL && own != last && strcmp(own, name) == 0)
            return true;
        last = own;
    }
    return false;
}

static const char *make_name(const struct naming *n, const struct stranger *s)
{
    const char *name = NAMELESS;
    bool has_file = n->rows->file_count != 1;
    struct str path = has_file ? short_path(n, s->file) : str_from("");
    if (has_file || s->machine != NULL)
        name = arena_text(n->arena, "?%s%.*s%s%.8s", has_file ? " " : "", (int)path.len,
                          path.ptr, s->machine != NULL ? " " : "",
                          s->machine != NULL ? s->machine : "");
    const char *first = visible_text(name, false, n->arena);
    name = first = first != NULL ? first : NAMELESS; /* no memory: the arena says so */
    for (size_t k = 2; is_taken(n, name) && !n->arena->has_failed; k++)
        name = arena_text(n->arena, "%s #%zu", first, k);
    return name;
}

/* The name of such rows, made when they are first met. */
static const char *name_of(struct naming *n, const char *file, const char *machine)
{
    struct stranger s = {.file = file, .machine = machine};
    for (size_t i = n->count; i-- > 0;)
        if (str_same(n->met[i].file, file) && str_same(n->met[i].machine, machine))
            return n->met[i].name;
    s.name = make_name(n, &s);
    n->met[n->count++] = s;
    return s.name;
}

/* Names are set when all are made: until then is_taken sees what rows say themselves. */
static void name_unknown(struct naming *n, const char **names)
{
    const struct analysis_rows *c = n->rows;
    bool is_one_of_several = false;
    for (size_t i = 0, to = 0; i < c->count; i++) {
        const struct analysis_row *r = &c->items[i];
        if (i == to) { /* rows of one file stand together */
            while (to < c->count && c->items[to].file == r->file)
                to++;
            is_one_of_several = are_several(n, i, to);
        }
        if (!match_field_is_nameless(r->row, n->by))
            continue;
        names[i] = name_of(n, r->file,
                           is_one_of_several ? field_str(r->row, FIELD_machine_sha256)
                                             : NULL);
    }
    for (size_t i = 0; i < c->count; i++)
        if (names[i] != NULL)
            c->items[i].row->v[n->by] = value_str(names[i]);
}

enum status analysis_names_set(const struct analysis_rows *c, enum field_id by,
                               struct arena *a)
{
    struct naming n = {.rows = c, .by = by, .arena = a};
    const char **names = arena_alloc(a, c->count, sizeof *names);
    n.met = arena_alloc(a, c->count, sizeof *n.met);
    if (names == NULL || n.met == NULL)
        return STATUS_NO_MEMORY;
    clean_names(c, a);
    name_unknown(&n, names);
    return a->has_failed ? STATUS_NO_MEMORY : STATUS_OK;
}
