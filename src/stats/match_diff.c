#include "stats/match_diff.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "stats/agree.h"
#include "stats/match_field.h"
#include "text/json.h"

#define EXPLAINED      3 /* fields of a cell without partner */
#define VALUES_SAID    4 /* of a field */
#define NOT_SET        "not set"
#define ARGUMENT_SHOWN 120 /* bytes */

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

/* The model has its fingerprint beside its name; ON and OFF are two arms of one engine as
 * well as two engines, but never one of each. */
static bool is_compared(const struct match_cell *a, const struct match_cell *b,
                        enum field_id id, enum field_id by)
{
    bool is_beside = (by == FIELD_model_name && id == FIELD_model_fingerprint) ||
                     (by == FIELD_enable_prefix_caching && id == FIELD_cache_arm &&
                      match_field_is_known(a->row, id) &&
                      match_field_is_known(b->row, id));
    return id == by || is_beside;
}

static size_t rank_of(enum field_id id)
{
    for (size_t i = 0; i < FOREMOST_COUNT; i++)
        if (foremost[i].id == id)
            return i;
    return FOREMOST_COUNT + (size_t)id;
}

/* --- whether and where they differ */

/* Offline and on a server of its own machine the client is that machine. */
static bool is_own_client(const struct row *row)
{
    const char *machine = field_str(row, FIELD_machine_sha256);
    return machine != NULL && field_is(row, FIELD_client_machine_sha256, machine);
}

/* Rows from before the load and the engine's arguments were recorded. */
static bool is_older(const struct row *row, enum field_id id)
{
    bool is_new_field = field_table[id].role == ROLE_LOAD || id == FIELD_engine_args;
    return is_new_field && match_field_definitions(row) < 2;
}

/* Unknown on one side, and that is no difference. */
static bool is_unsaid(const struct match_cell *a, const struct match_cell *b,
                      enum field_id id)
{
    if (match_field_is_known(a->row, id) && match_field_is_known(b->row, id))
        return false;
    if (id != FIELD_cache_arm && (a->is_published || b->is_published)) {
        /* whoever does not say is no simulation, and matches none */
        return id != FIELD_is_simulated || (!a->is_simulated && !b->is_simulated);
    }
    return match_field_is_wild(id) || is_older(a->row, id) || is_older(b->row, id);
}

bool match_diff_in(const struct match_cell *a, const struct match_cell *b,
                   enum field_id id)
{
    if (id == FIELD_input_length && (a->is_published || b->is_published))
        return false; /* characters there, tokens here */
    if (id == FIELD_client_machine_sha256 && is_own_client(a->row) &&
        is_own_client(b->row))
        return false; /* the machine itself, which is another one anyway */
    if (id == FIELD_definitions && (a->is_published || b->is_published))
        return false;
    return !is_unsaid(a, b, id) && !match_field_is_equal(a->row, b->row, id);
}

static bool are_kinds(const struct match_cell *a, const struct match_cell *b)
{
    return field_is(a->row, FIELD_hardware_type, "gpu") &&
           field_is(b->row, FIELD_hardware_type, "neuron");
}

static enum agree_where where_of(const struct match_cell *a, const struct match_cell *b,
                                 enum field_id by)
{
    if (by == FIELD_label && match_field_are_settings(a->row, b->row))
        return AGREE_CHOSEN;
    switch (by) {
    case FIELD_enable_prefix_caching: return AGREE_CACHING;
    case FIELD_label:
    case FIELD_instance_type:
        return are_kinds(a, b) || are_kinds(b, a) ? AGREE_KINDS : AGREE_MACHINES;
    case MATCH_BY_CHOICE: return AGREE_CHOSEN;
    default: return AGREE_MODELS;
    }
}

/* Definitions changed what is measured online; nothing that is compared offline. Prefix
 * caching is one of the things in which settings of a run may differ. */
