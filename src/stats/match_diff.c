#include "stats/match_diff.h"

#include <stdio.h>
#include <string.h>

#include "text/json.h"

#define EXPLAINED      3 /* fields of a cell without partner */
#define VALUES_SAID    4 /* of a field */
#define NOT_SET        "not set"
#define ARGUMENT_SHOWN 120 /* bytes */

static const enum field_id side_fields[] = {
    [MATCH_BY_CACHING] = FIELD_enable_prefix_caching, [MATCH_BY_LABEL] = FIELD_label,
    [MATCH_BY_INSTANCE] = FIELD_instance_type,        [MATCH_BY_MODEL] = FIELD_model_name,
    [MATCH_BY_VERSION] = FIELD_engine_version,
};

/* What is told first; a phrase says it without values that tell nobody anything. */
static const struct {
    enum field_id id;
    const char *phrase;
} foremost[] = {
    {FIELD_driver_version, NULL},
    {FIELD_engine_version, NULL},
    {FIELD_model_fingerprint, NULL},
    {FIELD_engine_args, NULL},
    {FIELD_client_machine_sha256, "another client machine"},
    {FIELD_plan_sha256, "another plan"},
    {FIELD_machine_sha256, "another machine"},
};

#define FOREMOST_COUNT (sizeof foremost / sizeof *foremost)

enum field_id match_diff_side_field(enum match_by by)
{
    return side_fields[by];
}

bool match_diff_is_compared(enum field_id id, enum match_by by)
{
    return side_fields[by] == id ||
           (by == MATCH_BY_MODEL && id == FIELD_model_fingerprint);
}

static size_t rank_of(enum field_id id)
{
    for (size_t i = 0; i < FOREMOST_COUNT; i++)
        if (foremost[i].id == id)
            return i;
    return FOREMOST_COUNT + (size_t)id;
}

static bool is_hardware(const struct match_cell *c, const char *name)
{
    const char *type = field_str(c->row, FIELD_hardware_type);
    return type != NULL && strcmp(type, name) == 0;
}

static enum agree_where where_of(const struct match_cell *a, const struct match_cell *b,
                                 enum match_by by)
{
    bool are_kinds = (is_hardware(a, "gpu") && is_hardware(b, "neuron")) ||
                     (is_hardware(a, "neuron") && is_hardware(b, "gpu"));
    switch (by) {
    case MATCH_BY_CACHING: return AGREE_CACHING;
    case MATCH_BY_LABEL:
    case MATCH_BY_INSTANCE: return are_kinds ? AGREE_KINDS : AGREE_MACHINES;
    default: return AGREE_MODELS;
    }
}

/* Texts of one data set have other lengths in another model's tokens. */
static bool is_text_length(const struct match_cell *a, enum field_id id, enum match_by by)
{
    return by == MATCH_BY_MODEL && id == FIELD_input_length &&
           value_is_known(a->row->v[FIELD_dataset]);
}

/* Definitions changed what is measured online; nothing that is compared offline. */
static enum agree agreement(const struct match_fields *fields, const struct match_cell *a,
                            enum field_id id, enum agree_where where)
{
    enum agree agree = fields->in[id][where];
    bool is_offline = id == FIELD_definitions && !match_field_is_online(a->row);
    return is_offline && agree == AGREE_MUST ? AGREE_SAID : agree;
}

static bool is_obstacle(const struct match_fields *fields, const struct match_cell *a,
                        const struct match_cell *b, enum field_id id, enum match_by by)
{
    return agreement(fields, a, id, where_of(a, b, by)) == AGREE_MUST &&
           !match_diff_is_compared(id, by) && !is_text_length(a, id, by) &&
           match_field_differs(a, b, id);
}

size_t match_diff_obstacles(const struct match_fields *fields, const struct match_cell *a,
                            const struct match_cell *b, enum match_by by)
{
    size_t n = 0;
    for (size_t i = 0; i < fields->count; i++)
        n += is_obstacle(fields, a, b, fields->ids[i], by);
    return n;
}

bool match_diff_is_hindered(const struct match_fields *fields, const struct match_cell *a,
                            const struct match_cell *b, enum match_by by)
{
    for (size_t i = 0; i < fields->count; i++)
        if (is_obstacle(fields, a, b, fields->ids[i], by))
            return true;
    return false;
}

size_t match_diff_distance(const struct match_fields *fields, const struct match_cell *a,
                           const struct match_cell *b, enum match_by by)
{
    enum agree_where where = where_of(a, b, by);
    size_t n = 0;
    for (size_t i = 0; i < fields->count; i++) {
        enum field_id id = fields->ids[i];
        n += agreement(fields, a, id, where) != AGREE_MUST &&
             !match_diff_is_compared(id, by) && match_field_differs(a, b, id);
    }
    return n;
}

