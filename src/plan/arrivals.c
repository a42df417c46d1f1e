#include "plan/arrivals.h"

#include <math.h>

#include "base/clock.h"
#include "base/opt.h"
#include "base/rng.h"

/* One walk through the process. */
struct walk {
    const struct load *load;
    struct rng rng;
    double reached; /* sum of the gaps so far, each of mean 1 */
    size_t drawn;
};

static double draw_exponential(struct rng *r)
{
    return -log1p(-rng_unit(r));
}

/* Marsaglia's polar method; the second number of a pair is not kept, so that a draw
 * leaves nothing behind. */
static double draw_normal(struct rng *r)
{
    for (;;) {
        double x = 2 * rng_unit(r) - 1, y = 2 * rng_unit(r) - 1;
        double square = x * x + y * y;
        if (square > 0 && square < 1)
            return x * sqrt(-2 * log(square) / square);
    }
}

/* Gamma of shape >= 1 and scale 1 (Marsaglia, Tsang 2000, section 2). */
static double draw_large_gamma(struct rng *r, double shape)
{
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = draw_normal(r), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        double u = 1 - rng_unit(r);
        if (log(u) < 0.5 * x * x + d * (1 - v + log(v)))
            return d * v;
    }
}

/* Below 1: gamma(shape) = gamma(shape + 1) * u^(1 / shape), section 6 there. Mean 1. */
static double draw_gamma(struct rng *r, double shape)
{
    if (shape >= 1)
        return draw_large_gamma(r, shape) / shape;
    double above = draw_large_gamma(r, shape + 1);
    return above * pow(1 - rng_unit(r), 1 / shape) / shape;
}

static double draw_gap(struct walk *w)
{
    switch (w->load->arrival) {
    case LOAD_CONSTANT: return w->drawn == 0 ? 0 : 1;
    case LOAD_GAMMA: return draw_gamma(&w->rng, w->load->burstiness);
    default: return draw_exponential(&w->rng);
    }
}

/* The time at which the integral of the rate reaches `area`. */
static double time_of(const struct load *load, double area)
{
    double rate = load->rate_rps, ramp_s = load->ramp_up_s;
    if (area < rate * ramp_s / 2)
        return sqrt(2 * ramp_s * area / rate);
    return ramp_s / 2 + area / rate;
}

static void walk_init(struct walk *w, const struct arrivals *a)
{
    *w = (struct walk){.load = a->load};
    rng_init(&w->rng, (uint64_t)a->seed, a->stream);
}

static double walk_next_s(struct walk *w)
{
    w->reached += draw_gap(w);
    w->drawn++;
    return time_of(w->load, w->reached);
}

size_t arrivals_count(const struct arrivals *a)
{
    const struct load *load = a->load;
    bool has_count = load->num_prompts != OPT_INT_UNSET;
    size_t most = has_count ? (size_t)load->num_prompts : (size_t)ARRIVALS_MOST + 1;
    struct walk w;
    if (isinf(load->rate_rps) || isnan(load->duration_s))
        return most;
    walk_init(&w, a);
    for (size_t i = 0; i < most; i++)
        if (!(walk_next_s(&w) < load->duration_s))
            return i;
    return most;
}

void arrivals_draw(const struct arrivals *a, int64_t *due_ns, size_t count)
{
    struct walk w;
    walk_init(&w, a);
    for (size_t i = 0; i < count; i++)
        due_ns[i] = isinf(a->load->rate_rps) ? 0 : clock_seconds(walk_next_s(&w)).ns;
}

int64_t arrivals_last_ns(const struct arrivals *a, size_t count)
{
    double last_s = 0;
    struct walk w;
    walk_init(&w, a);
    for (size_t i = 0; i < count && !isinf(a->load->rate_rps); i++)
        last_s = walk_next_s(&w);
    return clock_seconds(last_s).ns;
}
