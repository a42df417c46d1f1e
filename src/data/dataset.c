#include "data/dataset.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/opt.h"
#include "base/str.h"
#include "data/rules.h"
#include "text/json.h"

#define MOST_BYTES ((size_t)256 << 20)

/* A data set while it is read. */
struct reader {
    const char *path;
    struct arena *arena;
    struct scenario s;
    struct err *e;
};

static struct rules_place at(const struct reader *r, int line)
{
    return (struct rules_place){.path = r->path, .line = line, .e = r->e};
}

/* The file's name without folder and ending, fit to be a scenario's. */
static char *dataset_name(struct arena *a, const char *path)
{
    char *name = arena_strdup(a, file_base_name(path));
    size_t len;
    if (name == NULL)
        return NULL;
    char *dot = strrchr(name, '.');
    len = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
    if (len > RULES_NAME_BYTES) /* cut between characters, not inside one */
        for (len = RULES_NAME_BYTES;
             len > 0 && ((unsigned char)name[len] & 0xC0) == 0x80;)
            len--;
    name[len] = 0;
    for (size_t i = 0; i < len; i++)
        if (!rules_is_name_byte(name[i]))
            name[i] = '_';
    return name;
}

/* The JSON of one line into the next text. */
static enum status take_line(struct reader *r, const json_t *line, int number)
{
    const json_t *prompt = json_object_get(line, "prompt");
    const json_t *limit = json_object_get(line, "max_tokens");
    struct scenario_text *t = &r->s.texts[r->s.text_count];
    if (!json_is_object(line)) {
        rules_fail(at(r, number), "not a JSON object");
        return status_hint(r->e, "A line is {\"prompt\": \"...\"}");
    }
    if (!json_is_string(prompt) || json_string_length(prompt) == 0) {
        rules_fail(at(r, number), "\"prompt\" is missing, empty or not a text");
        return status_hint(r->e, "A line is {\"prompt\": \"...\"}");
    }
    t->max_tokens = OPT_INT_UNSET;
    if (limit != NULL && !json_is_null(limit)) {
        t->max_tokens = json_int_of(line, "max_tokens", 0);
        if (t->max_tokens < 1 || t->max_tokens > RULES_TOKENS_MAX) {
            return rules_fail(at(r, number),
                              "\"max_tokens\" is not a whole number from 1 to %d",
                              RULES_TOKENS_MAX);
        }
    }
    t->text = arena_strdup(r->arena, json_string_value(prompt));
    if (t->text == NULL)
        return rules_no_memory(r->path, r->e);
    r->s.text_count++;
    return STATUS_OK;
}

static enum status read_line(struct reader *r, struct str line, int number)
{
    char where[160];
    json_t *json;
    if (str_trim(line).len == 0)
        return STATUS_OK;
    (void)snprintf(where, sizeof where, "%s:%d", r->path, number);
    enum status s = json_from_text(line, where, &json, r->e);
    if (s != STATUS_OK)
        return s;
    s = take_line(r, json, number);
    json_decref(json);
    return s;
}

static enum status read_lines(struct reader *r, struct str rest)
{
    size_t lines = 1;
    enum status s = STATUS_OK;
    if (str_starts(rest, "\xEF\xBB\xBF")) /* a byte order mark, as some editors write */
        (void)str_cut(&rest, '\xBF');
    for (size_t i = 0; i < rest.len; i++)
        lines += rest.ptr[i] == '\n';
    r->s.texts = arena_alloc(r->arena, lines, sizeof *r->s.texts);
    if (r->s.texts == NULL)
        return rules_no_memory(r->path, r->e);
    for (int number = 1; s == STATUS_OK && rest.len > 0; number++)
        s = read_line(r, str_cut(&rest, '\n'), number);
    if (s == STATUS_OK && r->s.text_count == 0) {
        status_fail(r->e, STATUS_BAD_INPUT, r->path, "contains no prompts");
        return status_hint(r->e, "A line is {\"prompt\": \"...\"}");
    }
    return s;
}

enum status dataset_read(const char *path, struct arena *a, struct scenario_list *out,
                         struct err *e)
{
    struct reader r = {.path = path, .arena = a, .e = e};
    struct buf content;
    r.s = (struct scenario){.name = dataset_name(a, path),
                            .help = "a data set",
                            .max_tokens = RULES_ANSWER,
                            .dataset = arena_strdup(a, path)};
    if (r.s.name == NULL || r.s.dataset == NULL)
        return rules_no_memory(path, e);
    buf_init(&content, MOST_BYTES);
    enum status s = file_read(path, &content, e);
    if (s == STATUS_OK)
        s = read_lines(&r, buf_str(&content));
    buf_fini(&content);
    if (s != STATUS_OK)
        return s;
    struct scenario *one = arena_alloc(a, 1, sizeof *one);
    if (one == NULL)
        return rules_no_memory(path, e);
    *one = r.s;
    *out = (struct scenario_list){.items = one, .count = 1};
    return STATUS_OK;
}
