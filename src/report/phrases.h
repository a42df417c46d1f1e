/* Words of the report in the language asked for. */
#ifndef REPORT_PHRASES_H
#define REPORT_PHRASES_H

#include <stddef.h>

#define PHRASES_LANGUAGES "en|ja"

struct phrase {
    const char *en, *ja;
};

/* All that are translated; NULL behind the last. */
const struct phrase *phrases_at(size_t i);
/* The English text in that language; the text itself where it is not translated, or lang
 * is NULL. */
__attribute__((format_arg(2))) const char *phrases_in(const char *lang, const char *en);

#endif
