#include "store/origin.h"

#include <string.h>

#include "text/json.h"

#define MAX_DEPTH 8 /* merged files may be merged again */

static const char *const packages[] = {
    "torch",      "transformers",  "vllm-neuron",
    "neuronx-cc", "torch-neuronx", "neuronx-distributed",
};

/* Appends "name value" where there is a value. */
static const char *add(const char *list, const char *name, const char *value,
                       struct arena *a)
{
    if (value == NULL || list == NULL)
        return list;
    return arena_printf(a, "%s%s%s%s%s", list, *list != '\0' ? ", " : "", name,
                        *name != '\0' ? " " : "", value);
}

/* "" if nothing is stated; NULL: no memory. */
static const char *versions_of(const json_t *env, struct arena *a)
{
    const json_t *list = json_object_get(env, "python_packages");
    const json_t *gpu = json_object_get(env, "gpu");
    const json_t *neuron = json_object_get(env, "neuron");
    const char *text = "";
    for (size_t i = 0; i < sizeof packages / sizeof packages[0]; i++)
        text = add(text, packages[i], json_str_of(list, packages[i]), a);
    text = add(text, "", json_str_of(gpu, "name"), a);
    text = add(text, "driver", json_str_of(gpu, "driver_version"), a);
    text = add(text, "Neuron driver", json_str_of(neuron, "driver_version"), a);
    return add(text, "Neuron runtime", json_str_of(neuron, "runtime_version"), a);
}

/* --region; NULL: none was given, which is recorded as "". */
static const char *given_region(const json_t *metadata)
{
    const char *given = json_str_of(json_object_get(metadata, "options"), "region");
    return given != NULL && *given != '\0' ? given : NULL;
}

static enum status note(const json_t *metadata, struct arena *a, struct origins *out)
{
    const json_t *env = json_object_get(metadata, "env");
    if (!json_is_object(env))
        return STATUS_OK;
    if (!arena_grow(a, &out->items, out->count, &out->room, sizeof *out->items))
        return STATUS_NO_MEMORY;
    const char *given = given_region(metadata);
    const char *region = given != NULL
                             ? given
                             : json_str_of(json_object_get(env, "instance"), "region");
    const char *run_id = json_str_of(metadata, "run_id");
    const char *versions = versions_of(env, a);
    struct origin *o = &out->items[out->count++];
    o->region = arena_strdup(a, region);
    o->is_region_given = given != NULL;
    o->run_id = arena_strdup(a, run_id);
    o->versions = versions == NULL || *versions == '\0' ? NULL : versions;
    o->is_partial = !json_bool_of(metadata, "complete", true);
    bool is_lost = (region != NULL && o->region == NULL) ||
                   (run_id != NULL && o->run_id == NULL) || versions == NULL;
    return is_lost ? STATUS_NO_MEMORY : STATUS_OK;
}

/* The file's own, then those of its sources, and of their sources. */
static enum status walk(const json_t *metadata, int depth, struct arena *a,
                        struct origins *out)
{
    size_t i;
    json_t *source;
    enum status s = note(metadata, a, out);
    if (depth == 0)
        out->has_own = out->count > 0;
    if (s != STATUS_OK || depth == MAX_DEPTH)
        return s;
    json_array_foreach(json_object_get(metadata, "sources"), i, source)
    {
        s = walk(json_object_get(source, "metadata"), depth + 1, a, out);
        if (s != STATUS_OK)
            return s;
    }
    return STATUS_OK;
}

enum status origin_collect(struct str metadata, struct arena *a, struct origins *out)
{
    json_t *root = NULL;
    struct err ignored;
    *out = (struct origins){.count = 0};
    if (metadata.len == 0)
        return STATUS_OK;
    enum status s = json_from_text(metadata, "metadata", &root, &ignored);
    if (s != STATUS_OK)
        return s == STATUS_NO_MEMORY ? s : STATUS_OK;
    s = walk(root, 0, a, out);
    json_decref(root);
    return s;
}

const struct origin *origin_find(const struct origins *o, const char *run_id)
{
    for (size_t i = 0; i < o->count && run_id != NULL; i++)
        if (o->items[i].run_id != NULL && strcmp(o->items[i].run_id, run_id) == 0)
            return &o->items[i];
    return o->has_own && o->items[0].run_id == NULL ? &o->items[0] : NULL;
}
