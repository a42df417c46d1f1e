#include "http/openai_dialect.h"

#include <string.h>
#include <strings.h>

#define VLLM                                                                            \
    (OPENAI_TAKES_IDS | OPENAI_TAKES_LENGTHS | OPENAI_TAKES_SALT | OPENAI_TAKES_USAGE | \
     OPENAI_HAS_HEALTH | OPENAI_HAS_VLLM | OPENAI_LISTS_ALL)

static const struct openai_dialect dialects[] = {
    {"vllm", "vllm", NULL, VLLM},
    {"vllm", "inferbench-serve", NULL, VLLM}, /* speaks as vLLM does */
    {"sglang", "sglang", NULL,
     OPENAI_TAKES_IDS | OPENAI_TAKES_LENGTHS | OPENAI_TAKES_USAGE | OPENAI_HAS_HEALTH},
    {"llamacpp", "llamacpp", "server: llama.cpp",
     OPENAI_TAKES_IDS | OPENAI_TAKES_LENGTHS | OPENAI_TAKES_USAGE | OPENAI_HAS_HEALTH},
    {"lmdeploy", "lmdeploy", NULL,
     OPENAI_TAKES_LENGTHS | OPENAI_TAKES_USAGE | OPENAI_HAS_HEALTH},
    {"trtllm", "tensorrt_llm", NULL,
     OPENAI_TAKES_IDS | OPENAI_TAKES_LENGTHS | OPENAI_TAKES_USAGE | OPENAI_HAS_HEALTH},
    {"tgi", NULL, NULL, OPENAI_TAKES_USAGE | OPENAI_HAS_HEALTH},
    {"ollama", "library", NULL, OPENAI_TAKES_USAGE},
    {"transformers", NULL, NULL, OPENAI_TAKES_USAGE},
    {"litellm", NULL, "x-litellm-", OPENAI_TAKES_USAGE},
    {"openai", NULL, "openai-", OPENAI_TAKES_USAGE | OPENAI_TAKES_NEW_MAX},
    {"mistral", "mistralai", NULL, 0},
    {"other", NULL, NULL, OPENAI_TAKES_USAGE},
};

#define COUNT_OF(table) (sizeof table / sizeof table[0])

const struct openai_dialect *openai_dialect_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(dialects); i++)
        if (name != NULL && strcmp(dialects[i].name, name) == 0)
            return &dialects[i];
    return NULL;
}

static bool has_header(const char *headers, const char *wanted)
{
    struct str rest = str_from(headers);
    size_t len = strlen(wanted);
    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');
        if (line.len >= len && strncasecmp(line.ptr, wanted, len) == 0)
            return true;
    }
    return false;
}

const struct openai_dialect *openai_dialect_of(const char *owned_by, const char *headers)
{
    for (size_t i = 0; i < COUNT_OF(dialects); i++) {
        const struct openai_dialect *d = &dialects[i];
        if (d->header != NULL && has_header(headers, d->header))
            return d;
        if (d->owned_by != NULL && owned_by != NULL &&
            strncasecmp(owned_by, d->owned_by, strlen(d->owned_by)) == 0)
            return d;
    }
    return NULL;
}

bool openai_dialect_takes(const struct openai_dialect *d, bool is_chat, struct str member)
{
    static const struct {
        const char *member;
        enum openai_trait trait;
    } told_apart[] = {{"ignore_eos", OPENAI_TAKES_LENGTHS},
                      {"cache_salt", OPENAI_TAKES_SALT},
                      {"stream_options", OPENAI_TAKES_USAGE},
                      {"return_token_ids", OPENAI_HAS_VLLM}};
    if (is_chat && str_is(member, "max_tokens"))
        return (d->traits & OPENAI_TAKES_NEW_MAX) == 0;
    for (size_t i = 0; i < COUNT_OF(told_apart); i++)
        if (str_is(member, told_apart[i].member))
            return (d->traits & told_apart[i].trait) != 0;
    return true;
}

static bool contains(struct str text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++)
        if (strncasecmp(text.ptr + i, word, len) == 0)
            return true;
    return false;
}

/* Members by their names first; words of many meanings last. */
const char *openai_dialect_advice(struct str refusal)
{
    static const struct {
        const char *word, *advice;
    } advices[] = {
        {"cache_salt", "--extra-body '{\"cache_salt\": null}'"},
        {"ignore_eos", "--stop-at-eos"},
        {"continuous_usage", "--token-counts usage"},
        {"token_ids", "--token-counts usage"},
        {"stream_options", "--extra-body '{\"stream_options\": null}'"},
        {"max_tokens", "--rename max_tokens=max_completion_tokens"},
        {"max_completion_tokens", "--rename max_tokens=max_completion_tokens"},
        {"top_p", "--extra-body '{\"top_p\": null}'"},
        {"temperature", "--extra-body '{\"temperature\": null}'"},
        {"vocab", "--vocab-size, or --endpoint chat"},
        {"prompt", "--endpoint chat, or --dataset"},
        {"string", "--endpoint chat, or --dataset"},
        {"model", "--model"},
    };
    for (size_t i = 0; i < COUNT_OF(advices); i++)
        if (contains(refusal, advices[i].word))
            return advices[i].advice;
    return NULL;
}
