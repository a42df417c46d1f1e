#include "text/yaml.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "text/encoding.h"

enum { MAX_DEPTH = 64, MAX_FILE_BYTES = 16 * 1024 * 1024 };

struct reader {
    yaml_parser_t parser;
    const char *name; /* the file, for messages */
    struct arena *arena;
    struct err *e;
    int depth;
};

static enum status fail_at(struct reader *r, enum status code, size_t line0,
                           const char *what)
{
    char where[sizeof r->e->where];
    (void)snprintf(where, sizeof where, "%.140s:%zu", r->name, line0 + 1);
    return status_fail(r->e, code, where, "%s", what);
}

static enum status no_memory(struct reader *r)
{
    return fail_at(r, STATUS_NO_MEMORY, r->parser.mark.line, "out of memory");
}

/* On success the caller deletes the event. */
static enum status next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event) == 1)
        return STATUS_OK;
    if (r->parser.error == YAML_MEMORY_ERROR)
        return no_memory(r);
    bool is_reader = r->parser.error == YAML_READER_ERROR;
    size_t line0 = is_reader ? r->parser.mark.line : r->parser.problem_mark.line;
    const char *problem = r->parser.problem;
    char what[sizeof r->e->what];
    (void)snprintf(what, sizeof what, "not valid YAML: %s",
                   problem != NULL ? problem : "cannot be read");
    enum status status = fail_at(r, STATUS_BAD_INPUT, line0, what);
    if (problem != NULL && strstr(problem, "tab character") != NULL)
        (void)status_hint(r->e, "Indent with spaces");
    else if (problem != NULL && strstr(problem, "cannot start any token") != NULL)
        (void)status_hint(r->e, "Quote a text that begins with a special character");
    return status;
}

static bool means_null(const yaml_event_t *event)
{
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE ||
        event->data.scalar.tag != NULL)
        return false;
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++)
        if (strcmp((const char *)event->data.scalar.value, nulls[i]) == 0)
            return true;
    return false;
}

/* NULL on failure, here and below: the status is then that of r->e. */
static struct yaml_node *new_node(struct reader *r, const yaml_event_t *event)
{
    struct yaml_node *node = arena_alloc(r->arena, 1, sizeof *node);
    if (node == NULL) {
        (void)no_memory(r);
        return NULL;
    }
    node->line = (int)event->start_mark.line + 1;
    if (event->type != YAML_SCALAR_EVENT) {
        node->kind = event->type == YAML_MAPPING_START_EVENT ? YAML_MAP : YAML_LIST;
        return node;
    }
    struct str text = {.ptr = (const char *)event->data.scalar.value,
                       .len = event->data.scalar.length};
    node->kind = YAML_SCALAR;
    node->is_null = means_null(event);
    node->text = arena_str(r->arena, text);
    if (node->text == NULL) {
        (void)no_memory(r);
        return NULL;
    }
    if (strlen(node->text) != text.len) {
        (void)fail_at(r, STATUS_BAD_INPUT, event->start_mark.line,
                      "a text contains a zero byte");
        return NULL;
    }
    return node;
}

static bool has_anchor(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT: return true;
    case YAML_SCALAR_EVENT: return event->data.scalar.anchor != NULL;
    case YAML_SEQUENCE_START_EVENT: return event->data.sequence_start.anchor != NULL;
    case YAML_MAPPING_START_EVENT: return event->data.mapping_start.anchor != NULL;
    default: return false;
    }
}

static enum status check_key(struct reader *r, const struct yaml_node *map,
                             const struct yaml_node *key)
{
    size_t line0 = (size_t)key->line - 1;
    if (key->kind != YAML_SCALAR)
        return fail_at(r, STATUS_BAD_INPUT, line0, "a key must be a single word or text");
    const struct yaml_node *twin = yaml_get(map, key->text);
    if (twin == NULL)
        return STATUS_OK;
    char what[sizeof r->e->what];
    (void)snprintf(what, sizeof what, "%.200s: given twice, first in line %d", key->text,
                   twin->line);
    (void)fail_at(r, STATUS_BAD_INPUT, line0, what);
    return status_hint(r->e, "Remove one of them");
}

static struct yaml_node *read_node(struct reader *r, const yaml_event_t *event);

