#include "core/finding.h"

#include <string.h>

bool finding_has(const struct findings *of, const char *code)
{
    for (size_t i = 0; of != NULL && i < of->count; i++)
        if (strcmp(of->items[i].code, code) == 0)
            return true;
    return false;
}
