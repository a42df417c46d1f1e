/* Bytes of an answer -> events, and how true their stamps are. */
#ifndef ENGINES_OPENAI_ANSWER_H
#define ENGINES_OPENAI_ANSWER_H

#include "engines/openai_events.h"
#include "engines/openai_slot.h"

/* Where an answer's events go, and what it was asked for. */
struct openai_sink {
    struct openai_events *events;
    const struct openai_setup *setup;
};

void openai_answer_begin(struct openai_conn *c);
/* Everything that one read brought. True when the answer has ended (well or not) and its
 * event was made; *keep says whether the connection may carry another. */
bool openai_answer_read(const struct openai_sink *s, struct openai_conn *c,
                        struct str bytes, const struct openai_read *read, bool *keep);
/* Ends an answer that has said [DONE] (answer.done_at), whatever was to follow it. */
void openai_answer_done(const struct openai_sink *s, struct openai_conn *c);
/* The peer closed. */
void openai_answer_closed(const struct openai_sink *s, struct openai_conn *c,
                          const struct openai_read *read);
/* EVENT_FAILED of the request that c carries. */
PRINTF_LIKE(4, 5)
void openai_answer_fail(struct openai_events *s, struct openai_conn *c,
                        enum fail_class why, const char *text, ...);

#endif
