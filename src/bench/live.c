#include "bench/live.h"

#include <math.h>

#define TURN_S 1.0

enum status live_init(struct live *l, struct instant now, struct err *e)
{
    *l = (struct live){.since = now, .shown = progress_load_unknown()};
    if (hist_init(&l->recent.ttft_ns, e) != STATUS_OK ||
        hist_init(&l->recent.itl_ns, e) != STATUS_OK ||
        hist_init(&l->all.ttft_ns, e) != STATUS_OK ||
        hist_init(&l->all.itl_ns, e) != STATUS_OK)
        return e->code;
    return STATUS_OK;
}

void live_fini(struct live *l)
{
    hist_fini(&l->recent.ttft_ns);
    hist_fini(&l->recent.itl_ns);
    hist_fini(&l->all.ttft_ns);
    hist_fini(&l->all.itl_ns);
}

static bool is_sure_text(const struct request_record *r, size_t i)
{
    return RECORD_CLASS(r->marks[i]) == EVENT_TEXT &&
           RECORD_STAMP(r->marks[i]) != EVENT_BOUNDED;
}

/* Before the repeat is settled every event with text counts as a token. */
static void record(struct live_series *s, const struct request_record *r)
{
    const struct record_class *text = &r->classes[EVENT_TEXT];
    if (text->count > 0 && r->due_ns != NS_UNKNOWN)
        (void)hist_record(&s->ttft_ns, text->first_ns - r->due_ns);
    for (size_t i = 1; i < r->event_count; i++)
        if (is_sure_text(r, i - 1) && is_sure_text(r, i))
            (void)hist_record(&s->itl_ns, r->at_ns[i] - r->at_ns[i - 1]);
}

void live_record(struct live *l, const struct request_record *r)
{
    if (r->status != RECORD_OK)
        return;
    record(&l->recent, r);
    record(&l->all, r);
}

static double ms_of(const struct hist *h, double q)
{
    int64_t ns = hist_quantile_ns(h, q);
    return ns == NS_UNKNOWN ? (double)NAN : (double)ns / (double)NS_PER_MS;
}

static void show(struct live *l, const struct live_series *s)
{
    l->shown.ttft_p50_ms = ms_of(&s->ttft_ns, 0.5);
    l->shown.ttft_p99_ms = ms_of(&s->ttft_ns, 0.99);
    l->shown.itl_p50_ms = ms_of(&s->itl_ns, 0.5);
    l->shown.itl_p99_ms = ms_of(&s->itl_ns, 0.99);
}

const struct progress_load *live_turn(struct live *l, struct instant now, int64_t tokens)
{
    double passed_s = clock_to_s(clock_between(l->since, now));
    if (passed_s < TURN_S)
        return &l->shown;
    l->shown.tokens_per_s = (double)(tokens - l->tokens_then) / passed_s;
    if (l->recent.ttft_ns.total > 0)
        show(l, &l->recent);
    hist_clear(&l->recent.ttft_ns);
    hist_clear(&l->recent.itl_ns);
    l->since = now;
    l->tokens_then = tokens;
    return &l->shown;
}

const struct progress_load *live_end(struct live *l, double tokens_per_s)
{
    l->shown.tokens_per_s = tokens_per_s;
    l->shown.share = 1;
    show(l, &l->all);
    return &l->shown;
}
