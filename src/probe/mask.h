/* Secrets are taken out of what is written to files and screens. */
#ifndef PROBE_MASK_H
#define PROBE_MASK_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

#define MASK_TEXT "***"

/* A name (of a variable, option or member) whose value is a secret: one of its words is
 * KEY, TOKEN, AUTH..., or it contains PASSWORD, SECRET, CREDENTIAL... in any case of
 * letters. Words end at '_', '-', '.' and before a capital: "apiKey" is one,
 * "max_num_seqs", "tokenizer", "max_tokens" and "token_counts" are none. */
bool mask_is_secret(const char *name);
/* Appends value with secrets in it replaced by "***": user:pass@ of URLs, what follows a
 * secret name and '=' or ':' (a blank too, if the name begins with "--"), and words that
 * begin like a token of a known service (hf_, sk-, ghp_, AKIA...). */
enum status mask_append(struct buf *out, const char *value);
/* The value of a variable or option as it may be written: "***" whole where its name is
 * that of a secret or memory runs out; NULL of NULL. */
const char *mask_value(const char *name, const char *value, struct arena *a);

#endif
