/* Drawn processes against what their distributions are: fixed seeds, wide margins. */
#include "plan/arrivals.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/opt.h"
#include "base/mem.h"
#include "plan/load.h"

#define COUNT ((size_t)20000)

struct fixture {
    struct load load;
    struct arrivals a;
    int64_t *due_ns; /* [COUNT] */
    double *gaps_s;  /* [COUNT] */
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.load = {.kind = LOAD_OPEN,
                                  .rate_rps = 50,
                                  .burstiness = 1,
                                  .max_concurrency = OPT_INT_UNSET,
                                  .num_prompts = (int64_t)COUNT,
                                  .duration_s = NAN}};
    f.a = (struct arrivals){.load = &f.load, .seed = 7, .stream = "arrival/test/0"};
    f.due_ns = mem_alloc(COUNT, sizeof *f.due_ns);
    f.gaps_s = mem_alloc(COUNT, sizeof *f.gaps_s);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mem_free(f->due_ns);
    mem_free(f->gaps_s);
    return 0;
}

static void draw(struct fixture *f)
{
    assert_int_equal(arrivals_count(&f->a), COUNT);
    arrivals_draw(&f->a, f->due_ns, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        int64_t before = i > 0 ? f->due_ns[i - 1] : 0;
        if (f->due_ns[i] < before)
            fail_msg("request %zu is due at %lld, before %lld", i,
                     (long long)f->due_ns[i], (long long)before);
        f->gaps_s[i] = (double)(f->due_ns[i] - before) / 1e9;
    }
}

static void near(const char *what, double got, double want, double margin)
{
    if (!(fabs(got - want) <= margin))
        fail_msg("%s: %.6g, not %.6g +- %.2g", what, got, want, margin);
}

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

/* Coefficient of variation. */
static double spread_of(const double *x, size_t n)
{
    double mean = mean_of(x, n), sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (double)(n - 1)) / mean;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Largest distance between the gaps' distribution and the exponential one (Kolmogorov,
 * Smirnov); for 20,000 true draws it is above 0.0138 once in a thousand. Sorts them. */
static double distance_from_exponential(struct fixture *f)
{
    double worst = 0;
    qsort(f->gaps_s, COUNT, sizeof *f->gaps_s, by_size);
    for (size_t i = 0; i < COUNT; i++) {
        double true_share = 1 - exp(-f->gaps_s[i] * f->load.rate_rps);
        double below = (double)i / (double)COUNT, upto = (double)(i + 1) / (double)COUNT;
        worst = fmax(worst, fmax(fabs(true_share - below), fabs(true_share - upto)));
    }
    return worst;
}

static void poisson(void **state)
{
    struct fixture *f = *state;
    for (f->a.seed = 0; f->a.seed < 5; f->a.seed++) {
        draw(f);
        near("mean gap", mean_of(f->gaps_s, COUNT), 0.02, 0.02 * 0.03);
        near("variation", spread_of(f->gaps_s, COUNT), 1, 0.04);
        near("distance", distance_from_exponential(f), 0, 0.0138);
    }
}

/* Counts in equal times have the mean and the variance of a Poisson distribution. */
static void poisson_counts(void **state)
{
    struct fixture *f = *state;
    enum { BINS = 390 };
    double counts[BINS] = {0};
    draw(f);
    for (size_t i = 0; i < COUNT; i++)
        if (f->due_ns[i] < BINS * NS_PER_S)
            counts[f->due_ns[i] / NS_PER_S]++;
    double mean = mean_of(counts, BINS), spread = spread_of(counts, BINS);
    near("mean count", mean, 50, 1.5);
    near("variance by mean", spread * spread * mean, 1, 0.25);
}

static void constant(void **state)
{
    struct fixture *f = *state;
    f->load.arrival = LOAD_CONSTANT;
    f->load.rate_rps = 3;
    draw(f);
    for (size_t i = 0; i < COUNT; i++)
        near("due", (double)f->due_ns[i], (double)i * 1e9 / 3, 2);
}

static void gamma_by_shape(void **state)
{
    struct fixture *f = *state;
    static const double shapes[] = {0.1, 0.5, 1, 2, 4, 100};
    f->load.arrival = LOAD_GAMMA;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        double spread = 1 / sqrt(shapes[i]);
        f->load.burstiness = shapes[i];
        draw(f);
        near("mean gap", mean_of(f->gaps_s, COUNT) * 50, 1, 0.03 * spread);
        near("variation", spread_of(f->gaps_s, COUNT) / spread, 1, 0.06);
        double distance = distance_from_exponential(f);
        if (shapes[i] == 1)
            near("distance of burstiness 1", distance, 0, 0.0138);
        else if (distance < 0.05)
            fail_msg("burstiness %g cannot be told from Poisson", shapes[i]);
    }
}

/* Of shape 1/2: the distribution of a squared normal number, which has a closed form. */
static void gamma_below_one(void **state)
{
    struct fixture *f = *state;
    double worst = 0;
    f->load.arrival = LOAD_GAMMA;
    f->load.burstiness = 0.5;
    draw(f);
    qsort(f->gaps_s, COUNT, sizeof *f->gaps_s, by_size);
    for (size_t i = 0; i < COUNT; i++) {
        double below = erf(sqrt(f->gaps_s[i] * 50 * 0.5));
        worst = fmax(worst, fabs(below - ((double)i + 0.5) / COUNT));
    }
    near("distance of shape 0.5", worst, 0, 0.0138);
}

