/* How OpenAI-compatible servers differ: what they take in a request, what they offer
 * besides, and how they are told apart. docs/servers.md has the table for users. */
#ifndef HTTP_OPENAI_DIALECT_H
#define HTTP_OPENAI_DIALECT_H

#include <stdbool.h>

#include "base/str.h"

enum openai_trait {
    OPENAI_TAKES_IDS = 1,      /* prompts as token ids, in completions */
    OPENAI_TAKES_LENGTHS = 2,  /* ignore_eos */
    OPENAI_TAKES_SALT = 4,     /* cache_salt */
    OPENAI_TAKES_USAGE = 8,    /* stream_options */
    OPENAI_TAKES_NEW_MAX = 16, /* max_completion_tokens instead of max_tokens, in chats */
    OPENAI_HAS_HEALTH = 32,    /* GET /health, free of charge */
    OPENAI_HAS_VLLM = 64,      /* /version, /metrics, /server_info, /reset_prefix_cache */
    OPENAI_LISTS_ALL = 128     /* a model that is not in /v1/models is not there */
};

struct openai_dialect {
    const char *name;     /* as in --dialect */
    const char *owned_by; /* beginning of a model's owned_by in /v1/models, or NULL */
    const char *header;   /* "name: beginning of its value" of that answer, or NULL */
    unsigned traits;
};

/* What --dialect may be. */
#define OPENAI_DIALECT_CHOICES "auto|" OPENAI_DIALECT_NAMES
#define OPENAI_DIALECT_NAMES                                                \
    "vllm|sglang|llamacpp|lmdeploy|trtllm|tgi|ollama|transformers|litellm|" \
    "openai|mistral|other"

/* By name, which may be NULL; NULL: there is none, as for "auto". */
const struct openai_dialect *openai_dialect_find(const char *name);
/* By what stands in its list of models and in the headers of that answer, lines of "name:
 * value"; NULL: neither tells. owned_by may be NULL. */
const struct openai_dialect *openai_dialect_of(const char *owned_by, const char *headers);
/* Does it take that member of a request? It does of those that are not told apart. */
bool openai_dialect_takes(const struct openai_dialect *d, bool is_chat,
                          struct str member);
/* The option that helps where a server refuses a request with what is `said` in `body`;
 * NULL. is_vague: only where it names a member, as of an error that may be its own. */
const char *openai_dialect_advice(struct str said, struct str body, bool is_vague);

#endif
