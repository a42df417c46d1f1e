/* Words of a third party, cut to what matters in them. */
#ifndef ENGINES_VLLM_WORDS_H
#define ENGINES_VLLM_WORDS_H

#include <stddef.h>

/* The message of an error into out, in one line: without pydantic's head and tail,
 * command lines, time stamps, and sentences that tell nothing here ("You can inspect",
 * "See root cause above"). Where it is still longer than `size`, its first sentence and
 * those with the cure are kept. */
void vllm_words_cut(const char *text, char *out, size_t size);

#endif
