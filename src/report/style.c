#include "report/style.h"

/* Okabe and Ito's palette for all kinds of colour vision, and a lighter shade of each. */
static const char *const palette[][2] = {
    {"#0072B2", "#99C7E0"}, {"#E69F00", "#F5D999"}, {"#009E73", "#99D8C7"},
    {"#CC79A7", "#EBC9DC"}, {"#56B4E9", "#BBE1F6"}, {"#D55E00", "#EEBF99"},
    {"#7F7F00", "#CCCC99"}, {"#000000", "#999999"},
};
static const char *const grey[2] = {"#7A7A7A", "#C8C8C8"};

#define PALETTE_SIZE ((int)(sizeof palette / sizeof palette[0]))

const char *style_shade(int colour, bool is_light)
{
    return colour < 0 ? grey[is_light] : palette[colour % PALETTE_SIZE][is_light];
}

int style_lap(int colour)
{
    return colour < 0 ? 0 : colour / PALETTE_SIZE;
}

void style_put_hatch(int colour, bool is_light, struct buf *out)
{
    static const int hatches[] = {4, 5, 1, 6, 7, 2}; /* gnuplot's numbers */
    size_t count = sizeof hatches / sizeof hatches[0];
    size_t nth = ((size_t)style_lap(colour) + count - 1) % count;
    buf_printf(out, "fs transparent pattern %d noborder", hatches[nth]);
    buf_printf(out, " fc rgb '%s'", is_light ? style_shade(colour, false) : "#FFFFFF");
}

const char *style_dash(bool is_light, int variant)
{
    if (variant == 0)
        return is_light ? "(5,3)" : "1";
    return is_light ? "(2,3)" : "(12,3,2,3)";
}

int style_point(int colour, bool is_light, int variant)
{
    static const int filled[] = {7, 5, 9, 13, 11, 15}; /* the open one is one less */
    int nth = variant + style_lap(colour);
    int shape = filled[nth % (int)(sizeof filled / sizeof filled[0])];
    return is_light ? shape - 1 : shape;
}
