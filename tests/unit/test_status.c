#include "base/status.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void every_code_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(status_text(STATUS_OK), "ok");
    for (int i = 0; i <= STATUS_INTERNAL; i++)
        assert_true(strlen(status_text((enum status)i)) > 1);
    assert_string_equal(status_text((enum status)999), "unknown status");
}

static void fail_fills_and_returns(void **state)
{
    (void)state;
    struct err e = {.hint = "old"};
    assert_int_equal(status_fail(&e, STATUS_IO, "a.txt", "%d bytes", 3), STATUS_IO);
    assert_int_equal(e.code, STATUS_IO);
    assert_string_equal(e.where, "a.txt");
    assert_string_equal(e.what, "3 bytes");
    assert_string_equal(e.hint, "");
    assert_int_equal(status_hint(&e, "try %s", "b"), STATUS_IO);
    assert_string_equal(e.hint, "try b");
    assert_int_equal(status_fail(NULL, STATUS_DIED, "x", "y"), STATUS_DIED);
    assert_int_equal(status_errno(NULL, "x", "y"), STATUS_IO);
}

static void arguments_may_be_its_own_texts(void **state)
{
    (void)state;
    struct err e;
    (void)status_fail(&e, STATUS_IO, "inner", "reason");
    (void)status_fail(&e, STATUS_DIED, e.where, "outer, %s", e.what);
    assert_string_equal(e.where, "inner");
    assert_string_equal(e.what, "outer, reason");
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct err e;
    (void)status_fail(&e, STATUS_IO, text, "%s", text);
    (void)status_hint(&e, "%s", text);
    assert_int_equal(strlen(e.where), sizeof e.where - 1);
    assert_int_equal(strlen(e.what), sizeof e.what - 1);
    assert_int_equal(strlen(e.hint), sizeof e.hint - 1);
    char out[10];
    status_format(&e, out, sizeof out);
    assert_string_equal(out, "aaaaaaaaa");
    memcpy(text + sizeof e.what - 2, "\xe6\x97\xa5", 3); /* never inside a character */
    (void)status_fail(&e, STATUS_IO, "x", "%s", text);
    assert_int_equal(strlen(e.what), sizeof e.what - 2);
}

static void errno_becomes_a_code(void **state)
{
    (void)state;
    struct err e;
    errno = ENOSPC;
    assert_int_equal(status_errno(&e, "f", "cannot write"), STATUS_NO_SPACE);
    assert_string_equal(e.what, "cannot write: No space left on device");
    assert_true(strlen(e.hint) > 0);
    errno = EDQUOT;
    assert_int_equal(status_errno(&e, "f", "cannot write"), STATUS_NO_SPACE);
    errno = EFBIG;
    assert_int_equal(status_errno(&e, "f", "cannot write"), STATUS_IO);
    assert_string_equal(e.what, "cannot write: File too large");
    assert_non_null(strstr(e.hint, "ulimit -f"));
    errno = ENOMEM;
    assert_int_equal(status_errno(&e, "f", "cannot write"), STATUS_NO_MEMORY);
    errno = EACCES;
    assert_int_equal(status_errno(&e, "f", "cannot write"), STATUS_IO);
    assert_string_equal(e.what, "cannot write: Permission denied");
    assert_string_equal(e.hint, "");
}

static void check_line(const char *where, const char *what, const char *hint,
                       const char *expected)
{
    struct err e;
    (void)status_fail(&e, STATUS_TIMEOUT, where, "%s", what);
    (void)status_hint(&e, "%s", hint);
    char out[1200];
    status_format(&e, out, sizeof out);
    assert_string_equal(out, expected);
}

static void one_line_for_people(void **state)
{
    (void)state;
    check_line("--x", "unknown option", "Did you mean --y?",
               "--x: unknown option. Did you mean --y?");
    check_line("f:3", "bad.", "Write 3", "f:3: bad. Write 3.");
    check_line("", "bad", "", "bad.");
    check_line("f", "", "", "f: timed out.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_text),
        cmocka_unit_test(fail_fills_and_returns),
        cmocka_unit_test(arguments_may_be_its_own_texts),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(errno_becomes_a_code),
        cmocka_unit_test(one_line_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