/* --- a list of differences */

static bool has(const struct match_diff_list *w, enum field_id id, const char *values)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->items[i].field == id && strcmp(w->items[i].values, values) == 0)
            return true;
    return false;
}

/* values NULL: no memory. */
static void add(struct match_diff_list *w, enum field_id id, const char *values)
{
    w->has_failed = w->has_failed || values == NULL;
    if (w->has_failed || has(w, id, values))
        return;
    if (!arena_grow(w->arena, &w->items, w->count, &w->room, sizeof *w->items)) {
        w->has_failed = true;
        return;
    }
    size_t at = w->count++;
    for (; at > 0 && rank_of(id) < rank_of(w->items[at - 1].field); at--)
        w->items[at] = w->items[at - 1];
    w->items[at] = (struct match_difference){.field = id, .values = values};
}

static const char *phrase_of(enum field_id id)
{
    size_t rank = rank_of(id);
    return rank < FOREMOST_COUNT ? foremost[rank].phrase : NULL;
}

/* --- arguments of the engine: "key=value" texts, sorted */

static const char *shown(const char *text, struct arena *a)
{
    char out[ARGUMENT_SHOWN];
    match_field_cut(text, out, sizeof out);
    return arena_strdup(a, out);
}

static struct str key_of(const char *pair)
{
    struct str rest = str_from(pair);
    return str_cut(&rest, '=');
}

/* The element of that key, NULL if there is none; *is_same: there is this very element.
 */
static const char *counterpart(const json_t *list, const char *pair, bool *is_same)
{
    size_t i;
    const json_t *item;
    const char *found = NULL;
    *is_same = false;
    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);
        if (text == NULL)
            continue;
        *is_same = *is_same || strcmp(text, pair) == 0;
        if (str_equal(key_of(text), key_of(pair)))
            found = text;
    }
    return found;
}

/* An argument that is a field of its own, which differs too and is told. */
static bool is_told(const char *pair, const struct row *a, const struct row *b)
{
    char name[64];
    struct str key = key_of(pair);
    snprintf(name, sizeof name, "%.*s", (int)key.len, key.ptr);
    enum field_id id = field_find(name);
    return id != FIELD_COUNT && !match_field_is_equal(a, b, id);
}

/* The arguments of two rows. */
struct args {
    const struct row *rows[2];
    json_t *lists[2];
};

/* Elements of a row's list that the other has not, or with another value. */
static void add_args_of(struct match_diff_list *w, const struct args *args, bool is_first)
{
    const json_t *list = args->lists[!is_first], *other = args->lists[is_first];
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item)
    {
        bool is_same = false;
        const char *text = json_string_value(item);
        if (text == NULL)
            continue;
        const char *there = counterpart(other, text, &is_same);
        if (is_same || (!is_first && there != NULL) ||
            is_told(text, args->rows[0], args->rows[1]))
            continue; /* equal, or told when the other side was gone through */
        const char *mine = shown(text, w->arena);
        const char *theirs = there != NULL ? shown(there, w->arena) : NOT_SET;
        if (mine == NULL || theirs == NULL)
            w->has_failed = true;
        else
            add(w, FIELD_engine_args,
                arena_printf(w->arena, "%s / %s", is_first ? mine : theirs,
                             is_first ? theirs : mine));
    }
}

static json_t *list_of(const struct row *row, enum field_id id, bool *ran_out)
{
    struct err e;
    json_t *list = NULL;
    const char *text = field_str(row, id);
    if (text != NULL &&
        json_from_text(str_from(text), "row", &list, &e) == STATUS_NO_MEMORY)
        *ran_out = true;
    return list;
}

static void add_args(struct match_diff_list *w, const struct row *a, const struct row *b)
{
    struct args args = {.rows = {a, b}};
    json_t **lists = args.lists;
    lists[0] = list_of(a, FIELD_engine_args, &w->has_failed);
    lists[1] = list_of(b, FIELD_engine_args, &w->has_failed);
    if (lists[0] != NULL && lists[1] != NULL) {
        add_args_of(w, &args, true);
        add_args_of(w, &args, false);
    } else if (!w->has_failed) {
        add(w, FIELD_engine_args,
            lists[0] != NULL ? "known / unknown" : "unknown / known");
    }
    json_decref(lists[0]);
    json_decref(lists[1]);
}

