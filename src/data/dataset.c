#include "data/dataset.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/opt.h"
#include "base/str.h"
#include "data/rules.h"
#include "text/encoding.h"
#include "text/json.h"
#include "text/jsonw.h"

#define MOST_BYTES      ((size_t)256 << 20)
#define KEY_TOLD_BYTES  40
#define KEYS_TOLD_BYTES 160
#define KEYS_CAP_BYTES  ((size_t)4 << 10)

#define LIST_CURE                                                           \
    "Lines of objects, not a list, are read: jq -c '.[]' FILE > NEW.jsonl " \
    "makes such of a list"
#define TEXT_CURE                                                             \
    "A line is {\"prompt\": \"...\"}; jq -cR '{prompt: .}' FILE > NEW.jsonl " \
    "makes such of plain text"

/* A data set while it is read. */
struct reader {
    const char *path;
    struct arena *arena;
    struct scenario s;
    struct buf unused; /* keys, as they are told */
    bool has_more_unused;
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

/* Other programs' names for the length of an answer beside ours: vLLM's custom data sets
 * have output_tokens, AIPerf's output_length. */
static const char *const length_keys[] = {"max_tokens", "output_tokens", "output_length"};

#define LENGTH_KEYS (sizeof length_keys / sizeof *length_keys)

static bool is_used(const char *key)
{
    for (size_t i = 0; i < LENGTH_KEYS; i++)
        if (strcmp(key, length_keys[i]) == 0)
            return true;
    return strcmp(key, "prompt") == 0;
}

/* Appends a key in quotes, what harms a terminal escaped; false: too long to be told. */
static bool put_key(struct buf *out, const char *key)
{
    struct jsonw w;
    if (strlen(key) > KEY_TOLD_BYTES)
        return false;
    buf_text(out, out->len > 0 ? ", " : "");
    jsonw_init(&w, out, 0);
    jsonw_str(&w, NULL, key);
    return true;
}

/* Notes the keys of a line that nothing here reads, each once. */
static void note_unused(struct reader *r, json_t *line)
{
    const char *key;
    json_t *value;
    json_object_foreach(line, key, value)
    {
        struct buf quoted;
        buf_init(&quoted, KEYS_CAP_BYTES);
        bool is_short = put_key(&quoted, key);
        bool is_told = is_short &&
                       strstr(buf_cstr(&r->unused), buf_cstr(&quoted)) != NULL;
        if (!is_used(key) && !is_told) {
            bool has_room = is_short && r->unused.len < KEYS_TOLD_BYTES;
            r->has_more_unused |= !has_room || !put_key(&r->unused, key);
        }
        buf_fini(&quoted);
    }
}

/* Of a line without a prompt: the member whose text may be one; NULL: none. */
static const char *other_text(json_t *line)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *key;
    json_t *value;
    json_object_foreach(line, key, value)
    {
        bool is_word = *key != '\0' && strlen(key) <= KEY_TOLD_BYTES &&
                       key[strspn(key, word)] == '\0';
        if (is_word && json_string_length(value) > 0)
            return key;
    }
    return NULL;
}

static enum status no_prompt(struct reader *r, json_t *line, int number)
{
    const char *text = other_text(line);
    rules_fail(at(r, number), "\"prompt\" is missing, empty or not a text");
    if (text == NULL || strcmp(text, "prompt") == 0)
        return status_hint(r->e, "A line is {\"prompt\": \"...\"}");
    return status_hint(r->e,
                       "A line is {\"prompt\": \"...\"}; if it is \"%s\": jq -c "
                       "'.prompt = .%s' FILE > NEW.jsonl",
                       text, text);
}

/* The answer's length under any of its names; two that disagree are refused. */
static enum status take_length(struct reader *r, const json_t *line, int number,
                               int64_t *out)
{
    *out = OPT_INT_UNSET;
    for (size_t i = 0; i < LENGTH_KEYS; i++) {
        const json_t *given = json_object_get(line, length_keys[i]);
        if (given == NULL || json_is_null(given))
            continue;
        int64_t tokens = json_int_of(line, length_keys[i], 0);
        if (tokens < 1 || tokens > RULES_TOKENS_MAX)
            return rules_fail(at(r, number), "\"%s\" is not a whole number from 1 to %d",
                              length_keys[i], RULES_TOKENS_MAX);
        if (*out != OPT_INT_UNSET && *out != tokens)
            return rules_fail(at(r, number),
                              "two lengths of one answer: %" PRId64
                              ", and \"%s\" of %" PRId64,
                              *out, length_keys[i], tokens);
        *out = tokens;
    }
    return STATUS_OK;
}

