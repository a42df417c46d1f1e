#include "plan/seal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void seal_int(struct digest *d, int64_t v)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%" PRId64 ",", v);

    digest_add(d, text, (size_t)len);
}

void seal_num(struct digest *d, double v)
{
    char text[64] = "nan,"; /* printf may give it a sign */

    if (!isnan(v)) {
        snprintf(text, sizeof text, "%a,", v);
    }
    digest_add(d, text, strlen(text));
}

void seal_text(struct digest *d, const char *text)
{
    seal_int(d, (int64_t)strlen(text));
    digest_add(d, text, strlen(text));
}

void seal_scenarios(struct digest *d, const struct scenario *scenarios, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct scenario *s = &scenarios[i];
        seal_text(d, s->name);
        seal_int(d, s->shared_tokens);
        seal_int(d, s->own_tokens);
        seal_int(d, s->max_tokens);
        seal_int(d, (int64_t)s->text_count);
        for (size_t k = 0; k < s->text_count; k++) {
            seal_text(d, s->texts[k].text);
            seal_int(d, s->texts[k].max_tokens);
        }
    }
}
