#include "store/journal_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"

/* A journal as words: c0 a cell, r01 the beginning of repeat 1 of cell 0, q01 a request
 * of it, q014 its request 4, e01 its end, x a damaged line, z2 the end of the run and its
 * 2 cells. c, r and z may tell how many repeats began before: r01=1. They are its lines,
 * from 1 on. */
struct case_of {
    const char *lines;
    /* Its repeats: cell, repeat, requests, "." for an end, "!" and the line blamed. */
    const char *repeats;
    int damaged, first, lost;
};

/* What a line tells of the repeats before it. */
static enum status take_begun(struct journal_order *o, const char *word, struct err *e)
{
    const char *told = strchr(word, '=');
    struct journal_name name = {word[1] - '0', word[0] == 'r' ? word[2] - '0' : -1};
    int64_t begun = -1;
    assert_true(told == NULL || str_to_i64(str_from(told + 1), &begun));
    return journal_order_begun(o, name, begun, e);
}

static void take(struct journal_order *o, const char *word, struct err *e)
{
    struct journal_name name = {word[0] == 'x' ? 0 : word[1] - '0',
                                strlen(word) > 2 && word[2] != '=' ? word[2] - '0' : 0};
    struct cell_data *cell;
    struct repeat_data *r = NULL;
    struct request_record *q;
    enum status s = STATUS_BAD_INPUT;
    o->run->end_ns = o->number * 1000;
    assert_int_equal(take_begun(o, word, e), STATUS_OK);
    switch (word[0]) {
    case 'c': s = journal_order_cell(o, name.cell, &cell, e); break;
    case 'r': s = journal_order_repeat(o, name, &r, e); break;
    case 'z': s = STATUS_OK; break;
    case 'x': status_fail(e, STATUS_BAD_INPUT, o->where, "bad\x1b[2J"); break;
    default: s = journal_order_current(o, name, &r, e); break;
    }
    if (s == STATUS_OK && r != NULL && word[0] == 'q')
        s = journal_order_request(
            o, r, (int32_t)(strlen(word) > 3 ? word[3] - '0' : o->number + 10), &q, e);
    if (s == STATUS_OK && r != NULL && word[0] == 'e')
        r->is_ended = true;
    if (s == STATUS_BAD_INPUT) {
        char why[sizeof e->what];
        memcpy(why, e->what, sizeof why);
        assert_string_equal(e->where, "here");
        s = journal_order_damaged(o, why, e);
    }
    assert_int_equal(s, STATUS_OK);
}

static void put_repeats(const struct journal_order *o, struct buf *out)
{
    static const char begin[] = "journal line ";
    for (size_t i = 0; i < o->run->repeat_count; i++) {
        const struct repeat_data *r = &o->run->repeats[i];
        buf_printf(out, "%s%d%d:%zu%s", i > 0 ? " " : "", (int)o->cell_numbers[r->cell],
                   (int)r->repeat, r->request_count, r->is_ended ? "." : "");
        if (r->error == NULL)
            continue;
        assert_memory_equal(r->error, begin, sizeof begin - 1);
        struct str rest = str_from(r->error + sizeof begin - 1);
        struct str number = str_cut(&rest, ' ');
        buf_printf(out, "!%.*s", (int)number.len, number.ptr);
        for (const char *c = r->error; *c != '\0'; c++)
            assert_true(*c >= ' ' && *c <= '~');
    }
}

