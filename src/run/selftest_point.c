#include "run/selftest_point.h"

#include <math.h>

#include "stats/quantile.h"

struct series {
    double *us; /* [count] */
    size_t count, room;
};

enum series_kind {
    SERIES_EXACT,
    SERIES_TAIL,
    SERIES_BOTH,
    SERIES_TTFT,
    SERIES_TTFT_DUE,
    SERIES_TTFT_TRUE,
    SERIES_ITL,
    SERIES_ITL_TRUE,
    SERIES_SEND,
    SERIES_TO_SERVER,
    SERIES_SERVER,
    SERIES_COUNT
};

struct all_series {
    struct series of[SERIES_COUNT];
};

void selftest_point_spread(double *values, size_t count, struct selftest_spread *out)
{
    quantile_sort(values, count);
    *out = (struct selftest_spread){
        .count = count,
        .min = count > 0 ? values[0] : (double)NAN,
        .p50 = quantile_with_floor(values, count, count, 50),
        .p90 = quantile_with_floor(values, count, count, 90),
        .p99 = quantile_with_floor(values, count, count, 99),
        .p999 = quantile_with_floor(values, count, count, 99.9),
        .max = quantile_of_sorted(values, count, 100)};
}

static void put(struct all_series *all, enum series_kind kind, int64_t from_ns,
                int64_t to_ns)
{
    struct series *s = &all->of[kind];
    if (from_ns != NS_UNKNOWN && to_ns != NS_UNKNOWN && s->count < s->room)
        s->us[s->count++] = (double)(to_ns - from_ns) / 1e3;
}

static void put_request(struct all_series *all, const struct selftest_load *load,
                        const struct selftest_note *n, const struct selftest_truth *t)
{
    put(all, SERIES_TO_SERVER, n->sent_ns, t->arrival_ns);
    put(all, SERIES_TTFT_TRUE, t->arrival_ns, t->sent_ns[0]);
    if (t->arrival_ns != NS_UNKNOWN)
        put(all, SERIES_TTFT, n->sent_ns, n->at_ns[0]);
    if (load->is_open) {
        put(all, SERIES_SEND, n->due_ns, n->sent_ns);
        if (t->arrival_ns != NS_UNKNOWN)
            put(all, SERIES_TTFT_DUE, n->due_ns, n->at_ns[0]);
    }
}

static void put_event(struct all_series *all, const struct selftest_load *load,
                      const struct selftest_note *n, const struct selftest_truth *t,
                      size_t i)
{
    bool is_own = n->stamps[i] != EVENT_BOUNDED;
    if (is_own) {
        put(all, n->stamps[i] == EVENT_TAIL ? SERIES_TAIL : SERIES_EXACT, t->sent_ns[i],
            n->at_ns[i]);
        put(all, SERIES_BOTH, t->sent_ns[i], n->at_ns[i]);
    }
    if (i > 0 && is_own && n->stamps[i - 1] != EVENT_BOUNDED) {
        put(all, SERIES_ITL, n->at_ns[i - 1], n->at_ns[i]);
        put(all, SERIES_ITL_TRUE, t->sent_ns[i - 1], t->sent_ns[i]);
    }
    if (load->jitter == 0 && t->arrival_ns != NS_UNKNOWN)
        put(all, SERIES_SERVER, t->arrival_ns + load->ttft_ns + (int64_t)i * load->itl_ns,
            t->sent_ns[i]);
}

static void count_stamps(const struct selftest_note *n, struct selftest_point *out)
{
    out->events += (int64_t)n->count;
    for (size_t i = 0; i < n->count; i++) {
        out->exact += n->stamps[i] == EVENT_EXACT;
        out->bounded += n->stamps[i] == EVENT_BOUNDED;
        out->tail += n->stamps[i] == EVENT_TAIL;
    }
}

