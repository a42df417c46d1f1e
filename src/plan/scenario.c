#include "plan/scenario.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "text/json.h"
#include "text/yaml.h"

#define NAME_MAX_BYTES    64
#define TOKENS_MAX        10000000
#define DATASET_MAX_BYTES ((size_t)256 << 20)
#define ANSWER_TOKENS     128 /* of scenarios that do not say */
#define COUNT_OF(a)       (sizeof(a) / sizeof *(a))

/* Lengths in tokens. The shared 1,024 are the same on every engine, so that machines with
 * other block sizes stay comparable. */
static const struct scenario builtin[] = {
    {.name = "short",
     .own_tokens = 32,
     .max_tokens = 128,
     .help = "chat: short prompt, short answer"},
    {.name = "medium",
     .own_tokens = 256,
     .max_tokens = 128,
     .help = "chat with some context: medium prompt, short answer"},
    {.name = "long",
     .own_tokens = 2048,
     .max_tokens = 128,
     .help = "summary: long prompt, short answer"},
    {.name = "long_generation",
     .own_tokens = 64,
     .max_tokens = 1024,
     .help = "writing: short prompt, long answer"},
    {.name = "prefix_caching",
     .shared_tokens = 1024,
     .own_tokens = 64,
     .max_tokens = 128,
     .help = "a shared system prompt, different questions"},
};

struct scenario_list scenario_builtin(void)
{
    return (struct scenario_list){.items = builtin, .count = COUNT_OF(builtin)};
}

