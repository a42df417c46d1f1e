#include "probe/variables.h"

#include <stdlib.h>
#include <string.h>

#include "probe/env.h"

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

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The wanted entries "NAME=value" as names, sorted; NULL where there are none. */
static char **wanted_names(struct arena *a, size_t *count)
{
    size_t total = 0;
    while (environ[total] != NULL)
        total++;
    char **names = arena_alloc(a, total + 1, sizeof *names);
    *count = 0;
    for (size_t i = 0; names != NULL && i < total; i++) {
        const char *equals = strchr(environ[i], '=');
        if (equals == NULL)
            continue;
        char *name = arena_str(a,
                               (struct str){environ[i], (size_t)(equals - environ[i])});
        if (name != NULL && is_wanted(name))
            names[(*count)++] = name;
    }
    if (names != NULL)
        qsort(names, *count, sizeof *names, by_name);
    return names;
}

void variables_write(struct jsonw *w, const char *key, struct arena *a)
{
    jsonw_object(w, key);
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        const char *value = getenv(always[i]);
        jsonw_str(w, always[i], value != NULL ? env_mask(always[i], value, a) : NULL);
    }
    size_t count;
    char **names = wanted_names(a, &count);
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL)
            jsonw_str(w, names[i], env_mask(names[i], value, a));
    }
    jsonw_object_end(w);
}
