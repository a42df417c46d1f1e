#include "load_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

struct engine_lane {
    struct load_fixture *f;
    struct load_fixture_lane *seen;
    int32_t queue[LOAD_FIXTURE_MOST]; /* sent, not yet answered */
    size_t first, count;
    struct event pending[2 * LOAD_FIXTURE_MOST]; /* to be told before any answer */
    size_t pending_count;
    int answered;
};

struct engine {
    struct load_fixture *f;
    struct engine_lane lanes[LOAD_FIXTURE_LANES];
};

static struct event make(enum event_kind kind, int32_t request)
{
    return (struct event){.kind = kind,
                          .request = request,
                          .at = clock_now(),
                          .read_at = {NS_UNKNOWN},
                          .tokens = 1,
                          .tokens_in = 5,
                          .tokens_out = 3,
                          .tokens_cached = 2,
                          .source = TOKEN_SOURCE_usage,
                          .connect_ns = NS_UNKNOWN,
                          .tls_ns = NS_UNKNOWN};
}

static enum status fake_open(const struct engine_settings *s,
                             const struct engine_watch *w, struct engine **out,
                             struct engine_facts *facts, struct err *e)
{
    struct load_fixture *f = w->arg;
    (void)s;
    *out = NULL;
    f->lane_count = 0;
    if (++f->opens >= f->open_from && f->at_open != STATUS_OK)
        return status_fail(e, f->at_open, "fake", "open number %d fails", f->opens);
    *out = mem_alloc(1, sizeof **out);
    assert_non_null(*out);
    (*out)->f = f;
    *facts = (struct engine_facts){
        .vocab_size = 1000, .hardware_type = "unknown", .is_caching = true};
    return STATUS_OK;
}

static enum status fake_lane(struct engine *en, struct engine_lane **out, struct err *e)
{
    (void)e;
    size_t i = en->f->lane_count++;
    *out = &en->lanes[i];
    (*out)->f = en->f;
    (*out)->seen = &en->f->lanes[i];
    return STATUS_OK;
}

/* All lanes let go before one is made ready. */
static void fake_trim(struct engine_lane *l, const struct engine_prepare *p)
{
    l->seen->kept = p->count > 0 ? p->connections : 0;
    l->seen->trims++;
}

static enum status fake_prepare(struct engine_lane *l, const struct engine_prepare *p,
                                struct err *e)
{
    (void)e;
    for (size_t i = 0; i < l->f->lane_count; i++)
        assert_int_equal(l->f->lanes[i].trims, l->seen->trims);
    l->seen->ready = *p;
    return STATUS_OK;
}

static enum status fake_submit(struct engine_lane *l, const struct engine_request *r,
                               struct err *e)
{
    (void)e;
    l->f->sent++;
    l->seen->sent[l->seen->sent_count++ % LOAD_FIXTURE_MOST] = r->index;
    l->queue[(l->first + l->count++) % LOAD_FIXTURE_MOST] = r->index;
    if (l->count > l->seen->most_in_flight)
        l->seen->most_in_flight = l->count;
    l->pending[l->pending_count++] = make(EVENT_SENT, r->index);
    return STATUS_OK;
}

static enum status fake_cancel(struct engine_lane *l, int32_t request, struct err *e)
{
    (void)e;
    l->pending[l->pending_count] = make(EVENT_FAILED, request);
    l->pending[l->pending_count++].fail = FAIL_none;
    return STATUS_OK;
}

static void answer(struct engine_lane *l, struct event_list *out)
{
    const struct load_fixture *f = l->f;
    int32_t request = l->queue[l->first++ % LOAD_FIXTURE_MOST];
    l->count--;
    l->answered++;
    for (int i = 0; i < 3; i++)
        out->items[out->count++] = make(EVENT_TOKENS, request);
    struct event end = make(EVENT_DONE, request);
    if (f->fails_each > 0 && l->answered % f->fails_each == 0) {
        end.kind = EVENT_FAILED;
        end.fail = FAIL_http;
        end.text = "refused by the fake";
    }
    if (f->hides_cached)
        end.tokens_cached = TOKENS_UNKNOWN;
    out->items[out->count++] = end;
}

static enum status fake_next(struct engine_lane *l, struct instant until,
                             const struct engine_watch *w, struct event_list *out,
                             struct err *e)
{
    (void)w;
    memcpy(out->items, l->pending, l->pending_count * sizeof *l->pending);
    out->count = l->pending_count;
    l->pending_count = 0;
    if (out->count > 0)
        return STATUS_OK;
    if (l->f->dies_after > 0 && l->answered >= l->f->dies_after)
        return status_fail(e, STATUS_DIED, "fake", "died after %d", l->answered);
    if (l->f->holds || l->count == 0)
        clock_sleep_until(until);
    else
        answer(l, out);
    return STATUS_OK;
}

static enum status fake_reset(struct engine *en, bool *done, struct err *e)
{
    (void)e;
    en->f->resets++;
    *done = true;
    return STATUS_OK;
}

static enum status fake_counters(struct engine *en, struct row *fields, struct err *e)
{
    (void)e;
    fields->v[FIELD_clock_steps] = value_int(en->f->clock_steps);
    fields->v[FIELD_cached_input_tokens] = value_int(7);
    fields->v[FIELD_cache_source] = value_str("metrics");
    return STATUS_OK;
}

static enum status fake_sample(struct engine *en, struct err *e)
{
    (void)en;
    (void)e;
    return STATUS_OK;
}

static void fake_close(struct engine *en)
{
    if (en != NULL)
        en->f->closes++;
    mem_free(en);
}

bool load_fixture_stop(void *fixture)
{
    const struct load_fixture *f = fixture;
    return f->stops_after > 0 && f->sent >= f->stops_after;
}

const struct engine_ops load_fixture_ops = {.name = "fake",
                                            .abi = ENGINE_ABI,
                                            .flags = ENGINE_ONLINE,
                                            .open = fake_open,
                                            .lane_new = fake_lane,
                                            .trim = fake_trim,
                                            .prepare = fake_prepare,
                                            .submit = fake_submit,
                                            .cancel = fake_cancel,
                                            .next = fake_next,
                                            .reset_prefix = fake_reset,
                                            .counters = fake_counters,
                                            .sample = fake_sample,
                                            .close = fake_close};
