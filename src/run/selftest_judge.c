#include "run/selftest_judge.h"

#include <math.h>

#define BUSY_WINDOWS    3     /* as the rule CLIENT_BUSY of the verdicts */
#define SENDS_RATE_RPS  1000  /* lateness of sends is judged up to here */
#define STAMPS_RATE_EPS 10000 /* errors of stamps are judged from here on */

#define limits selftest_judge_limits

const struct selftest_limits selftest_judge_limits[] = {
#define X(name, unit_, limit_, text_) \
    [SELFTEST_LIMIT_##name] = {#name, unit_, text_, limit_},
    SELFTEST_LIMIT_LIST(X)
#undef X
};

static void add(struct selftest_reasons *out, enum selftest_limit l, double value,
                const struct selftest_point *p)
{
    if (out->count == SELFTEST_REASONS_MAX)
        return;
    out->items[out->count++] = (struct selftest_reason){
        .limit = l,
        .value = value,
        .at = p != NULL ? p->load.rate : (double)NAN,
        .is_open = p != NULL && p->load.is_open};
}

/* Adds it where value is known and above the limit. */
static void above(struct selftest_reasons *out, enum selftest_limit l, double value,
                  const struct selftest_point *p)
{
    if (value > limits[l].limit)
        add(out, l, value, p);
}

/* The farther of two percentiles from the truth, of those that are known; else 0. */
static double farthest(const struct selftest_pair *p)
{
    double p50 = fabs(p->ours.p50 - p->truth.p50), p99 = fabs(p->ours.p99 - p->truth.p99);
    return fmax(isnan(p50) ? 0 : p50, isnan(p99) ? 0 : p99);
}

static void judge_open(const struct selftest_point *p, struct selftest_reasons *out)
{
    if (p->load.rate <= SENDS_RATE_RPS)
        above(out, SELFTEST_LIMIT_SENDS_LATE, p->send_late_us.p99, p);
}

static void judge_closed(const struct selftest_point *p, struct selftest_reasons *out)
{
    double share = p->achieved_eps / p->load.rate;
    if (p->load.rate >= STAMPS_RATE_EPS)
        above(out, SELFTEST_LIMIT_STAMPS_LATE, p->exact_us.p99, p);
    above(out, SELFTEST_LIMIT_STAMPS_BOUNDED,
          p->events > 0 ? (double)p->bounded / (double)p->events : 0, p);
    above(out, SELFTEST_LIMIT_TTFT_OFF, farthest(&p->ttft_us), p);
    if (share < limits[SELFTEST_LIMIT_SERVER_BEHIND].limit)
        add(out, SELFTEST_LIMIT_SERVER_BEHIND, share, p);
}

void selftest_judge_point(const struct selftest_point *p, struct selftest_reasons *out)
{
    above(out, SELFTEST_LIMIT_REQUESTS_FAILED,
          (double)(p->requests_failed + p->unmatched), p);
    if (p->busy_windows >= BUSY_WINDOWS)
        above(out, SELFTEST_LIMIT_CLIENT_BUSY, p->busy_share, p);
    if (p->load.is_open)
        judge_open(p, out);
    else
        judge_closed(p, out);
}

void selftest_judge_machine(const struct selftest_machine *m,
                            struct selftest_reasons *out)
{
    if (!m->has_stamps)
        add(out, SELFTEST_LIMIT_NO_STAMPS, 0, NULL);
    if (m->usable_cores == 1)
        add(out, SELFTEST_LIMIT_ONE_CORE, 1, NULL);
    above(out, SELFTEST_LIMIT_CLOCK_WIDE, m->clock_width_us, NULL);
}

void selftest_judge_append(struct selftest_reasons *out,
                           const struct selftest_reasons *more)
{
    for (size_t i = 0; i < more->count && out->count < SELFTEST_REASONS_MAX; i++)
        out->items[out->count++] = more->items[i];
}

bool selftest_judge_is_client(const struct selftest_reasons *r, size_t from)
{
    for (size_t i = from; i < r->count; i++)
        if (r->items[i].limit != SELFTEST_LIMIT_SERVER_BEHIND)
            return true;
    return false;
}
