#include "net/ranks.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "link_fixture.h"

#define COUNT       3
#define LARGE_BYTES (((size_t)5 << 19) + 3) /* messages are cut at 1 MiB */
#define SILENCE_S   1.2

/* One rank, which is one thread; it tells what it found, and the test asserts. */
struct one {
    struct link_end *end;
    void (*work)(struct one *o);
    struct ranks *r;
    pthread_t thread;
    enum status opened, s;
    struct err e;
    bool is_good;
};

static struct link_fixture f;
static struct one ones[COUNT];

static void *live(void *arg)
{
    struct one *o = arg;
    o->opened = ranks_open_link(&link_fixture_table, o->end, &o->r, &o->e);
    if (o->opened != STATUS_OK)
        return NULL;
    ranks_set_timeout(o->r, 20);
    ranks_set_silence(o->r, SILENCE_S);
    o->work(o);
    ranks_close(o->r);
    return NULL;
}

/* All ranks do `work`, to the end. */
static void together(void (*work)(struct one *o))
{
    link_fixture_init(&f, COUNT);
    for (int n = 0; n < COUNT; n++) {
        ones[n] = (struct one){.end = &f.ends[n], .work = work};
        assert_int_equal(pthread_create(&ones[n].thread, NULL, live, &ones[n]), 0);
    }
    for (int n = 0; n < COUNT; n++) {
        assert_int_equal(pthread_join(ones[n].thread, NULL), 0);
        assert_int_equal(ones[n].opened, STATUS_OK);
    }
}

static void end(void)
{
    for (int n = 0; n < COUNT; n++) {
        assert_true(f.ends[n].is_finalized);
        assert_int_equal(f.ends[n].abort_code, 0);
    }
    assert_null(f.begun);
    link_fixture_fini(&f);
}

static void expect(int rank, enum status s, const char *text)
{
    if (ones[rank].s != s || strstr(ones[rank].e.what, text) == NULL)
        fail_msg("rank %d: status %d instead of %d, \"%s\" instead of \"%s\"", rank,
                 (int)ones[rank].s, (int)s, ones[rank].e.what, text);
}

static void nap(double seconds)
{
    clock_sleep_until(clock_after(clock_now(), clock_seconds(seconds)));
}

/* ---- messages ---------------------------------------------------------------------- */

static void share_gather(struct one *o)
{
    int64_t seed = o->end->rank == 0 ? 4711 : 0;
    int32_t mine[2] = {o->end->rank, 7 * o->end->rank}, all[COUNT][2] = {{0}};
    const struct ranks_part p = {mine, all, sizeof mine};
    o->s = ranks_share(o->r, "seed", &seed, sizeof seed, &o->e);
    if (o->s == STATUS_OK)
        o->s = ranks_gather(o->r, "counts", p, &o->e);
    o->is_good = seed == 4711 && ranks_count(o->r) == COUNT &&
                 ranks_rank(o->r) == o->end->rank &&
                 strcmp(ranks_library(o->r), "threads 1") == 0;
    for (int n = 0; n < COUNT; n++)
        o->is_good = o->is_good && all[n][0] == n && all[n][1] == 7 * n;
}

static void large(char *out, int kind)
{
    for (size_t i = 0; i < LARGE_BYTES; i++)
        out[i] = (char)(i * 31 + i / 1000 + (size_t)kind);
}

