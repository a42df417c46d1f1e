#include <math.h>
#include <string.h>

#include "http/openai.h"
#include "text/json.h"
#include "text/jsonw.h"

/* A body in the making; what `extra` has is left out of ours. */
struct body {
    struct jsonw w;
    const json_t *extra; /* object, or NULL */
    const struct opt_strings *renames;
    const char *max_name;
};

static bool is_ours(const struct body *b, const char *key)
{
    return json_object_get(b->extra, key) == NULL;
}

/* As the server calls it. */
static const char *name_of(const struct body *b, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; b->renames != NULL && i < b->renames->count; i++) {
        const char *pair = b->renames->items[i];
        if (strncmp(pair, key, len) == 0 && pair[len] == '=')
            return pair + len + 1;
    }
    return b->max_name != NULL && strcmp(key, "max_tokens") == 0 ? b->max_name : key;
}

static void put_str(struct body *b, const char *key, const char *value)
{
    if (value != NULL && is_ours(b, key))
        jsonw_str(&b->w, name_of(b, key), value);
}

static void put_num(struct body *b, const char *key, double value)
{
    if (!isnan(value) && is_ours(b, key))
        jsonw_num(&b->w, name_of(b, key), value);
}

static void put_int(struct body *b, const char *key, int64_t value)
{
    if (is_ours(b, key))
        jsonw_int(&b->w, name_of(b, key), value);
}

static void put_flag(struct body *b, const char *key, bool value)
{
    if (value && is_ours(b, key))
        jsonw_bool(&b->w, name_of(b, key), true);
}

/* In blocks: prompts have up to hundreds of thousands of ids. */
static void write_ids(struct buf *out, const int32_t *ids, size_t count)
{
    enum { BLOCK_BYTES = 4096, ID_BYTES = 12 };
    char block[BLOCK_BYTES], digits[ID_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        if (len + ID_BYTES > BLOCK_BYTES) {
            (void)buf_append(out, block, len);
            len = 0;
        }
        if (i > 0)
            block[len++] = ',';
        if (ids[i] < 0)
            block[len++] = '-';
        uint32_t value = ids[i] < 0 ? 0u - (uint32_t)ids[i] : (uint32_t)ids[i];
        size_t n = 0;
        do
            digits[n++] = (char)('0' + value % 10);
        while ((value /= 10) > 0);
        while (n > 0)
            block[len++] = digits[--n];
    }
    (void)buf_append(out, block, len);
}

static void put_prompt(struct body *b, const struct openai_request *r)
{
    if (r->endpoint == OPENAI_CHAT) {
        if (!is_ours(b, "messages"))
            return;
        jsonw_array(&b->w, "messages");
        jsonw_object(&b->w, NULL);
        jsonw_str(&b->w, "role", "user");
        jsonw_str(&b->w, "content", r->text);
        jsonw_object_end(&b->w);
        jsonw_array_end(&b->w);
    } else if (r->ids == NULL) {
        put_str(b, "prompt", r->text);
    } else if (is_ours(b, "prompt")) {
        jsonw_array(&b->w, "prompt");
        write_ids(b->w.out, r->ids, r->id_count);
        jsonw_array_end(&b->w);
    }
}

static void put_stream(struct body *b, const struct openai_request *r)
{
    if (is_ours(b, "stream"))
        jsonw_bool(&b->w, "stream", r->is_stream);
    if (!r->is_stream || r->is_without_usage || !is_ours(b, "stream_options"))
        return;
    jsonw_object(&b->w, name_of(b, "stream_options"));
    jsonw_bool(&b->w, "include_usage", true);
    if (r->counts == OPENAI_COUNTS_CONTINUOUS)
        jsonw_bool(&b->w, "continuous_usage_stats", true);
    jsonw_object_end(&b->w);
}

static void put_extra(struct body *b)
{
    json_t *object = (json_t *)(uintptr_t)b->extra; /* iterators take no const */
    struct buf text;
    buf_init(&text, b->w.out->cap_bytes);
    for (void *it = json_object_iter(object); it != NULL;
         it = json_object_iter_next(object, it)) {
        buf_clear(&text);
        if (json_is_null(json_object_iter_value(it)))
            continue;
        if (json_to_text(json_object_iter_value(it), &text) != STATUS_OK) {
            buf_fini(b->w.out);
            b->w.out->failed = text.failed;
            break;
        }
        jsonw_raw(&b->w, json_object_iter_key(it), buf_cstr(&text));
    }
    buf_fini(&text);
}

static enum status read_extra(const char *text, json_t **out, struct err *e)
{
    static const char option[] = "--extra-body";
    enum status status = json_from_text(str_from(text), option, out, e);
    if (status == STATUS_NO_MEMORY)
        return status;
    if (status == STATUS_OK && json_is_object(*out))
        return STATUS_OK;
    if (status == STATUS_OK) {
        json_decref(*out);
        *out = NULL;
        (void)status_fail(e, STATUS_BAD_OPTION, option, "is not a JSON object");
    } else if (e != NULL) {
        e->code = STATUS_BAD_OPTION;
    }
    if (e != NULL)
        (void)status_hint(e, "Write members of the request, e.g. '{\"top_k\": 20}'");
    return STATUS_BAD_OPTION;
}

bool openai_write_lacks(const char *extra_body, const char *key)
{
    json_t *extra = NULL;
    struct err ignored;
    if (extra_body == NULL || read_extra(extra_body, &extra, &ignored) != STATUS_OK)
        return false;
    bool lacks = json_is_null(json_object_get(extra, key));
    json_decref(extra);
    return lacks;
}

enum status openai_write(const struct openai_request *r, struct buf *out, struct err *e)
{
    json_t *extra = NULL;
    if (r->extra_body != NULL) {
        enum status status = read_extra(r->extra_body, &extra, e);
        if (status != STATUS_OK)
            return status;
    }
    struct body b = {.extra = extra, .renames = r->renames, .max_name = r->max_name};
    jsonw_init(&b.w, out, 0);
    jsonw_object(&b.w, NULL);
    put_str(&b, "model", r->model);
    put_prompt(&b, r);
    put_int(&b, "max_tokens", r->max_tokens);
    put_num(&b, "temperature", r->temperature);
    put_num(&b, "top_p", r->top_p);
    put_flag(&b, "ignore_eos", r->ignore_eos);
    put_stream(&b, r);
    put_flag(&b, "return_token_ids", r->counts == OPENAI_COUNTS_IDS);
    put_str(&b, "cache_salt", r->salt);
    if (extra != NULL)
        put_extra(&b);
    jsonw_object_end(&b.w);
    json_decref(extra);
    if (out->failed == STATUS_OK)
        return STATUS_OK;
    return status_fail(e, out->failed, "the body of a request", "%s (%zu bytes)",
                       status_text(out->failed), out->cap_bytes);
}
