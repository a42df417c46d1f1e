/* One event of an answer, as completions and as chat: whatever jansson can read is read
 * too, and says what jansson's tree says. */
#include <string.h>

#include "http/openai.h"
#include "text/json.h"

#include "fuzz_target.h"

enum { MAX_DEPTH = 60 };

static void check_inside(struct str s, const uint8_t *data, size_t size)
{
    const char *from = (const char *)data;
    TARGET_CHECK(s.ptr == NULL || (s.ptr >= from && s.ptr + s.len <= from + size));
}

static int depth_of(const json_t *value)
{
    int most = 0;
    size_t i = 0;
    const char *key = NULL;
    json_t *item = NULL, *all = (json_t *)(uintptr_t)value;
    if (json_is_object(value)) {
        json_object_foreach(all, key, item)
        {
            int depth = depth_of(item);
            most = depth > most ? depth : most;
        }
    } else if (json_is_array(value)) {
        json_array_foreach(all, i, item)
        {
            int depth = depth_of(item);
            most = depth > most ? depth : most;
        }
    }
    return most + 1;
}

/* -1 where it is no whole number at or above 0. */
static int64_t count_of(const json_t *usage, const char *key)
{
    const json_t *value = json_object_get(usage, key);
    int64_t count = json_is_integer(value) ? json_integer_value(value) : -1;
    return count < 0 ? -1 : count;
}

static void check_usage(const json_t *usage, const struct openai_chunk *c)
{
    const json_t *details = json_object_get(usage, "prompt_tokens_details");
    TARGET_CHECK(c->tokens_in == count_of(usage, "prompt_tokens"));
    TARGET_CHECK(c->tokens_out == count_of(usage, "completion_tokens"));
    TARGET_CHECK(c->tokens_cached == count_of(details, "cached_tokens"));
}

/* Which reason is which, the table of src/http/openai.c alone says. */
static bool has_finish(const json_t *choice)
{
    const json_t *value = json_object_get(choice, "finish_reason");
    const char *text = json_string_value(value);
    return value != NULL && !json_is_null(value) && (text == NULL || *text != '\0');
}

static void check_choices(const json_t *choices, enum openai_endpoint endpoint,
                          const struct openai_chunk *c)
{
    bool is_finished = false;
    int64_t ids = -1;
    bool has_text = false;
    for (size_t i = 0; i < json_array_size(choices); i++) {
        const json_t *choice = json_array_get(choices, i);
        const json_t *list = json_object_get(choice, "token_ids");
        is_finished = is_finished || has_finish(choice);
        if (json_is_array(list))
            ids = (ids < 0 ? 0 : ids) + (int64_t)json_array_size(list);
        const json_t *value = json_object_get(choice, "text");
        has_text = has_text || json_is_string(value) || json_is_object(value) ||
                   json_is_array(value); /* nested text is looked for in both */
    }
    TARGET_CHECK((c->finish != OPENAI_FINISH_NONE) == is_finished);
    TARGET_CHECK(c->token_ids == ids);
    TARGET_CHECK(!is_finished || c->cls >= OPENAI_FINISH);
    TARGET_CHECK(ids <= 0 || c->cls >= OPENAI_EMPTY);
    if (endpoint == OPENAI_COMPLETIONS) {
        TARGET_CHECK(!c->has_role && c->cls != OPENAI_ROLE);
        TARGET_CHECK((c->cls != OPENAI_NOTHING) == (has_text || is_finished || ids > 0));
    }
}

static void check_tree(const json_t *root, bool is_read, enum openai_endpoint endpoint,
                       const struct openai_chunk *c)
{
    const json_t *choices = json_object_get(root, "choices");
    const json_t *usage = json_object_get(root, "usage");
    const json_t *error = json_object_get(root, "error");
    bool has_error = error != NULL && !json_is_null(error);
    if (json_is_array(choices) || json_is_object(usage) || has_error)
        TARGET_CHECK(is_read);
    if (!is_read)
        return;
    TARGET_CHECK(json_is_object(root) && !c->is_done);
    TARGET_CHECK(!has_error || c->error.ptr != NULL);
    check_usage(usage, c);
    check_choices(json_is_array(choices) ? choices : NULL, endpoint, c);
}

/* Keys written with escapes are another matter: ours are compared as they stand. So are 0
 * bytes, of which jansson overlooks some (behind numbers), and -0, which is no count. */
static bool is_odd(const uint8_t *data, size_t size)
{
    return size == 0 || memchr(data, '\\', size) != NULL ||
           memchr(data, '\0', size) != NULL || memmem(data, size, "-0", 2) != NULL;
}

static void check(const uint8_t *data, size_t size, enum openai_endpoint endpoint)
{
    struct openai_chunk c;
    struct str text = {.ptr = (const char *)data, .len = size};
    bool is_read = openai_read(text, endpoint, &c) == OPENAI_READ;
    check_inside(c.error, data, size);
    TARGET_CHECK(c.token_ids >= -1 && c.tokens_in >= -1 && c.tokens_out >= -1);
    TARGET_CHECK(c.tokens_cached >= -1);
    if (is_odd(data, size))
        return;
    json_t *root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(root) && depth_of(root) <= MAX_DEPTH)
        check_tree(root, is_read, endpoint, &c);
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(data, size, OPENAI_COMPLETIONS);
    check(data, size, OPENAI_CHAT);
    return 0;
}
