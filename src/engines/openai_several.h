/* Several servers under one load: they are taken to be alike, since rows tell of the
 * first. What shows that they are not is an error, or told. */
#ifndef ENGINES_OPENAI_SEVERAL_H
#define ENGINES_OPENAI_SEVERAL_H

#include "engines/openai_server.h"

/* After openai_meet_wait of `s`: it speaks the dialect of the first one and, where the
 * model was found in that one's list (is_found), its own list has the model too. */
MUST_CHECK enum status openai_several_check(const struct openai_server *first,
                                            const struct openai_server *s,
                                            const char *model, bool is_found,
                                            struct err *e);
/* Where settings that both servers tell differ, facts->notes of `facts` says so; `other`
 * are those of `s`. */
void openai_several_note(const struct openai_server *first, const struct openai_server *s,
                         const struct engine_facts *other, struct engine_facts *facts);

#endif
