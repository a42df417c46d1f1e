#include "plan/seal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plan/lengths.h"

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

/* A kind goes before each value: 1 is not "1". */
void seal_value(struct digest *d, struct value v)
{
    seal_int(d, v.kind);
    switch (v.kind) {
    case VALUE_BOOL: seal_int(d, v.b); break;
    case VALUE_INT: seal_int(d, v.i); break;
    case VALUE_NUM: seal_num(d, v.n); break;
    case VALUE_STR:
    case VALUE_JSON: seal_text(d, v.s); break;
    default: break;
    }
}

/* Answers by their length, whoever has chosen it. */
void seal_work(struct digest *d, const struct seal_work *w)
{
    const struct scenario *s = w->scenario;

    seal_text(d, "inferbench cell 1");
    seal_int(d, w->seed);
    seal_int(d, w->is_prefix_warm);
    seal_text(d, s->name);
    seal_int(d, s->shared_tokens);
    seal_int(d, s->own_tokens);
    seal_int(d, (int64_t)s->text_count);
    for (size_t k = 0; k < s->text_count; k++) {
        seal_text(d, s->texts[k].text);
        seal_int(d, lengths_answer(w->max_tokens, s, k));
    }
    if (s->text_count == 0) {
        seal_int(d, lengths_answer(w->max_tokens, s, 0));
    }
}
