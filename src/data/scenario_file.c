#include "data/scenario_file.h"

#include <inttypes.h>
#include <string.h>

#include "base/opt.h"
#include "base/str.h"
#include "data/rules.h"
#include "text/yaml.h"

#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

/* One scenario of a file while it is read. */
struct reader {
    const char *path;
    struct arena *arena;
    struct scenario s;
    int64_t prompt_tokens; /* 0: none given */
    struct err *e;
};

static struct rules_place at(const struct reader *r, int line)
{
    return (struct rules_place){.path = r->path, .line = line, .e = r->e};
}

static enum status read_name(struct reader *r, const struct yaml_node *n)
{
    if (n->kind != YAML_SCALAR || n->is_null || n->text[0] == 0)
        return rules_fail(at(r, n->line), "name: must be a word");
    if (strlen(n->text) > RULES_NAME_BYTES)
        return rules_fail(at(r, n->line), "name: longer than %d bytes", RULES_NAME_BYTES);
    for (const char *c = n->text; *c != 0; c++) {
        if (!rules_is_name_byte(*c)) {
            return rules_fail(at(r, n->line),
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
        v < 1 || v > RULES_TOKENS_MAX) {
        return rules_fail(at(r, n->line), "%s: %s%s%s is not a whole number from 1 to %d",
                          n->key, n->kind == YAML_SCALAR && !n->is_null ? "\"" : "",
                          n->kind != YAML_SCALAR ? "a list or map"
                          : n->is_null           ? "nothing"
                                                 : n->text,
                          n->kind == YAML_SCALAR && !n->is_null ? "\"" : "",
                          RULES_TOKENS_MAX);
    }
    *out = v;
    return STATUS_OK;
}

static enum status read_texts(struct reader *r, const struct yaml_node *n)
{
    size_t count = 0;
    if (n->kind != YAML_LIST || n->first == NULL)
        return rules_fail(at(r, n->line), "prompts: must be a list of texts");
    for (const struct yaml_node *t = n->first; t != NULL; t = t->next)
        count++;
    r->s.texts = arena_alloc(r->arena, count, sizeof *r->s.texts);
    if (r->s.texts == NULL)
        return rules_no_memory(r->path, r->e);
    for (const struct yaml_node *t = n->first; t != NULL; t = t->next) {
        if (t->kind != YAML_SCALAR || t->is_null || t->text[0] == 0) {
            return rules_fail(at(r, t->line), "prompts: text %zu is empty or not a text",
                              r->s.text_count + 1);
        }
        r->s.texts[r->s.text_count++] = (struct scenario_text){
            .text = t->text, .max_tokens = OPT_INT_UNSET};
    }
    return STATUS_OK;
}

static enum status read_help(struct reader *r, const struct yaml_node *n)
{
    if (n->kind != YAML_SCALAR || n->is_null)
        return rules_fail(at(r, n->line), "help: must be a text");
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
    for (size_t i = 1; i < COUNT_OF(scenario_keys); i++)
        if (str_distance(n->key, scenario_keys[i].key) < str_distance(n->key, nearest))
            nearest = scenario_keys[i].key;
    rules_fail(at(r, n->line), "%s: unknown key of a scenario", n->key);
    return status_hint(r->e,
                       "Did you mean %s? Keys: name, help, prompt_tokens, "
                       "shared_prefix_tokens, max_tokens, prompts",
                       nearest);
}

static enum status read_member(struct reader *r, const struct yaml_node *n)
{
    for (size_t i = 0; i < COUNT_OF(scenario_keys); i++)
        if (strcmp(n->key, scenario_keys[i].key) == 0)
            return scenario_keys[i].read(r, n);
    return unknown_key(r, n);
}

/* What the members must be together. */
static enum status check_whole(struct reader *r, int line)
{
    bool has_texts = r->s.text_count > 0;
    if (*r->s.name == '\0')
        return rules_fail(at(r, line), "a scenario without a name");
    if (has_texts == (r->prompt_tokens > 0) || (has_texts && r->s.shared_tokens > 0)) {
        rules_fail(at(r, line), "%s: needs either prompts or prompt_tokens", r->s.name);
        return status_hint(r->e, "prompts: your own texts; prompt_tokens, with "
                                 "shared_prefix_tokens: lengths of random prompts");
    }
    if (!has_texts && r->s.shared_tokens >= r->prompt_tokens) {
        rules_fail(at(r, line),
                   "%s: %" PRId64 " shared of %" PRId64
                   " prompt tokens leave none unshared",
                   r->s.name, r->s.shared_tokens, r->prompt_tokens);
        return status_hint(r->e, "prompt_tokens includes the shared prefix");
    }
    r->s.own_tokens = has_texts ? 0 : r->prompt_tokens - r->s.shared_tokens;
    return STATUS_OK;
}

static enum status read_scenario(struct reader *r, const struct yaml_node *n)
{
    enum status s = STATUS_OK;
    r->s = (struct scenario){
        .name = "", .max_tokens = RULES_ANSWER, .help = "from a file"};
    r->prompt_tokens = 0;
    if (n->kind != YAML_MAP) {
        return rules_fail(at(r, n->line),
                          "a scenario is a map that begins with \"- name: ...\"");
    }
    for (const struct yaml_node *m = n->first; s == STATUS_OK && m != NULL; m = m->next)
        s = read_member(r, m);
    if (s == STATUS_OK)
        s = check_whole(r, n->line);
    if (s == STATUS_OK && r->s.text_count > 0)
        r->s.dataset = r->path;
    return s;
}

static bool is_taken(const struct scenario_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0)
            return true;
    return false;
}

enum status scenario_file_read(const char *path, struct arena *a,
                               struct scenario_list *out, struct err *e)
{
    struct reader r = {.arena = a, .e = e};
    struct yaml_node *root;
    size_t count = 0;
    enum status s = yaml_from_file(path, a, &root, e);
    if (s != STATUS_OK)
        return s;
    r.path = arena_strdup(a, path);
    if (r.path == NULL) {
        r.path = path;
        return rules_no_memory(r.path, e);
    }
    if (root->kind != YAML_LIST || root->first == NULL) {
        return rules_fail(at(&r, root->line),
                          "must be a list of scenarios: \"- name: ...\"");
    }
    for (const struct yaml_node *n = root->first; n != NULL; n = n->next)
        count++;
    struct scenario *items = arena_alloc(a, count, sizeof *items);
    if (items == NULL)
        return rules_no_memory(r.path, e);
    struct scenario_list list = {.items = items};
    for (const struct yaml_node *n = root->first; n != NULL; n = n->next) {
        s = read_scenario(&r, n);
        if (s != STATUS_OK)
            return s;
        if (is_taken(&list, r.s.name))
            return rules_fail(at(&r, n->line), "scenario %s is defined twice", r.s.name);
        items[list.count++] = r.s;
    }
    *out = list;
    return STATUS_OK;
}
