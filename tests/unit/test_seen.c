#include "store/seen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "foreign_fixture.h"

static int set_up(void **state)
{
    static struct foreign_fixture fx;
    foreign_fixture_init(&fx);
    *state = &fx;
    return 0;
}

static int tear_down(void **state)
{
    foreign_fixture_fini(*state);
    return 0;
}

static bool is_same(struct seen_key a, struct seen_key b)
{
    return a.high == b.high && a.low == b.low;
}

static void test_content(void **state)
{
    struct foreign_fixture *f = *state;
    foreign_fixture_read(f, "[{\"a\":1,\"b\":\"x\"},{ \"b\": \"x\",\n\"a\": 1},"
                            "{\"a\":1,\"b\":\"y\"},{\"a\":\"x\",\"b\":1}]");
    struct seen_key first = seen_content(&f->rows[0], NULL);
    assert_true(is_same(first, seen_content(&f->rows[1], NULL)));
    assert_false(is_same(first, seen_content(&f->rows[2], NULL)));
    assert_false(is_same(first, seen_content(&f->rows[3], NULL)));
}

static void test_given_type_stands_in(void **state)
{
    struct foreign_fixture *f = *state;
    foreign_fixture_read(f, "[{\"instance_type\":\"g5\",\"v\":1},{\"v\":1},"
                            "{\"v\":1,\"instance_type\":null}]");
    struct seen_key named = seen_content(&f->rows[0], NULL);
    assert_true(is_same(named, seen_content(&f->rows[1], "g5")));
    assert_true(is_same(named, seen_content(&f->rows[2], "g5")));
    assert_false(is_same(named, seen_content(&f->rows[2], "inf2")));
    assert_false(is_same(named, seen_content(&f->rows[1], NULL)));
}

static void test_identity(void **state)
{
    struct foreign_fixture *f = *state;
    bool is_published;
    foreign_fixture_read(f, "[{\"run_id\":\"r\",\"row\":0,\"v\":1},"
                            "{\"run_id\":\"r\",\"row\":0,\"v\":2},"
                            "{\"run_id\":\"r\",\"row\":1,\"v\":1},"
                            "{\"run_id\":\"r\",\"row\":null,\"v\":1},"
                            "{\"run_id\":null,\"row\":0,\"v\":1}]");
    struct seen_key k[5];
    for (size_t i = 0; i < 5; i++) {
        k[i] = seen_identity(&f->rows[i], NULL, &is_published);
        assert_int_equal(is_published, i == 4);
    }
    assert_true(is_same(k[0], k[1]));
    assert_false(is_same(k[0], k[2]));
    assert_true(is_same(k[3], seen_content(&f->rows[3], NULL)));
    assert_true(is_same(k[4], seen_content(&f->rows[4], NULL)));
}

/* More than the table's first room, in keys that all want the same slot. */
static void test_add(void **state)
{
    (void)state;
    struct seen s;
    bool is_new, is_equal;
    uint64_t content;
    seen_init(&s);
    assert_false(seen_find(&s, (struct seen_key){1, 1}, &content));
    for (int pass = 0; pass < 2; pass++)
        for (uint64_t i = 0; i < 1500; i++) {
            struct seen_key key = {.high = i, .low = i << 32};
            content = pass == 1 && i == 700 ? 1 : i;
            assert_int_equal(seen_add(&s, key, content, &is_new, &is_equal), STATUS_OK);
            assert_int_equal(is_new, pass == 0);
            assert_int_equal(is_equal, pass == 1 && i != 700);
        }
    assert_int_equal(s.count, 1500); /* the key of nothing but zeros too */
    content = 7;
    assert_true(seen_find(&s, (struct seen_key){0, 0}, &content));
    assert_int_equal(content, 0);
    assert_true(seen_find(&s, (struct seen_key){700, 700ULL << 32}, &content));
    assert_int_equal(content, 700);
    assert_false(seen_find(&s, (struct seen_key){700, 701}, &content));
    seen_fini(&s);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct seen s;
    bool is_new, is_equal;
    enum status st = STATUS_OK;
    uint64_t i = 0;
    seen_init(&s);
    for (mem_fail_at(2); st == STATUS_OK; i++) /* the second is the first growth */
        st = seen_add(&s, (struct seen_key){i, i}, 0, &is_new, &is_equal);
    mem_fail_at(0);
    assert_int_equal(st, STATUS_NO_MEMORY);
    assert_int_equal(s.count, i - 1);
    assert_int_equal(seen_add(&s, (struct seen_key){1, 1}, 0, &is_new, &is_equal),
                     STATUS_OK);
    assert_false(is_new);
    seen_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_content, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_given_type_stands_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_identity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_add, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
