#include "report/codes.h"

#include <string.h>

#include "text/json.h"

void codes_each(const char *json_array, void (*on_code)(void *arg, const char *code),
                void *arg)
{
    json_t *array = NULL;
    struct err ignored;
    if (json_array == NULL ||
        json_from_text(str_from(json_array), "codes", &array, &ignored) != STATUS_OK)
        return;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *code = json_string_value(json_array_get(array, i));
        if (code != NULL)
            on_code(arg, code);
    }
    json_decref(array);
}

struct search {
    const char *code;
    bool is_found;
};

static void compare(void *arg, const char *code)
{
    struct search *s = arg;
    s->is_found = s->is_found || strcmp(code, s->code) == 0;
}

bool codes_has(const char *json_array, const char *code)
{
    struct search s = {.code = code, .is_found = false};
    codes_each(json_array, compare, &s);
    return s.is_found;
}

/* A finding without a text for people: numbers speak, a name or yes does not. */
static void put_plain(struct buf *out, const json_t *check, const char *field)
{
    if (!json_is_number(json_object_get(check, "value")))
        return;
    buf_printf(out, ": %s ", field);
    json_to_text(json_object_get(check, "value"), out);
    buf_text(out, ", limit ");
    json_to_text(json_object_get(check, "limit"), out);
}

/* Of a code's checks the first that fired, else the first. */
static const json_t *told(const json_t *checks, const char *code)
{
    const json_t *first = NULL;
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);
        const char *found = json_str_of(check, "code");
        bool is_its = found != NULL && strcmp(found, code) == 0 &&
                      json_str_of(check, "field") != NULL;
        if (is_its && json_str_of(check, "text") != NULL)
            return check;
        first = first == NULL && is_its ? check : first;
    }
    return first;
}

void codes_check_text(const char *checks_json, const char *code, struct buf *out)
{
    json_t *array = NULL;
    struct err ignored;
    if (checks_json == NULL ||
        json_from_text(str_from(checks_json), "checks", &array, &ignored) != STATUS_OK)
        return;
    const json_t *check = told(array, code);
    const char *text = json_str_of(check, "text");
    if (text != NULL)
        buf_printf(out, ": %s", text);
    else if (check != NULL)
        put_plain(out, check, json_str_of(check, "field"));
    json_decref(array);
}
