#include "probe/variables.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "probe/canon.h"
#include "probe/mask.h"

#define VALUE_CAP_BYTES ((size_t)1 << 20)

extern char **environ;

static const char *const always[] = {
    "CUDA_VISIBLE_DEVICES",
    "NEURON_RT_NUM_CORES",
    "NEURON_RT_VISIBLE_CORES",
    "NEURON_COMPILE_CACHE_URL",
    "NEURON_COMPILED_ARTIFACTS",
    "NEURON_CC_FLAGS",
    "VLLM_USE_MODELSCOPE",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "HF_ENDPOINT",
    "TRANSFORMERS_CACHE",
};

/* Written where they are set; a name that ends in '_' stands for all that begin so. */
static const char *const if_set[] = {
    "VLLM_",
    "NEURON_",
    "CUDA_",
    "NVIDIA_VISIBLE_DEVICES",
    "PYTORCH_",
    "TORCH_",
    "TORCHINDUCTOR_",
    "NCCL_",
    "OMP_",
    "KMP_",
    "MKL_",
    "GOMP_",
    "MALLOC_",
    "LD_PRELOAD",
    "TOKENIZERS_PARALLELISM",
    "TRANSFORMERS_OFFLINE",
    "DISABLE_NEURON_CUSTOM_SCHEDULER",
    "INFERBENCH_",
    "PYTHONHASHSEED",
};

static bool is_always(const char *name)
{
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        if (strcmp(always[i], name) == 0)
            return true;
    return false;
}

static bool is_wanted(const char *name)
{
    for (size_t i = 0; i < sizeof if_set / sizeof if_set[0]; i++) {
        size_t n = strlen(if_set[i]);
        bool is_family = if_set[i][n - 1] == '_';
        if (is_family ? strncmp(name, if_set[i], n) == 0 : strcmp(name, if_set[i]) == 0)
            return !is_always(name);
    }
    return false;
}

/* Names of the environment that are picked, sorted; NULL: no memory. */
static const char **pick(bool (*is_picked)(const char *name), struct arena *a,
                         size_t *count)
{
    size_t total = 0;
    while (environ[total] != NULL)
        total++;
    const char **names = arena_alloc(a, total + 1, sizeof *names);
    *count = 0;
    for (size_t i = 0; names != NULL && i < total; i++) {
        struct str rest = str_from(environ[i]);
        const char *name = arena_str(a, str_cut(&rest, '='));
        if (name == NULL)
            return NULL;
        if (getenv(name) != NULL && is_picked(name))
            names[(*count)++] = name;
    }
    if (names != NULL && *count > 0)
        qsort(names, *count, sizeof *names, str_order);
    return names;
}

void variables_write(struct jsonw *w, const char *key, struct arena *a)
{
    jsonw_object(w, key);
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        const char *value = getenv(always[i]);
        jsonw_str(w, always[i], mask_value(always[i], value, a));
    }
    size_t count;
    const char **names = pick(is_wanted, a, &count);
    for (size_t i = 0; names != NULL && i < count; i++)
        jsonw_str(w, names[i], mask_value(names[i], getenv(names[i]), a));
    jsonw_object_end(w);
}

/* --- what changes an engine */

/* Families that do not: the hub's, ours. */
static const char *const not_engine[] = {
    "HF_", "TRANSFORMERS_", "INFERBENCH_", "VLLM_USE_MODELSCOPE",
    /* a field of the row: engine_mode */
    "VLLM_ENABLE_V1_MULTIPROCESSING",
    /* what a launched server gets from us, and who may ask it */
    "VLLM_SERVER_DEV_MODE", "VLLM_NO_USAGE_STATS", "VLLM_API_KEY"};

/* Words of names that say where things are or what is logged. */
static const char *const place_words[] = {
    "DIR",     "PATH",     "ROOT", "HOME",     "CACHE",     "URL",
    "URI",     "HOST",     "IP",   "PORT",     "LOG",       "LOGS",
    "LOGGING", "LOGLEVEL", "FILE", "ENDPOINT", "ARTIFACTS", "DEBUG",
};

static bool has_place_word(const char *name)
{
    struct str rest = str_from(name);
    while (rest.len > 0) {
        struct str word = str_cut(&rest, '_');
        for (size_t i = 0; i < sizeof place_words / sizeof place_words[0]; i++)
            if (str_is(word, place_words[i]))
                return true;
    }
    return false;
}

static bool is_engine(const char *name)
{
    for (size_t i = 0; i < sizeof not_engine / sizeof not_engine[0]; i++)
        if (strncmp(name, not_engine[i], strlen(not_engine[i])) == 0)
            return false;
    return (is_always(name) || is_wanted(name)) && !has_place_word(name);
}

/* Libraries by their names: where they lie differs from machine to machine. */
static void put_libraries(const char *value, struct buf *out)
{
    const char *colon = "";
    for (struct str rest = str_from(value); rest.len > 0;) {
        struct str path = str_cut(&rest, ':');
        const char *slash = path.len > 0 ? memrchr(path.ptr, '/', path.len) : NULL;
        size_t from = slash != NULL ? (size_t)(slash - path.ptr) + 1 : 0;
        buf_printf(out, "%s%.*s", colon, (int)(path.len - from), path.ptr + from);
        colon = ":";
    }
}

/* "/x", "~/x", "./x", "s3://x", "--cache_dir=/x" */
static bool is_place(struct str word)
{
    struct str value = word;
    if (str_starts(word, "-"))
        str_cut(&value, '=');
    return value.len > 0 && (strchr("/~.", *value.ptr) != NULL ||
                             memmem(value.ptr, value.len, "://", 3) != NULL);
}

/* The words of a value that say no place, a blank between them. */
static void put_words(const char *value, struct buf *out)
{
    const char *blank = "";
    for (struct str rest = str_from(value); rest.len > 0;) {
        struct str word = str_cut(&rest, ' ');
        if (word.len == 0 || is_place(word))
            continue;
        buf_printf(out, "%s%.*s", blank, (int)word.len, word.ptr);
        blank = " ";
    }
}

/* NULL: no memory. "": not for this list. */
static const char *engine_text(const char *name, const char *value, struct arena *a)
{
    struct buf plain, text;
    buf_init(&plain, VALUE_CAP_BYTES);
    buf_init(&text, VALUE_CAP_BYTES);
    if (strcmp(name, "LD_PRELOAD") == 0)
        put_libraries(value, &plain);
    else
        put_words(value, &plain);
    const char *out = plain.failed == STATUS_OK ? "" : NULL;
    bool is_said = plain.len > 0 || *value == '\0'; /* an empty value may hide devices */
    if (out != NULL && is_said) {
        buf_printf(&text, "%s=", name);
        canon_value(name, buf_cstr(&plain), &text);
        out = text.failed == STATUS_OK ? arena_strdup(a, buf_cstr(&text)) : NULL;
    }
    buf_fini(&plain);
    buf_fini(&text);
    return out;
}

bool variables_engine(struct arena *a, struct opt_strings *out)
{
    size_t count;
    const char **texts = pick(is_engine, a, &count);
    *out = (struct opt_strings){.items = texts};
    for (size_t i = 0; texts != NULL && i < count; i++) {
        const char *value = getenv(texts[i]);
        const char *text = value != NULL ? engine_text(texts[i], value, a) : "";
        if (text == NULL)
            return false;
        if (*text != '\0')
            texts[out->count++] = text;
    }
    if (texts != NULL && out->count > 0)
        qsort(texts, out->count, sizeof *texts, str_order);
    return texts != NULL;
}
