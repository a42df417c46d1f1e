/* Texts of an entry. All live in the arena, or are the argument itself; NULL: no memory,
 * unless it says otherwise. */
#ifndef TRACK_ENTRY_TEXT_H
#define TRACK_ENTRY_TEXT_H

#include <jansson.h>
#include <stddef.h>

#include "base/arena.h"

/* As Python's str() writes the value, so that scripts for the replaced tool find the
 * same: True, 0.7, 1.0, 4; lists and objects as compact JSON. */
const char *entry_text_python(const json_t *value, struct arena *a);
/* The same with one plain form for a number: 8, not 8.0. */
const char *entry_text_plain(const json_t *value, struct arena *a);
/* A key that MLflow takes: letters, digits, "_-.: " and single slashes inside, 250
 * characters; others become '_'. Letters are ASCII, Latin, Greek, Cyrillic, kana, Chinese
 * characters and Hangul. */
const char *entry_text_key(const char *key, struct arena *a);
/* The first max_chars characters (of UTF-8); text itself if it has no more. */
const char *entry_text_cut(const char *text, size_t max_chars, struct arena *a);
/* "short" for the key "scenario" in "scenario=short, run=1, warmup=False"; NULL also
 * where there is no such pair, or no notes (NULL). */
const char *entry_text_noted(const char *notes, const char *key, struct arena *a);

#endif