static void check(const struct case_of *c)
{
    struct arena a;
    struct run_data run = {.tool = NULL};
    struct journal_note note = {0};
    struct journal_order o;
    struct err e;
    struct buf got;
    int damaged_repeats = 0;
    arena_init(&a, 1 << 20);
    buf_init(&got, 1 << 16);
    journal_order_init(&o, &a, &run, &note);
    o.where = "here";
    for (struct str rest = str_from(c->lines); rest.len > 0;) {
        struct str word = str_cut(&rest, ' ');
        o.number++;
        take(&o, arena_str(&a, word), &e);
    }
    put_repeats(&o, &got);
    for (size_t i = 0; i < run.repeat_count; i++)
        damaged_repeats += run.repeats[i].error != NULL;
    if (strcmp(buf_cstr(&got), c->repeats) != 0 || note.lines_damaged != c->damaged ||
        note.first_damaged != c->first || (int)note.repeats_lost != c->lost)
        fail_msg("%s: \"%s\", not \"%s\"; damaged %d, first %d, lost %zu", c->lines,
                 buf_cstr(&got), c->repeats, (int)note.lines_damaged,
                 (int)note.first_damaged, note.repeats_lost);
    assert_int_equal(note.repeats_damaged, damaged_repeats);
    buf_fini(&got);
    journal_order_fini(&o);
    arena_fini(&a);
}

