#include "store/ranks_merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "journal_fixture.h"
#include "ranks_fixture.h"
#include "stats/rows.h"
#include "stats/settle.h"
#include "store/journal_read.h"

#define REQUESTS 160

static struct ranks_fixture fx;

static int setup(void **state)
{
    (void)state;
    ranks_fixture_init(&fx, REQUESTS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ranks_fixture_fini(&fx);
    return 0;
}

struct read {
    struct arena a;
    struct run_data run;
    struct journal_note note;
    struct row *rows;
};

static void read_rows(const char *dir, struct read *out)
{
    struct err e;
    arena_init(&out->a, (size_t)1 << 30);
    const char *path = arena_printf(&out->a, "%s/journal.jsonl", dir);
    if (journal_read(path, &out->a, &out->run, &out->note, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
    settle_run(&out->run);
    if (rows_build_all(&out->run, &out->a, &out->rows, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
}

static enum status merge(size_t count, struct err *e)
{
    struct arena a;
    arena_init(&a, (size_t)1 << 30);
    enum status s = ranks_merge(fx.dirs, count, fx.merged, &a, e);
    arena_fini(&a);
    return s;
}

static void merge_all(void)
{
    struct err e;
    if (merge(RANKS_FIXTURE_COUNT, &e) != STATUS_OK)
        fail_msg("%s: %s", e.where, e.what);
}

static void row_text(const struct row *row, struct buf *out)
{
    struct row r = *row;
    static const enum field_id of_ranks[] = {
        FIELD_ranks,          FIELD_clock_error_us,       FIELD_client_busy_rank,
        FIELD_send_late_rank, FIELD_send_late_rank_share, FIELD_checks};
    struct jsonw w;
    for (size_t i = 0; i < sizeof of_ranks / sizeof *of_ranks; i++)
        r.v[of_ranks[i]] = value_null();
    buf_init(out, 1 << 20);
    jsonw_init(&w, out, 0);
    journal_fields(&w, NULL, &r);
}

/* Whether row i of the merged run is, but for what only several have, that of one. */
static bool is_same(const struct read *whole, const struct read *merged, size_t i)
{
    struct buf want, got;
    row_text(&whole->rows[i], &want);
    row_text(&merged->rows[i], &got);
    bool is = strcmp(buf_cstr(&got), buf_cstr(&want)) == 0;
    if (!is && !value_is_known(merged->rows[i].v[FIELD_error]))
        (void)fprintf(stderr, "one  %s\nmany %s\n", buf_cstr(&want), buf_cstr(&got));
    buf_fini(&want);
    buf_fini(&got);
    return is;
}

static void test_same_rows(void **state)
{
    struct read whole, merged;
    (void)state;
    ranks_fixture_write(&fx);
    merge_all();
    read_rows(fx.whole, &whole);
    read_rows(fx.merged, &merged);
    assert_int_equal(merged.run.repeat_count, RANKS_FIXTURE_REPEATS);
    assert_true(merged.run.is_complete);
    assert_int_equal(merged.run.end_ns, whole.run.end_ns);
    assert_int_equal(merged.run.rank, RANK_ALL);
    for (size_t i = 0; i < RANKS_FIXTURE_REPEATS; i++) {
        const struct row *row = &merged.rows[i];
        assert_null(field_str(row, FIELD_error));
        assert_true(is_same(&whole, &merged, i));
        assert_int_equal(row->v[FIELD_ranks].i, RANKS_FIXTURE_COUNT);
        assert_true(field_num(row, FIELD_clock_error_us) == 5);
        assert_int_equal(whole.rows[i].v[FIELD_ranks].kind, VALUE_NULL);
    }
    assert_int_equal(merged.run.repeats[1].requests[13].rank, 13 % RANKS_FIXTURE_COUNT);
    merge_all(); /* again, over the first */
    arena_fini(&whole.a);
    arena_fini(&merged.a);
}

static void near_ns(int64_t got, int64_t want)
{
    if (got < want - 1 || got > want + 1)
        fail_msg("%lld ns instead of %lld", (long long)got, (long long)want);
}

/* 50 ppm a rank: mapped back within 1 ns. */
static void test_drift(void **state)
{
    struct read whole, merged;
    (void)state;
    fx.drift_ppb = 50000;
    ranks_fixture_write(&fx);
    merge_all();
    read_rows(fx.whole, &whole);
    read_rows(fx.merged, &merged);
    for (size_t i = 0; i < RANKS_FIXTURE_REPEATS; i++)
        for (size_t k = 0; k < REQUESTS; k++) {
            const struct request_record *q = &merged.run.repeats[i].requests[k];
            const struct request_record *p = &whole.run.repeats[i].requests[k];
            assert_int_equal(q->index, p->index);
            near_ns(q->due_ns, p->due_ns);
            near_ns(q->sent_ns, p->sent_ns);
            near_ns(q->at_ns[0], p->at_ns[0]);
            near_ns(q->done_ns, p->done_ns);
        }
    arena_fini(&whole.a);
    arena_fini(&merged.a);
}

/* All rows have this error. */
static void expect_error(const char *text)
{
    struct read merged;
    read_rows(fx.merged, &merged);
    assert_int_equal(merged.run.repeat_count, RANKS_FIXTURE_REPEATS);
    for (size_t i = 0; i < RANKS_FIXTURE_REPEATS; i++)
        assert_string_equal(field_str(&merged.rows[i], FIELD_error), text);
    arena_fini(&merged.a);
}

static void test_missing(void **state)
{
    struct err e;
    (void)state;
    ranks_fixture_write(&fx);
    assert_int_equal(merge(RANKS_FIXTURE_COUNT - 1, &e), STATUS_OK);
    expect_error("rank 7: its journal is missing, or its first line is damaged");
    assert_int_equal(unlink(fx.path[0]), 0);
    assert_int_equal(merge(RANKS_FIXTURE_COUNT, &e), STATUS_NOT_FOUND);
    journal_fixture_has(e.where, fx.path[0]);
    fx.dirs[0] = fx.dirs[1];
    assert_int_equal(merge(RANKS_FIXTURE_COUNT, &e), STATUS_BAD_INPUT);
    journal_fixture_has(e.what, "a second journal of rank 1; the first is ");
    fx.dirs[0] = fx.dirs[7];
    assert_int_equal(merge(RANKS_FIXTURE_COUNT - 1, &e), STATUS_BAD_INPUT);
    journal_fixture_has(e.what, "the journal of rank 0 is missing");
    fx.dirs[0] = fx.whole;
    assert_int_equal(merge(RANKS_FIXTURE_COUNT, &e), STATUS_BAD_INPUT);
    journal_fixture_has(e.what, "the journal of a run of one process");
    fx.dirs[0] = fx.merged;
    assert_int_equal(merge(RANKS_FIXTURE_COUNT, &e), STATUS_BAD_INPUT);
    journal_fixture_has(e.what, "a journal that was merged already");
}

static void test_no_clock(void **state)
{
    (void)state;
    fx.no_clock = 3;
    ranks_fixture_write(&fx);
    merge_all();
    expect_error("rank 3: its clock was not compared with rank 0's");
}

/* The rest of a rank's journal is lost at any line: no row is that of a smaller load. */
static void test_cut(void **state)
{
    struct read whole;
    struct buf text;
    size_t fine = 0, failed = 0, unsure = 0;
    (void)state;
    ranks_fixture_write(&fx);
    read_rows(fx.whole, &whole);
    for (int rank = 0; rank < 2; rank++) {
        journal_fixture_read(fx.path[rank], &text);
        for (size_t end = 0; end < text.len; end++) {
            struct read merged;
            struct err e;
            if (text.data[end] != '\n' && end % 97 != 0)
                continue;
            journal_fixture_put(fx.path[rank], (struct str){text.data, end + 1});
            if (merge(RANKS_FIXTURE_COUNT, &e) != STATUS_OK) {
                assert_true(rank == 0);
                continue;
            }
            read_rows(fx.merged, &merged);
            for (size_t i = 0; i < merged.run.repeat_count; i++)
                if (value_is_known(merged.rows[i].v[FIELD_error]))
                    failed++;
                else if (field_is(&merged.rows[i], FIELD_verdict, "INCONCLUSIVE"))
                    unsure++; /* the comparison of clocks behind the repeat is gone */
                else {
                    assert_true(is_same(&whole, &merged, i));
                    fine++;
                }
            arena_fini(&merged.a);
        }
        journal_fixture_put(fx.path[rank], buf_str(&text));
        buf_fini(&text);
    }
    assert_true(fine > 0 && failed > 0 && unsure > 0);
    arena_fini(&whole.a);
}

/* One of eight sends every fifth request 4 ms late: 2.5 % of all, 20 % of its own. */
static void test_late_rank(void **state)
{
    struct read merged;
    (void)state;
    fx.late_rank = 5;
    ranks_fixture_write(&fx);
    merge_all();
    read_rows(fx.merged, &merged);
    assert_int_equal(merged.rows[1].v[FIELD_send_late_rank].i, 5);
    stats_fixture_near(field_num(&merged.rows[1], FIELD_send_late_rank_share), 0.2, 1e-9);
    arena_fini(&merged.a);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_same_rows), TEST(test_drift), TEST(test_missing),
        TEST(test_no_clock),  TEST(test_cut),   TEST(test_late_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
