#include "engines/vllm_facts.h"

#include <string.h>

#include "http/prometheus.h"
#include "stats/told.h"
#include "text/json.h"

#define RANKS_MAX        65536
#define BLOCK_TOKENS_MAX (1 << 20)

/* Kinds of devices as vLLM and PyTorch name them ("cuda:0"); "unknown": any other. */
static const char *hardware_of(const char *device)
{
    static const char *const names[][2] = {{"cuda", "gpu"},
                                           {"rocm", "gpu"},
                                           {"hip", "gpu"},
                                           {"cpu", "cpu"},
                                           {"neuron", "neuron"}};
    for (size_t i = 0; device != NULL && i < sizeof names / sizeof *names; i++)
        if (strncmp(device, names[i][0], strlen(names[i][0])) == 0)
            return names[i][1];
    return "unknown";
}

static bool is_count(const json_t *v)
{
    return json_integer_value(v) >= 0 && json_integer_value(v) <= JSON_COUNT_MAX;
}

/* What is there becomes the field; "torch.float32" is float32. */
static void take(const json_t *v, enum field_id id, struct arena *a, struct row *out)
{
    const char *text = json_string_value(v);
    if (text != NULL && strncmp(text, "torch.", 6) == 0)
        text += 6;
    if (text != NULL)
        out->v[id] = value_str(arena_strdup(a, text));
    else if (json_is_boolean(v))
        out->v[id] = value_bool(json_is_true(v));
    else if (json_is_integer(v) && field_table[id].kind == VALUE_INT)
        out->v[id] = is_count(v) ? value_int(json_integer_value(v)) : value_null();
    else if (json_is_number(v))
        out->v[id] = value_num(json_number_value(v));
}

/* --- the worker */

/* Members of "ready" that are fields of the same name; null where they are not told. */
static void take_ready(const json_t *ready, struct arena *a, struct row *out)
{
    for (int i = 0; i < FIELD_COUNT; i++) {
        enum field_id id = (enum field_id)i;
        if (!told_by_engine(id))
            continue;
        out->v[id] = value_null();
        take(json_object_get(ready, field_table[id].name), id, a, out);
    }
    if (!value_is_known(out->v[FIELD_quantization]))
        out->v[FIELD_quantization] = value_str("none");
    out->v[FIELD_is_simulated] = value_bool(false);
}

/* What the user should know, one text. */
static const char *join_notes(const json_t *ready, struct arena *a)
{
    const json_t *notes = json_object_get(ready, "notes");
    const char *text = NULL;
    const char *version = json_str_of(ready, "engine_version");
    if (!json_bool_of(ready, "is_tried", true)) {
        text = arena_printf(a, "vLLM %s is untested with this inferbench, trying it",
                            version != NULL ? version : "of unknown version");
    }
    for (size_t i = 0; i < json_array_size(notes); i++) {
        const char *note = json_string_value(json_array_get(notes, i));
        if (note == NULL)
            continue;
        text = text == NULL ? arena_strdup(a, note)
                            : arena_printf(a, "%s; %s", text, note);
    }
    return text;
}

void vllm_facts_ready(const json_t *ready, struct arena *a, struct engine_facts *facts)
{
    take_ready(ready, a, &facts->fields);
    facts->vocab_size = json_range_of(ready, "vocab_size", 1, JSON_IDS_MAX, 0);
    facts->block_size = json_range_of(ready, "block_size", 1, BLOCK_TOKENS_MAX, 0);
    facts->is_caching = json_bool_of(ready, "enable_prefix_caching", false);
    facts->hardware_type = hardware_of(json_str_of(ready, "device"));
    facts->notes = join_notes(ready, a);
}

/* --- a server */

/* A member of one of vLLM's configurations that is a field of ours. */
struct member {
    const char *config, *name;
    enum field_id field;
};

