#include "track/mlflow_body.h"

#include <string.h>

json_t *mlflow_body_text(const char *text)
{
    return json_string_nocheck(text);
}

/* The list loses itself, and is NULL, where there is no memory for an item. */
static void push(json_t **list, json_t *item)
{
    if (json_array_append_new(*list, item) == 0)
        return;
    json_decref(*list);
    *list = NULL;
}

json_t *mlflow_body_pairs(const struct entry_pair *pairs, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        push(&list, json_pack("{s:o,s:o}", "key", mlflow_body_text(pairs[i].key), "value",
                              mlflow_body_text(pairs[i].value)));
    return list;
}

json_t *mlflow_body_metrics(const struct entry_metric *metrics, size_t count,
                            int64_t start_ms)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        push(&list,
             json_pack("{s:s,s:f,s:I,s:i}", "key", metrics[i].key, "value",
                       metrics[i].value, "timestamp", (json_int_t)start_ms, "step", 0));
    return list;
}

json_t *mlflow_body_inputs(const struct entry_input *inputs, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct entry_input *in = &inputs[i];
        push(&list, json_pack("{s:[{s:s,s:s}],s:{s:s,s:s,s:s,s:s}}", "tags", "key",
                              "mlflow.data.context", "value", in->context, "dataset",
                              "name", in->name, "digest", in->digest, "source_type",
                              "local", "source", in->source));
    }
    return list;
}

/* In a filter nothing stands for a quote, and backslashes differ by database; "_" of LIKE
 * is any character. */
const char *mlflow_body_filter(const char *tag, const char *value, struct arena *a)
{
    static const char unquotable[] = "'\"\\`";
    bool is_plain = strpbrk(value, unquotable) == NULL;
    char *pattern = arena_strdup(a, value);
    if (pattern == NULL)
        return NULL;
    for (char *p = pattern; (p = strpbrk(p, unquotable)) != NULL;)
        *p = '_';
    return arena_printf(a, "tags.`%s` %s '%s'", tag, is_plain ? "=" : "LIKE", pattern);
}
