/* Texts of an entry. All live in the arena, or are the argument itself; NULL: no memory,
 * unless it says otherwise. */
#ifndef TRACK_ENTRY_TEXT_H
#define TRACK_ENTRY_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* --- the time of a row: entry_time.c */

/* Milliseconds since the epoch of timestamp_utc, else of timestamp, which is local time
 * of this machine unless it states an offset. ISO 8601; 0 where neither can be read (both
 * may be NULL) or it lies before 1970. */
int64_t entry_time_ms(const char *timestamp_utc, const char *timestamp);

/* --- the description of its MLflow run, a short summary in Markdown: entry_note.c */

/* Verdict with its reasons (what was found, and the limit), machine, model, load and the
 * main figures; what is null is left out. In the arena; NULL: no memory. */
const char *entry_note_text(const json_t *row, bool is_warmup, struct arena *a);

#endif