static const struct member members[] = {
    {"model_config", "max_model_len", FIELD_max_model_len},
    {"model_config", "enforce_eager", FIELD_enforce_eager},
    {"model_config", "dtype", FIELD_dtype},
    {"model_config", "quantization", FIELD_quantization},
    {"cache_config", "block_size", FIELD_block_size},
    {"cache_config", "kv_cache_size_tokens", FIELD_kv_cache_tokens},
    {"cache_config", "enable_prefix_caching", FIELD_enable_prefix_caching},
    {"scheduler_config", "max_num_seqs", FIELD_max_num_seqs},
    {"scheduler_config", "max_num_batched_tokens", FIELD_max_num_batched_tokens},
    {"parallel_config", "tensor_parallel_size", FIELD_tensor_parallel_size},
};

/* Devices of all that is parallel. */
static void take_devices(const json_t *parallel, struct row *out)
{
    int64_t world = json_range_of(parallel, "tensor_parallel_size", 1, RANKS_MAX, 0) *
                    json_range_of(parallel, "pipeline_parallel_size", 1, RANKS_MAX, 1) *
                    json_range_of(parallel, "data_parallel_size", 1, RANKS_MAX, 1);
    if (world > 0)
        out->v[FIELD_devices] = value_int(world);
}

static void take_rest(const json_t *config, struct engine_facts *facts)
{
    struct value *f = facts->fields.v;
    const json_t *cache = json_object_get(config, "cache_config");
    const char *format = json_str_of(json_object_get(config, "load_config"),
                                     "load_format");
    const char *hardware = hardware_of(
        json_str_of(json_object_get(config, "device_config"), "device"));
    int64_t kv_bytes = json_range_of(cache, "kv_cache_memory_bytes", 1, JSON_BYTES_MAX,
                                     0);
    if (format != NULL)
        f[FIELD_weights] = value_str(strcmp(format, "dummy") == 0 ? "dummy" : "real");
    if (f[FIELD_quantization].kind == VALUE_ABSENT)
        f[FIELD_quantization] = value_str("none");
    if (kv_bytes > 0)
        f[FIELD_kv_cache_mb] = value_num((double)kv_bytes / 1e6);
    if (strcmp(hardware, "unknown") != 0)
        facts->hardware_type = hardware;
    if (f[FIELD_enable_prefix_caching].kind == VALUE_BOOL)
        facts->is_caching = f[FIELD_enable_prefix_caching].b;
    if (f[FIELD_block_size].kind == VALUE_INT)
        facts->block_size = f[FIELD_block_size].i;
    take_devices(json_object_get(config, "parallel_config"), &facts->fields);
}

bool vllm_facts_config(const json_t *root, struct arena *a, struct engine_facts *facts,
                       const char **model)
{
    const json_t *config = json_object_get(root, "vllm_config");
    const json_t *loaded = json_object_get(config, "model_config");
    *model = NULL;
    if (!json_is_object(loaded))
        return false;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        take(json_object_get(json_object_get(config, members[i].config), members[i].name),
             members[i].field, a, &facts->fields);
    take_rest(config, facts);
    *model = arena_strdup(a, json_str_of(loaded, "model"));
    return true;
}

static bool label_int(struct str text, const char *label, int64_t *out)
{
    char value[64];
    return prometheus_label(text, "vllm:cache_config_info", label, value, sizeof value) &&
           str_to_i64(str_from(value), out);
}

void vllm_facts_metrics(struct str text, struct engine_facts *facts)
{
    struct value *f = facts->fields.v;
    char value[64];
    int64_t n, blocks;
    if (label_int(text, "block_size", &n) && n > 0) {
        facts->block_size = n;
        f[FIELD_block_size] = value_int(n);
        if (label_int(text, "num_gpu_blocks", &blocks)) /* 0.13 has no size in tokens */
            f[FIELD_kv_cache_tokens] = value_int(blocks * n);
    }
    if (label_int(text, "kv_cache_size_tokens", &n))
        f[FIELD_kv_cache_tokens] = value_int(n);
    if (label_int(text, "kv_cache_memory_bytes", &n))
        f[FIELD_kv_cache_mb] = value_num((double)n / 1e6);
    if (prometheus_label(text, "vllm:cache_config_info", "enable_prefix_caching", value,
                         sizeof value)) {
        facts->is_caching = strcmp(value, "True") == 0;
        f[FIELD_enable_prefix_caching] = value_bool(facts->is_caching);
    }
}
