#include "store/journal_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* A line as it is written, over lines of that sum. */
static struct str line_of(const char *begin, uint64_t before, char *out, size_t room)
{
    char sum[JOURNAL_SUM_ROOM];
    journal_line_sum_text(journal_line_sum(before, str_from(begin)), sum);
    (void)snprintf(out, room, "%s,\"sum\":\"%s\"}", begin, sum);
    return str_from(out);
}

static void test_right(void **state)
{
    char out[128];
    struct str line = line_of("{\"type\":\"cell\",\"cell\":1", 0, out, sizeof out);
    (void)state;
    assert_true(journal_line_is_right(line, 0));
    assert_false(journal_line_is_right(line, 1));
    line = line_of("{\"type\":\"repeat_end\"", 7, out, sizeof out);
    assert_true(journal_line_is_right(line, 7));
    assert_false(journal_line_is_right(line, 0));
    assert_true(journal_line_is_right(line_of("", 0, out, sizeof out), 0));
}

/* Any byte of it, its sum's too, and any length. */
static void test_changed(void **state)
{
    char out[128];
    const struct str line = line_of("{\"type\":\"cell\",\"cell\":1", 0, out, sizeof out);
    (void)state;
    for (size_t i = 0; i < line.len; i++) {
        out[i] ^= 1;
        assert_false(journal_line_is_right(line, 0));
        out[i] ^= 1;
        assert_false(journal_line_is_right((struct str){out, i}, 0));
    }
    assert_true(journal_line_is_right(line, 0));
}

/* Lines in another order, or parted elsewhere, have another sum. */
static void test_order(void **state)
{
    const struct str a = str_from("{\"a\":1}"), b = str_from("{\"b\":2}");
    const struct str both = str_from("{\"a\":1}{\"b\":2}");
    uint64_t ab = journal_line_sum(journal_line_sum(0, a), b);
    (void)state;
    assert_true(ab != journal_line_sum(journal_line_sum(0, b), a));
    assert_true(ab != journal_line_sum(0, both));
    assert_true(ab != journal_line_sum(journal_line_sum(journal_line_sum(0, a), b), b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
