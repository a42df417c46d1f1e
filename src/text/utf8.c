#include "text/utf8.h"

#include <stdbool.h>

static bool is_shortest_legal(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0: return second >= 0xa0;
    case 0xed: return second <= 0x9f;
    case 0xf0: return second >= 0x90;
    case 0xf4: return second <= 0x8f;
    default: return true;
    }
}

size_t utf8_len(const char *p, size_t left)
{
    const unsigned char *c = (const unsigned char *)p;
    if (left == 0)
        return 0;
    if (c[0] < 0x80)
        return 1;
    size_t len = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] < 0xc2 || c[0] > 0xf4 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    return is_shortest_legal(c[0], c[1]) ? len : 0;
}