static const struct scenario *find(const struct scenario_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

static enum status unknown_scenario(const char *name, const struct scenario_list *extra,
                                    struct err *e)
{
    const struct scenario_list lists[] = {*extra, scenario_builtin()};
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    struct buf known;

    buf_init(&known, 300);
    for (size_t l = 0; l < COUNT_OF(lists); l++) {
        for (size_t i = 0; i < lists[l].count; i++) {
            const char *n = lists[l].items[i].name;
            size_t distance = str_distance(name, n);
            if (distance < best) {
                best = distance;
                nearest = n;
            }
            (void)buf_printf(&known, "%s%s", known.len > 0 ? ", " : "", n);
        }
    }
    status_fail(e, STATUS_BAD_OPTION, "--scenarios", "no scenario \"%s\"", name);
    if (best <= 2 || best <= strlen(name) / 3) {
        status_hint(e, "Did you mean %s? Known: %s", nearest, buf_cstr(&known));
    } else {
        status_hint(e, "Known: %s. Others come from --scenario-file", buf_cstr(&known));
    }
    buf_fini(&known);
    return STATUS_BAD_OPTION;
}

enum status scenario_pick(const struct opt_strings *names,
                          const struct scenario_list *extra, struct arena *a,
                          struct scenario_list *out, struct err *e)
{
    const struct scenario_list own = scenario_builtin();
    struct scenario *picked = arena_alloc(a, names->count + 1, sizeof *picked);

    if (picked == NULL) {
        return status_fail(e, STATUS_NO_MEMORY, "--scenarios", "no memory");
    }
    for (size_t i = 0; i < names->count; i++) {
        const struct scenario *s = find(extra, names->items[i]);
        s = s != NULL ? s : find(&own, names->items[i]);
        if (s == NULL) {
            return unknown_scenario(names->items[i], extra, e);
        }
        picked[i] = *s;
    }
    *out = (struct scenario_list){.items = picked, .count = names->count};
    return STATUS_OK;
}

/* One scenario of a file while it is read. */
struct reader {
    const char *path;
    struct arena *arena;
    struct scenario s;
    int64_t prompt_tokens; /* 0: none given */
    struct err *e;
};

PRINTF_LIKE(3, 4)
static enum status bad_at(struct reader *r, int line, const char *fmt, ...);

static void place(char *out, size_t size, const char *path, int line)
{
    snprintf(out, size, "%s:%d", path, line);
}

static enum status bad_at(struct reader *r, int line, const char *fmt, ...)
{
    char where[160], what[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    place(where, sizeof where, r->path, line);
    return status_fail(r->e, STATUS_BAD_INPUT, where, "%s", what);
}

static enum status no_memory(struct reader *r)
{
    return status_fail(r->e, STATUS_NO_MEMORY, r->path, "no memory for its scenarios");
}

/* Names go into "key=value, " notes, ids and file names. */
static bool is_name_byte(unsigned char c)
{
    return c > ' ' && c != ',' && c != '=' && c != '/' && c != '\\' && c != '"' &&
           c != 127;
}

static enum status read_name(struct reader *r, const struct yaml_node *n)
{
    if (n->kind != YAML_SCALAR || n->is_null || n->text[0] == 0) {
        return bad_at(r, n->line, "name: a word is needed");
    }
    if (strlen(n->text) > NAME_MAX_BYTES) {
        return bad_at(r, n->line, "name: longer than %d bytes", NAME_MAX_BYTES);
    }
    for (const char *c = n->text; *c != 0; c++) {
        if (!is_name_byte((unsigned char)*c)) {
            return bad_at(r, n->line,
                          "name: \"%s\" has a blank or one of , = / \\ \" in it",
                          n->text);
        }
    }
    r->s.name = n->text;
    return STATUS_OK;
}

static enum status read_tokens(struct reader *r, const struct yaml_node *n, int64_t *out)
{
    int64_t v;

    if (n->kind != YAML_SCALAR || n->is_null || !str_to_i64(str_from(n->text), &v) ||
        v < 1 || v > TOKENS_MAX) {
        return bad_at(r, n->line, "%s: %s%s%s is not a whole number from 1 to %d", n->key,
                      n->kind == YAML_SCALAR && !n->is_null ? "\"" : "",
                      n->kind != YAML_SCALAR ? "a list or map"
                      : n->is_null           ? "nothing"
                                             : n->text,
                      n->kind == YAML_SCALAR && !n->is_null ? "\"" : "", TOKENS_MAX);
    }
    *out = v;
    return STATUS_OK;
}

static enum status read_texts(struct reader *r, const struct yaml_node *n)
{
    size_t count = 0;

    if (n->kind != YAML_LIST || n->first == NULL) {
        return bad_at(r, n->line, "prompts: a list of texts is needed");
    }
    for (const struct yaml_node *t = n->first; t != NULL; t = t->next) {
        count++;
    }
    r->s.texts = arena_alloc(r->arena, count, sizeof *r->s.texts);
    if (r->s.texts == NULL) {
        return no_memory(r);
    }
    for (const struct yaml_node *t = n->first; t != NULL; t = t->next) {
        if (t->kind != YAML_SCALAR || t->is_null || t->text[0] == 0) {
            return bad_at(r, t->line, "prompts: text %zu is empty or not a text",
                          r->s.text_count + 1);
        }
        r->s.texts[r->s.text_count++] = (struct plan_text){.text = t->text,
                                                           .max_tokens = OPT_INT_UNSET};
    }
    return STATUS_OK;
}

static enum status read_help(struct reader *r, const struct yaml_node *n)
{
    if (n->kind != YAML_SCALAR || n->is_null) {
        return bad_at(r, n->line, "help: a text is needed");
    }
    r->s.help = n->text;
    return STATUS_OK;
}

static enum status read_prompt_tokens(struct reader *r, const struct yaml_node *n)
{
    return read_tokens(r, n, &r->prompt_tokens);
}

static enum status read_shared(struct reader *r, const struct yaml_node *n)
{
    return read_tokens(r, n, &r->s.shared_tokens);
}

static enum status read_max_tokens(struct reader *r, const struct yaml_node *n)
{
    return read_tokens(r, n, &r->s.max_tokens);
}

static const struct {
    const char *key;
    enum status (*read)(struct reader *r, const struct yaml_node *n);
} scenario_keys[] = {
    {"name", read_name},
    {"help", read_help},
    {"prompt_tokens", read_prompt_tokens},
    {"shared_prefix_tokens", read_shared},
    {"max_tokens", read_max_tokens},
    {"prompts", read_texts},
};

static enum status unknown_key(struct reader *r, const struct yaml_node *n)
{
    const char *nearest = scenario_keys[0].key;

    for (size_t i = 1; i < COUNT_OF(scenario_keys); i++) {
        if (str_distance(n->key, scenario_keys[i].key) < str_distance(n->key, nearest)) {
            nearest = scenario_keys[i].key;
        }
    }
    bad_at(r, n->line, "%s: no such key of a scenario", n->key);
    return status_hint(r->e,
                       "Did you mean %s? Keys: name, help, prompt_tokens, "
                       "shared_prefix_tokens, max_tokens, prompts",
                       nearest);
}

static enum status read_member(struct reader *r, const struct yaml_node *n)
{
    for (size_t i = 0; i < COUNT_OF(scenario_keys); i++) {
        if (strcmp(n->key, scenario_keys[i].key) == 0) {
            return scenario_keys[i].read(r, n);
        }
    }
    return unknown_key(r, n);
}

/* What the members must be together. */
static enum status check_whole(struct reader *r, int line)
{
    bool has_texts = r->s.text_count > 0;

    if (r->s.name == NULL) {
        return bad_at(r, line, "a scenario without a name");
    }
    if (has_texts == (r->prompt_tokens > 0) || (has_texts && r->s.shared_tokens > 0)) {
        bad_at(r, line, "%s: either prompts or prompt_tokens is needed", r->s.name);
        return status_hint(r->e, "prompts: own texts; prompt_tokens, with "
                                 "shared_prefix_tokens: lengths of drawn ones");
    }
    if (!has_texts && r->s.shared_tokens >= r->prompt_tokens) {
        bad_at(r, line,
               "%s: %" PRId64 " shared of %" PRId64
               " prompt tokens leave none of its own",
               r->s.name, r->s.shared_tokens, r->prompt_tokens);
        return status_hint(r->e, "prompt_tokens counts the shared prefix too");
    }
    r->s.own_tokens = has_texts ? 0 : r->prompt_tokens - r->s.shared_tokens;
    return STATUS_OK;
}

static enum status read_scenario(struct reader *r, const struct yaml_node *n)
{
    enum status s = STATUS_OK;

    r->s = (struct scenario){.max_tokens = ANSWER_TOKENS, .help = "from a file"};
    r->prompt_tokens = 0;
    if (n->kind != YAML_MAP) {
        return bad_at(r, n->line, "a scenario is a map that begins with \"- name: ...\"");
    }
    for (const struct yaml_node *m = n->first; s == STATUS_OK && m != NULL; m = m->next) {
        s = read_member(r, m);
    }
    if (s == STATUS_OK) {
        s = check_whole(r, n->line);
    }
    if (s == STATUS_OK && r->s.text_count > 0) {
        r->s.dataset = r->path;
    }
    return s;
}

enum status scenario_from_file(const char *path, struct arena *a,
                               struct scenario_list *out, struct err *e)
{
    struct reader r = {.arena = a, .e = e};
    struct yaml_node *root;
    size_t count = 0;
    enum status s = yaml_from_file(path, a, &root, e);

    if (s != STATUS_OK) {
        return s;
    }
    r.path = arena_strdup(a, path);
    if (r.path == NULL) {
        r.path = path;
        return no_memory(&r);
    }
    if (root->kind != YAML_LIST || root->first == NULL) {
        return bad_at(&r, root->line, "a list of scenarios is needed: \"- name: ...\"");
    }
    for (const struct yaml_node *n = root->first; n != NULL; n = n->next) {
        count++;
    }
    struct scenario *items = arena_alloc(a, count, sizeof *items);
    if (items == NULL) {
        return no_memory(&r);
    }
    struct scenario_list list = {.items = items};
    for (const struct yaml_node *n = root->first; n != NULL; n = n->next) {
        s = read_scenario(&r, n);
        if (s != STATUS_OK) {
            return s;
        }
        if (find(&list, r.s.name) != NULL) {
            return bad_at(&r, n->line, "scenario %s stands here twice", r.s.name);
        }
        items[list.count++] = r.s;
    }
    *out = list;
    return STATUS_OK;
}

/* The file's name without folder and ending, fit to be a scenario's. */
static char *dataset_name(struct arena *a, const char *path)
{
    char *name = arena_strdup(a, file_base_name(path));
    size_t len;

    if (name == NULL) {
        return NULL;
    }
    char *dot = strrchr(name, '.');
    len = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
    if (len > NAME_MAX_BYTES) { /* cut between characters, not inside one */
        for (len = NAME_MAX_BYTES;
             len > 0 && ((unsigned char)name[len] & 0xC0) == 0x80;) {
            len--;
        }
    }
    name[len] = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_name_byte((unsigned char)name[i])) {
            name[i] = '_';
        }
    }
    return name;
}

