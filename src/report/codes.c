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

void codes_check_text(const char *checks_json, const char *code, struct buf *out)
{
    json_t *array = NULL;
    struct err ignored;
    if (checks_json == NULL ||
        json_from_text(str_from(checks_json), "checks", &array, &ignored) != STATUS_OK)
        return;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *check = json_array_get(array, i);
        const char *found = json_str_of(check, "code");
        const char *field = json_str_of(check, "field");
        if (found == NULL || field == NULL || strcmp(found, code) != 0)
            continue;
        const char *text = json_str_of(check, "text");
        if (text != NULL)
            buf_printf(out, ": %s", text);
        else
            put_plain(out, check, field);
        break;
    }
    json_decref(array);
}
