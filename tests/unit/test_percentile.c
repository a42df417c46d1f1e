/* Percentiles of dependent samples: known values (numpy), and how often a printed
 * interval misses the truth on queues and batches. INFERBENCH_TEST_SIMS=N makes N runs of
 * each (200). */
#include "stats/percentile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "alloc_fixture.h"
#include "sims_fixture.h"
#include "stats/quantile.h"

#define MOST 100000

/* One series on its way, and all its values. */
struct made {
    struct percentile_series series;
    struct percentile_sample *samples; /* [MOST] of a repeat */
    double *sorted;                    /* [MOST] */
    size_t count, lost, distinct;
};

static int set_up(void **state)
{
    struct made *m = calloc(1, sizeof *m);
    m->samples = calloc(MOST, sizeof *m->samples);
    m->sorted = calloc(MOST, sizeof *m->sorted);
    *state = m;
    return 0;
}

static void clear(struct made *m)
{
    percentile_series_fini(&m->series);
    m->count = m->lost = m->distinct = 0;
}

static int tear_down(void **state)
{
    struct made *m = *state;
    clear(m);
    free(m->samples);
    free(m->sorted);
    free(m);
    return 0;
}

/* The first n of m->samples; of so many instants. */
static void add_of(struct made *m, size_t n, size_t distinct, size_t unit,
                   enum percentile_order order)
{
    for (size_t i = 0; i < n; i++) {
        m->lost += isinf(m->samples[i].value);
        if (!isinf(m->samples[i].value))
            m->sorted[m->count++] = m->samples[i].value;
    }
    m->distinct += distinct;
    assert_int_equal(percentile_series_add(&m->series, m->samples, n, unit, order),
                     STATUS_OK);
}

static void add(struct made *m, size_t n, size_t unit, enum percentile_order order)
{
    add_of(m, n, n, unit, order);
}

static struct percentile find(struct made *m, double p)
{
    quantile_sort(m->sorted, m->count);
    const struct percentile_pool pool = {m->sorted, m->count, m->lost, m->distinct};
    return percentile_of(&m->series, &pool, p);
}

static void is_near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-9 * fabs(want)))
        fail_msg("got %.17g, want %.17g", got, want);
}

static void is_unknown(struct percentile of)
{
    assert_true(isnan(of.value) && isnan(of.low) && isnan(of.high));
}

/* A median that nobody knows the interval of. */
static void is_alone(struct percentile of, double value)
{
    is_near(of.value, value);
    assert_true(isnan(of.low) && isnan(of.high));
}

/* A saw tooth of 100 values, not in order: nothing hangs together. */
static void draw_plain(struct made *m, size_t n)
{
    for (size_t i = 0; i < n; i++)
        m->samples[i] = (struct percentile_sample){(int64_t)(n - i),
                                                   (double)(i * 37 % 100 + 1)};
}

/* Order statistics: t(.975, 19) = 2.093, half of the ranks 2.093 sqrt(1000 p q V). */
static void test_ranks(void **state)
{
    struct made *m = *state;
    draw_plain(m, 1000);
    add(m, 1000, 0, PERCENTILE_TIMED);
    struct percentile of = find(m, 50); /* ranks 466, 500, 535 */
    is_near(of.value, 50);
    is_near(of.low, 47);
    is_near(of.high, 54);
    assert_int_equal(of.samples, 1000);
    assert_int_equal(of.needed, 60);
    of = find(m, 90); /* V = 2, twice that of the median: ranks 871, 900, 930 */
    is_near(of.value, 90);
    is_near(of.low, 88);
    is_near(of.high, 93);
    assert_int_equal(of.samples, 500);
    assert_int_equal(of.needed, 64);
    is_unknown(find(m, 99)); /* 500 of 662 */
    clear(m);
}

/* Values that grow: a batch says nothing of the next. */
static void test_trend(void **state)
{
    struct made *m = *state;
    for (size_t i = 0; i < 1000; i++)
        m->samples[i] = (struct percentile_sample){(int64_t)i, (double)(i + 1)};
    add(m, 1000, 0, PERCENTILE_TIMED);
    struct percentile of = find(m, 50);
    is_alone(of, 500); /* V = 50 / 0.25 x (5 + 2 x 4.25) / 19 */
    assert_int_equal(of.samples, 7);
    clear(m);
    /* by little: from 1.001 to 1.02 of the first, each batch has its own */
    for (size_t i = 0; i < 1000; i++)
        m->samples[i] = (struct percentile_sample){(int64_t)i,
                                                   1000 + (double)(i + 1) / 50};
    add(m, 1000, 0, PERCENTILE_TIMED);
    of = find(m, 50);
    is_near(of.value, 1010);
    is_near(of.low, 1000.5);  /* value 25 of the first 50 */
    is_near(of.high, 1019.5); /* 975 */
    assert_int_equal(of.samples, 60);
    is_unknown(find(m, 90)); /* 50 in a batch, 64 needed */
    clear(m);
}

