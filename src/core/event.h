/* What an engine tells of its requests: when something happened, and what came. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/record.h"

enum event_kind { EVENT_DUE, EVENT_SENT, EVENT_TOKENS, EVENT_DONE, EVENT_FAILED };

struct event {
    enum event_kind kind;
    enum event_stamp stamp;
    enum event_class cls; /* TOKENS: what it carries */
    int32_t request;      /* index; DUE: of the batch, just before its first add */
    struct instant at;
    struct instant read_at; /* online: end of the read; NS_UNKNOWN: no stamp of it */
    int64_t tokens;         /* TOKENS: how many; TOKENS_UNKNOWN: DONE has the sum */
    /* DONE: what the engine itself says; TOKENS_UNKNOWN, NS_UNKNOWN where it does not */
    int64_t tokens_in, tokens_out, tokens_cached, prefill_ns, decode_ns;
    enum token_source source; /* DONE: who counted tokens_out */
    /* SENT online: cost of a connection opened for this request; NS_UNKNOWN: reused */
    int64_t connect_ns, tls_ns;
    enum fail_class fail; /* FAILED */
    int32_t http_status;  /* FAILED with FAIL_http, _rate_limit */
    const char *text;     /* FAILED: cause, valid until the next call of next */
};

struct event_list {
    struct event *items;
    size_t cap, count;
}; /* next sets count */

#endif
