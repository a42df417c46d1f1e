#include "stats/timeline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "text/json.h"
#include "text/jsonw.h"

#define TEXT_CAP ((size_t)16 << 10)

static double rounded(double x)
{
    char text[32];
    snprintf(text, sizeof text, "%.4g", x);
    return strtod(text, NULL);
}

/* The least of 1, 2, 5 x 10^k by which at most TIMELINE_BINS bins cover it. */
static double step_of(double span_s)
{
    static const double factors[] = {1, 2, 5, 10};
    double power = pow(10, floor(log10(span_s / TIMELINE_BINS)));
    size_t i = 0;
    while (factors[i] < 10 && factors[i] * power * TIMELINE_BINS < span_s)
        i++;
    return factors[i] * power;
}

static void put_numbers(struct jsonw *w, const char *key, const double *values,
                        size_t count)
{
    jsonw_array(w, key);
    for (size_t i = 0; i < count; i++)
        jsonw_num(w, NULL, rounded(values[i]));
    jsonw_array_end(w);
}

struct timeline {
    double step_s;
    size_t count;
    double flight[TIMELINE_BINS + 1], tokens[TIMELINE_BINS + 1], kv[TIMELINE_BINS + 1];
    bool has_tokens, has_kv;
};

/* Where bin i begins; the last one ends with the last request. */
static int64_t edge_ns(const struct timeline *t, const struct loadshape *l, size_t i)
{
    double ahead_ns = (double)i * t->step_s * 1e9;
    double span_ns = (double)l->last_end_ns - (double)l->first_sent_ns;
    return ahead_ns < span_ns ? l->first_sent_ns + llround(ahead_ns) : l->last_end_ns;
}

static double since_first_s(const struct loadshape *l, int64_t ns)
{
    return clock_to_s(
        clock_between((struct instant){l->first_sent_ns}, (struct instant){ns}));
}

static void fill(struct timeline *t, const struct loadshape *l)
{
    t->has_tokens = true;
    for (size_t i = 0; i < t->count; i++) {
        int64_t from = edge_ns(t, l, i), to = edge_ns(t, l, i + 1);
        t->flight[i] = loadshape_in_flight(l->repeat, (double)from, (double)to);
        t->tokens[i] = loadshape_tokens_between(l, from, to) / t->step_s;
        t->has_tokens = t->has_tokens && !isnan(t->tokens[i]);
    }
}

static void fill_kv(struct timeline *t, const struct loadshape *l, struct timeline_kv kv)
{
    json_t *samples = kv.json != NULL ? json_parse(str_from(kv.json)) : NULL;
    double start_s = ((double)kv.run_start_ns + (double)l->first_sent_ns) / 1e9;
    for (size_t i = 0; i < t->count; i++)
        t->kv[i] = NAN;
    for (size_t i = 0; i < json_array_size(samples); i++) {
        const json_t *sample = json_array_get(samples, i);
        double at = json_number_value(json_array_get(sample, 0)) - start_s;
        double use = json_number_value(json_array_get(sample, 1));
        if (!(at >= 0) || !(at < (double)t->count * t->step_s))
            continue;
        size_t bin = (size_t)(at / t->step_s);
        bin = bin < t->count ? bin : t->count - 1;
        t->kv[bin] = fmax(t->kv[bin], use);
        t->has_kv = true;
    }
    json_decref(samples);
}

static void put_series(struct jsonw *w, const char *key, const double *values,
                       const struct timeline *t, bool is_known)
{
    if (is_known)
        put_numbers(w, key, values, t->count);
    else
        jsonw_str(w, key, NULL);
}

static void put(const struct timeline *t, const struct loadshape *l, struct jsonw *w)
{
    const struct loadshape_window *window = &l->window;
    const double ends[] = {since_first_s(l, window->begin_ns),
                           since_first_s(l, window->end_ns)};
    jsonw_object(w, NULL);
    jsonw_num(w, "step_s", rounded(t->step_s));
    put_numbers(w, "window_s", ends, 2);
    put_numbers(w, "in_flight", t->flight, t->count);
    put_series(w, "tokens_per_second", t->tokens, t, t->has_tokens);
    put_series(w, "kv_usage", t->kv, t, t->has_kv);
    jsonw_object_end(w);
}

enum status timeline_of(const struct loadshape *l, bool has_instants,
                        struct timeline_kv kv, struct arena *a, const char **out)
{
    struct timeline t = {0};
    struct buf text;
    struct jsonw w;
    double span_s = since_first_s(l, l->last_end_ns);
    *out = NULL;
    if (!(span_s > 0)) /* unknown, too */
        return STATUS_OK;
    t.step_s = step_of(span_s);
    t.count = (size_t)ceil(span_s / t.step_s - 1e-9);
    fill(&t, l);
    t.has_tokens = t.has_tokens && has_instants;
    fill_kv(&t, l, kv);
    buf_init(&text, TEXT_CAP);
    jsonw_init(&w, &text, 0);
    put(&t, l, &w);
    *out = arena_str(a, buf_str(&text));
    enum status s = text.failed != STATUS_OK || *out == NULL ? STATUS_NO_MEMORY
                                                             : STATUS_OK;
    buf_fini(&text);
    return s;
}