static void add_field(struct match_diff_list *w, const struct row *a, const struct row *b,
                      enum field_id id)
{
    char x[MATCH_FIELD_BYTES], y[MATCH_FIELD_BYTES];
    if (id == FIELD_engine_args) {
        add_args(w, a, b);
        return;
    }
    if (phrase_of(id) != NULL) {
        add(w, id, phrase_of(id));
        return;
    }
    match_field_say(a, id, x);
    match_field_say(b, id, y);
    add(w, id, arena_printf(w->arena, "%s / %s", x, y));
}

void match_diff_add(struct match_diff_list *list, const struct match_fields *fields,
                    const struct match_pair *pair, enum match_by by)
{
    const struct match_cell *x = pair->baseline, *y = pair->other;
    enum agree_where where = where_of(x, y, by);
    for (size_t i = 0; i < fields->count && !list->has_failed; i++) {
        enum field_id id = fields->ids[i];
        if (agreement(fields, x, id, where) == AGREE_SAID &&
            !match_diff_is_compared(id, by) && match_field_differs(x, y, id))
            add_field(list, x->row, y->row, id);
    }
}

/* Values of one field stand together; beyond VALUES_SAID "..." stands for the rest. */
static const char *append(const struct match_diff_list *list, const char *text,
                          size_t index, size_t of_field)
{
    const struct match_difference *d = &list->items[index];
    bool has_name = of_field == 0 && phrase_of(d->field) == NULL;
    if (of_field > VALUES_SAID)
        return text;
    return arena_printf(list->arena, "%s%s%s%s%s", text, *text != '\0' ? ", " : "",
                        has_name ? field_table[d->field].name : "", has_name ? " " : "",
                        of_field == VALUES_SAID ? "..." : d->values);
}

enum status match_diff_text(const struct match_diff_list *list, const char **out)
{
    const char *text = "";
    size_t of_field = 0;
    for (size_t i = 0; i < list->count && text != NULL; i++) {
        bool is_next = i > 0 && list->items[i - 1].field == list->items[i].field;
        of_field = is_next ? of_field + 1 : 0;
        text = append(list, text, i, of_field);
    }
    if (list->has_failed || text == NULL)
        return STATUS_NO_MEMORY;
    *out = *text != '\0' ? text : NULL;
    return STATUS_OK;
}

/* " (a=1 / a=2)", the first argument that differs; NULL: no memory. */
static const char *explain_args(const struct match_pair *pair, struct arena *arena)
{
    struct match_diff_list w = {.arena = arena};
    add_args(&w, pair->baseline->row, pair->other->row);
    if (w.has_failed || w.count == 0)
        return w.has_failed ? NULL : "";
    return arena_printf(arena, " (%s)", w.items[0].values);
}

/* " (4, there 8)" */
static const char *explain_values(const struct match_pair *pair, enum field_id id,
                                  struct arena *arena)
{
    char x[MATCH_FIELD_BYTES], y[MATCH_FIELD_BYTES];
    if (id == FIELD_engine_args)
        return explain_args(pair, arena);
    if (phrase_of(id) != NULL)
        return arena_printf(arena, " (%s)", phrase_of(id));
    match_field_say(pair->baseline->row, id, x);
    match_field_say(pair->other->row, id, y);
    return arena_printf(arena, " (%s, there %s)", x, y);
}

/* "batch_size (4, there 8)"; NULL: no memory. */
static const char *explain_field(const char *text, const struct match_pair *pair,
                                 enum field_id id, bool is_first, struct arena *arena)
{
    /* two models of one name differ in what tells them apart */
    if (id == FIELD_model_name &&
        match_field_is_same(pair->baseline->row, pair->other->row, id))
        id = FIELD_model_fingerprint;
    const char *values = explain_values(pair, id, arena);
    if (values == NULL)
        return NULL;
    return arena_printf(arena, "%s%s%s%s", text, is_first ? "" : ", ",
                        field_table[id].name, values);
}

const char *match_diff_explain(const struct match_fields *fields,
                               const struct match_pair *pair, enum match_by by,
                               struct arena *a)
{
    const struct match_cell *x = pair->baseline, *y = pair->other;
    const char *text = arena_printf(a, "nearest cell of %s differs in ", y->side);
    size_t n = 0;
    for (size_t i = 0; i < fields->count && text != NULL && n < EXPLAINED; i++)
        if (is_obstacle(fields, x, y, fields->ids[i], by))
            text = explain_field(text, pair, fields->ids[i], n++ == 0, a);
    if (text != NULL && n == 0)
        text = arena_printf(a, "its match of %s is paired with a cell nearer to it",
                            y->side);
    return text;
}
