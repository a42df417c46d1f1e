#include "base/opt.h"

#include <stdio.h>
#include <string.h>

#include "base/opt_value.h"
#include "base/str.h"

enum { WHERE_BYTES = 160, NAME_BYTES = 64 };

/* One occurrence of an option in argv. */
struct use {
    const struct opt *opt;
    char *value; /* behind '=' or a short name; NULL if none */
    bool is_negated;
};

struct cursor {
    int argc;
    char **argv;
    int at; /* the next word */
};

static void *field_of(const struct opt_parse *p, const struct opt *o)
{
    return (char *)p->target + o->offset;
}

static enum opt_source *source_of(const struct opt_parse *p, const struct opt *o)
{
    return &p->sources[o - p->table];
}

static bool same_name(const char *known, struct str name)
{
    if (strlen(known) != name.len)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (known[i] != (name.ptr[i] == '_' ? '-' : name.ptr[i]))
            return false;
    return true;
}

static const struct opt *find(const struct opt_parse *p, struct str name)
{
    for (size_t i = 0; i < p->count; i++)
        if (same_name(p->table[i].name, name))
            return &p->table[i];
    return NULL;
}

static const struct opt *find_short(const struct opt_parse *p, char letter)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->table[i].short_name == letter)
            return &p->table[i];
    return NULL;
}

const struct opt *opt_find(const struct opt_parse *p, const char *name)
{
    return find(p, str_from(name));
}

enum opt_source opt_source_of(const struct opt_parse *p, const char *name)
{
    const struct opt *o = opt_find(p, name);
    return o != NULL ? *source_of(p, o) : OPT_FROM_DEFAULT;
}

static enum status set_default(struct opt_parse *p, const struct opt *o, struct err *e)
{
    opt_value_clear(o, field_of(p, o));
    if (o->fallback == NULL)
        return STATUS_OK;
    char *text = arena_strdup(p->arena, o->fallback);
    const char **words = arena_alloc(p->arena, strlen(o->fallback) + 1, sizeof *words);
    if (text == NULL || words == NULL)
        return status_no_memory(e, "options");
    struct opt_strings list = {.items = words};
    if (!opt_value_is_list(o))
        words[list.count++] = text;
    for (char *at = text; opt_value_is_list(o) && *at != '\0';) {
        size_t len = strcspn(at, " ");
        if (len > 0)
            words[list.count++] = at;
        at += len;
        if (*at != '\0')
            *at++ = '\0';
    }
    struct opt_value_job job = {
        .opt = o, .field = field_of(p, o), .where = o->name, .arena = p->arena, .e = e};
    enum status status = opt_value_store(&job, &list);
    if (status == STATUS_OK || status == STATUS_NO_MEMORY)
        return status;
    return status_fail(e, STATUS_INTERNAL, o->name, "the table's default \"%s\" is bad",
                       o->fallback);
}

