#include "plan/word_prompts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "plan/prompts.h"

static int setup(void **state)
{
    static struct arena a;
    arena_init(&a, 1 << 20);
    *state = &a;
    return 0;
}

static int teardown(void **state)
{
    mem_fail_at(0);
    arena_fini(*state);
    return 0;
}

/* Every id that is drawn has a word of its own, of small letters. */
static void a_word_an_id(void **state)
{
    struct arena *a = *state;
    const char *seen[WORD_PROMPTS_COUNT];
    assert_int_equal(prompts_id_end(WORD_PROMPTS_VOCAB_SIZE) - PROMPTS_FIRST_ID,
                     WORD_PROMPTS_COUNT);
    for (int32_t i = 0; i < WORD_PROMPTS_COUNT; i++) {
        int32_t id = PROMPTS_FIRST_ID + i;
        seen[i] = word_prompts_text(&id, 1, a);
        assert_non_null(seen[i]);
        assert_in_range(strlen(seen[i]), 3, 6);
        assert_int_equal(strspn(seen[i], "abcdefghijklmnopqrstuvwxyz"), strlen(seen[i]));
        for (int32_t k = 0; k < i; k++)
            assert_string_not_equal(seen[i], seen[k]);
    }
}

static void words_stand_apart(void **state)
{
    struct arena *a = *state;
    const int32_t ids[] = {16, 527, 16};
    const char *first = word_prompts_text(ids, 1, a),
               *last = word_prompts_text(ids + 1, 1, a);
    const char *want = arena_printf(a, "%s %s %s", first, last, first);
    assert_string_equal(word_prompts_text(ids, 3, a), want);
    assert_string_equal(word_prompts_text(ids, 0, a), "");
}

static void memory_may_run_out(void **state)
{
    int32_t id = 16;
    mem_fail_at(1);
    assert_null(word_prompts_text(&id, 1, *state));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(a_word_an_id), TEST(words_stand_apart),
                                       TEST(memory_may_run_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