static enum agree agreement(const struct match_cell *a, const struct match_cell *b,
                            enum field_id id, enum field_id by)
{
    bool is_free = (id == FIELD_definitions && !match_field_is_online(a->row)) ||
                   (id == FIELD_enable_prefix_caching &&
                    match_field_are_settings(a->row, b->row));
    enum agree agree = agree_of(id, where_of(a, b, by));
    return is_free && agree == AGREE_MUST ? AGREE_SAID : agree;
}

/* Texts of one data set have other lengths in another model's tokens. */
static bool is_text_length(const struct match_cell *a, enum field_id id, enum field_id by)
{
    return by == FIELD_model_name && id == FIELD_input_length &&
           value_is_known(a->row->v[FIELD_dataset]);
}

static bool is_obstacle(const struct match_cell *a, const struct match_cell *b,
                        enum field_id id, enum field_id by)
{
    return agreement(a, b, id, by) == AGREE_MUST && !is_compared(a, b, id, by) &&
           !is_text_length(a, id, by) && match_diff_in(a, b, id);
}

size_t match_diff_obstacles(const struct match_cell *a, const struct match_cell *b,
                            enum field_id by, size_t most)
{
    size_t n = 0;
    for (enum field_id id = agree_first(); id < FIELD_COUNT && n < most;
         id = agree_next(id))
        n += is_obstacle(a, b, id, by);
    return n;
}

/* What else decides whether a field hinders (is_obstacle) is no part of a key. */
static bool is_in_key(enum field_id id, enum field_id by)
{
    return field_table[id].role == ROLE_CELL && id != by && id != FIELD_cache_arm &&
           id != FIELD_enable_prefix_caching && id != FIELD_input_length &&
           id != FIELD_model_name && id != FIELD_model_fingerprint &&
           !match_field_is_wild(id);
}

uint64_t match_diff_key(const struct match_cell *c, enum field_id by)
{
    uint64_t h = 0;
    for (enum field_id id = agree_first(); id < FIELD_COUNT; id = agree_next(id))
        if (is_in_key(id, by))
            h = match_field_hash(h, c->row, id);
    return h;
}

size_t match_diff_distance(const struct match_cell *a, const struct match_cell *b,
                           enum field_id by)
{
    size_t n = 0;
    for (enum field_id id = agree_first(); id < FIELD_COUNT; id = agree_next(id))
        n += agreement(a, b, id, by) != AGREE_MUST && !is_compared(a, b, id, by) &&
             match_diff_in(a, b, id);
    return n;
}

bool match_diff_is_said(const struct match_cell *a, const struct match_cell *b,
                        enum field_id id, enum field_id by)
{
    return agreement(a, b, id, by) == AGREE_SAID && !is_compared(a, b, id, by) &&
           match_diff_in(a, b, id);
}

/* --- a list of differences */

static bool has(const struct match_diff_list *w, enum field_id id, const char *values)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->items[i].field == id && strcmp(w->items[i].values, values) == 0)
            return true;
    return false;
}

static void add(struct match_diff_list *w, enum field_id id, const char *values)
{
    if (has(w, id, values) ||
        !arena_grow(w->arena, &w->items, w->count, &w->room, sizeof *w->items))
        return;
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
    return arena_text(a, "%s", out);
}

static struct str key_of(const char *pair)
{
    struct str rest = str_from(pair);
    return str_cut(&rest, '=');
}

/* The element of that key, NULL if there is none; *is_same: there is this very
 * element. */
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
        add(w, FIELD_engine_args,
            arena_text(w->arena, "%s / %s", is_first ? mine : theirs,
                       is_first ? theirs : mine));
    }
}

/* NULL: unknown, or no memory. */
static json_t *list_of(const struct row *row, struct arena *a)
{
    struct err e;
    json_t *list = NULL;
    const char *text = field_str(row, FIELD_engine_args);
    if (text != NULL &&
        json_from_text(str_from(text), "row", &list, &e) == STATUS_NO_MEMORY)
        a->has_failed = true;
    return list;
}