/* Text from rank 0 to all, one without bytes, then bytes from each rank to the next. */
static void texts(struct one *o)
{
    struct arena a;
    arena_init(&a, (size_t)1 << 26);
    int rank = o->end->rank, next = (rank + 1) % COUNT, last = (rank + COUNT - 1) % COUNT;
    char *want = arena_alloc(&a, LARGE_BYTES, 1), *got = arena_alloc(&a, LARGE_BYTES, 1);
    large(want, 0);
    struct str text = rank == 0 ? (struct str){want, LARGE_BYTES} : (struct str){0};
    struct str none = {rank == 0 ? "" : "not empty", rank == 0 ? 0 : 9};
    o->s = ranks_share_text(o->r, "prompts", &text, &a, &o->e);
    o->is_good = text.len == LARGE_BYTES && memcmp(text.ptr, want, LARGE_BYTES) == 0;
    if (o->s == STATUS_OK)
        o->s = ranks_share_text(o->r, "nothing", &none, &a, &o->e);
    o->is_good = o->is_good && none.len == 0;
    for (int turn = 0; turn < COUNT && o->s == STATUS_OK; turn++) {
        large(want, turn);
        if (turn == rank)
            o->s = ranks_send(o->r, next, (struct str){want, LARGE_BYTES}, &o->e);
        if (turn == last) {
            o->s = ranks_receive(o->r, last, got, LARGE_BYTES, &o->e);
            o->is_good = o->is_good && memcmp(got, want, LARGE_BYTES) == 0;
        }
    }
    arena_fini(&a);
}

static void clocks(struct one *o)
{
    struct ranks_clock c = {.error_ns = -1};
    struct instant before = clock_now();
    o->s = ranks_clock(o->r, &c, &o->e);
    int64_t apart_ns = c.offset_ns < 0 ? -c.offset_ns : c.offset_ns;
    /* one clock: what is found must hold the truth, which is 0 */
    o->is_good = apart_ns <= c.error_ns && (o->end->rank == 0) == (c.error_ns == 0) &&
                 !clock_before(c.at, before) && !clock_before(clock_now(), c.at);
}

static void test_messages(void **state)
{
    static void (*const works[])(struct one * o) = {share_gather, texts, clocks};
    (void)state;
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        together(works[i]);
        for (int n = 0; n < COUNT; n++) {
            expect(n, STATUS_OK, "");
            assert_true(ones[n].is_good);
        }
        end();
    }
}

/* Rank 1 is at another step; what failed once fails again, and all still end well. */
static void other_step(struct one *o)
{
    int32_t n = 0, all[COUNT];
    const struct ranks_part p = {&n, all, sizeof n};
    struct err again = {0};
    if (o->end->rank != 0)
        ranks_set_timeout(o->r, 1.5);
    o->s = ranks_gather(o->r, o->end->rank == 1 ? "options" : "counts", p, &o->e);
    o->is_good = ranks_share(o->r, "more", &n, sizeof n, &again) == o->s &&
                 strcmp(again.what, o->e.what) == 0;
    ranks_set_timeout(o->r, 20);
}

static void test_other_step(void **state)
{
    (void)state;
    together(other_step);
    expect(0, STATUS_INTERNAL,
           "rank 1 is at \"options\" (4 bytes), this one at \"counts\" (4)");
    for (int n = 0; n < COUNT; n++) {
        assert_true(ones[n].is_good);
        assert_true(n == 0 || ones[n].s == STATUS_DIED);
    }
    end();
}

/* ---- waiting ----------------------------------------------------------------------- */

static bool asks(void *arg)
{
    return ++*(int *)arg == 3;
}

/* Rank 0 does not come: one rank is stopped, the other one's time is over. */
static void nobody(struct one *o)
{
    int asked = 0;
    char byte;
    if (o->end->rank == 1)
        ranks_on_wait(o->r, asks, &asked);
    if (o->end->rank == 2)
        ranks_set_timeout(o->r, 0.2);
    if (o->end->rank != 0)
        o->s = ranks_receive(o->r, 0, &byte, 1, &o->e);
    o->is_good = asked == (o->end->rank == 1 ? 3 : 0);
    ranks_set_timeout(o->r, 20);
}

