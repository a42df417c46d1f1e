#include "engines/kv_series.h"

#include "base/buf.h"

#define TEXT_CAP ((size_t)8 << 10)

void kv_series_clear(struct kv_series *s)
{
    s->count = 0;
}

static void halve(struct kv_series *s)
{
    s->count /= 2;
    for (size_t i = 0; i < s->count; i++) {
        size_t from = 2 * i + (s->use[2 * i + 1] > s->use[2 * i]);
        s->at_s[i] = s->at_s[from];
        s->use[i] = s->use[from];
    }
}

void kv_series_add(struct kv_series *s, struct wall at, double use)
{
    if (s->count == KV_SERIES_MAX)
        halve(s);
    s->at_s[s->count] = (double)at.ns / (double)NS_PER_S;
    s->use[s->count++] = use;
}

const char *kv_series_json(const struct kv_series *s, struct arena *a)
{
    struct buf text;
    const char *made = NULL;
    if (s->count == 0)
        return NULL;
    buf_init(&text, TEXT_CAP);
    for (size_t i = 0; i < s->count; i++)
        buf_printf(&text, "%s[%.3f,%.4g]", i > 0 ? "," : "[", s->at_s[i], s->use[i]);
    buf_char(&text, ']');
    if (text.failed == STATUS_OK)
        made = arena_str(a, buf_str(&text));
    a->has_failed |= made == NULL;
    buf_fini(&text);
    return made;
}