static void add_args(struct match_diff_list *w, const struct row *a, const struct row *b)
{
    struct args args = {.rows = {a, b}, .lists = {list_of(a, w->arena), NULL}};
    json_t **lists = args.lists;
    lists[1] = list_of(b, w->arena);
    if (lists[0] != NULL && lists[1] != NULL) {
        add_args_of(w, &args, true);
        add_args_of(w, &args, false);
    } else {
        add(w, FIELD_engine_args,
            lists[0] != NULL ? "known / unknown" : "unknown / known");
    }
    json_decref(lists[0]);
    json_decref(lists[1]);
}

/* "4BETWEEN8" */
static const char *both_values(const struct row *a, const struct row *b, enum field_id id,
                               const char *between, struct arena *arena)
{
    char x[MATCH_FIELD_BYTES], y[MATCH_FIELD_BYTES];
    match_field_say(a, id, x);
    match_field_say(b, id, y);
    return arena_text(arena, "%s%s%s", x, between, y);
}

static void add_field(struct match_diff_list *w, const struct row *a, const struct row *b,
                      enum field_id id)
{
    if (id == FIELD_engine_args)
        add_args(w, a, b);
    else if (phrase_of(id) != NULL)
        add(w, id, phrase_of(id));
    else
        add(w, id, both_values(a, b, id, " / ", w->arena));
}

void match_diff_add(struct match_diff_list *list, const struct match_cell *a,
                    const struct match_cell *b, enum field_id by)
{
    for (enum field_id id = agree_first(); id < FIELD_COUNT; id = agree_next(id))
        if (match_diff_is_said(a, b, id, by))
            add_field(list, a->row, b->row, id);
}

/* Values of one field stand together; beyond VALUES_SAID "..." stands for the rest. */
static const char *append(const struct match_diff_list *list, const char *text,
                          size_t index, size_t of_field)
{
    const struct match_difference *d = &list->items[index];
    bool has_name = of_field == 0 && phrase_of(d->field) == NULL;
    if (of_field > VALUES_SAID)
        return text;
    return arena_text(list->arena, "%s%s%s%s%s", text, *text != '\0' ? ", " : "",
                      has_name ? field_table[d->field].name : "", has_name ? " " : "",
                      of_field == VALUES_SAID ? "..." : d->values);
}

const char *match_diff_text(const struct match_diff_list *list)
{
    const char *text = "";
    size_t of_field = 0;
    for (size_t i = 0; i < list->count; i++) {
        bool is_next = i > 0 && list->items[i - 1].field == list->items[i].field;
        of_field = is_next ? of_field + 1 : 0;
        text = append(list, text, i, of_field);
    }
    return *text != '\0' ? text : NULL;
}

/* "(4, there 8)"; of arguments the first that differs: "(a=1 / a=2)" */
static const char *explain_values(const struct match_cell *a, const struct match_cell *b,
                                  enum field_id id, struct arena *arena)
{
    struct match_diff_list w = {.arena = arena};
    if (id == FIELD_engine_args) {
        add_args(&w, a->row, b->row);
        return w.count > 0 ? arena_text(arena, " (%s)", w.items[0].values) : "";
    }
    return arena_text(arena, " (%s)",
                      phrase_of(id) != NULL
                          ? phrase_of(id)
                          : both_values(a->row, b->row, id, ", there ", arena));
}

const char *match_diff_explain(const struct match_cell *a, const struct match_cell *b,
                               enum field_id by, struct arena *arena)
{
    const char *text = arena_text(arena, "nearest cell of %s differs in ", b->side);
    size_t n = 0;
    for (enum field_id id = agree_first(); id < FIELD_COUNT && n < EXPLAINED;
         id = agree_next(id)) {
        if (!is_obstacle(a, b, id, by))
            continue;
        /* two models of one name differ in what tells them apart */
        bool is_one_name = id == FIELD_model_name &&
                           match_field_is_same(a->row, b->row, id);
        enum field_id told = is_one_name ? FIELD_model_fingerprint : id;
        text = arena_text(arena, "%s%s%s%s", text, n++ == 0 ? "" : ", ",
                          field_table[told].name, explain_values(a, b, told, arena));
    }
    return n > 0 ? text
                 : arena_text(arena, "its match of %s is paired with a cell nearer to it",
                              b->side);
}
