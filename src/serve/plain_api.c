#include "serve/plain_api.h"

#include <stdio.h>

#include "text/jsonw.h"

#define REST ",\"kv_transfer_params\":null,\"ec_transfer_params\":null,\"metrics\":null}"
#define TIER ",\"service_tier\":null" CHUNKS_FINGERPRINT "%U"
#define ENDS \
    ",\"logprobs\":null,\"finish_reason\":%F,\"stop_reason\":null,\"token_ids\":%I"

static const char completion[] =
    ",\"choices\":[{\"index\":0,\"text\":\"%W\"" ENDS
    ",\"prompt_logprobs\":null,\"prompt_token_ids\":%P,\"routed_experts\":null}]" TIER
        REST;
static const char chat[] =
    ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%W\","
    "\"refusal\":null,\"annotations\":null,\"audio\":null,\"function_call\":null,"
    "\"reasoning\":null}" ENDS ",\"routed_experts\":null}]" TIER
    ",\"prompt_logprobs\":null,\"prompt_token_ids\":%P,\"prompt_text\":null" REST;

void plain_api_answer(const struct chunks *c, int64_t tokens, const char *finish,
                      struct buf *out)
{
    bool is_chat = c->request->endpoint == ENDPOINT_CHAT;
    const struct chunks_tokens all = {.to = tokens, .finish = finish, .has_prompt = true};
    chunks_open(c, is_chat ? "chat.completion" : "text_completion", out);
    chunks_fill(c, &all, is_chat ? chat : completion, out);
}

void plain_api_models(const struct settings *s, int64_t created_s, struct buf *out)
{
    const struct openai_dialect *d = settings_dialect(s);
    const char *who = d->owned_by != NULL ? d->owned_by : "somebody";
    char owner[64];
    struct jsonw w;
    if ((d->traits & OPENAI_HAS_VLLM) != 0)
        who = "inferbench-serve";
    (void)snprintf(owner, sizeof owner, "%s (simulated)", who);
    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_str(&w, "object", "list");
    jsonw_array(&w, "data");
    jsonw_object(&w, NULL);
    jsonw_str(&w, "id", s->model);
    jsonw_str(&w, "object", "model");
    jsonw_int(&w, "created", created_s);
    jsonw_str(&w, "owned_by", owner);
    jsonw_str(&w, "root", s->model);
    jsonw_null(&w, "parent");
    jsonw_int(&w, "max_model_len", s->max_model_len);
    jsonw_array(&w, "permission");
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    jsonw_array_end(&w);
    jsonw_object_end(&w);
}

struct metric {
    const char *name, *type, *help, *more; /* more: labels, or "" */
    int64_t value;
};

/* The name of the model inside a label: quotes, backslashes and line feeds escaped. */
static void put_label(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            (void)buf_char(out, '\\');
        if (*text == '\n')
            (void)buf_text(out, "\\n");
        else
            (void)buf_char(out, *text);
    }
}

/* has_head: of several samples of one metric only the first has HELP and TYPE, which name
 * a counter without its _total. */
static void put_metric(const struct settings *s, const struct metric *m, bool has_head,
                       struct buf *out)
{
    bool is_counter = m->type[0] == 'c';
    if (has_head)
        (void)buf_printf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", m->name,
                         is_counter ? "_total" : "", m->help, m->name,
                         is_counter ? "_total" : "", m->type);
    (void)buf_printf(out, "%s%s{engine=\"0\"%s,model_name=\"", m->name,
                     is_counter ? "_total" : "", m->more);
    put_label(s->model, out);
    (void)buf_printf(out, "\"} %lld.0\n", (long long)m->value);
}

void plain_api_metrics(const struct settings *s, const struct plain_api_counts *n,
                       struct buf *out)
{
    static const char finished[] = "Requests that ended, by reason";
    const struct metric rows[] = {
        {"vllm:num_requests_running", "gauge", "Requests in answer", "", n->running},
        {"vllm:num_requests_waiting", "gauge", "Requests that wait", "", n->waiting},
        {"vllm:kv_cache_usage_perc", "gauge", "Simulated: no cache", "", 0},
        {"vllm:prefix_cache_queries", "counter", "Simulated: no cache", "", 0},
        {"vllm:prefix_cache_hits", "counter", "Simulated: no cache", "", 0},
        {"vllm:num_preemptions", "counter", "Simulated: none", "", 0},
        {"vllm:prompt_tokens", "counter", "Tokens of prompts", "", n->prompt_tokens},
        {"vllm:generation_tokens", "counter", "Tokens sent", "", n->generation_tokens},
        {"vllm:request_success", "counter", finished, ",finished_reason=\"stop\"",
         n->stop},
        {"vllm:request_success", "counter", finished, ",finished_reason=\"length\"",
         n->length},
        {"vllm:request_success", "counter", finished, ",finished_reason=\"abort\"",
         n->abort},
        {"vllm:request_success", "counter", finished, ",finished_reason=\"error\"",
         n->error},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        put_metric(s, &rows[i],
                   i == 0 || rows[i].help != rows[i - 1].help || rows[i].more[0] == '\0',
                   out);
    (void)buf_printf(out,
                     "# HELP vllm:cache_config_info Simulated: no cache\n"
                     "# TYPE vllm:cache_config_info gauge\n"
                     "vllm:cache_config_info{block_size=\"%lld\","
                     "enable_prefix_caching=\"False\",engine=\"0\"} 1.0\n",
                     (long long)s->block_size);
    (void)buf_printf(out,
                     "# HELP process_start_time_seconds Start of the process since the "
                     "epoch\n# TYPE process_start_time_seconds gauge\n"
                     "process_start_time_seconds %.3f\n",
                     n->start_s);
}
