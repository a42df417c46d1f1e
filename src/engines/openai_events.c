#include "engines/openai_events.h"

#include <string.h>

#include "base/mem.h"

enum status openai_events_reserve(struct openai_events *s, size_t room, struct err *e)
{
    s->count = s->at = 0;
    if (room <= s->room)
        return STATUS_OK;
    mem_free(s->items);
    s->items = mem_alloc(room, sizeof *s->items);
    s->room = s->items != NULL ? room : 0;
    return s->items != NULL ? STATUS_OK : status_no_memory(e, "events of the client");
}

void openai_events_fini(struct openai_events *s)
{
    mem_free(s->items);
    *s = (struct openai_events){.items = NULL};
}

struct event *openai_events_add(struct openai_events *s, enum event_kind kind,
                                int32_t request, struct instant at)
{
    struct event *ev = &s->items[s->count++];
    *ev = (struct event){.kind = kind,
                         .request = request,
                         .at = at,
                         .read_at = {.ns = NS_UNKNOWN},
                         .tokens = TOKENS_UNKNOWN,
                         .tokens_in = TOKENS_UNKNOWN,
                         .tokens_out = TOKENS_UNKNOWN,
                         .tokens_cached = TOKENS_UNKNOWN,
                         .prefill_ns = NS_UNKNOWN,
                         .decode_ns = NS_UNKNOWN,
                         .connect_ns = NS_UNKNOWN,
                         .tls_ns = NS_UNKNOWN};
    return ev;
}

void openai_events_hand_out(struct openai_events *s, struct event_list *out)
{
    size_t left = s->count - s->at;
    out->count = left < out->cap ? left : out->cap;
    memcpy(out->items, s->items + s->at, out->count * sizeof *out->items);
    s->at += out->count;
    if (s->at == s->count)
        s->at = s->count = 0;
}