enum status opt_init(struct opt_parse *p, struct err *e)
{
    p->positional = (struct opt_strings){0};
    p->rest = (struct opt_strings){0};
    p->sources = arena_alloc(p->arena, p->count, sizeof *p->sources);
    if (p->sources == NULL)
        return status_no_memory(e, "options");
    for (size_t i = 0; i < p->count; i++) {
        enum status status = set_default(p, &p->table[i], e);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* The known name most like `name`, NULL if none is near; one that `name` begins counts as
 * near, so that --batch leads to --batch-sizes. */
static const struct opt *nearest(const struct opt_parse *p, const char *name)
{
    const struct opt *best = NULL;
    size_t best_distance = strlen(name) / 3 + 2;
    for (size_t i = 0; i < p->count; i++) {
        size_t distance = str_distance(p->table[i].name, name);
        if (distance < best_distance) {
            best_distance = distance;
            best = &p->table[i];
        }
    }
    for (size_t i = 0; i < p->count && best == NULL && strlen(name) > 2; i++)
        if (strncmp(p->table[i].name, name, strlen(name)) == 0)
            best = &p->table[i];
    return best;
}

/* where: as shown in the message; dashes: "--" in argv, "" in a config file. */
static enum status unknown(const struct opt_parse *p, struct str name, const char *where,
                           const char *dashes, struct err *e)
{
    char typed[NAME_BYTES];
    (void)snprintf(typed, sizeof typed, "%.*s", (int)name.len, name.ptr);
    for (char *c = typed; *c != '\0'; c++)
        if (*c == '_')
            *c = '-';
    (void)status_fail(e, STATUS_BAD_OPTION, where, "unknown option");
    const char *no = "";
    const struct opt *near = nearest(p, typed);
    if (near == NULL && strncmp(typed, "no-", 3) == 0) {
        near = nearest(p, typed + 3);
        no = "no-";
    }
    if (near == NULL)
        return status_hint(e, "See --help for the options");
    return status_hint(e, "Did you mean %s%s%s?", dashes, no, near->name);
}

/* "-" and negative numbers are values, not options. */
static bool is_option_like(const char *word)
{
    double number = 0;
    return word[0] == '-' && word[1] != '\0' && !str_to_double(str_from(word), &number);
}

static const char *value_name_of(const struct opt *o)
{
    return o->value_name != NULL ? o->value_name : "VALUE";
}

static enum status needs_value(const struct opt *o, const char *where, struct err *e)
{
    (void)status_fail(e, STATUS_BAD_OPTION, where, "needs a value");
    return status_hint(e, "Write --%s %s, or --%s=%s if it begins with '-'", o->name,
                       value_name_of(o), o->name, value_name_of(o));
}

static bool is_value(const struct opt *o, const char *word, bool is_first)
{
    bool is_pair = o->type != OPT_PAIRS || strchr(word, '=') != NULL;
    return !is_option_like(word) && (is_first || is_pair);
}

/* Takes the words that belong to this use off the cursor into `words`, which has room. */
static void take_words(const struct use *use, struct cursor *c, struct opt_strings *words)
{
    const char *implied = use->value;
    if (implied == NULL && use->opt->type == OPT_FLAG)
        implied = use->is_negated ? "false" : "true";
    else if (implied == NULL && use->opt->type == OPT_MAYBE)
        implied = "";
    if (implied != NULL) {
        words->items[words->count++] = implied;
        return;
    }
    size_t most = opt_value_is_list(use->opt) ? (size_t)c->argc : 1;
    while (words->count < most && c->at < c->argc &&
           is_value(use->opt, c->argv[c->at], words->count == 0))
        words->items[words->count++] = c->argv[c->at++];
}

struct str opt_hidden_part(const struct opt *o, const char *word)
{
    struct str all = str_from(word);
    if (o->is_secret || !o->is_address)
        return o->is_secret || o->is_private ? all : (struct str){.ptr = word};
    const char *at = strrchr(word, '@');
    const char *sign = at != NULL ? strstr(word, "://") : NULL;
    const char *start = sign != NULL && sign < at ? sign + strlen("://") : word;
    return (struct str){.ptr = start, .len = at != NULL ? (size_t)(at - start) : 0};
}

static void hide_word(const struct opt *o, char *word)
{
    struct str part = opt_hidden_part(o, word);
    if (part.len > 0)
        memset(word + (part.ptr - word), 'x', part.len);
}

static void hide_secret(const struct use *use, char **first, char **end)
{
    if (use->value != NULL)
        hide_word(use->opt, use->value);
    for (char **word = first; word < end; word++)
        hide_word(use->opt, *word);
}

static enum status apply(struct opt_parse *p, struct cursor *c, const struct use *use,
                         struct err *e)
{
    const struct opt *o = use->opt;
    char where[WHERE_BYTES];
    (void)snprintf(where, sizeof where, "--%s%.100s", use->is_negated ? "no-" : "",
                   o->name);
    if (use->is_negated && use->value != NULL)
        return status_fail(e, STATUS_BAD_OPTION, where, "takes no value");
    struct opt_strings words = {0};
    words.items = arena_alloc(p->arena, (size_t)c->argc + 1, sizeof *words.items);
    if (words.items == NULL)
        return status_no_memory(e, "options");
    char **first = c->argv + c->at;
    take_words(use, c, &words);
    if (words.count == 0)
        return needs_value(o, where, e);
    if (opt_value_is_list(o) && *source_of(p, o) != OPT_FROM_ARGV)
        opt_value_clear(o, field_of(p, o));
    struct opt_value_job job = {
        .opt = o, .field = field_of(p, o), .where = where, .arena = p->arena, .e = e};
    enum status status = opt_value_store(&job, &words);
    if (o->is_secret || o->is_address || o->is_private)
        hide_secret(use, first, c->argv + c->at);
    if (status == STATUS_OK)
        *source_of(p, o) = OPT_FROM_ARGV;
    return status;
}

static enum status read_long(struct opt_parse *p, struct cursor *c, char *word,
                             struct err *e)
{
    struct str name = {.ptr = word + 2, .len = strcspn(word + 2, "=")};
    struct use use = {.opt = find(p, name)};
    if (name.ptr[name.len] == '=')
        use.value = word + 2 + name.len + 1;
    if (use.opt == NULL && str_starts(name, "no-")) {
        use.opt = find(p, (struct str){.ptr = name.ptr + 3, .len = name.len - 3});
        use.is_negated = use.opt != NULL && use.opt->type == OPT_FLAG;
        if (!use.is_negated)
            use.opt = NULL;
    }
    if (use.opt != NULL)
        return apply(p, c, &use, e);
    char where[WHERE_BYTES];
    (void)snprintf(where, sizeof where, "--%.*s", (int)name.len, name.ptr);
    return unknown(p, name, where, "--", e);
}

/* -v, -vq (flags), -o FILE, -oFILE. */
static enum status read_short(struct opt_parse *p, struct cursor *c, char *word,
                              struct err *e)
{
    for (char *letter = word + 1; *letter != '\0'; letter++) {
        struct use use = {.opt = find_short(p, *letter)};
        if (use.opt == NULL) {
            char where[WHERE_BYTES];
            (void)snprintf(where, sizeof where, "%.140s", word);
            return unknown(p, str_from(word + 1), where, "--", e);
        }
        bool takes_rest = use.opt->type != OPT_FLAG && letter[1] != '\0';
        if (takes_rest)
            use.value = letter + (letter[1] == '=' ? 2 : 1);
        enum status status = apply(p, c, &use, e);
        if (status != STATUS_OK || takes_rest)
            return status;
    }
    return STATUS_OK;
}

static void take_rest(struct opt_parse *p, struct cursor *c)
{
    while (c->at < c->argc)
        p->rest.items[p->rest.count++] = c->argv[c->at++];
}

enum status opt_read_argv(struct opt_parse *p, int argc, char **argv, struct err *e)
{
    struct cursor c = {.argc = argc, .argv = argv};
    size_t room = argc > 0 ? (size_t)argc : 0;
    p->positional = (struct opt_strings){0};
    p->rest = (struct opt_strings){0};
    p->positional.items = arena_alloc(p->arena, room, sizeof *p->positional.items);
    p->rest.items = arena_alloc(p->arena, room, sizeof *p->rest.items);
    if (p->positional.items == NULL || p->rest.items == NULL)
        return status_no_memory(e, "options");
    enum status status = STATUS_OK;
    while (c.at < argc && status == STATUS_OK) {
        char *word = argv[c.at++];
        if (strcmp(word, "--") == 0)
            take_rest(p, &c);
        else if (strncmp(word, "--", 2) == 0)
            status = read_long(p, &c, word, e);
        else if (is_option_like(word))
            status = read_short(p, &c, word, e);
        else
            p->positional.items[p->positional.count++] = word;
    }
    return status;
}

enum status opt_set(struct opt_parse *p, const char *name,
                    const struct opt_strings *words, const char *where, struct err *e)
{
    char place[WHERE_BYTES];
    (void)snprintf(place, sizeof place, "%.110s: %.40s", where, name);
    const struct opt *o = opt_find(p, name);
    if (o == NULL)
        return unknown(p, str_from(name), place, "", e);
    if (*source_of(p, o) == OPT_FROM_ARGV)
        return STATUS_OK;
    opt_value_clear(o, field_of(p, o));
    struct opt_value_job job = {
        .opt = o, .field = field_of(p, o), .where = place, .arena = p->arena, .e = e};
    enum status status = opt_value_store(&job, words);
    if (status == STATUS_OK)
        *source_of(p, o) = OPT_FROM_CONFIG;
    return status;
}

enum status opt_text(const struct opt_parse *p, const struct opt *o, struct buf *out)
{
    return opt_value_text(o, field_of(p, o), out);
}

bool opt_is_chosen(const struct opt_strings *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], name) == 0 || strcmp(list->items[i], "all") == 0)
            return true;
    return false;
}
