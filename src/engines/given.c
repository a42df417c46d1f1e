#include "engines/given.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "engines/vllm_settings.h"
#include "probe/canon.h"
#include "probe/variables.h"
#include "text/json.h"
#include "text/jsonw.h"

#define TEXT_CAP_BYTES ((size_t)16 << 20)

/* Arguments on their way: a JSON object, so that a later one takes the place of an
 * earlier, and parts of one ("--config.member") come together. */
struct given {
    json_t *all;
    struct arena *arena;
    bool has_failed; /* no memory */
};

/* vLLM's short options. */
static const struct {
    const char *name, *key;
} shorts[] = {{"tp", "tensor_parallel_size"}, {"pp", "pipeline_parallel_size"},
              {"dp", "data_parallel_size"},   {"dcp", "decode_context_parallel_size"},
              {"q", "quantization"},          {"sc", "speculative_config"},
              {"cc", "compilation_config"},   {"O", "optimization_level"}};

/* Counts that vLLM also takes as "4k" (4000) and "4K" (4096). */
static const char *const counts[] = {"max_model_len", "max_num_batched_tokens",
                                     "kv_cache_memory_bytes"};

/* Not of the engine: which model (a field), where things are, what is logged; prefix
 * caching has its field. */
static const char *const left_out[] = {
    "model",        "served_model_name",    "api_key", "host", "port", "uds", "root_path",
    "download_dir", "enable_prefix_caching"};
static const char *const left_out_words[] = {"log", "ssl"};

static bool is_left_out(const char *key)
{
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        if (strcmp(left_out[i], key) == 0)
            return true;
    for (struct str rest = str_from(key); rest.len > 0;) {
        struct str word = str_cut(&rest, '_');
        for (size_t i = 0; i < sizeof left_out_words / sizeof *left_out_words; i++)
            if (str_is(word, left_out_words[i]))
                return true;
    }
    return false;
}

/* --- keys */

/* "--max-model-len", "-tp", "max_model_len" as "max_model_len". Members of a
 * configuration, behind a point, keep their spelling. */
static char *key_of(struct str name, struct arena *a)
{
    size_t dashes = 0;
    while (dashes < name.len && name.ptr[dashes] == '-')
        dashes++;
    name.ptr += dashes;
    name.len -= dashes;
    for (size_t i = 0; dashes == 1 && i < sizeof shorts / sizeof *shorts; i++)
        if (str_is(name, shorts[i].name))
            return arena_strdup(a, shorts[i].key);
    char *key = arena_str(a, name);
    for (char *c = key; c != NULL && *c != '\0' && *c != '.'; c++)
        if (*c == '-')
            *c = '_';
    return key;
}

/* --- values */

static double unit_of(char c)
{
    switch (c) {
    case 'k': return 1e3;
    case 'm': return 1e6;
    case 'g': return 1e9;
    case 'K': return 0x1p10;
    case 'M': return 0x1p20;
    case 'G': return 0x1p30;
    default: return 0;
    }
}

static bool is_count(const char *key)
{
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (strcmp(counts[i], key) == 0)
            return true;
    return false;
}

/* "4k" as "4000", of keys that take it. */
static const char *plain_count(const char *key, const char *value, struct arena *a)
{
    size_t len = strlen(value);
    double n, unit = len > 1 ? unit_of(value[len - 1]) : 0;
    if (unit == 0 || !is_count(key) ||
        !str_to_double((struct str){.ptr = value, .len = len - 1}, &n))
        return value;
    return arena_printf(a, "%.0f", n * unit);
}

/* --- taking arguments */

/* The object that holds the last member of "config.a.b"; *name is that member. */
static json_t *holder_of(struct given *g, struct str path, const char **name)
{
    json_t *at = g->all;
    struct str part = str_cut(&path, '.');
    *name = arena_str(g->arena, part);
    while (path.len > 0 && *name != NULL) {
        json_t *next = json_object_get(at, *name);
        if (!json_is_object(next)) {
            next = json_object();
            if (json_object_set_new_nocheck(at, *name, next) != 0)
                return NULL;
        }
        at = next;
        part = str_cut(&path, '.');
        *name = arena_str(g->arena, part);
    }
    return *name != NULL ? at : NULL;
}

/* Members of a configuration are JSON where they are, as vLLM reads them. */
/* A text that is not UTF-8 is mended when it is written. */
static json_t *value_of(const char *text, bool is_member)
{
    bool is_json = is_member || *text == '{';
    json_t *value = is_json ? json_parse(str_from(text)) : NULL;
    return value != NULL ? value : json_string_nocheck(text);
}

static void take(struct given *g, const char *key, const char *value)
{
    const char *name = NULL;
    if (key == NULL || value == NULL) {
        g->has_failed = true;
        return;
    }
    struct str path = str_from(key);
    json_t *holder = holder_of(g, path, &name);
    value = plain_count(key, value, g->arena);
    if (value == NULL || holder == NULL ||
        json_object_set_new_nocheck(holder, name, value_of(value, holder != g->all)) != 0)
        g->has_failed = true;
}

static void take_int(struct given *g, const char *key, int64_t value)
{
    if (value > 0)
        take(g, key, arena_printf(g->arena, "%lld", (long long)value));
}