static void test_sound(void **state)
{
    (void)state;
    static const struct case_of cases[] = {
        {"", "", 0, 0, 0},
        {"c0 r00 q00 q00 e00 r01 q01 e01 c1 r10 e10", "00:2. 01:1. 10:0.", 0, 0, 0},
        {"c0 c1 r10 q10 e10 r00 q00 e00", "10:1. 00:1.", 0, 0, 0},
        {"c0 r00 q00 e00 r01 q01", "00:1. 01:1", 0, 0, 0}, /* killed */
        {"c0 r00 q00 r01 q01 e01", "00:1 01:1.", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&cases[i]);
}

/* One bad line costs the repeat it lies in, and nothing else. */
static void test_one_line(void **state)
{
    (void)state;
    static const struct case_of cases[] = {
        {"c0 r00 x q00 e00 r01 q01 e01", "00:1.!3 01:1.", 1, 3, 0}, /* a request */
        {"c0 r00 q00 x r01 q01 e01", "00:1!4 01:1.", 1, 4, 0},      /* an end */
        {"c0 x q00 q00 e00 r01 e01", "00:2.!2 01:0.", 1, 2, 0},     /* a beginning */
        {"c0 r00 e00 x q01 e01 r02 e02", "00:0. 01:1.!4 02:0.", 1, 4, 0},
        {"c0 r00 e00 x e01 r02 e02", "00:0. 01:0.!4 02:0.", 1, 4, 0},
        {"x r00 q00 e00 r01 q01 e01 c1 r10 e10", "10:0.", 1, 1, 2}, /* a cell */
        {"c0 r00 e00 x r10 q10 e10 c2 r20 e20", "00:0. 20:0.", 1, 4, 1},
        {"c0 r00 e00 x", "00:0.", 1, 4, 0}, /* the end */
        /* its number changed into another repeat's, cell's, or that of no cell */
        {"c0 r00 q00 q01 q00 e00 r01 e01", "00:2.!4 01:0.", 1, 4, 0},
        {"c0 c1 r00 q00 q10 q00 e00", "00:2.!5", 1, 5, 0},
        {"c0 r00 q00 q70 q00 e00", "00:2.!4", 1, 4, 0},
        /* written twice */
        {"c0 c0 r00 e00", "00:0.", 1, 2, 0},
        {"c0 r00 e00 e00 r01 e01", "00:0. 01:0.", 1, 4, 0},
        {"c0 r00 q001 q002 q001 e00 r01 q011 e01", "00:2.!5 01:1.", 1, 5, 0},
        {"c0 r00 r00 q00 e00 r01 e01", "00:1.!3 01:0.", 1, 3, 0},
        {"c0 r00 q00 e00 r00 q00 e00 r01 e01", "00:1. 01:0.", 3, 5, 0},
        {"c0 r00 e00 r01 q01 e01 r00 q00 e00 c1 r10 e10", "00:0. 01:1. 10:0.", 3, 7, 0},
        /* gone without a trace */
        {"c0 q00 e00 r01 e01", "00:1.!2 01:0.", 1, 2, 0},
        {"r00 q00 e00 c1 r10 e10", "10:0.", 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&cases[i]);
}

/* A bad block of the disk takes several lines with it. */
static void test_several(void **state)
{
    (void)state;
    static const struct case_of cases[] = {
        {"c0 r00 q00 x x q00 e00 r01 e01", "00:2.!4 01:0.", 2, 4, 0},
        /* from within one repeat into the next, in one line or many */
        {"c0 r00 q00 x q01 e01 r02 e02", "00:1!4 01:1.!4 02:0.", 1, 4, 0},
        {"c0 r00 q00 x x x e01 r02 e02", "00:1!4 01:0.!4 02:0.", 3, 4, 0},
        /* an end, a cell and a beginning */
        {"c0 r00 q00 x q10 e10 r11 e11 c2 r20 e20", "00:1!4 20:0.", 1, 4, 2},
        {"c0 r00 x q00 x q00 e00 x r01 x e01", "00:2.!3 01:0.!10", 4, 3, 0},
        {"x x x", "", 3, 1, 0},
        {"x q00 e00", "", 1, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&cases[i]);
}

/* Repeats of which no line is left, where later ones tell that they began. */
static void test_gone(void **state)
{
    (void)state;
    static const struct case_of cases[] = {
        {"c0=0 r00=0 e00 r01=1 e01 c1=2 r10=2 e10 z2=3", "00:0. 01:0. 10:0.", 0, 0, 0},
        {"c0=0 z1=0", "", 0, 0, 0},
        /* between two, before the first, after the last of a cell and of the run */
        {"c0=0 r00=0 e00 r02=2 e02 z1=3", "00:0. 01:0.!4 02:0.", 0, 0, 0},
        {"c0=0 r02=2 e02 z1=3", "00:0.!2 01:0.!2 02:0.", 0, 0, 0},
        {"c0=0 r00=0 e00 c1=2 r10=2 e10 z2=3", "00:0. 01:0.!4 10:0.", 0, 0, 0},
        {"c0=0 r00=0 e00 z1=3", "00:0. 01:0.!4 02:0.!4", 0, 0, 0},
        {"c0=0 r00=0 e00 c1=1 c2=3 r20=3 e20 z3=4", "00:0. 10:0.!5 11:0.!5 20:0.", 0, 0,
         0},
        /* with an end before, or the beginning behind */
        {"c0=0 r00=0 q00 r02=2 e02 z1=3", "00:1 01:0.!4 02:0.", 0, 0, 0},
        {"c0=0 r00=0 q00 z1=2", "00:1 01:0.!4", 0, 0, 0},
        {"c0=0 r00=0 e00 x q02 e02 r03=3 e03 z1=4", "00:0. 02:1.!4 01:0.!7 03:0.", 1, 4,
         0},
        {"c0=0 r00=0 e00 x r02=2 e02 z1=3", "00:0. 01:0.!5 02:0.", 1, 4, 0},
        /* with the line of a cell: whose they were, nobody knows */
        {"c0=0 r00=0 e00 c2=3 r20=3 e20 z3=4", "00:0. 20:0.", 0, 0, 2},
        {"c0=0 r00=0 e00 r12=3 e12 z2=4", "00:0.", 0, 0, 3},
        {"c0=0 r00=0 e00 z2=3", "00:0.", 0, 0, 2},
        {"r00=0 e00 r01=1 e01 z1=2", "", 0, 0, 2},
        /* numbers that nobody wrote */
        {"c0=0 r00=3 e00 z1=4", "00:0.", 0, 0, 3},
        {"c0=0 r00=0 e00 r01=0 e01 z1=1", "00:0. 01:0.", 0, 0, 0},
        /* written twice, and still going */
        {"c0=0 r00=0 e00 r00=0 e00 r01=1 e01 z1=2", "00:0. 01:0.", 2, 4, 0},
        {"c0=0 r00=0 e00 r01=1 q01", "00:0. 01:1", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&cases[i]);
}

/* However many the lines of a journal tell of, rows are made of a thousand. */
static void test_gone_in_masses(void **state)
{
    (void)state;
    struct arena a;
    struct run_data run = {.tool = NULL};
    struct journal_note note = {0};
    struct journal_order o;
    struct err e;
    const struct journal_name end = {1, -1};
    arena_init(&a, 256 << 20);
    journal_order_init(&o, &a, &run, &note);
    o.where = "here";
    take(&o, "c0", &e);
    assert_int_equal(journal_order_begun(&o, end, 1000000000000, &e), STATUS_OK);
    assert_int_equal(run.repeat_count, 1000);
    assert_int_equal(note.repeats_gone, 1000);
    assert_int_equal(note.repeats_lost, 1000000000000 - 1000);
    for (int64_t i = 1; i < 60; i++) {
        struct cell_data *cell;
        const struct journal_name next = {i + 1, -1};
        assert_int_equal(journal_order_cell(&o, i, &cell, &e), STATUS_OK);
        assert_int_equal(journal_order_begun(&o, next, 1000000000000 + i * 1000, &e),
                         STATUS_OK);
    }
    assert_int_equal(run.repeat_count, 1000);
    assert_int_equal(note.repeats_gone, 1000);
    assert_int_equal(note.repeats_lost, 1000000000000 + 59 * 1000 - 1000);
    journal_order_fini(&o);
    arena_fini(&a);
}

/* The beginning that is missing is taken to be when its first line was written. */
static void test_beginning_made_up(void **state)
{
    (void)state;
    struct arena a;
    struct run_data run = {.tool = NULL};
    struct journal_note note = {0};
    struct journal_order o;
    struct err e;
    static const char *const words[] = {"c3", "x", "q30", "e30", "x", "q31"};
    arena_init(&a, 1 << 20);
    journal_order_init(&o, &a, &run, &note);
    o.where = "here";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        o.number++;
        take(&o, words[i], &e);
    }
    assert_int_equal(run.repeat_count, 2);
    assert_true(run.repeats[0].is_warmup && !run.repeats[1].is_warmup);
    assert_int_equal(run.repeats[0].start_ns, 3000);
    assert_int_equal(run.repeats[1].start_ns, 6000);
    assert_int_equal(run.repeats[1].cell, 0);
    assert_int_equal(run.repeats[1].expected_cached_tokens, TOKENS_UNKNOWN);
    journal_order_fini(&o);
    arena_fini(&a);
}

/* Many of everything: arrays grow, and keep what they hold. */
static void test_growth(void **state)
{
    (void)state;
    enum { CELLS = 40, REQUESTS = 100 };
    struct arena a;
    struct run_data run = {.tool = NULL};
    struct journal_note note = {0};
    struct journal_order o;
    struct err e;
    arena_init(&a, 64 << 20);
    journal_order_init(&o, &a, &run, &note);
    for (int64_t i = 0; i < CELLS; i++) {
        struct cell_data *cell;
        struct repeat_data *r;
        struct request_record *q;
        assert_int_equal(journal_order_cell(&o, 7 * i, &cell, &e), STATUS_OK);
        cell->max_concurrency = i;
        struct journal_name name = {7 * i, i};
        assert_int_equal(journal_order_repeat(&o, name, &r, &e), STATUS_OK);
        for (int k = 0; k < REQUESTS; k++) {
            assert_int_equal(journal_order_current(&o, name, &r, &e), STATUS_OK);
            assert_int_equal(journal_order_request(&o, r, k, &q, &e), STATUS_OK);
        }
        r->is_ended = true;
    }
    assert_int_equal(run.cell_count, CELLS);
    for (int i = 0; i < CELLS; i++) {
        const struct repeat_data *r = &run.repeats[i];
        assert_int_equal(run.cells[i].max_concurrency, i);
        assert_int_equal(r->cell, i);
        assert_int_equal(r->request_count, REQUESTS);
        for (int k = 0; k < REQUESTS; k++)
            assert_int_equal(r->requests[k].index, k);
    }
    journal_order_fini(&o);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),   cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_several), cmocka_unit_test(test_beginning_made_up),
        cmocka_unit_test(test_gone),    cmocka_unit_test(test_gone_in_masses),
        cmocka_unit_test(test_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
