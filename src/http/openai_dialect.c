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

/* What helps where a refusal has that word. */
struct advice {
    const char *word, *advice;
};

/* Which sends only what all servers take. */
#define OR_OTHER ", or --dialect other"
#define SHORTER  "a smaller --input-tokens or --max-tokens"
#define OLD_MAX  "--rename max_tokens=max_tokens"
#define NEW_MAX  "--rename max_tokens=max_completion_tokens"

static const struct advice too_long[] = {
    {"context length", SHORTER}, {"context size", SHORTER}, {"context window", SHORTER},
    {"max_new_tokens", SHORTER}, {"too large", SHORTER},    {"too long", SHORTER},
    {"max_model_len", SHORTER},
};

/* Members; of two that a text names, the first is the one it refuses. */
static const struct advice members[] = {
    {"cache_salt", "--extra-body '{\"cache_salt\": null}'" OR_OTHER},
    {"ignore_eos", "--stop-at-eos" OR_OTHER},
    {"continuous_usage", "--token-counts usage"},
    {"token_ids", "--token-counts usage"},
    {"stream_options", "--extra-body '{\"stream_options\": null}'"},
    {"max_tokens", NEW_MAX},
    {"max_completion_tokens", OLD_MAX},
    {"top_p", "--extra-body '{\"top_p\": null}'"},
    {"temperature", "--extra-body '{\"temperature\": null}'"},
    {"vocab", "--vocab-size, or --endpoint chat"},
};

/* Words of many meanings, in this order. */
static const struct advice hints[] = {
    {"messages", "--endpoint chat"},
    {"prompt", "--endpoint chat, --dataset" OR_OTHER},
    {"string", "--endpoint chat, --dataset" OR_OTHER},
    {"model", "--model"},
};

static const char *first_named(const struct advice *table, size_t count, struct str text)
{
    const char *found = NULL, *first = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *at = str_find(text, table[i].word);
        if (at == NULL || (first != NULL && first <= at))
            continue;
        first = at;
        found = table[i].advice;
    }
    return found;
}

static const char *hint_of(struct str text)
{
    for (size_t i = 0; i < COUNT_OF(hints); i++)
        if (str_find(text, hints[i].word) != NULL)
            return hints[i].advice;
    return NULL;
}

/* How a body says by itself which member it means: "loc": ["body", "top_p"] (FastAPI;
 * also as Python prints it), "param": "top_p". */
struct place {
    const char *key, *open, *close;
};

/* Takes up to the next such key with a value off *rest, and returns that; else empty. */
static struct str next_place(struct str *rest, const struct place *p)
{
    const char *end = rest->ptr + rest->len, *key = str_find(*rest, p->key), *at;
    if (key == NULL) {
        *rest = (struct str){.ptr = end, .len = 0};
        return *rest;
    }
    at = key + strlen(p->key);
    bool is_key = key > rest->ptr && strchr("\"'", key[-1]) != NULL;
    *rest = (struct str){.ptr = at, .len = (size_t)(end - at)};
    at += at < end; /* the quote behind it */
    while (at < end && strchr(": ", *at) != NULL)
        at++;
    if (!is_key || at == end || strchr(p->open, *at) == NULL)
        return (struct str){0};
    const char *from = ++at;
    while (at < end && strchr(p->close, *at) == NULL)
        at++;
    return (struct str){.ptr = from, .len = (size_t)(at - from)};
}

/* The first of them. What follows may be a copy of the whole request, with the names of
 * all its members. */
static struct str place_in(struct str body)
{
    static const struct place places[] = {{"loc", "[(", "])"}, {"param", "\"'", "\"',}"}};
    for (size_t i = 0; i < COUNT_OF(places); i++)
        for (struct str rest = body; rest.len > 0;) {
            struct str found = next_place(&rest, &places[i]);
            if (found.len > 0)
                return found;
        }
    return (struct str){0};
}

const char *openai_dialect_advice(struct str said, struct str body, bool is_vague)
{
    const char *advice = first_named(too_long, COUNT_OF(too_long), said);
    struct str place = place_in(body);
    if (advice == NULL && place.len > 0)
        advice = first_named(members, COUNT_OF(members), place);
    if (advice == NULL && place.len > 0)
        advice = hint_of(place);
    bool is_other = place.len > 0 && memchr("([", place.ptr[-1], 2) != NULL;
    if (advice != NULL || is_other) /* a member of no option */
        return advice;
    advice = first_named(members, COUNT_OF(members), said);
    return advice != NULL || is_vague ? advice : hint_of(said);
}
