#include "core/finding.h"

#include <string.h>

bool finding_has(const struct findings *of, const char *code)
{
    for (size_t i = 0; of != NULL && i < of->count; i++)
        if (strcmp(of->items[i].code, code) == 0)
            return true;
    return false;
}

bool finding_is_same(const struct findings *a, const struct findings *b)
{
    bool is_same = a->count == b->count;
    for (size_t i = 0; is_same && i < a->count; i++)
        is_same = strcmp(a->items[i].code, b->items[i].code) == 0;
    return is_same;
}
