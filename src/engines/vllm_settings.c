#include "engines/vllm_settings.h"

#include <string.h>

#include "base/str.h"
#include "engines/vllm_python.h"

#define BATCHED_TOKENS         8192
#define GPU_MEMORY_UTILIZATION 0.9
#define CACHING                                                          \
    "Write --enable-prefix-caching or --test-prefix-caching before the " \
    "--"
#define ADDRESS "A launched server listens on a free port of 127.0.0.1"

/* Options of vLLM that are inferbench's to set: they would make OFF and ON or the plan
 * untrue, the last ones a server unreachable. */
static const struct {
    const char *name, *hint;
    bool is_of_server;
} reserved[] = {
    {"enable-prefix-caching", CACHING, false},
    {"no-enable-prefix-caching", CACHING, false},
    {"model", "Write --model before the --", false},
    {"served-model-name", "Write --model-name before the --", true},
    {"host", ADDRESS, true},
    {"port", ADDRESS, true},
    {"uds", ADDRESS, true},
    {"ssl-keyfile", ADDRESS, true},
    {"ssl-certfile", ADDRESS, true},
    {"api-key",
     "Use --api-key-file or OPENAI_API_KEY: the server gets the key in its environment",
     true}};

const struct vllm_settings *vllm_settings_of(const struct engine_settings *s)
{
    static const struct vllm_settings none = {.python = NULL};
    return s->own != NULL ? s->own : &none;
}

const char *vllm_settings_python(const struct engine_settings *s)
{
    return s->interpreter != NULL ? s->interpreter : vllm_settings_of(s)->python;
}

enum status vllm_settings_locate(const struct engine_settings *s, struct arena *a,
                                 const char **python, const char **notes, struct err *e)
{
    struct vllm_python found;
    *python = *notes = NULL;
    if (s->target != NULL &&
        (!s->target->is_launched || s->target->launch_command != NULL))
        return STATUS_OK;
    if (vllm_python_find(vllm_settings_python(s), a, &found, e) != STATUS_OK)
        return e->code;
    const char *rust = NULL;
    if (s->target != NULL && vllm_python_front_end(&found, &rust, e) != STATUS_OK)
        return e->code;
    *python = found.path;
    *notes = arena_printf(a, "python: %s (%s), vLLM %s%s%s", found.path, found.source,
                          found.vllm, rust != NULL ? ", Rust front-end " : "",
                          rust != NULL ? rust : "");
    if (s->target != NULL && rust == NULL && found.rust != NULL)
        *notes = arena_printf(a,
                              "%s; its Python front-end serves, as by itself; "
                              "VLLM_USE_RUST_FRONTEND=1 takes its Rust one",
                              *notes);
    return STATUS_OK;
}

const char *vllm_settings_pair(const char *pair, struct str *name)
{
    struct str value = str_from(pair);
    bool has_value = strchr(pair, '=') != NULL;
    *name = str_cut(&value, '=');
    return has_value ? value.ptr : NULL;
}

/* True if `word` is that option, dashes in front or not, '_' standing for '-'. */
static bool is_option(struct str word, const char *name)
{
    while (word.len > 0 && *word.ptr == '-') {
        word.ptr++;
        word.len--;
    }
    if (word.len != strlen(name))
        return false;
    for (size_t i = 0; i < word.len; i++)
        if ((word.ptr[i] == '_' ? '-' : word.ptr[i]) != name[i])
            return false;
    return true;
}

const char *vllm_settings_find(const struct opt_strings *words, const char *name)
{
    const char *found = NULL;
    for (size_t i = 0; i < words->count; i++) {
        struct str word;
        const char *value = vllm_settings_pair(words->items[i], &word);
        if (str_starts(word, "--") && is_option(word, name))
            found = value != NULL          ? value
                    : i + 1 < words->count ? words->items[i + 1]
                                           : "";
    }
    return found;
}

const char *vllm_settings_word(const struct engine_settings *s, const char *name)
{
    const struct opt_strings *args = &vllm_settings_of(s)->engine_args;
    const char *found = NULL, *last = vllm_settings_find(&s->rest, name);
    for (size_t i = 0; i < args->count; i++) {
        struct str word;
        const char *value = vllm_settings_pair(args->items[i], &word);
        if (is_option(word, name))
            found = value != NULL ? value : "";
    }
    return last != NULL ? last : found;
}

static enum status settle(struct engine_settings *s, struct vllm_settings *v,
                          bool is_server, struct err *e)
{
    const char *text = vllm_settings_word(s, "max-model-len");
    int64_t tokens;
    if (text != NULL && str_to_i64(str_from(text), &tokens) && tokens > 0)
        s->max_model_len = tokens;
    v->max_num_batched_tokens = BATCHED_TOKENS;
    v->gpu_memory_utilization = GPU_MEMORY_UTILIZATION;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if ((reserved[i].is_of_server && !is_server) ||
            vllm_settings_word(s, reserved[i].name) == NULL)
            continue;
        status_fail(e, STATUS_BAD_OPTION, reserved[i].name,
                    "is set by inferbench, not by vLLM options");
        return status_hint(e, "%s", reserved[i].hint);
    }
    return STATUS_OK;
}

enum status vllm_settings_settle(struct engine_settings *s, void *own, struct err *e)
{
    return settle(s, own, false, e);
}

enum status vllm_settings_settle_server(struct engine_settings *s, void *own,
                                        struct err *e)
{
    return settle(s, own, true, e);
}