static void test_lost(void **state)
{
    struct made *m = *state;
    draw_plain(m, 1000);
    for (size_t i = 0; i < 1000; i++)
        if (m->samples[i].value > 92)
            m->samples[i].value = INFINITY;
    add(m, 1000, 0, PERCENTILE_TIMED);
    struct percentile of = find(m, 90);
    is_near(of.value, 90);
    is_near(of.low, 88);
    assert_true(isnan(of.high)); /* 93 */
    is_unknown(find(m, 95));
    clear(m);
}

/* Repeats of a batch: Student's t over their percentiles. */
static void test_clusters(void **state)
{
    struct made *m = *state;
    for (size_t k = 0; k < 3; k++) {
        draw_plain(m, 100);
        for (size_t i = 0; i < 100; i++)
            m->samples[i].value += (double)(k * k);
        add(m, 100, k, PERCENTILE_CLUSTER);
        if (k == 1)
            assert_true(isnan(find(m, 50).low)); /* of two repeats nothing is known */
    }
    struct percentile of = find(m, 50); /* 50, 51, 54 */
    is_near(of.value, 52);
    double mean = 155 / 3.0, half = 4.302652729911275 * sqrt(13 / 9.0);
    is_near(of.low, mean - half);
    is_near(of.high, mean + half);
    of = find(m, 95); /* 300 of 130, but of each repeat 100 */
    is_near(of.value, 97);
    assert_true(isnan(of.low));
    clear(m);
}

/* Launches that differ do not take a value away: the interval is over them. */
static void test_launches(void **state)
{
    struct made *m = *state;
    for (size_t k = 0; k < 6; k++) {
        draw_plain(m, 300);
        for (size_t i = 0; i < 300; i++)
            m->samples[i].value += (double)(k / 2 * 100);
        add(m, 300, k / 2, PERCENTILE_TIMED);
    }
    struct percentile of = find(m, 50); /* 50, 150, 250 */
    is_near(of.value, 150);
    is_near(of.low, 150 - 4.302652729911275 * 100 / sqrt(3));
    clear(m);
    for (size_t k = 0; k < 6; k++) { /* the same in one launch: no interval */
        draw_plain(m, 300);
        for (size_t i = 0; i < 300; i++)
            m->samples[i].value += (double)(k / 2 * 100);
        add(m, 300, 0, PERCENTILE_TIMED);
    }
    is_alone(find(m, 50), 150);
    clear(m);
}

static void test_few(void **state)
{
    struct made *m = *state;
    is_unknown(find(m, 50));
    draw_plain(m, 100);
    add(m, 0, 0, PERCENTILE_TIMED);
    add(m, 10, 0, PERCENTILE_TIMED);
    is_unknown(find(m, 50));
    clear(m);
    draw_plain(m, 100);
    add(m, 15, 0, PERCENTILE_TIMED); /* no batch has one */
    is_alone(find(m, 50), 45);
    clear(m);
    draw_plain(m, 1000);
    add_of(m, 1000, 40, 0, PERCENTILE_TIMED); /* 40 instants */
    is_alone(find(m, 50), 50);
    clear(m);
    for (size_t k = 0; k < 30; k++) { /* more repeats than batches */
        draw_plain(m, 100);
        add(m, 100, 0, PERCENTILE_TIMED);
    }
    is_near(find(m, 50).value, 50);
    clear(m);
    draw_plain(m, 100);
    add(m, 100, 0, PERCENTILE_ANY);
    is_near(find(m, 50).value, 50);
    assert_true(isnan(find(m, 50).low));
    clear(m);
}

static void test_no_memory(void **state)
{
    struct made *m = *state;
    struct alloc_fixture alloc = {0};
    draw_plain(m, 100);
    while (alloc_fixture_next(&alloc)) {
        struct percentile_series s = {0};
        alloc_fixture_arm(&alloc);
        enum status got = percentile_series_add(&s, m->samples, 100, 0, PERCENTILE_TIMED);
        alloc_fixture_judge(&alloc, got);
        assert_int_equal(s.count, got == STATUS_OK ? 100 : 0);
        assert_int_equal(s.part_count, got == STATUS_OK);
        percentile_series_fini(&s);
    }
}

/* --- simulations */

static double exponential(struct rng *r)
{
    return -log(1 - rng_unit(r));
}

/* Times in the system of a queue M/M/1 that has come to rest, services of mean 1: they
 * are exponential of mean 1 / (1 - load). (Lindley 1952.) */
static void draw_queue(struct made *m, struct rng *r, double load, size_t n)
{
    double wait = rng_unit(r) < load ? exponential(r) / (1 - load) : 0;
    for (size_t i = 0; i < n; i++) {
        double service = exponential(r);
        m->samples[i] = (struct percentile_sample){(int64_t)i, wait + service};
        wait = fmax(0, wait + service - exponential(r) / load);
    }
}

