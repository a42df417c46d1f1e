/* Events that a lane has found and not yet handed out: what happens on its connections is
 * written here. Writing never allocates: room is made before a phase. */
#ifndef ENGINES_OPENAI_EVENTS_H
#define ENGINES_OPENAI_EVENTS_H

#include "base/status.h"
#include "core/event.h"
#include "engines/openai_answered.h"

struct openai_events {
    struct event *items; /* [room]; from `at` to `count` not yet handed out */
    size_t count, at, room;
    int64_t skipped; /* of a server, that carried nothing; not handed out */
    struct openai_answered answered; /* who gave the answers that ended well; the same */
};

/* Empties it, with room for so many. */
MUST_CHECK enum status openai_events_reserve(struct openai_events *s, size_t room,
                                             struct err *e);
void openai_events_fini(struct openai_events *s);
/* A new event, all else unknown; there is room. */
struct event *openai_events_add(struct openai_events *s, enum event_kind kind,
                                int32_t request, struct instant at);
void openai_events_hand_out(struct openai_events *s, struct event_list *out);

#endif
