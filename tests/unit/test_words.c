#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/words.h"

/* The words of a text with '|' behind each; "!" where it is refused. */
static void check(const char *text, const char *expected)
{
    struct arena a;
    struct err e;
    struct opt_strings words;
    char got[256] = "";
    arena_init(&a, 1 << 20);
    enum status s = words_cut(text, "--setting", &a, &words, &e);
    for (size_t i = 0; s == STATUS_OK && i < words.count; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s|", words.items[i]);
    if (s != STATUS_OK) {
        assert_int_equal(s, STATUS_BAD_OPTION);
        assert_string_equal(e.where, "--setting");
        snprintf(got, sizeof got, "!");
    }
    assert_string_equal(got, expected);
    arena_fini(&a);
}

static void words(void **state)
{
    (void)state;
    check("", "");
    check(" \t\n", "");
    check("a", "a|");
    check("a b c", "a|b|c|");
    check("  --max-num-seqs   8 \n --x=y\t", "--max-num-seqs|8|--x=y|");
    check("--x '{\"a\": 1}' \"it's\"", "--x|{\"a\": 1}|it's|");
    check("a'b c'd", "ab cd|");
    check("--x '' y", "--x||y|");
    check("''", "|");
    check("\"", "!");
    check("a 'b c", "!");
    check("\\n $HOME", "\\n|$HOME|");
}

/* Every failing allocation is told. */
static void no_memory(void **state)
{
    (void)state;
    for (size_t at = 1;; at++) {
        struct arena a;
        struct err e = {.code = STATUS_OK};
        struct opt_strings out;
        arena_init(&a, 1 << 20);
        mem_fail_at(at);
        enum status s = words_cut("a b", "here", &a, &out, &e);
        mem_fail_at(0);
        arena_fini(&a);
        if (s == STATUS_OK)
            return;
        assert_int_equal(s, STATUS_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
