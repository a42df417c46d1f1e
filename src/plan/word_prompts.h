/* Prompts as text where a server takes no token ids: each drawn id stands for a common
 * English word, which most tokenizers turn into one token. How many tokens a text really
 * has, the server says. */
#ifndef PLAN_WORD_PROMPTS_H
#define PLAN_WORD_PROMPTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define WORD_PROMPTS_COUNT 512
/* A vocabulary of which prompts_draw uses WORD_PROMPTS_COUNT ids. */
#define WORD_PROMPTS_VOCAB_SIZE 539

/* The words of ids as prompts_draw draws them, a blank between them; NULL: no memory. */
char *word_prompts_text(const int32_t *ids, size_t count, struct arena *a);

#endif
