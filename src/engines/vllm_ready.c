#include "engines/vllm_ready.h"

#include <string.h>

#include "text/json.h"

static const char *hardware_type(const char *device)
{
    const char *names[][2] = {
        {"cuda", "gpu"}, {"rocm", "gpu"}, {"cpu", "cpu"}, {"neuron", "neuron"}};
    for (size_t i = 0; device != NULL && i < sizeof names / sizeof *names; i++)
        if (strcmp(device, names[i][0]) == 0)
            return names[i][1];
    return "unknown";
}

/* Copies members of "ready" that are fields of the same name. */
static void copy_fields(const json_t *ready, struct arena *a, struct row *out)
{
    static const enum field_id ids[] = {FIELD_engine_version,
                                        FIELD_engine_mode,
                                        FIELD_weights,
                                        FIELD_model_fingerprint,
                                        FIELD_dtype,
                                        FIELD_quantization,
                                        FIELD_tensor_parallel_size,
                                        FIELD_devices,
                                        FIELD_max_model_len,
                                        FIELD_max_num_seqs,
                                        FIELD_max_num_batched_tokens,
                                        FIELD_block_size,
                                        FIELD_kv_cache_tokens,
                                        FIELD_enforce_eager,
                                        FIELD_enable_prefix_caching,
                                        FIELD_load_time_s,
                                        FIELD_download_time_s,
                                        FIELD_compile_time_s,
                                        FIELD_weights_mb,
                                        FIELD_kv_cache_mb};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const struct field *f = &field_table[ids[i]];
        const json_t *v = json_object_get(ready, f->name);
        if (json_is_string(v))
            out->v[ids[i]] = value_str(arena_strdup(a, json_string_value(v)));
        else if (json_is_boolean(v))
            out->v[ids[i]] = value_bool(json_is_true(v));
        else if (json_is_integer(v) && f->kind == VALUE_INT)
            out->v[ids[i]] = value_int(json_integer_value(v));
        else if (json_is_number(v))
            out->v[ids[i]] = value_num(json_number_value(v));
        else
            out->v[ids[i]] = value_null();
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

void vllm_ready_read(const json_t *ready, struct arena *a, struct engine_facts *facts)
{
    copy_fields(ready, a, &facts->fields);
    facts->vocab_size = json_int_of(ready, "vocab_size", 0);
    facts->block_size = json_int_of(ready, "block_size", 0);
    facts->is_caching = json_bool_of(ready, "enable_prefix_caching", false);
    facts->hardware_type = hardware_type(json_str_of(ready, "device"));
    facts->notes = join_notes(ready, a);
}
