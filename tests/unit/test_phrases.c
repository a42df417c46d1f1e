#include "report/phrases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "stats/verdict.h"

/* The conversions of a format, "%zu%s"; a percent sign that is written out is none. */
static void conversions(const char *text, char out[64])
{
    size_t n = 0;
    for (const char *at = strchr(text, '%'); at != NULL; at = strchr(at + 1, '%')) {
        size_t len = strspn(at + 1, "z.0123456789") + 2;
        if (at[1] == '%')
            at++;
        else if (at[len - 1] != '\0' && strchr("sdug", at[len - 1]) != NULL)
            for (size_t i = 0; i < len && n < 63; i++)
                out[n++] = at[i];
    }
    out[n] = '\0';
}

/* Formats take the same arguments in every language, and no text stands there twice. */
static void test_conversions(void **state)
{
    (void)state;
    for (size_t i = 0; phrases_at(i) != NULL; i++) {
        const struct phrase *p = phrases_at(i);
        char en[64], ja[64];
        conversions(p->en, en);
        conversions(p->ja, ja);
        assert_string_equal(en, ja);
        assert_int_not_equal(strlen(p->ja), 0);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(phrases_at(k)->en, p->en);
    }
}

/* A rule that is added is translated, too. */
static void test_rules(void **state)
{
    (void)state;
    for (int i = 0; i < RULE_COUNT; i++)
        assert_ptr_not_equal(phrases_in("ja", verdict_rules[i].help),
                             verdict_rules[i].help);
}

static void test_languages(void **state)
{
    (void)state;
    const char *unknown = "no such text";
    assert_string_equal(phrases_in("ja", "Machines"), "マシン");
    assert_string_equal(phrases_in("en", "Machines"), "Machines");
    assert_string_equal(phrases_in(NULL, "Machines"), "Machines");
    assert_ptr_equal(phrases_in("ja", unknown), unknown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversions),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
