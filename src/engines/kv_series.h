/* Use of the KV cache over a repeat, as a server told it now and then: few samples, for
 * pictures. */
#ifndef ENGINES_KV_SERIES_H
#define ENGINES_KV_SERIES_H

#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"

#define KV_SERIES_MAX 120

struct kv_series {
    size_t count;
    double at_s[KV_SERIES_MAX]; /* since the epoch, ascending */
    double use[KV_SERIES_MAX];  /* 0..1 */
};

void kv_series_clear(struct kv_series *s);
/* Of a full series each two samples become the greater one. */
void kv_series_add(struct kv_series *s, struct wall at, double use);
/* JSON: [[seconds since the epoch, use], ...], to milliseconds and four digits; NULL:
 * no samples, or no memory (seen in the arena). */
const char *kv_series_json(const struct kv_series *s, struct arena *a);

#endif