static void test_stop_and_timeout(void **state)
{
    (void)state;
    together(nobody);
    expect(0, STATUS_OK, "");
    expect(1, STATUS_INTERRUPTED, "stopped while waiting for rank 0");
    expect(2, STATUS_DIED, "rank 0: nothing has come from it for 0.2 s");
    for (int n = 0; n < COUNT; n++)
        assert_true(ones[n].is_good);
    end();
}

/* ---- beats ------------------------------------------------------------------------- */

/* Beats until another one has stopped, or the time is over. */
static void beat(struct one *o, const struct err *mine, double seconds)
{
    struct instant until = clock_after(clock_now(), clock_seconds(seconds));
    for (; o->s == STATUS_OK && clock_before(clock_now(), until); nap(0.01))
        if (ranks_beat(o->r, mine, &o->e))
            o->s = o->e.code;
}

static void one_stops(struct one *o)
{
    struct err mine;
    if (o->end->rank == 2)
        (void)status_fail(&mine, STATUS_NOT_FOUND, "server", "gone away");
    beat(o, o->end->rank == 2 ? &mine : NULL, o->end->rank == 2 ? 0.3 : 20);
}

static void test_stop_is_told(void **state)
{
    (void)state;
    together(one_stops);
    expect(0, STATUS_NOT_FOUND, "rank 2: server: gone away");
    expect(1, STATUS_NOT_FOUND, "rank 2: server: gone away");
    expect(2, STATUS_OK, "");
    end();
}

static void one_is_silent(struct one *o)
{
    if (o->end->rank == 1)
        nap(2 * SILENCE_S);
    else
        beat(o, NULL, 20);
}

static void test_silence(void **state)
{
    (void)state;
    together(one_is_silent);
    expect(0, STATUS_DIED, "rank 1: nothing has come from it for 1.");
    expect(2, STATUS_DIED, "rank 1: nothing has come from it for 1.");
    end();
}

/* Rank 1 waits longer than a silence for rank 2, while rank 0 works and says nothing:
 * none is blamed. */
static void slow_step(struct one *o)
{
    char byte = 0;
    if (o->end->rank == 1)
        o->s = ranks_receive(o->r, 2, &byte, 1, &o->e);
    else
        nap(1.5 * SILENCE_S + (o->end->rank == 0 ? 0.3 : 0));
    if (o->end->rank == 2)
        o->s = ranks_send(o->r, 1, (struct str){&byte, 1}, &o->e);
    beat(o, NULL, 0.5);
}

static void test_slow_step(void **state)
{
    (void)state;
    together(slow_step);
    for (int n = 0; n < COUNT; n++)
        expect(n, STATUS_OK, "");
    end();
}

/* ---- the end ----------------------------------------------------------------------- */

/* One rank has not even opened: all are ended when the timeout is over. */
static void test_close_missing(void **state)
{
    static struct ranks *left; /* its memory may be in use by the library */
    struct err e;
    (void)state;
    link_fixture_init(&f, 2);
    assert_int_equal(ranks_open_link(&link_fixture_table, &f.ends[0], &left, &e),
                     STATUS_OK);
    ranks_set_timeout(left, 0.1);
    ranks_close(left);
    assert_int_equal(f.ends[0].abort_code, 1);
    assert_false(f.ends[0].is_finalized);
}

static void test_no_link(void **state)
{
    struct err e;
    (void)state;
    link_fixture_init(&f, 0);
    assert_int_equal(ranks_open_link(&link_fixture_table, &f.ends[0], &ones[0].r, &e),
                     STATUS_UNSUPPORTED);
    assert_string_equal(e.what, "nobody is here");
    assert_null(ones[0].r);
    ranks_close(NULL);
    assert_int_equal(ranks_count(NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),         cmocka_unit_test(test_other_step),
        cmocka_unit_test(test_stop_and_timeout), cmocka_unit_test(test_stop_is_told),
        cmocka_unit_test(test_silence),          cmocka_unit_test(test_slow_step),
        cmocka_unit_test(test_close_missing),    cmocka_unit_test(test_no_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