static bool is_matched(const struct selftest_sides *s, const struct selftest_note *n,
                       const struct selftest_load *load)
{
    if (n->request < 0 || n->request >= load->requests || n->count == 0)
        return false;
    const struct selftest_truth *t = &s->truths[n->request];
    return t->is_known && t->sent_count == n->count;
}

static void spread_all(struct all_series *all, struct selftest_point *out)
{
    struct selftest_spread *to[SERIES_COUNT] = {
        [SERIES_EXACT] = &out->exact_us,
        [SERIES_TAIL] = &out->tail_us,
        [SERIES_BOTH] = &out->error_us,
        [SERIES_TTFT] = &out->ttft_us.ours,
        [SERIES_TTFT_DUE] = &out->ttft_due_us.ours,
        [SERIES_TTFT_TRUE] = &out->ttft_us.truth,
        [SERIES_ITL] = &out->itl_us.ours,
        [SERIES_ITL_TRUE] = &out->itl_us.truth,
        [SERIES_SEND] = &out->send_late_us,
        [SERIES_TO_SERVER] = &out->to_server_us,
        [SERIES_SERVER] = &out->server_late_us,
    };
    for (size_t i = 0; i < SERIES_COUNT; i++)
        selftest_point_spread(all->of[i].us, all->of[i].count, to[i]);
    out->ttft_due_us.truth = out->ttft_us.truth;
}

static bool is_within(int64_t at_ns, int64_t from_ns, int64_t to_ns)
{
    return at_ns >= from_ns && at_ns < to_ns;
}

/* Events/s in the middle half of the time from the first arrival to the last: the start
 * and the end, where not all streams run, are left out. */
static double achieved(const struct selftest_sides *s)
{
    int64_t first_ns = INT64_MAX, last_ns = INT64_MIN, count = 0;
    for (size_t k = 0; k < s->note_count; k++) {
        const struct selftest_note *n = &s->notes[k];
        if (n->count == 0)
            continue;
        first_ns = n->at_ns[0] < first_ns ? n->at_ns[0] : first_ns;
        int64_t end_ns = n->at_ns[n->count - 1];
        last_ns = end_ns > last_ns ? end_ns : last_ns;
    }
    if (last_ns <= first_ns)
        return NAN;
    int64_t quarter_ns = (last_ns - first_ns) / 4;
    int64_t from_ns = first_ns + quarter_ns, to_ns = last_ns - quarter_ns;
    for (size_t k = 0; k < s->note_count; k++)
        for (size_t i = 0; i < s->notes[k].count; i++)
            count += is_within(s->notes[k].at_ns[i], from_ns, to_ns);
    return (double)count * 1e9 / (double)(to_ns - from_ns);
}

enum status selftest_point_match(const struct selftest_sides *s, struct arena *a,
                                 struct selftest_point *out, struct err *e)
{
    struct all_series all = {0};
    for (size_t k = 0; k < s->note_count; k++) {
        const struct selftest_note *n = &s->notes[k];
        count_stamps(n, out);
        out->requests_ok += n->is_ok;
        out->requests_failed += !n->is_ok;
    }
    for (size_t i = 0; i < SERIES_COUNT; i++) {
        all.of[i].room = (size_t)out->events + 1;
        all.of[i].us = arena_alloc(a, all.of[i].room, sizeof(double));
        if (all.of[i].us == NULL)
            return status_no_memory(e, "selftest");
    }
    for (size_t k = 0; k < s->note_count; k++) {
        const struct selftest_note *n = &s->notes[k];
        if (!is_matched(s, n, &out->load)) {
            out->unmatched++;
            continue;
        }
        const struct selftest_truth *t = &s->truths[n->request];
        put_request(&all, &out->load, n, t);
        for (size_t i = 0; i < n->count; i++)
            put_event(&all, &out->load, n, t, i);
    }
    spread_all(&all, out);
    out->achieved_eps = achieved(s);
    return STATUS_OK;
}
