#include "engines/openai_log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text/json.h"

double openai_log_number(struct str log, const char *before, const char *after)
{
    double found = NAN;
    size_t len = strlen(before);
    for (size_t at = str_at(log, 0, before); at < log.len;
         at = str_at(log, at + 1, before)) {
        char text[32] = "";
        char *end;
        size_t n = log.len - at - len;
        memcpy(text, log.ptr + at + len, n < sizeof text - 1 ? n : sizeof text - 1);
        double value = strtod(text, &end);
        while (*end == ' ')
            end++;
        if (end != text && strncmp(end, after, strlen(after)) == 0)
            found = value;
    }
    return found;
}

/* --- settings */

/* The word behind the last `before`; empty: none. Counts are written 32,768. */
static struct str word_after(struct str log, const char *before, bool is_count)
{
    struct str found = {.ptr = "", .len = 0};
    const char *ends = is_count ? " .)}\n" : " ,.)}\n";
    size_t len = strlen(before);
    for (size_t at = str_at(log, 0, before); at < log.len;
         at = str_at(log, at + 1, before)) {
        size_t from = at + len, to = from;
        while (to < log.len && strchr(ends, log.ptr[to]) == NULL)
            to++;
        found = (struct str){.ptr = log.ptr + from, .len = to - from};
    }
    return found;
}

static struct value count_of(struct str word)
{
    int64_t count = 0;
    size_t digits = 0;
    for (size_t i = 0; i < word.len && word.ptr[i] != '\0'; i++)
        if (strchr("0123456789", word.ptr[i]) != NULL && ++digits < 16)
            count = count * 10 + (word.ptr[i] - '0');
        else if (word.ptr[i] != ',')
            break;
    return digits > 0 && digits < 16 && count <= JSON_COUNT_MAX ? value_int(count)
                                                                : value_null();
}

static struct value value_of(struct str word, enum value_kind kind, struct arena *a)
{
    if (kind == VALUE_INT)
        return count_of(word);
    if (kind == VALUE_BOOL)
        return str_is(word, "True")    ? value_bool(true)
               : str_is(word, "False") ? value_bool(false)
                                       : value_null();
    if (word.len == 0)
        return value_null();
    return value_str(
        str_is(word, "None") ? "none" : arena_printf(a, "%.*s", (int)word.len, word.ptr));
}

static const struct {
    const char *before;
    enum field_id field;
} settings[] = {
    {", enforce_eager=", FIELD_enforce_eager},
    {", quantization=", FIELD_quantization},
    {", tensor_parallel_size=", FIELD_tensor_parallel_size},
    {"max_num_batched_tokens=", FIELD_max_num_batched_tokens},
    {"KV cache size: ", FIELD_kv_cache_tokens},
};

/* Devices of all that is parallel. */
static struct value devices_of(struct str log)
{
    static const char *const sizes[] = {
        ", tensor_parallel_size=", ", pipeline_parallel_size=", ", data_parallel_size="};
    double devices = 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct value size = count_of(word_after(log, sizes[i], true));
        devices *= size.kind == VALUE_INT ? (double)size.i : 0;
    }
    return devices >= 1 && devices <= 65536 ? value_int((int64_t)devices) : value_null();
}

void openai_log_settings(struct str log, struct arena *a, struct row *f)
{
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        enum value_kind kind = field_table[settings[i].field].kind;
        struct str word = word_after(log, settings[i].before, kind == VALUE_INT);
        struct value v = value_of(word, kind, a);
        if (value_is_known(v))
            field_fill(f, settings[i].field, v);
    }
    struct str format = word_after(log, ", load_format=", false);
    if (format.len > 0)
        field_fill(f, FIELD_weights,
                   value_str(str_is(format, "dummy") ? "dummy" : "real"));
    struct value devices = devices_of(log);
    if (value_is_known(devices))
        field_fill(f, FIELD_devices, devices);
}
