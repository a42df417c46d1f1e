/* How the series of a picture are told apart: colours, hatches, dashes, points. */
#ifndef REPORT_STYLE_H
#define REPORT_STYLE_H

#include <stdbool.h>

#include "base/buf.h"

/* The colour as "#rrggbb"; -1: grey. Lightness has one meaning, is_light: past the
 * palette's end its colours come again, with a hatch over them. */
const char *style_shade(int colour, bool is_light);
/* How many times the palette was used up before this colour: with more than 0 there is a
 * hatch. */
int style_lap(int colour);
/* gnuplot's words for what is drawn over a box: a hatch in white, on a light box in its
 * dark shade. */
void style_put_hatch(int colour, bool is_light, struct buf *out);
/* Lines of the second kind are dashed and their points open, for those who see no colour;
 * so are variants of one colour told apart, and by the shape of their points colours that
 * come again. gnuplot's dash and number of a point. */
const char *style_dash(bool is_light, int variant);
int style_point(int colour, bool is_light, int variant);

#endif
