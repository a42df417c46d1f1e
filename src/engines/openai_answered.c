#include "engines/openai_answered.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "text/json.h"
#include "text/jsonr.h"
#include "text/jsonw.h"

static struct openai_answerer *find(struct openai_answered *a, const char *model,
                                    const struct gateway *via)
{
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->by[i].model, model) == 0 &&
            strcmp(a->by[i].via.backend, via->backend) == 0)
            return &a->by[i];
    if (a->count == OPENAI_ANSWERED_MOST)
        return NULL;
    struct openai_answerer *new = &a->by[a->count++];
    *new = (struct openai_answerer){.via = *via};
    memcpy(new->model, model, strlen(model) + 1);
    return new;
}

static void add(struct openai_answered *a, const char *model, const struct gateway *via,
                int64_t count)
{
    struct openai_answerer *by = find(a, model, via);
    *(by != NULL ? &by->count : &a->others) += count;
}

void openai_answered_add(struct openai_answered *a, const char *model,
                         const struct gateway *via)
{
    add(a, model, via, 1);
}

void openai_answered_move(struct openai_answered *to, struct openai_answered *from)
{
    for (size_t i = 0; i < from->count; i++)
        add(to, from->by[i].model, &from->by[i].via, from->by[i].count);
    to->others += from->others;
    from->count = 0;
    from->others = 0;
}

/* --- for the row */

static void name_of(const struct openai_answerer *by, char *out, size_t room)
{
    bool has_backend = by->via.backend[0] != '\0';
    (void)snprintf(out, room, "%s%s%s", by->model[0] != '\0' ? by->model : "unnamed",
                   has_backend ? " @ " : "", by->via.backend);
}

const char *openai_answered_json(const struct openai_answered *a, struct arena *arena)
{
    char name[OPENAI_MODEL_BYTES + GATEWAY_BYTES + 8];
    struct buf text;
    struct jsonw w;
    bool is_named = a->count > 1 ||
                    (a->count == 1 && a->by[0].model[0] + a->by[0].via.backend[0] != 0);
    if (!is_named)
        return NULL;
    buf_init(&text, sizeof name * 8 * (OPENAI_ANSWERED_MOST + 1));
    jsonw_init(&w, &text, 0);
    jsonw_object(&w, NULL);
    for (size_t i = 0; i < a->count; i++) {
        name_of(&a->by[i], name, sizeof name);
        jsonw_int(&w, name, a->by[i].count);
    }
    if (a->others > 0)
        jsonw_int(&w, "others", a->others);
    jsonw_object_end(&w);
    const char *kept = text.failed == STATUS_OK ? arena_str(arena, buf_str(&text)) : NULL;
    buf_fini(&text);
    return kept;
}

/* --- is it the one that was asked for? */

static struct str behind_last(struct str s, char sep)
{
    for (size_t i = s.len; i > 0; i--)
        if (s.ptr[i - 1] == sep)
            return (struct str){.ptr = s.ptr + i, .len = s.len - i};
    return s;
}

static struct str without(struct str s, const char *end)
{
    size_t len = strlen(end);
    s.len -= s.len > len && str_ends_any_case(s, end) ? len : 0;
    return s;
}

/* "provider/m-latest", "/models/m.gguf", "m:free" -> "m". */
static struct str stem_of(struct str name)
{
    while (name.len > 0 && name.ptr[name.len - 1] == '/')
        name.len--;
    name = without(behind_last(name, '/'), ".gguf");
    return without(without(without(name, "-latest"), ":latest"), ":free");
}

/* "-2024-08-06", "-0613", "-v1:0", "@main", ":latest", "". */
static bool is_version(struct str rest)
{
    if (rest.len == 0 || rest.ptr[0] == '@')
        return true;
    if (strchr("-:.", rest.ptr[0]) == NULL || rest.len < 2)
        return false;
    size_t at = 1 + (rest.ptr[1] == 'v');
    size_t digits = 0;
    for (; at < rest.len; at++) {
        bool is_digit = rest.ptr[at] >= '0' && rest.ptr[at] <= '9';
        digits += is_digit;
        if (!is_digit && strchr("-.:", rest.ptr[at]) == NULL)
            return false;
    }
    return digits >= (rest.ptr[1] == 'v' ? 1 : 3); /* "-4" may be another model */
}

bool openai_answered_is(const char *answered, const char *asked)
{
    struct str full = stem_of(str_from(answered)), stem = stem_of(str_from(asked));
    if (jsonr_text_is(str_from(answered), asked))
        return true;
    if (stem.len == 0 || full.len < stem.len ||
        strncasecmp(full.ptr, stem.ptr, stem.len) != 0)
        return false;
    return is_version(
        (struct str){.ptr = full.ptr + stem.len, .len = full.len - stem.len});
}

static const json_t *listed(const json_t *models, const char *id)
{
    size_t i;
    json_t *item;
    json_array_foreach(models, i, item)
    {
        const char *own = json_string_value(json_object_get(item, "id"));
        if (own != NULL && jsonr_text_is(str_from(id), own))
            return item;
    }
    return NULL;
}

/* vLLM answers with the first of its --served-model-name: its list has them all, each
 * with the model that is behind it. */
static bool is_other_name(const char *answered, const char *asked, const json_t *models)
{
    const char *a = json_string_value(json_object_get(listed(models, answered), "root"));
    const char *b = json_string_value(json_object_get(listed(models, asked), "root"));
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool is_elsewhere(const struct openai_answerer *by, const char *asked,
                         const json_t *models)
{
    return by->via.is_diverted || (asked != NULL && by->model[0] != '\0' &&
                                   !openai_answered_is(by->model, asked) &&
                                   !is_other_name(by->model, asked, models));
}

int64_t openai_answered_elsewhere(const struct openai_answered *a, const char *asked,
                                  const json_t *models)
{
    int64_t elsewhere = a->others, most = 0, right = 0;
    for (size_t i = 0; i < a->count; i++) {
        const struct openai_answerer *by = &a->by[i];
        if (is_elsewhere(by, asked, models)) {
            elsewhere += by->count;
            continue;
        }
        right += by->count;
        most = by->count > most ? by->count : most;
    }
    return elsewhere + right - most;
}
