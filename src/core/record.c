#include "core/record.h"

#include <string.h>

static const char *const fail_names[FAIL_COUNT] = {[FAIL_none] = "",
#define X(name) [FAIL_##name] = #name,
                                                   FAIL_LIST(X)
#undef X
};

static const char *const source_names[TOKEN_SOURCE_COUNT] = {[TOKEN_SOURCE_none] = "",
#define X(name) [TOKEN_SOURCE_##name] = #name,
                                                             TOKEN_SOURCE_LIST(X)
#undef X
};

const char *record_fail_name(enum fail_class f)
{
    return fail_names[f];
}

const char *record_source_name(enum token_source s)
{
    return source_names[s];
}

enum fail_class record_fail_find(const char *name)
{
    for (int i = 1; name != NULL && i < FAIL_COUNT; i++)
        if (strcmp(name, fail_names[i]) == 0)
            return (enum fail_class)i;
    return FAIL_none;
}

enum token_source record_source_find(const char *name)
{
    for (int i = 1; name != NULL && i < TOKEN_SOURCE_COUNT; i++)
        if (strcmp(name, source_names[i]) == 0)
            return (enum token_source)i;
    return TOKEN_SOURCE_none;
}