/* In a ramp the count up to t grows with t squared; behind it the rate is the one asked
 * for. */
static void ramp_up(void **state)
{
    struct fixture *f = *state;
    f->load.arrival = LOAD_CONSTANT;
    f->load.rate_rps = 100;
    f->load.ramp_up_s = 40;
    draw(f);
    for (size_t i = 0; i < 2000; i++) /* 100 * t^2 / 80 = i */
        near("due in the ramp", (double)f->due_ns[i] / 1e9, sqrt(0.8 * (double)i), 1e-8);
    for (size_t i = 2000; i < COUNT; i++)
        near("due behind it", (double)f->due_ns[i] / 1e9, 20 + (double)i / 100, 1e-8);
    f->load.arrival = LOAD_POISSON;
    draw(f);
    size_t half = 0, ramp = 0;
    for (size_t i = 0; i < COUNT; i++) {
        half += f->due_ns[i] < 20 * NS_PER_S;
        ramp += f->due_ns[i] < 40 * NS_PER_S;
    }
    near("half of the ramp", (double)half, 500, 90);
    near("the ramp", (double)ramp, 2000, 180);
    near("the rest", mean_of(f->gaps_s + ramp + 1, COUNT - ramp - 1), 0.01, 0.0003);
}

static void infinite_rate(void **state)
{
    struct fixture *f = *state;
    f->load.rate_rps = INFINITY;
    f->load.duration_s = 1;
    f->load.num_prompts = 3;
    memset(f->due_ns, 1, 3 * sizeof *f->due_ns);
    assert_int_equal(arrivals_count(&f->a), 3);
    arrivals_draw(&f->a, f->due_ns, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(f->due_ns[i], 0);
    assert_int_equal(arrivals_last_ns(&f->a, 3), 0);
}

static void limits(void **state)
{
    struct fixture *f = *state;
    f->load.arrival = LOAD_CONSTANT;
    f->load.rate_rps = 10;
    f->load.duration_s = 1;
    f->load.num_prompts = OPT_INT_UNSET;
    assert_int_equal(arrivals_count(&f->a), 10); /* 0, 0.1, ... 0.9 s */
    f->load.num_prompts = 4;
    assert_int_equal(arrivals_count(&f->a), 4);
    f->load.num_prompts = 40;
    assert_int_equal(arrivals_count(&f->a), 10);
    f->load.duration_s = 0.05;
    assert_int_equal(arrivals_count(&f->a), 1);
    f->load.arrival = LOAD_POISSON;
    f->load.duration_s = 1e-9;
    assert_int_equal(arrivals_count(&f->a), 0);
    f->load.num_prompts = OPT_INT_UNSET;
    f->load.duration_s = 100;
    size_t count = arrivals_count(&f->a);
    near("requests in 100 s", (double)count, 1000, 120);
    arrivals_draw(&f->a, f->due_ns, count + 1);
    assert_true(f->due_ns[count - 1] < 100 * NS_PER_S);
    assert_true(f->due_ns[count] >= 100 * NS_PER_S); /* not one too few */
    f->load.rate_rps = 1e9;
    assert_int_equal(arrivals_count(&f->a), ARRIVALS_MOST + 1);
}

/* A process drawn by time is not made to have the mean count: counts vary as
 * Poisson's. */
static void nothing_is_rescaled(void **state)
{
    struct fixture *f = *state;
    double counts[400];
    f->load.num_prompts = OPT_INT_UNSET;
    f->load.duration_s = 2;
    for (int i = 0; i < 400; i++) {
        char stream[32];
        snprintf(stream, sizeof stream, "arrival/test/%d", i);
        f->a.stream = stream;
        counts[i] = (double)arrivals_count(&f->a);
    }
    double mean = mean_of(counts, 400), spread = spread_of(counts, 400);
    near("mean count", mean, 100, 3);
    near("variance by mean", spread * spread * mean, 1, 0.3);
}

static void the_same_again(void **state)
{
    struct fixture *f = *state;
    int64_t first[100];
    draw(f);
    memcpy(first, f->due_ns, sizeof first);
    draw(f);
    assert_memory_equal(first, f->due_ns, sizeof first);
    f->load.num_prompts = 100; /* a longer draw begins with the shorter one */
    arrivals_draw(&f->a, f->due_ns, 100);
    assert_memory_equal(first, f->due_ns, sizeof first);
    assert_int_equal(arrivals_last_ns(&f->a, 100), first[99]);
    assert_int_equal(arrivals_last_ns(&f->a, 0), 0);
    f->load.num_prompts = (int64_t)COUNT;
    f->a.seed = 8;
    draw(f);
    assert_memory_not_equal(first, f->due_ns, sizeof first);
    f->a.seed = 7;
    f->a.stream = "arrival/test/1";
    draw(f);
    assert_memory_not_equal(first, f->due_ns, sizeof first);
}

static void names(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(load_arrival(&f->load), "poisson");
    f->load.arrival = LOAD_CONSTANT;
    assert_string_equal(load_arrival(&f->load), "constant");
    f->load.arrival = LOAD_GAMMA;
    assert_string_equal(load_arrival(&f->load), "gamma");
    f->load.kind = LOAD_CLOSED;
    assert_string_equal(load_arrival(&f->load), "closed");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(poisson),        TEST(poisson_counts),  TEST(constant),
        TEST(gamma_by_shape), TEST(gamma_below_one), TEST(ramp_up),
        TEST(infinite_rate),  TEST(limits),          TEST(nothing_is_rescaled),
        TEST(the_same_again), TEST(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