/* What is an argument of the engine among the options of inferbench. */
static void take_options(struct given *g, const struct engine_settings *s)
{
    const struct vllm_settings *v = vllm_settings_of(s);
    if (v->dtype != NULL)
        take(g, "dtype", v->dtype);
    if (v->load_format != NULL)
        take(g, "load_format", v->load_format);
    take_int(g, "max_model_len", s->max_model_len);
    take_int(g, "max_num_seqs", s->max_num_seqs);
    take_int(g, "max_num_batched_tokens", v->max_num_batched_tokens);
    take(g, "seed", arena_printf(g->arena, "%lld", (long long)s->seed));
    if (v->gpu_memory_utilization > 0)
        take(g, "gpu_memory_utilization",
             arena_printf(g->arena, "%g", v->gpu_memory_utilization));
}

static void take_pairs(struct given *g, const struct opt_strings *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        struct str name;
        const char *value = vllm_settings_pair(pairs->items[i], &name);
        take(g, key_of(name, g->arena), value != NULL ? value : "true");
    }
}

/* --- words of a command line */

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && !isdigit((unsigned char)word[1]) &&
           word[1] != '.';
}

/* The words behind an option, up to the next one; NULL: no memory. */
static const char *values_behind(const char *const *words, size_t count, size_t *at,
                                 struct arena *a)
{
    const char *text = NULL;
    while (*at + 1 < count && !is_option(words[*at + 1])) {
        text = arena_printf(a, "%s%s%s", text != NULL ? text : "",
                            text != NULL ? " " : "", words[*at + 1]);
        if (text == NULL)
            return NULL;
        ++*at;
    }
    return text != NULL ? text : "";
}

/* "--no-enforce-eager" is enforce_eager=false. */
static void take_switch(struct given *g, const char *key)
{
    bool is_negated = key != NULL && strncmp(key, "no_", 3) == 0;
    take(g, is_negated ? key + 3 : key, is_negated ? "false" : "true");
}

/* "-O3": its value without a blank. */
static bool take_level(struct given *g, const char *word)
{
    bool is_level = strncmp(word, "-O", 2) == 0 && isdigit((unsigned char)word[2]);
    if (is_level)
        take(g, "optimization_level", word + 2);
    return is_level;
}

static void take_words(struct given *g, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count && !g->has_failed; i++) {
        struct str name;
        const char *value = vllm_settings_pair(words[i], &name);
        if (!is_option(words[i])) { /* a word that belongs to nothing */
            take(g, "words", words[i]);
            continue;
        }
        if (take_level(g, words[i]))
            continue;
        char *key = key_of(name, g->arena);
        const char *text = value != NULL ? value
                                         : values_behind(words, count, &i, g->arena);
        if (text != NULL && *text == '\0' && value == NULL)
            take_switch(g, key);
        else
            take(g, key, text);
    }
}

/* --- the list */

/* NULL: no memory. */
static const char *text_of(const char *key, const json_t *value, struct arena *a)
{
    struct buf text;
    buf_init(&text, TEXT_CAP_BYTES);
    buf_printf(&text, "%s=", key);
    if (json_is_string(value))
        canon_value(key, json_string_value(value), &text);
    else
        canon_json(value, &text);
    const char *out = text.failed == STATUS_OK ? arena_strdup(a, buf_cstr(&text)) : NULL;
    buf_fini(&text);
    return out;
}

/* Arguments and variables in one list. */
static const char *list_text(const struct given *g, const struct opt_strings *variables)
{
    const char *key;
    json_t *value;
    size_t n = 0, most = json_object_size(g->all) + variables->count;
    const char **texts = arena_alloc(g->arena, most + 1, sizeof(const char *));
    if (texts == NULL)
        return NULL;
    json_object_foreach(g->all, key, value)
    {
        if (is_left_out(key))
            continue;
        texts[n] = text_of(key, value, g->arena);
        if (texts[n++] == NULL)
            return NULL;
    }
    for (size_t i = 0; i < variables->count; i++)
        texts[n++] = variables->items[i];
    qsort(texts, n, sizeof *texts, str_order);
    struct buf out;
    struct jsonw w;
    buf_init(&out, TEXT_CAP_BYTES);
    jsonw_init(&w, &out, 0);
    jsonw_array(&w, NULL);
    for (size_t i = 0; i < n; i++)
        jsonw_str(&w, NULL, texts[i]);
    jsonw_array_end(&w);
    const char *text = out.failed == STATUS_OK ? arena_strdup(g->arena, buf_cstr(&out))
                                               : NULL;
    buf_fini(&out);
    return text;
}

static const char *finish(struct given *g)
{
    struct opt_strings variables;
    const char *text = NULL;
    if (!g->has_failed && variables_engine(g->arena, &variables))
        text = list_text(g, &variables);
    json_decref(g->all);
    return text;
}

const char *given_list(const struct engine_settings *s, struct arena *a)
{
    struct given g = {.all = json_object(), .arena = a};
    g.has_failed = g.all == NULL;
    if (!g.has_failed) {
        take_options(&g, s);
        take_pairs(&g, &vllm_settings_of(s)->engine_args);
        take_words(&g, s->rest.items, s->rest.count);
    }
    return finish(&g);
}

const char *given_command(const char *const *words, size_t count, struct arena *a)
{
    struct given g = {.all = json_object(), .arena = a};
    const char *command = "";
    size_t at = 0;
    g.has_failed = g.all == NULL;
    for (; at < count && !is_option(words[at]) && command != NULL; at++) {
        const char *slash = strrchr(words[at], '/');
        const char *name = at == 0 && slash != NULL ? slash + 1 : words[at];
        command = arena_printf(a, "%s%s%s", command, at > 0 ? " " : "", name);
    }
    if (!g.has_failed)
        take(&g, "command", command);
    if (!g.has_failed)
        take_words(&g, words + at, count - at);
    return finish(&g);
}
