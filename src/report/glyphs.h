/* Texts of pictures that can be drawn: where no font has a character, gnuplot covers the
 * picture with a box. */
#ifndef REPORT_GLYPHS_H
#define REPORT_GLYPHS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "report/plot_data.h"

struct glyphs {
    struct arena *arena;
    uint64_t *drawable; /* a bit for each code point; NULL: not asked, or not known */
    bool is_asked, is_known;
    struct buf missing; /* characters without a font, each once */
};

void glyphs_init(struct glyphs *g, struct arena *a);
/* The text itself if all can be drawn. A character that no font has becomes its code,
 * "[6771]", so that two names stay two; what has no shape of its own is dropped, and of
 * many accents on one letter all but two. Asks fontconfig (fc-list) when it first meets
 * more than Latin letters; without an answer only these are taken to be drawable. */
const char *glyphs_text(struct glyphs *g, const char *text);
/* All texts of a picture. */
void glyphs_apply(struct glyphs *g, struct plot *p);
/* What to say about those replaced, in the arena; NULL: nothing. */
const char *glyphs_said(const struct glyphs *g);
void glyphs_fini(struct glyphs *g);

#endif