/* Members or items up to the end event. In a map, keys and values take turns. */
static enum status read_children(struct reader *r, struct yaml_node *parent)
{
    struct yaml_node **tail = &parent->first;
    const struct yaml_node *key = NULL;
    for (;;) {
        yaml_event_t event;
        enum status status = next_event(r, &event);
        if (status != STATUS_OK)
            return status;
        bool is_end = event.type == YAML_MAPPING_END_EVENT ||
                      event.type == YAML_SEQUENCE_END_EVENT;
        struct yaml_node *node = is_end ? NULL : read_node(r, &event);
        yaml_event_delete(&event);
        if (node == NULL)
            return is_end ? STATUS_OK : r->e->code;
        if (parent->kind == YAML_MAP && key == NULL) {
            status = check_key(r, parent, node);
            if (status != STATUS_OK)
                return status;
            key = node;
            continue;
        }
        if (key != NULL) {
            node->key = key->text;
            node->line = key->line;
            key = NULL;
        }
        *tail = node;
        tail = &node->next;
    }
}

static struct yaml_node *read_node(struct reader *r, const yaml_event_t *event)
{
    size_t line0 = event->start_mark.line;
    if (has_anchor(event)) {
        (void)fail_at(r, STATUS_BAD_INPUT, line0,
                      "anchors and aliases (& and *) are not accepted");
        (void)status_hint(r->e, "Write the value out, or quote it");
        return NULL;
    }
    struct yaml_node *node = new_node(r, event);
    if (node == NULL || node->kind == YAML_SCALAR)
        return node;
    if (r->depth >= MAX_DEPTH) {
        (void)fail_at(r, STATUS_BAD_INPUT, line0, "nested too deeply");
        return NULL;
    }
    r->depth++;
    enum status status = read_children(r, node);
    r->depth--;
    return status == STATUS_OK ? node : NULL;
}

static enum status take_event(struct reader *r, const yaml_event_t *event,
                              struct yaml_node **out)
{
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT: return STATUS_OK;
    case YAML_DOCUMENT_START_EVENT:
        if (*out == NULL)
            return STATUS_OK;
        return fail_at(r, STATUS_BAD_INPUT, event->start_mark.line,
                       "a second document begins here; only one is allowed");
    default: *out = read_node(r, event); return *out != NULL ? STATUS_OK : r->e->code;
    }
}

/* Reads events until the end of the stream; *out stays NULL for an empty one. */
static enum status read_stream(struct reader *r, struct yaml_node **out)
{
    bool is_last = false;
    enum status status = STATUS_OK;
    while (!is_last && status == STATUS_OK) {
        yaml_event_t event;
        status = next_event(r, &event);
        if (status != STATUS_OK)
            return status;
        is_last = event.type == YAML_STREAM_END_EVENT || event.type == YAML_NO_EVENT;
        status = take_event(r, &event, out);
        yaml_event_delete(&event);
    }
    return status;
}

enum status yaml_from_text(struct str text, const char *name, struct arena *a,
                           struct yaml_node **out, struct err *e)
{
    struct err unused = {0};
    struct reader r = {.name = name, .arena = a, .e = e != NULL ? e : &unused};
    if (yaml_parser_initialize(&r.parser) != 1)
        return status_no_memory(e, name);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.ptr, text.len);
    struct yaml_node *root = NULL;
    enum status status = read_stream(&r, &root);
    if (status == STATUS_OK && root == NULL) {
        root = arena_alloc(a, 1, sizeof *root);
        if (root == NULL)
            status = no_memory(&r);
        else
            *root = (struct yaml_node){.line = 1, .is_null = true, .text = ""};
    }
    yaml_parser_delete(&r.parser);
    if (status == STATUS_OK)
        *out = root;
    return status;
}

enum status yaml_from_file(const char *path, struct arena *a, struct yaml_node **out,
                           struct err *e)
{
    struct buf text;
    buf_init(&text, MAX_FILE_BYTES);
    enum status status = file_read_any(path, &text, e);
    if (status == STATUS_OK)
        status = yaml_from_text(buf_str(&text), path, a, out, e);
    if (status == STATUS_BAD_INPUT &&
        encoding_check(buf_str(&text), path, e) != STATUS_OK)
        status = e->code; /* of no YAML, this is the cause */
    buf_fini(&text);
    return status;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (map == NULL || map->kind != YAML_MAP)
        return NULL;
    for (const struct yaml_node *n = map->first; n != NULL; n = n->next)
        if (strcmp(n->key, key) == 0)
            return n;
    return NULL;
}