struct outcome {
    long shown, wrong;
};

static void judge(struct outcome *o, struct percentile of, double truth)
{
    bool misses = (!isnan(of.low) && truth < of.low) ||
                  (!isnan(of.high) && truth > of.high);
    o->shown += !isnan(of.low) || !isnan(of.high);
    o->wrong += !isnan(of.value) && misses;
}

/* At most a tenth of all runs prints an interval without the truth. */
static void is_honest(const struct outcome *o, const char *what, double load, double p)
{
    double share = (double)o->wrong / (double)sims_fixture_count();
    if (getenv("INFERBENCH_TEST_SIMS") != NULL)
        print_message("%s %g p%g: shown %ld, wrong %ld\n", what, load, p, o->shown,
                      o->wrong);
    if (share > 0.1 + sims_fixture_slack(0.1))
        fail_msg("%s %g, p%g: %ld shown, %ld wrong of %ld", what, load, p, o->shown,
                 o->wrong, sims_fixture_count());
}

static const double percentiles[] = {50, 90, 99};

static void run_queue(struct made *m, double load, size_t repeats, size_t n)
{
    struct outcome o[3] = {{0, 0}};
    struct rng r;
    rng_init(&r, repeats * 100000 + n, "queue");
    for (long s = 0; s < sims_fixture_count(); s++) {
        clear(m);
        for (size_t k = 0; k < repeats; k++) {
            draw_queue(m, &r, load, n);
            add(m, n, 0, PERCENTILE_TIMED);
        }
        for (size_t i = 0; i < 3; i++)
            judge(&o[i], find(m, percentiles[i]),
                  -log(1 - percentiles[i] / 100) / (1 - load));
    }
    for (size_t i = 0; i < 3; i++)
        is_honest(&o[i], repeats == 1 ? "1 repeat" : "repeats", load, percentiles[i]);
    /* what is plenty is shown */
    if (load == 0.5 && n >= 1000 && o[1].shown < sims_fixture_count() * 9 / 10)
        fail_msg("p90 shown %ld", o[1].shown);
}

static void test_queues(void **state)
{
    static const double loads[] = {0.5, 0.7, 0.9};
    static const size_t repeats[] = {1, 1, 2, 2, 5, 5},
                        sizes[] = {200, 3000, 80, 200, 200, 1000};
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 6; k++)
            run_queue(*state, loads[i], repeats[k], sizes[k]);
}

/* Steps of a batch, each of which stamps all its answers: durations are lognormal and
 * autocorrelated; one in 50 holds a prefill and takes five times as long. */
static void draw_steps(struct made *m, struct rng *r, double correlation, double sd,
                       size_t steps)
{
    double x = sims_fixture_normal(r);
    for (size_t i = 0; i < steps; i++) {
        double step = exp(sd * x) * (rng_unit(r) < 0.02 ? 5 : 1);
        for (size_t k = 0; k < 8; k++)
            m->samples[8 * i + k] = (struct percentile_sample){(int64_t)i, step};
        x = correlation * x +
            sqrt(1 - correlation * correlation) * sims_fixture_normal(r);
    }
}

/* Its percentiles: where the mixture of two lognormals has the share p below it. */
static double step_percentile(double sd, double p)
{
    double low = 0, high = 100;
    for (int i = 0; i < 200; i++) {
        double x = (low + high) / 2, z = log(x) / sd / sqrt(2),
               late = log(x / 5) / sd / sqrt(2);
        double below = 0.98 * 0.5 * erfc(-z) + 0.02 * 0.5 * erfc(-late);
        if (below < p / 100)
            low = x;
        else
            high = x;
    }
    return high;
}

static void run_steps(struct made *m, double correlation, double sd, size_t steps)
{
    struct outcome o[3] = {{0, 0}};
    struct rng r;
    rng_init(&r, steps, "steps");
    for (long s = 0; s < sims_fixture_count(); s++) {
        clear(m);
        draw_steps(m, &r, correlation, sd, steps);
        add_of(m, 8 * steps, steps, 0, PERCENTILE_TIMED);
        for (size_t i = 0; i < 3; i++)
            judge(&o[i], find(m, percentiles[i]), step_percentile(sd, percentiles[i]));
    }
    for (size_t i = 0; i < 3; i++)
        is_honest(&o[i], "steps, correlation", correlation, percentiles[i]);
    if (steps >= 1000 &&
        o[0].shown < sims_fixture_count() * 9 / 10) /* what wanders, too */
        fail_msg("median shown %ld", o[0].shown);
}

static void test_steps(void **state)
{
    static const double correlations[] = {0, 0.9, 0.99, 0.99},
                        sds[] = {0.05, 0.05, 0.05, 0.01};
    for (size_t i = 0; i < 4; i++) {
        run_steps(*state, correlations[i], sds[i], 200);
        run_steps(*state, correlations[i], sds[i], 2000);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ranks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_trend, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clusters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_launches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_few, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_queues, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_steps, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