/* The JSON of one line into the next text. */
static enum status take_line(struct reader *r, const json_t *line, int number)
{
    const json_t *prompt = json_object_get(line, "prompt");
    const json_t *limit = json_object_get(line, "max_tokens");
    struct plan_text *t = &r->s.texts[r->s.text_count];

    if (!json_is_object(line)) {
        bad_at(r, number, "no JSON object");
        return status_hint(r->e, "A line is {\"prompt\": \"...\"}");
    }
    if (!json_is_string(prompt) || json_string_length(prompt) == 0) {
        bad_at(r, number, "\"prompt\" is missing, empty or not a text");
        return status_hint(r->e, "A line is {\"prompt\": \"...\"}");
    }
    t->max_tokens = OPT_INT_UNSET;
    if (limit != NULL && !json_is_null(limit)) {
        t->max_tokens = json_int_of(line, "max_tokens", 0);
        if (t->max_tokens < 1 || t->max_tokens > TOKENS_MAX) {
            return bad_at(r, number, "\"max_tokens\" is not a whole number from 1 to %d",
                          TOKENS_MAX);
        }
    }
    t->text = arena_strdup(r->arena, json_string_value(prompt));
    if (t->text == NULL) {
        return no_memory(r);
    }
    r->s.text_count++;
    return STATUS_OK;
}

