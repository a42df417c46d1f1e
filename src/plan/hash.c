#include "plan/hash.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plan/lengths.h"

void plan_hash_int(struct digest *d, int64_t v)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%" PRId64 ",", v);

    digest_add(d, text, (size_t)len);
}

void plan_hash_num(struct digest *d, double v)
{
    char text[64] = "nan,"; /* printf may give it a sign */

    if (!isnan(v))
        snprintf(text, sizeof text, "%a,", v);
    digest_add(d, text, strlen(text));
}

void plan_hash_text(struct digest *d, const char *text)
{
    plan_hash_int(d, (int64_t)strlen(text));
    digest_add(d, text, strlen(text));
}

/* One prefix leaves the digests of older versions as they are. */
static void hash_lengths(struct digest *d, const struct scenario *s)
{
    plan_hash_int(d, s->shared_tokens);
    if (s->prefixes > 1)
        plan_hash_int(d, s->prefixes);
    plan_hash_int(d, s->own_tokens);
}

void plan_hash_scenarios(struct digest *d, const struct scenario *scenarios, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct scenario *s = &scenarios[i];
        plan_hash_text(d, s->name);
        hash_lengths(d, s);
        plan_hash_int(d, s->max_tokens);
        plan_hash_int(d, (int64_t)s->text_count);
        for (size_t k = 0; k < s->text_count; k++) {
            plan_hash_text(d, s->texts[k].text);
            plan_hash_int(d, s->texts[k].max_tokens);
        }
    }
}

/* A kind goes before each value: 1 is not "1". */
void plan_hash_value(struct digest *d, struct value v)
{
    plan_hash_int(d, v.kind);
    switch (v.kind) {
    case VALUE_BOOL: plan_hash_int(d, v.b); break;
    case VALUE_INT: plan_hash_int(d, v.i); break;
    case VALUE_NUM: plan_hash_num(d, v.n); break;
    case VALUE_STR:
    case VALUE_JSON: plan_hash_text(d, v.s); break;
    default: break;
    }
}

/* Answers by their length, whoever has chosen it. */
void plan_hash_work(struct digest *d, const struct plan_hash_work *w)
{
    const struct scenario *s = w->scenario;

    plan_hash_text(d, "inferbench cell 1");
    plan_hash_int(d, w->seed);
    plan_hash_int(d, w->is_prefix_warm);
    plan_hash_text(d, s->name);
    hash_lengths(d, s);
    plan_hash_int(d, (int64_t)s->text_count);
    for (size_t k = 0; k < s->text_count; k++) {
        plan_hash_text(d, s->texts[k].text);
        plan_hash_int(d, lengths_answer(w->max_tokens, s, k));
    }
    if (s->text_count == 0)
        plan_hash_int(d, lengths_answer(w->max_tokens, s, 0));
}
