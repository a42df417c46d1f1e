#include "store/journal_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

#define MAX 8

/* A repeat of an online run. */
struct made {
    struct run_data run;
    struct cell_data cell;
    struct repeat_data repeat;
    struct request_record requests[MAX];
};

/* indices: a digit each. */
static void make(struct made *m, const char *indices, int64_t planned)
{
    memset(m, 0, sizeof *m);
    m->run = (struct run_data){.definitions = RECORD_FORMAT,
                               .cells = &m->cell,
                               .cell_count = 1,
                               .repeats = &m->repeat,
                               .repeat_count = 1};
    m->repeat = (struct repeat_data){.requests = m->requests,
                                     .request_count = strlen(indices),
                                     .requests_planned = planned};
    for (size_t i = 0; i < strlen(indices); i++)
        m->requests[i].index = indices[i] - '0';
}

static void check(const struct made *m, int64_t told, int64_t threads, const char *want)
{
    struct arena a;
    const char *why = "";
    const struct journal_whole w = {.told = told, .client_threads = threads};
    arena_init(&a, 1 << 16);
    assert_int_equal(journal_whole_check(&w, &m->run, &m->repeat, &a, &why), STATUS_OK);
    if (want == NULL && why != NULL)
        fail_msg("%s", why);
    if (want != NULL)
        assert_string_equal(why != NULL ? why : "", want);
    arena_fini(&a);
}

/* The end tells how many there are, however many were planned. */
static void as_told(void **state)
{
    (void)state;
    struct made m;
    make(&m, "012", 5);
    check(&m, 3, 1, NULL);
    check(&m, 4, 1, "3 of its 4 requests are there");
    check(&m, 2, 1, "3 of its 2 requests are there");
    m.run.definitions = 1;
    check(&m, 4, 1, "3 of its 4 requests are there");
    make(&m, "", 5);
    check(&m, 0, 1, NULL);
}

static void as_planned(void **state)
{
    (void)state;
    struct made m;
    make(&m, "021", 3);
    check(&m, -1, 1, NULL);
    m.repeat.requests_planned = 4;
    check(&m, -1, 1, "3 of its 4 requests are there");
    m.cell.fields.v[FIELD_arrival] = value_str("closed");
    check(&m, -1, 1, "3 of its 4 requests are there");
    m.run.definitions = 1;
    check(&m, -1, 1, NULL);
}

/* A load that need not send all: each of its threads sends every n-th, in order. */
static void without_a_hole(void **state)
{
    static const char hole[] = "not all of its requests are there";
    struct made m;
    (void)state;
    for (int timed = 0; timed < 2; timed++) {
        make(&m, "1032", timed ? 0 : 8);
        m.cell.max_concurrency = timed ? 0 : 4;
        m.cell.fields.v[FIELD_batch_size] = timed ? value_int(4) : value_null();
        m.cell.fields.v[FIELD_arrival] = value_str(timed ? "closed" : "poisson");
        check(&m, -1, 1, NULL);
        m.requests[0].index = 4; /* 0 2 3 4 */
        check(&m, -1, 1, hole);
        check(&m, -1, 2, hole);
        m.requests[0].index = 6; /* 0 2 3 6 */
        check(&m, -1, 4, NULL);
        check(&m, -1, 9, NULL);  /* no more than slots */
        m.requests[1].index = 7; /* 2 3 6 7 */
        check(&m, -1, 4, NULL);
        m.requests[2].index = 5; /* 2 5 6 7 */
        check(&m, -1, 4, hole);
    }
    make(&m, "012", 8); /* a time, and --num-prompts */
    m.cell.fields.v[FIELD_arrival] = value_str("closed");
    m.cell.fields.v[FIELD_duration_s] = value_num(2);
    check(&m, -1, 1, NULL);
}

static void no_memory(void **state)
{
    (void)state;
    for (int64_t told = -1; told <= 5; told += 6) {
        struct made m;
        struct arena a;
        const char *why;
        const struct journal_whole w = {.told = told, .client_threads = 1};
        make(&m, "013", 0);
        m.cell.fields.v[FIELD_arrival] = value_str("closed");
        arena_init(&a, 1 << 16);
        mem_fail_at(1);
        enum status s = journal_whole_check(&w, &m.run, &m.repeat, &a, &why);
        mem_fail_at(0);
        assert_int_equal(s, STATUS_NO_MEMORY);
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_told),
        cmocka_unit_test(as_planned),
        cmocka_unit_test(without_a_hole),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