static enum status read_line(struct reader *r, struct str line, int number)
{
    char where[160];
    json_t *json;

    if (str_trim(line).len == 0) {
        return STATUS_OK;
    }
    place(where, sizeof where, r->path, number);
    enum status s = json_from_text(line, where, &json, r->e);
    if (s != STATUS_OK) {
        return s;
    }
    s = take_line(r, json, number);
    json_decref(json);
    return s;
}

static enum status read_lines(struct reader *r, struct str rest)
{
    size_t lines = 1;
    enum status s = STATUS_OK;

    if (str_starts(rest, "\xEF\xBB\xBF")) { /* a byte order mark, as some editors write */
        (void)str_cut(&rest, '\xBF');
    }
    for (size_t i = 0; i < rest.len; i++) {
        lines += rest.ptr[i] == '\n';
    }
    r->s.texts = arena_alloc(r->arena, lines, sizeof *r->s.texts);
    if (r->s.texts == NULL) {
        return no_memory(r);
    }
    for (int number = 1; s == STATUS_OK && rest.len > 0; number++) {
        s = read_line(r, str_cut(&rest, '\n'), number);
    }
    if (s == STATUS_OK && r->s.text_count == 0) {
        status_fail(r->e, STATUS_BAD_INPUT, r->path, "no prompts in it");
        return status_hint(r->e, "A line is {\"prompt\": \"...\"}");
    }
    return s;
}

enum status scenario_from_dataset(const char *path, struct arena *a, struct scenario *out,
                                  struct err *e)
{
    struct reader r = {.path = path, .arena = a, .e = e};
    struct buf content;

    r.s = (struct scenario){.name = dataset_name(a, path),
                            .help = "a data set",
                            .max_tokens = ANSWER_TOKENS,
                            .dataset = arena_strdup(a, path)};
    if (r.s.name == NULL || r.s.dataset == NULL) {
        return no_memory(&r);
    }
    buf_init(&content, DATASET_MAX_BYTES);
    enum status s = file_read(path, &content, e);
    if (s == STATUS_OK) {
        s = read_lines(&r, (struct str){buf_cstr(&content), content.len});
    }
    buf_fini(&content);
    if (s == STATUS_OK) {
        *out = r.s;
    }
    return s;
}
