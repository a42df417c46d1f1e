#include <string.h>

#include "text/json.h"
#include "text/jsonw.h"
#include "track/mlflow.h"

enum { NUMBER_BYTES = 32 };

/* What is compared: one list of the entry against one of the server. */
struct side {
    const struct entry *entry;
    const char *kind;     /* for the message */
    const json_t *stored; /* list of {key, value}; NULL: the server leaves empty
                             ones out */
    size_t next;          /* lists often have the same order: where to look first */
    struct err *e;
};

static const json_t *find(struct side *s, const char *key)
{
    size_t count = json_array_size(s->stored);
    for (size_t i = 0; i < count; i++) {
        size_t at = (s->next + i) % count;
        const json_t *item = json_array_get(s->stored, at);
        if (json_str_is(item, "key", key)) {
            s->next = at + 1;
            return item;
        }
    }
    return NULL;
}

static enum status missing(const struct side *s, const char *key)
{
    return status_fail(s->e, STATUS_BAD_INPUT, s->entry->name,
                       "the server does not hold %s %.100s", s->kind, key);
}

static enum status check_metric(struct side *s, const struct entry_metric *metric)
{
    const json_t *item = find(s, metric->key);
    const json_t *value = json_object_get(item, "value");
    if (item == NULL)
        return missing(s, metric->key);
    double held = json_number_value(value);
    if (json_is_number(value) && held == metric->value)
        return STATUS_OK;
    char sent[NUMBER_BYTES], got[NUMBER_BYTES];
    jsonw_double_text(metric->value, sent);
    jsonw_double_text(held, got);
    const char *text = json_string_value(value);
    return status_fail(s->e, STATUS_BAD_INPUT, s->entry->name,
                       "the server holds %.40s for metric %.100s, not %s",
                       text != NULL ? text : got, metric->key, sent);
}

static enum status check_pair(struct side *s, const struct entry_pair *pair)
{
    const json_t *item = find(s, pair->key);
    if (item == NULL)
        return missing(s, pair->key);
    const char *held = json_str_of(item, "value");
    if (held == NULL) /* an empty value may be left out */
        held = "";
    if (strcmp(held, pair->value) == 0)
        return STATUS_OK;
    return status_fail(s->e, STATUS_BAD_INPUT, s->entry->name,
                       "the server holds \"%.60s\" for %s %.100s, not \"%.60s\"", held,
                       s->kind, pair->key, pair->value);
}

/* People edit these in the browser: their text stays. */
static bool is_free(const char *tag)
{
    return strcmp(tag, "mlflow.note.content") == 0 || strcmp(tag, "mlflow.user") == 0;
}

static bool holds_input(const json_t *stored, const struct entry_input *input)
{
    size_t i;
    const json_t *item;
    json_array_foreach(stored, i, item)
    {
        const json_t *set = json_object_get(item, "dataset");
        if (json_str_is(set, "name", input->name) &&
            json_str_is(set, "digest", input->digest))
            return true;
    }
    return false;
}

static enum status check_info(const struct entry *entry, const json_t *info,
                              struct err *e)
{
    const char *want = entry->is_failed ? "FAILED" : "FINISHED";
    const char *status = json_str_of(info, "status");
    if (status == NULL || strcmp(status, want) != 0)
        return status_fail(e, STATUS_BAD_INPUT, entry->name,
                           "the server holds status %.40s, not %s",
                           status != NULL ? status : "null", want);
    /* Rows without run_id state local time: another machine reads it as another. */
    int64_t end_ms = json_range_of(info, "end_time", 0, JSON_COUNT_MAX, -1);
    if (entry->run_id != NULL && end_ms != entry->end_ms)
        return status_fail(e, STATUS_BAD_INPUT, entry->name,
                           "the server holds end_time %lld, not %lld", (long long)end_ms,
                           (long long)entry->end_ms);
    return STATUS_OK;
}

static enum status check_data(const struct entry *entry, const json_t *data,
                              struct err *e)
{
    struct side s = {.entry = entry, .kind = "metric", .e = e};
    enum status status = STATUS_OK;
    s.stored = json_object_get(data, "metrics");
    for (size_t i = 0; status == STATUS_OK && i < entry->metric_count; i++)
        status = check_metric(&s, &entry->metrics[i]);
    s.kind = "parameter";
    s.stored = json_object_get(data, "params");
    for (size_t i = 0; status == STATUS_OK && i < entry->param_count; i++)
        status = check_pair(&s, &entry->params[i]);
    s.kind = "tag";
    s.stored = json_object_get(data, "tags");
    for (size_t i = 0; status == STATUS_OK && i < entry->tag_count; i++)
        if (!is_free(entry->tags[i].key))
            status = check_pair(&s, &entry->tags[i]);
    return status;
}

enum status readback_check(const struct entry *entry, const json_t *run, struct err *e)
{
    enum status status = check_info(entry, json_object_get(run, "info"), e);
    if (status == STATUS_OK)
        status = check_data(entry, json_object_get(run, "data"), e);
    const json_t *inputs = json_object_get(json_object_get(run, "inputs"),
                                           "dataset_inputs");
    for (size_t i = 0; status == STATUS_OK && i < entry->input_count; i++)
        if (!holds_input(inputs, &entry->inputs[i]))
            status = status_fail(e, STATUS_BAD_INPUT, entry->name,
                                 "the server does not hold input %.100s",
                                 entry->inputs[i].name);
    return status;
}
