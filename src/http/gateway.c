#include "http/gateway.h"

#include <string.h>

#define ID_SHOWN 8 /* of a digest */

enum tells {
    TELLS_NAME,
    TELLS_ID,
    TELLS_ADDRESS,
    TELLS_DIVERSION, /* anything but 0: not the first choice */
    TELLS_CACHE      /* "HIT" */
};

static const struct {
    const char *name;
    enum tells tells;
} headers[] = {
    {"x-litellm-model-id", TELLS_ID},
    {"x-litellm-model-name", TELLS_NAME},
    {"x-litellm-model-api-base", TELLS_ADDRESS},
    {"x-litellm-version", TELLS_NAME},
    {"x-litellm-attempted-fallbacks", TELLS_DIVERSION},
    {"x-inference-provider", TELLS_NAME}, /* Hugging Face */
    {"x-kong-llm-model", TELLS_NAME},
    {"ngrok-aig-model", TELLS_NAME},
    {"x-bifrost-provider", TELLS_NAME},
    {"x-bifrost-resolved-model", TELLS_NAME},
    {"x-portkey-provider", TELLS_NAME},
    {"x-portkey-last-used-option-index", TELLS_NAME},
    {"x-portkey-cache-status", TELLS_CACHE},
    {"cf-aig-step", TELLS_DIVERSION}, /* Cloudflare */
    {"cf-aig-cache-status", TELLS_CACHE},
    {"helicone-cache", TELLS_CACHE},
};

/* "https://user:key@host:8000/v1?key=..." -> "host:8000". */
static struct str host_of(struct str url)
{
    size_t from = str_at(url, 0, "://");
    from = from < url.len ? from + 3 : 0;
    struct str rest = {.ptr = url.ptr + from, .len = url.len - from};
    for (size_t i = 0; i < rest.len; i++)
        if (strchr("/?#", rest.ptr[i]) != NULL)
            rest.len = i;
    for (size_t i = 0; i < rest.len; i++)
        if (rest.ptr[i] == '@') {
            rest.ptr += i + 1;
            rest.len -= i + 1;
            i = (size_t)-1;
        }
    return rest;
}

void gateway_add(struct gateway *g, struct str text)
{
    size_t used = strlen(g->backend), room = sizeof g->backend - 1 - used;
    if (text.len == 0 || room < 2)
        return;
    if (used > 0) {
        g->backend[used++] = ' ';
        room--;
    }
    size_t len = text.len < room ? text.len : room;
    memcpy(g->backend + used, text.ptr, len);
    g->backend[used + len] = '\0';
}

static void divert(struct gateway *g, struct str what)
{
    g->is_diverted = true;
    gateway_add(g, what);
}

static void take(struct gateway *g, enum tells tells, struct str value)
{
    switch (tells) {
    case TELLS_NAME: gateway_add(g, value); break;
    case TELLS_ID:
        value.len = value.len < ID_SHOWN ? value.len : ID_SHOWN;
        gateway_add(g, value);
        break;
    case TELLS_ADDRESS: gateway_add(g, host_of(value)); break;
    case TELLS_DIVERSION:
        if (value.len > 0 && !str_is(value, "0"))
            divert(g, str_from("fallback"));
        break;
    case TELLS_CACHE:
        if (str_find(value, "hit") == value.ptr && value.len > 0)
            divert(g, str_from("cache"));
        break;
    }
}

void gateway_header(struct gateway *g, struct str name, struct str value)
{
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (str_is_any_case(name, headers[i].name))
            take(g, headers[i].tells, value);
}
