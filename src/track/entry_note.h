/* The description of a row's MLflow run: a short summary in Markdown. */
#ifndef TRACK_ENTRY_NOTE_H
#define TRACK_ENTRY_NOTE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"

/* Verdict with its reasons (what was found, and the limit), machine, model, load and the
 * main figures; what is null is left out. In the arena; NULL: no memory. */
const char *entry_note_text(const json_t *row, bool is_warmup, struct arena *a);

#endif
