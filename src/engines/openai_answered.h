/* Who gave the answers: the models and backends that they name, counted. A gateway may
 * send requests elsewhere than they were meant for; its answers then are numbers of
 * another machine. */
#ifndef ENGINES_OPENAI_ANSWERED_H
#define ENGINES_OPENAI_ANSWERED_H

#include <jansson.h>

#include "base/arena.h"
#include "http/gateway.h"

#define OPENAI_MODEL_BYTES   96 /* of a name; a longer one is cut */
#define OPENAI_ANSWERED_MOST 8  /* told apart; the others are one */

struct openai_answerer {
    char model[OPENAI_MODEL_BYTES]; /* inside of a JSON string; "" not said */
    struct gateway via;
    int64_t count;
};

struct openai_answered {
    struct openai_answerer by[OPENAI_ANSWERED_MOST]; /* [count] */
    size_t count;
    int64_t others;
};

/* One more answer; allocates nothing. */
void openai_answered_add(struct openai_answered *a, const char *model,
                         const struct gateway *via);
/* Adds those of `from`, and empties it. */
void openai_answered_move(struct openai_answered *to, struct openai_answered *from);
/* {"model @ backend": count, ...}; NULL: nobody was named, or no memory. */
const char *openai_answered_json(const struct openai_answered *a, struct arena *arena);
/* Answers of another model than `asked` (NULL: a name that the user has made up),
 * of a fallback or a cache, and of another backend than gave most of them.
 * models: the server's list, in which one model may have several names; or NULL. */
int64_t openai_answered_elsewhere(const struct openai_answered *a, const char *asked,
                                  const json_t *models);
/* Is it that model? So it is in another case, with a date or revision behind its name
 * ("gpt-4o-2024-08-06", "m@main", "m:latest"), as a file ("m.gguf") or with a folder or a
 * provider before it; "gpt-4o-mini" is not "gpt-4o". answered: inside of a JSON string */
bool openai_answered_is(const char *answered, const char *asked);

#endif