/* The JSON of one line into the next text. */
static enum status take_line(struct reader *r, json_t *line, int number)
{
    const json_t *prompt = json_object_get(line, "prompt");
    struct scenario_text *t = &r->s.texts[r->s.text_count];
    if (!json_is_object(line)) {
        rules_fail(at(r, number), "not a JSON object");
        return status_hint(r->e, json_is_array(line) ? LIST_CURE : TEXT_CURE);
    }
    if (!json_is_string(prompt) || json_string_length(prompt) == 0)
        return no_prompt(r, line, number);
    if (take_length(r, line, number, &t->max_tokens) != STATUS_OK)
        return r->e->code;
    note_unused(r, line);
    t->text = arena_strdup(r->arena, json_string_value(prompt));
    if (t->text == NULL || r->unused.failed != STATUS_OK)
        return rules_no_memory(r->path, r->e);
    r->s.text_count++;
    return STATUS_OK;
}

/* What to do about a line that is no JSON, by how it looks. */
static const char *cure_of(struct str line)
{
    char first = line.ptr[0], last = line.ptr[line.len - 1];
    if (first == '{' && last == ',')
        return "A line ends without a comma: sed 's/,[[:space:]]*$//' FILE > NEW.jsonl";
    if (str_starts(line, "{'"))
        return "JSON has double quotes, as Python's json.dumps() writes them";
    if (first == '{')
        return "An object has one line to itself: jq -c . FILE > NEW.jsonl";
    return first == '[' ? LIST_CURE : TEXT_CURE;
}

static enum status read_line(struct reader *r, struct str line, int number)
{
    char where[160];
    json_t *json;
    line = str_trim(line);
    if (line.len == 0)
        return STATUS_OK;
    (void)snprintf(where, sizeof where, "%s:%d", r->path, number);
    enum status s = json_from_text(line, where, &json, r->e);
    if (s == STATUS_BAD_INPUT)
        return status_hint(r->e, "%s", cure_of(line));
    if (s != STATUS_OK)
        return s;
    s = take_line(r, json, number);
    json_decref(json);
    return s;
}

static enum status read_lines(struct reader *r, struct str rest)
{
    size_t lines = 1;
    enum status s = encoding_check(rest, r->path, r->e);
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

/* What is said of keys that nothing reads; NULL: nothing. */
static const char *unused_text(const struct reader *r)
{
    if (r->unused.len == 0)
        return r->has_more_unused ? "one of a long name" : NULL;
    return arena_printf(r->arena, "%s%s", buf_cstr(&r->unused),
                        r->has_more_unused ? " and others" : "");
}

static enum status read_file(struct reader *r)
{
    struct buf content;
    buf_init(&content, MOST_BYTES);
    enum status s = file_read(r->path, &content, r->e);
    if (s == STATUS_OK)
        s = read_lines(r, buf_str(&content));
    buf_fini(&content);
    return s;
}

enum status dataset_read(const char *path, struct arena *a, struct scenario_list *out,
                         struct err *e)
{
    struct reader r = {.path = path, .arena = a, .e = e};
    r.s = (struct scenario){.name = dataset_name(a, path),
                            .help = "a data set",
                            .max_tokens = RULES_ANSWER,
                            .dataset = arena_strdup(a, path)};
    if (r.s.name == NULL || r.s.dataset == NULL)
        return rules_no_memory(path, e);
    buf_init(&r.unused, KEYS_CAP_BYTES);
    enum status s = read_file(&r);
    r.s.unused_keys = unused_text(&r);
    buf_fini(&r.unused);
    if (s != STATUS_OK)
        return s;
    struct scenario *one = arena_alloc(a, 1, sizeof *one);
    if (one == NULL || a->has_failed)
        return rules_no_memory(path, e);
    *one = r.s;
    *out = (struct scenario_list){.items = one, .count = 1};
    return STATUS_OK;
}
