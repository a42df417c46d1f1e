#include "report/phrases.h"

#include <string.h>

#include "report/phrases_list.h"

static const struct phrase phrases[] = {
#define X(en, ja) {en, ja},
    PHRASES_LIST(X)
#undef X
};

const struct phrase *phrases_at(size_t i)
{
    return i < sizeof phrases / sizeof phrases[0] ? &phrases[i] : NULL;
}

const char *phrases_in(const char *lang, const char *en)
{
    if (lang == NULL || strcmp(lang, "ja") != 0)
        return en;
    for (size_t i = 0; phrases_at(i) != NULL; i++)
        if (strcmp(phrases[i].en, en) == 0)
            return phrases[i].ja;
    return en;
}
