/* Arms in blocks: the order of their repeats, and, by simulation, that the interval over
 * blocks holds under drift and where a repeat hands on what it met.
 * INFERBENCH_TEST_SIMS=N makes N of each (200). */
#include "plan/blocks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "plan/next.h"
#include "sims_fixture.h"
#include "stats/contrast.h"

#define BLOCKS   6
#define RUNS     (BLOCKS_WARMUPS + 2 * BLOCKS)
#define TURNS    (2 * RUNS)
#define WARMUPS  (2 * BLOCKS_WARMUPS)
#define ID_BYTES 32

static struct plan plan_of(const char *run_id, size_t cells)
{
    return (struct plan){
        .options = {.ab_blocks = BLOCKS, .num_runs = RUNS, .run_id = run_id},
        .cell_count = cells};
}

/* Every repeat of both arms once, in its own order; each block ABBA or BAAB. */
static void the_order(void **state)
{
    int off_first = 0;
    (void)state;
    for (int i = 0; i < 64; i++) {
        char id[ID_BYTES];
        snprintf(id, sizeof id, "run %d", i);
        const struct plan p = plan_of(id, 4);
        int64_t next[2] = {0, 0};
        size_t arms[TURNS];
        for (size_t n = 0; n < TURNS; n++) {
            size_t cell;
            int64_t repeat;
            blocks_turn(&p, 1, n, &cell, &repeat);
            arms[n] = cell - 2;
            assert_in_range(arms[n], 0, 1);
            assert_int_equal(repeat, next[arms[n]]++);
            assert_int_equal(blocks_is_warmup(&p, repeat), n < WARMUPS);
            assert_int_equal(blocks_of(&p, repeat),
                             n < WARMUPS ? -1 : (int64_t)(n - WARMUPS) / 4);
        }
        for (size_t n = 0; n < TURNS; n += 4) {
            assert_int_equal(arms[n], arms[n + 3]);
            assert_int_equal(arms[n + 1], arms[n + 2]);
            assert_true(arms[n] != arms[n + 1]);
        }
        off_first += arms[WARMUPS] == 0;
    }
    assert_in_range(off_first, 16, 48); /* a fair coin */
}

static void without_arms(void **state)
{
    const struct plan p = {.options.num_runs = 3};
    (void)state;
    assert_true(blocks_is_warmup(&p, 0));
    assert_false(blocks_is_warmup(&p, 1));
    assert_int_equal(blocks_of(&p, 1), -1);
}

/* --- the policy */

/* Plays a run whose repeats fail from the given one on, `fails` of them; the turns. */
static size_t play(const struct plan *p, size_t from, size_t fails, enum status as,
                   struct next_outcome *items)
{
    struct next_history past = {items, 0};
    struct next_turn t;
    while (next_of_blocks(p, &past, &t)) {
        assert_true(past.count < 4 * TURNS);
        bool has_failed = past.count >= from && past.count < from + fails;
        items[past.count++] = (struct next_outcome){
            .turn = t, .status = has_failed ? as : STATUS_OK};
    }
    return past.count;
}

static void the_policy(void **state)
{
    const struct plan p = plan_of("run", 4);
    struct next_outcome items[4 * TURNS];
    (void)state;
    assert_int_equal(play(&p, 0, 0, STATUS_OK, items), 2 * TURNS);
    for (size_t i = 0; i < 2 * TURNS; i++)
        assert_int_equal(items[i].turn.cell / 2, i / TURNS);
    /* a pair ends where one of its repeats fails, and the next begins */
    assert_int_equal(play(&p, 7, 1, STATUS_ENGINE, items), 8 + TURNS);
    assert_int_equal(items[8].turn.cell, 2);
    assert_int_equal(items[8].turn.repeat, 0);
    /* two pairs one after the other, or what nothing mends, end the run */
    assert_int_equal(play(&p, 7, 2, STATUS_ENGINE, items), 9);
    assert_int_equal(play(&p, 7, 1, STATUS_UNSUPPORTED, items), 8);
    const struct plan none = plan_of("run", 0);
    assert_int_equal(play(&none, 0, 0, STATUS_OK, items), 0);
}

/* --- what an arm asks of an engine */

static void what_is_refused(void **state)
{
    const struct plan p = plan_of("run", 2), plain = {.options.num_runs = 3};
    const struct plan_which no_salt = {.lacks_salt = true},
                            no_cache = {.lacks_cache = true}, all = {0};
    struct err e = {0};
    (void)state;
    assert_int_equal(blocks_check(&p, &all, &e), STATUS_OK);
    assert_int_equal(blocks_check(&plain, &no_cache, &e), STATUS_OK);
    assert_int_equal(blocks_check(&p, &no_salt, &e), STATUS_UNSUPPORTED);
    assert_non_null(strstr(e.what, "cache_salt"));
    assert_int_equal(blocks_check(&p, &no_cache, &e), STATUS_UNSUPPORTED);
    assert_non_null(strstr(e.what, "cache is off"));
}

/* --- simulations */

/* A series of repeats: each keeps `keeps` of what moved the one before, and all drift. */
struct world {
    double keeps, drift;
};

#define EFFECT 0.05

/* One run: does the interval over its blocks hold the truth? */
static bool holds(const struct world *world, struct rng *r, const struct plan *p)
{
    double sums[2][BLOCKS] = {{0}}, state = sims_fixture_normal(r);
    double fresh = sqrt(1 - world->keeps * world->keeps);
    for (size_t n = 0; n < TURNS; n++) {
        size_t arm;
        int64_t repeat;
        blocks_turn(p, 0, n, &arm, &repeat);
        state = world->keeps * state + fresh * sims_fixture_normal(r);
        int64_t block = blocks_of(p, repeat);
        if (block < 0)
            continue;
        double y = 0.02 * state + world->drift * (double)n + (arm == 1 ? EFFECT : 0);
        sums[arm][block] += y / 2;
    }
    struct contrast c = contrast_paired((struct contrast_sample){sums[0], BLOCKS},
                                        (struct contrast_sample){sums[1], BLOCKS});
    return fabs(c.difference - EFFECT) <= contrast_half(&c);
}

/* 93 to 97.5 % within what the number of simulations can show (3 standard errors). */
static void the_interval(void **state)
{
    static const struct world worlds[] = {{0, 0}, {0.9, 0}, {0, 0.01}, {0.9, 0.01}};
    double n = (double)sims_fixture_count(), slack = sims_fixture_slack(0.05);
    (void)state;
    for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++) {
        struct rng r;
        long held = 0;
        rng_init(&r, i, "blocks");
        for (long s = 0; s < sims_fixture_count(); s++) {
            char id[ID_BYTES];
            snprintf(id, sizeof id, "run %ld", s);
            const struct plan p = plan_of(id, 2);
            held += holds(&worlds[i], &r, &p);
        }
        double share = (double)held / n;
        if (share < 0.93 - slack || share > 0.975 + slack)
            fail_msg("keeps %g, drift %g: %g", worlds[i].keeps, worlds[i].drift, share);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order),    cmocka_unit_test(without_arms),
        cmocka_unit_test(the_policy),   cmocka_unit_test(what_is_refused),
        cmocka_unit_test(the_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
