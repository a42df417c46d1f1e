/* Meeting a server: waiting until it answers, which models it has, which dialect it
 * speaks. */
#ifndef ENGINES_OPENAI_MEET_H
#define ENGINES_OPENAI_MEET_H

#include "engines/openai_server.h"

/* Waits for the server's list of models, and, where that tells a dialect with a free
 * /health, for that to answer; for a server of ours (`launched`, whose end ends the wait)
 * the other way round. What refuses (401, 404, 30x, ...) has answered: that ends the
 * wait, in an error where `wanted` is NULL, since only the list could name a model. Sets
 * s->dialect, and s->api where its place was a guess. */
MUST_CHECK enum status openai_meet_wait(struct openai_server *s,
                                        const struct engine_watch *w,
                                        struct proc *launched, const char *wanted,
                                        struct err *e);
/* `wanted` if the server has it, or tells no list that is whole; its only model where
 * wanted is NULL; into the arena. Others are listed in the error. *max_model_len 0: not
 * said. After openai_meet_wait. */
MUST_CHECK enum status openai_meet_model(struct openai_server *s, const char *wanted,
                                         const char **model, int64_t *max_model_len,
                                         struct err *e);

/* Is that model in its list? */
bool openai_meet_lists(const struct openai_server *s, const char *model);
/* Those of its list, "a, b"; cut where they do not fit. */
void openai_meet_names(const struct openai_server *s, char *out, size_t room);

#endif
